"""The replay of a float32 program in float64: the same bits, more digits."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gradest.benchmarks.checks.float64 import CONTROL_FLOW, IN_FLOAT32, ROUNDING, in_float64
from tests.support.programs import primitives_of

X = jnp.linspace(0.1, 2.0, 5)


def on_the_host(callback):
    shape = jax.ShapeDtypeStruct(X.shape, X.dtype)
    return lambda x: callback(lambda x: np.sqrt(x, dtype=x.dtype), shape, x) * x


BY_PRIMITIVE = {
    "bitcast_convert_type": lambda x: x * jax.random.uniform(jax.random.key(0)),
    "random_gamma": lambda x: x * jax.random.gamma(jax.random.key(0), 2.0),
    "pure_callback": on_the_host(jax.pure_callback),
    "io_callback": on_the_host(jax.experimental.io_callback),
    "reduce_precision": lambda x: jax.lax.reduce_precision(x, 8, 23) ** 2,
    "scan": lambda x: jax.lax.scan(lambda c, e: (c * 1.1 + e, c * e), x[0], x),
    "while": jax.vmap(lambda x: jax.lax.while_loop(lambda c: c < 50, lambda c: c * 1.1 + 1, x)),
    "cond": lambda x: jax.lax.switch(1, [jnp.sin, jnp.exp, jnp.cos], x) + x[0],
}
"""Functions of X whose programs have the primitive."""


@pytest.mark.parametrize("name", [*IN_FLOAT32, *ROUNDING, *CONTROL_FLOW])
def test_every_primitive_with_a_rule_of_its_own_is_replayed(name):
    function = BY_PRIMITIVE[name]
    assert name in primitives_of(function, X)
    wide = jax.tree.leaves(in_float64(function)(X))
    narrow = jax.tree.leaves(function(X))
    for more, less in zip(wide, narrow, strict=True):
        assert (more.dtype, less.dtype) == (jnp.float64, jnp.float32)
        assert (np.asarray(more) != np.asarray(less, np.float64)).any()
        np.testing.assert_allclose(more, less, rtol=1e-5)


def test_the_replay_takes_the_same_bits_and_float64s_arithmetic():
    def draw(key, scale):
        total, _ = jax.lax.scan(
            lambda c, e: (c + e, None), jnp.zeros(()), jax.random.normal(key, (1000,))
        )
        total = jax.lax.fori_loop(0, 10, lambda i, c: c + 0.1, total)
        total = jax.lax.while_loop(lambda c: c < 100, lambda c: c * 1.1 + 1, total)
        return jax.lax.cond(total > 0, lambda: total * scale, lambda: -total)

    key, scale = jax.random.key(0), jnp.float32(0.1)
    wide, narrow = in_float64(draw)(key, scale), draw(key, scale)
    assert (wide.dtype, narrow.dtype) == (jnp.float64, jnp.float32)
    assert float(wide) != float(narrow)
    np.testing.assert_allclose(wide, narrow, rtol=1e-4)


def test_the_replay_resolves_what_float32_cannot():
    def lost(x):
        return jnp.sqrt((x + 1e4) ** 2) - 1e4

    x = jnp.float32(1e-4)
    assert float(jax.jit(lost)(x)) == 0
    assert float(in_float64(lost)(x)) == pytest.approx(1e-4, rel=1e-3)
