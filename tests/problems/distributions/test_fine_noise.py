"""Fine noise: its law against closed forms, far out in both tails, and its symmetry."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import special, stats

from gradest.problems.distributions import fine_noise
from tests.support.statistical import assert_likely, assert_z

UNIFORM = {
    "uniform": lambda x: x,
    "logistic": special.expit,
    "normal": special.ndtr,
    "exponential": lambda x: -np.expm1(-x),
    "gumbel": lambda x: np.exp(-np.exp(-x)),
}
"""The distribution functions."""

WORDS = {
    jnp.float32: np.array([0, 1, 2**31 - 1, 2**31, 2**32 - 2, 2**32 - 1], np.uint32),
    jnp.float64: np.array([0, 1, 2**63 - 1, 2**63, 2**64 - 2, 2**64 - 1], np.uint64),
}
"""The ends of both halves."""

PRECISIONS = [jnp.float32, jnp.float64]

KEY = jax.random.key(3)


@pytest.fixture(autouse=True)
def with_float64():
    with jax.enable_x64(True):
        yield


@pytest.mark.parametrize("dtype", PRECISIONS)
@pytest.mark.parametrize("name", UNIFORM)
@pytest.mark.parametrize("generator", ["threefry2x32", "rbg"])
def test_law(name, dtype, generator):
    key = jax.random.key(7, impl=generator)
    x = getattr(fine_noise, name)(key, (5, 20_000), dtype)
    assert x.dtype == dtype
    assert np.isfinite(x).all()
    assert_likely(stats.kstest(UNIFORM[name](np.asarray(x, float).ravel()), "uniform").pvalue)


@pytest.mark.parametrize("dtype", PRECISIONS)
def test_ends(dtype, monkeypatch):
    """What each sampler makes of the first and last words of both halves."""
    monkeypatch.setattr(jax.random, "bits", lambda key, shape, word: jnp.asarray(WORDS[dtype]))
    drawn = {name: np.asarray(getattr(fine_noise, name)(KEY, (), dtype)) for name in UNIFORM}
    size = jnp.finfo(dtype).bits
    far = (size + 1) * math.log(2)
    for name in ("logistic", "normal"):
        np.testing.assert_array_equal(drawn[name], -drawn[name][::-1])
    least = 2.0 ** -(size + 1)
    tolerance = {"rtol": 4 * float(jnp.finfo(dtype).eps)}
    np.testing.assert_allclose(drawn["logistic"][[0, -1]], [-far, far], **tolerance)
    np.testing.assert_allclose(drawn["exponential"][[0, -1]], [least, far], **tolerance)
    np.testing.assert_allclose(drawn["gumbel"][[0, -1]], [far, -math.log(far)], **tolerance)
    np.testing.assert_allclose(drawn["exponential"][[2, 3]], math.log(2), **tolerance)
    assert (drawn["uniform"] > 0).all()
    assert (drawn["uniform"] < 1).all()


@pytest.mark.parametrize("dtype", PRECISIONS)
def test_signs_mirror(dtype):
    """The words with every bit turned give the mirrored draw, to the bit."""
    words = jax.random.bits(KEY, (1000,), WORDS[dtype].dtype)
    there, back = (
        fine_noise.logistic_quantile(fine_noise.tail_of(each, dtype)) for each in (words, ~words)
    )
    np.testing.assert_array_equal(there, -back)


@pytest.mark.parametrize("dtype", PRECISIONS)
def test_exponentials_are_precise(dtype):
    """Against log1p in double precision, also where little of 1 − m is left by its rounding."""
    size = jnp.finfo(dtype).bits
    exponents = np.concatenate([2.0 ** -np.arange(2, size), [2**-3 + 2.0**-23, 0.3, 0.4999]])
    m = (exponents * 2.0**size).astype(WORDS[dtype].dtype)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(jax.random, "bits", lambda key, shape, word: jnp.asarray(m))
        found = np.asarray(fine_noise.exponential(KEY, (), dtype), np.longdouble)
    true = -np.log1p(-(m.astype(np.longdouble) + 0.5) / np.longdouble(2) ** size)
    np.testing.assert_allclose(found, true, rtol=4 * float(jnp.finfo(dtype).eps))


def counted_beyond(name, bounds, draws, dtype):
    """How many of so many draws are below −bound, and above it, for each bound."""
    number = 2**20
    draw = getattr(fine_noise, name)

    @jax.jit
    def beyond(key):
        x = draw(key, (number,), dtype)
        return jnp.stack([jnp.stack([(x < -b).sum(), (x > b).sum()]) for b in bounds])

    keys = jax.random.split(jax.random.key(11), draws // number)
    return sum(np.asarray(beyond(key)) for key in keys)


def assert_tails(bounds, draws, dtype):
    """How often z is beyond each bound, on either side: counts of rare events are Poisson's."""
    counts = counted_beyond("logistic", bounds, draws, dtype)
    expected = draws // 2**20 * 2**20 * special.expit(-np.asarray(bounds))[:, None]
    p = 2 * np.minimum(stats.poisson.cdf(counts, expected), stats.poisson.sf(counts - 1, expected))
    assert_likely(min(1, p.size * p.min()))


@pytest.mark.parametrize("dtype", PRECISIONS)
def test_tails(dtype):
    assert_tails((8.0, 12.0, 14.0), 2**24 if dtype == jnp.float32 else 2**22, dtype)


@pytest.mark.slow
def test_tails_far_out():
    assert_tails((12.0, 15.0, 16.0, 18.0, 20.0), 10**9, jnp.float32)


@pytest.mark.parametrize("logit", [-18.0, -15.0, -12.0, 12.0, 15.0, 18.0])
def test_the_probability_of_a_bit(logit):
    """How many of all 2³² words give b = 1, by bisection: the draws are in order."""
    low, high = 0, 2**32
    while low < high:
        middle = (low + high) // 2
        word = jnp.asarray([middle], jnp.uint32)
        z = fine_noise.logistic_quantile(fine_noise.tail_of(word, jnp.float32))
        low, high = (low, middle) if jnp.float32(logit) + z[0] > 0 else (middle + 1, high)
    rare = min(2**32 - low, low) / 2**32
    assert rare == pytest.approx(special.expit(-abs(logit)), rel=0.01)


def test_the_mean_of_a_rare_category():
    """By Gumbel noise: 3 of 10⁶ draws."""
    logits = jnp.asarray([0.0, 12.6, 0.0], jnp.float32)
    number = 2**20
    keys = jax.random.split(jax.random.key(5), 8)
    draw = jax.jit(
        lambda key: (logits + fine_noise.gumbel(key, (number, 3), jnp.float32)).argmax(-1)
    )
    rare = sum(int((np.asarray(draw(key)) != 1).sum()) for key in keys)
    expected = 8 * number * 2 / (2 + math.exp(12.6))
    assert_z((rare - expected) / math.sqrt(expected))
