"""A network with uncertain weights: one hidden unit by quadrature of another formula."""

import jax
import numpy as np

from gradest.problems import problem
from gradest.problems.data import breast_cancer
from tests.support.statistical import initial, truth_of


def test_one_hidden_unit_by_quadrature():
    """Over the three Gaussians a unit, its weight, and the output's bias."""
    network = problem("bayesian_network", num_rows=3, hidden_dim=1)
    start = network.init_params(jax.random.key(2))
    step = jax.random.key(0)
    params = jax.tree.map(lambda leaf: leaf + 0.1 * jax.random.normal(step, leaf.shape), start)
    features = np.asarray(network.features, float)
    labels = np.asarray(network.labels, float)
    nodes, weights = np.polynomial.hermite_e.hermegauss(36)
    weights = weights / weights.sum()

    def negative_elbo(theta):
        mean = theta[:33]
        scale = np.exp(theta[33:])
        total = 0.5 * (mean**2 + scale**2 - 1 - 2 * np.log(scale)).sum()
        for x, y in zip(features, labels, strict=True):
            unit = np.tanh(mean[:31] @ x + np.sqrt(scale[:31] ** 2 @ x**2) * nodes)
            weight = mean[31] + scale[31] * nodes
            bias = mean[32] + scale[32] * nodes
            loss = np.logaddexp(0, -y * (unit[:, None, None] * weight[:, None] + bias))
            total += np.einsum("abc,a,b,c->", loss, weights, weights, weights)
        return total

    truth = truth_of(network, params)
    gradient = np.concatenate([truth["mean"], truth["log_scale"]])
    point = np.concatenate([params["mean"], params["log_scale"]]).astype(float)
    h = 1e-5
    for d in np.random.default_rng(0).normal(size=(3, 66)):
        expected = (negative_elbo(point + h * d) - negative_elbo(point - h * d)) / (2 * h)
        np.testing.assert_allclose(gradient @ d, expected, rtol=1e-5, atol=1e-6)


def test_several_units():
    """They have no exact gradient."""
    network = problem("bayesian_network", hidden_dim=2)
    assert network.exact_gradient(initial(network)) is None
    assert network.features.shape == (64, breast_cancer()[0].shape[1])
