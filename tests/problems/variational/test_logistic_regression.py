"""Logistic regression, by adaptive quadrature of another formula."""

import numpy as np
from scipy.integrate import quad

from gradest.problems import problem
from gradest.problems.data import breast_cancer
from tests.support.statistical import truth_of


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def gaussian_mean(function, center, spread):
    """E[function(z)], z ~ N(center, spread²)."""

    def integrand(u):
        return function(center + spread * u) * np.exp(-u * u / 2) / np.sqrt(2 * np.pi)

    return quad(integrand, -10, 10, limit=200)[0]


def test_by_adaptive_quadrature():
    """∂/∂μ_j = μ_j − Σ_n y_n x_nj E[σ(−z_n)].

    ∂/∂λ_j = s_j² Σ_n x_nj² E[σ(z_n) σ(−z_n)] + s_j² − 1.
    """
    rng = np.random.default_rng(0)
    mean = rng.normal(0, 0.3, 31).astype(np.float32)
    log_scale = rng.normal(-0.5, 0.3, 31).astype(np.float32)
    params = {"mean": mean, "log_scale": log_scale}
    truth = truth_of(problem("logistic_regression"), params)
    x, y = (np.asarray(array, np.float32).astype(float) for array in breast_cancer())
    scale = np.exp(log_scale.astype(float))
    rows = list(zip(y * (x @ mean), np.sqrt(x**2 @ scale**2), strict=True))
    miss = np.array([gaussian_mean(lambda z: sigmoid(-z), *row) for row in rows])
    curve = np.array([gaussian_mean(lambda z: sigmoid(z) * sigmoid(-z), *row) for row in rows])
    np.testing.assert_allclose(truth["mean"], mean - (y * miss) @ x, rtol=1e-6, atol=1e-6)
    by_log_scale = scale**2 * (curve @ x**2) + scale**2 - 1
    np.testing.assert_allclose(truth["log_scale"], by_log_scale, rtol=1e-6, atol=1e-6)
