"""The latent behind x, and the latent given x: laws, hard readings, and derivatives in θ."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.lax import stop_gradient
from scipy import stats

from gradest.estimators.sampling.conditional_latents import (
    conditional_latent,
    coupled_latent,
    hard,
    latent,
    relax,
)
from gradest.estimators.sampling.draws import sample
from gradest.problems import problem
from gradest.problems.distributions.coordinates import base
from gradest.problems.distributions.discrete import PlackettLuce
from tests.support.bits import LOGIT
from tests.support.distributions import LOGITS, ONE_X
from tests.support.statistical import assert_likely

DRAWS = 25_000


def of_one_bit(logit):
    """The distribution of a bit."""
    return base(problem("bernoulli_square").distribution({"logits": jnp.full(1, logit)}))


@pytest.mark.parametrize("logit", [-3.0, 0.5])
def test_a_bits_latent(logit):
    """Given the bit it is again logistic, reads as that bit, and is another draw."""
    q = of_one_bit(logit)
    z = latent(q, jax.random.key(0), DRAWS)
    x = hard(q, z)
    np.testing.assert_array_equal(sample(q, jax.random.key(0), DRAWS), x)
    again = conditional_latent(q, x, jax.random.key(1))
    np.testing.assert_array_equal(hard(q, again), x)
    assert_likely(stats.kstest(np.ravel(z), stats.logistic(logit).cdf).pvalue)
    assert_likely(stats.kstest(np.ravel(again), stats.logistic(logit).cdf).pvalue)
    sizes = np.abs(np.ravel(z)), np.abs(np.ravel(again))
    assert abs(np.corrcoef(*sizes)[0, 1]) < 0.5


def quantile(logit: float, bit: float, level: np.ndarray) -> np.ndarray:
    """Of a logistic variable cut off at 0, on the bit's side."""
    uncut = stats.logistic(logit)
    at_zero = uncut.cdf(0)
    return uncut.ppf(at_zero + level * (1 - at_zero) if bit else level * at_zero)


def level_of(z: np.ndarray, bit: float) -> np.ndarray:
    """Where z lies on that side, from 0 to 1."""
    uncut = stats.logistic(LOGIT)
    at_zero = uncut.cdf(0)
    return (uncut.cdf(z) - at_zero) / (1 - at_zero) if bit else uncut.cdf(z) / at_zero


@pytest.mark.parametrize("bit", [0.0, 1.0])
def test_a_bits_latent_moves(bit):
    """As its quantile does: both as drawn and as made again from its value."""
    key = jax.random.key(2)

    def both(logit):
        q = of_one_bit(logit)
        drawn = conditional_latent(q, x, key)
        again = coupled_latent(q, x, stop_gradient(drawn))
        return drawn[:, 0], again[:, 0]

    with jax.enable_x64(True):
        x = jnp.full((50, 1), bit)
        drawn, again = both(LOGIT)
        derivatives = np.asarray(jax.jacfwd(both)(LOGIT))
    np.testing.assert_allclose(again, drawn, rtol=1e-10)
    level = level_of(np.asarray(drawn), bit)
    h = 1e-5
    numeric = (quantile(LOGIT + h, bit, level) - quantile(LOGIT - h, bit, level)) / (2 * h)
    np.testing.assert_allclose(derivatives, [numeric] * 2, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("name", ONE_X)
def test_the_latent_given_x(name):
    """It reads as x, and its entries are Gumbel; their order on top is x's, so that this is all."""
    q = ONE_X[name](jnp.asarray(LOGITS[0]))
    z = latent(q, jax.random.key(0), DRAWS)
    x = hard(q, z)
    np.testing.assert_array_equal(x, sample(q, jax.random.key(0), DRAWS))
    again = conditional_latent(q, x, jax.random.key(1))
    np.testing.assert_array_equal(hard(q, again), x)
    z, again = np.asarray(z, float), np.asarray(again, float)
    for item in range(3):
        gumbel = stats.gumbel_r(loc=LOGITS[0, item])
        assert_likely(stats.kstest(again[:, item], gumbel.cdf).pvalue)
        assert_likely(stats.ks_2samp(z[:, item], again[:, item]).pvalue)
    for item in (1, 2):
        gap, gap_again = z[:, 0] - z[:, item], again[:, 0] - again[:, item]
        assert_likely(stats.ks_2samp(gap, gap_again).pvalue)
    assert abs(np.corrcoef(z[:, 0], again[:, 0])[0, 1]) < 0.9, "a fresh draw, not the same one"


@pytest.mark.parametrize("name", ONE_X)
def test_coupled_latent(name):
    q = ONE_X[name](jnp.asarray(LOGITS[0]))
    z = latent(q, jax.random.key(0), DRAWS)
    np.testing.assert_allclose(coupled_latent(q, hard(q, z), z), z, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("name", ONE_X)
def test_the_largest_latent_moves(name):
    """Of two items, the first drawn, it is Gumbel at log(e^φ + 1), so that ∂z/∂φ = sigmoid(φ)."""
    phi = 0.7
    x = {"one-hot": jnp.eye(2)[0], "ranking": jnp.eye(2)}[name]

    def largest(phi):
        q = ONE_X[name](jnp.stack([phi, 0.0]))
        return conditional_latent(q, x[None], jax.random.key(0)).max()

    slope = jax.jit(jax.grad(largest))(jnp.float32(phi))
    assert float(slope) == pytest.approx(1 / (1 + math.exp(-phi)), rel=1e-5)


@pytest.mark.parametrize("temperature", [0.05, 1.0, 20.0])
def test_relaxed_permutations(temperature):
    """The permutation is in the largest entries."""
    q = PlackettLuce(jnp.zeros(5))
    z = latent(q, jax.random.key(0), 50)
    relaxed = relax(q, z, jnp.float32(temperature))
    np.testing.assert_allclose(relaxed.sum(-1), 1, rtol=1e-5)
    np.testing.assert_array_equal(relaxed.argmax(-1), jnp.argsort(-z, axis=-1))


def test_a_cold_permutation_is_hard():
    q = PlackettLuce(jnp.zeros(5))
    z = latent(q, jax.random.key(0), 1)
    relaxed = relax(q, z * 100, jnp.float32(0.05))
    np.testing.assert_allclose(relaxed, hard(q, z), rtol=0, atol=1e-6)
