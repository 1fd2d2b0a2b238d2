"""Logarithms of gamma variables, and their derivatives, by mpmath's distribution function."""

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest
from scipy import stats

from gradest.estimators.families.gamma_variables import log_derivative, log_over_mean
from tests.support.statistical import assert_likely

SHAPES = (0.01, 0.05, 0.3, 1.0, 2.5, 100.0, 190.0, 210.0, 1e4, 1e5)

SMALL = (-3000.0, -100.0, -30.0, -10.0, -3.0, -0.5, 1.0, 3.0)
"""log(x / E[x]) of shapes below 1; of the others that of x so many standard deviations away:"""

DEVIATIONS = (-4.0, -2.0, -1.0, -0.1, 0.0, 0.5, 1.5, 4.0)


def logs_at(shape):
    if shape < 1:
        return np.array(SMALL)
    return np.log(np.maximum(1 + np.array(DEVIATIONS) / np.sqrt(shape), 1e-3))


def slope(u, shape):
    """−∂F/∂α over the density of log x, and less the mean's own; F at fifty digits."""
    with mp.workdps(50):
        alpha = mp.mpf(shape)
        x = alpha * mp.exp(mp.mpf(u))
        step = alpha * mp.mpf(10) ** -15
        up = mp.gammainc(alpha + step, 0, x, regularized=True)
        down = mp.gammainc(alpha - step, 0, x, regularized=True)
        log_density = alpha * mp.log(x) - x - mp.loggamma(alpha)
        return float(-(up - down) / (2 * step) / mp.exp(log_density) - 1 / alpha)


@pytest.mark.parametrize(("x64", "error"), [(False, 1e-5), (True, 1e-6)])
@pytest.mark.parametrize("shape", SHAPES)
def test_derivatives_of_logs(shape, x64, error):
    """Times α, of which the derivative of x over its mean is one more."""
    with jax.enable_x64(x64):
        u = np.asarray(logs_at(shape), jnp.result_type(float)).astype(float)
        alpha = float(jnp.asarray(shape, float))
        found = np.asarray(jax.jit(log_derivative)(jnp.asarray(u), jnp.full(len(u), alpha)), float)
    expected = np.array([slope(each, alpha) for each in u])
    np.testing.assert_allclose(alpha * found, alpha * expected, rtol=error, atol=error)


@pytest.mark.parametrize("shape", [0.01, 0.2, 3.0, 1e5])
def test_logs_have_their_distribution(shape):
    """P(u < v) of the draws, by the distribution function where it is G^α/Γ(α + 1), or scipy's."""
    each = jnp.full(20_000, shape)
    u = np.asarray(jax.jit(log_over_mean)(jax.random.key(4), each), float)
    log_x = u + np.log(shape)
    level = stats.gamma(shape).cdf(np.exp(log_x))
    tiny = log_x < -30
    level[tiny] = np.exp(shape * log_x[tiny] - float(mp.loggamma(shape + 1)))
    assert_likely(stats.kstest(level, "uniform").pvalue)
