"""The linear Gaussian autoencoder, by quadrature of its sampled objective."""

import jax.numpy as jnp
import numpy as np
import pytest

from gradest.problems import problem
from tests.support.derivatives import along, directions
from tests.support.estimates import as_vector
from tests.support.statistical import truth_of


@pytest.mark.parametrize("kl", ["analytic", "sampled"])
def test_by_quadrature(kl):
    vae = problem("linear_gaussian_vae", kl=kl, num_points=3)
    point = np.array([-0.4, 0.1, 0.9, -0.7, 0.3, 0.5], np.float32)
    names = ("log_scale", "offset", "slope")
    params = {
        "decoder": dict(zip(names, jnp.asarray(point[:3]), strict=True)),
        "encoder": dict(zip(names, jnp.asarray(point[3:]), strict=True)),
    }
    nodes, weights = np.polynomial.hermite_e.hermegauss(20)
    weights = weights / weights.sum()
    points = np.asarray(vae.points, float)

    def negative_elbo(theta):
        log_tau, c, w, log_s, b, a = theta
        z = (a * points + b)[:, None] + np.exp(log_s) * nodes
        log_q = -(nodes**2) / 2 - log_s - np.log(2 * np.pi) / 2
        residual = (points[:, None] - c - w * z) / np.exp(log_tau)
        log_p = -(z**2) / 2 - residual**2 / 2 - log_tau - np.log(2 * np.pi)
        return ((log_q - log_p) @ weights).mean()

    slopes = directions(6) @ as_vector(truth_of(vae, params))
    expected = along(negative_elbo, point.astype(float))
    np.testing.assert_allclose(slopes, expected, rtol=1e-6, atol=1e-7)
