"""Log-densities against mpmath's and scipy's, also where float32 holds no x or x²."""

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest
from scipy import stats

from gradest.estimators.families.log_densities import (
    expected_log,
    log_dirichlet_density,
    log_gamma_density,
    log_student_t_density,
    stirling,
)

SHAPES = (1e-8, 0.01, 1.0, 5.0, 19.9, 20.1, 1e3, 1e5)


@jax.jit
def derivatives(alpha):
    """Of `stirling`: itself, the first and the second."""
    return stirling(alpha), expected_log(alpha), jax.grad(expected_log)(alpha)


@pytest.mark.parametrize(("x64", "error"), [(False, 5e-6), (True, 1e-12)])
@pytest.mark.parametrize("shape", SHAPES)
def test_stirling(shape, x64, error):
    with jax.enable_x64(x64):
        alpha = jnp.asarray(shape, float)
        found = derivatives(alpha)
    with mp.workdps(50):
        a = mp.mpf(float(alpha))
        value = mp.loggamma(a) - a * mp.log(a) + a
        expected = [value, mp.digamma(a) - mp.log(a), mp.psi(1, a) - 1 / a]
    np.testing.assert_allclose(
        np.array(found, float), np.array(expected, float), rtol=error, atol=error
    )


def test_gamma_and_dirichlet():
    with jax.enable_x64(True):
        u = jnp.array([-2.0, 0.1, 0.5])
        x = 1.7 * np.exp(u)
        found = log_gamma_density(u, jnp.asarray(1.7))
        np.testing.assert_allclose(found, stats.gamma(1.7).logpdf(x) + np.log(x), rtol=1e-12)
        shapes = np.array([0.7, 30.0, 2.0])
        shares = np.array([0.02, 0.9, 0.08])
        v = jnp.log(shares * shapes.sum() / shapes)
        found = log_dirichlet_density(v, jnp.asarray(shapes)) - np.log(shares).sum()
        np.testing.assert_allclose(found, stats.dirichlet(shapes).logpdf(shares), rtol=1e-12)


student_t = jax.jit(jax.value_and_grad(log_student_t_density, argnums=1))


@pytest.mark.parametrize("df", [0.3, 1.0, 7.0, 1e5])
@pytest.mark.parametrize("y", [0.0, 0.2, 1.0, -3.0, 1e9, 1e30])
def test_student_t(y, df):
    """In float32, whose largest number is less than 10³⁹; and the score by ν, which is small."""
    y, df = jnp.float32(y), jnp.float32(df)
    found, slope = student_t(y, df)

    def exact(nu):
        constant = mp.loggamma((nu + 1) / 2) - mp.loggamma(nu / 2) - mp.log(nu * mp.pi) / 2
        return constant - (nu + 1) / 2 * mp.log1p(mp.mpf(float(y)) ** 2 / nu)

    with mp.workdps(50):
        nu = mp.mpf(float(df))
        np.testing.assert_allclose(found, float(exact(nu)), rtol=2e-6)
        np.testing.assert_allclose(slope, float(mp.diff(exact, nu)), rtol=1e-4, atol=1e-8)
