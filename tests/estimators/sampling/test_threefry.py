"""The generator's rounds written out: the published hash, and the very bits of JAX's own."""

import subprocess
import sys

import jax
import jax.numpy as jnp
import pytest

from gradest.estimators.sampling.threefry import threefry_2x32

ONES = 0xFFFFFFFF


@pytest.mark.parametrize(
    ("key", "counter", "expected"),
    [
        ((0, 0), (0, 0), (0x6B200159, 0x99BA4EFE)),
        ((ONES, ONES), (ONES, ONES), (0x1CB996FC, 0xBB002BE7)),
        ((0x13198A2E, 0x03707344), (0x243F6A88, 0x85A308D3), (0xC4923A9C, 0x483DF7A0)),
    ],
)
def test_the_hash_is_the_published_one(key, counter, expected):
    """The known answers that come with Salmon et al. (2011)."""
    found = threefry_2x32(*(jnp.uint32(word) for word in (*key, *counter)))
    assert tuple(map(int, found)) == expected


DRAWS = """
import jax
numbers = jax.numpy.arange(5, dtype="uint32")
keys = jax.vmap(jax.random.fold_in, (None, 0))(jax.random.key(7), numbers)
draw = jax.jit(lambda keys: jax.vmap(lambda key: jax.random.bits(key, (3, 2), dtype))(keys))
for dtype in ("uint8", "uint16", "uint32"):
    print(draw(keys).ravel().tolist(), draw(jax.random.split(keys[0], 2)).ravel().tolist())
    draw.clear_cache()
"""

CONFIGURED = "from gradest.benchmarks.runtime.configure import configure; configure()"


def test_the_bits_are_jaxs():
    here = subprocess.run(
        [sys.executable, "-c", CONFIGURED + DRAWS],
        capture_output=True,
        text=True,
        check=True,
    )
    alone = subprocess.run(
        [sys.executable, "-c", DRAWS], capture_output=True, text=True, check=True
    )
    assert here.stdout == alone.stdout
    assert here.stdout.count("[") == 6


@pytest.mark.skipif(
    jax.default_backend() != "cpu", reason="elsewhere JAX writes the rounds out itself"
)
def test_no_loop_is_left():
    text = jax.jit(jax.random.bits).lower(jax.random.key(0)).compile().as_text()
    assert "while" not in text
    assert text.count("xor") > 20
