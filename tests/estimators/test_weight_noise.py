"""Local reparameterization and Flipout: the outputs they draw, and the gradients of a network's weights."""

import jax
import jax.numpy as jnp
import numpy as np

from gradest.benchmarks.measurement.exact_gradient import exact_gradient
from gradest.benchmarks.measurement.replicates import cell_key, measure
from gradest.benchmarks.statistics import intervals
from gradest.estimators import estimator
from gradest.estimators.pathwise.weight_noise import LocalGaussian, SignFlips
from gradest.problems import problem
from gradest.problems.data import breast_cancer

KEY = jax.random.key(0)


def test_one_hidden_unit_by_quadrature_of_another_formula():
    """Over the three Gaussians a unit, its weight, and the output's bias; Gauss–Hermite, finite differences."""
    network = problem("bayesian_network", num_rows=3, hidden_dim=1)
    start = network.init_params(jax.random.key(2))
    params = jax.tree.map(lambda leaf: leaf + 0.1 * jax.random.normal(KEY, leaf.shape), start)
    features, labels = np.asarray(network.features, float), np.asarray(network.labels, float)
    nodes, weights = np.polynomial.hermite_e.hermegauss(36)
    weights = weights / weights.sum()
    point = np.concatenate([params["mean"], params["log_scale"]]).astype(float)

    def negative_elbo(theta: np.ndarray) -> float:
        mean, scale = theta[:33], np.exp(theta[33:])
        total = 0.5 * (mean**2 + scale**2 - 1 - 2 * np.log(scale)).sum()
        for x, y in zip(features, labels, strict=True):
            unit = np.tanh(mean[:31] @ x + np.sqrt(scale[:31] ** 2 @ x**2) * nodes)
            weight, bias = (mean[31] + scale[31] * nodes, mean[32] + scale[32] * nodes)
            logit = unit[:, None, None] * weight[:, None] + bias
            total += np.einsum(
                "abc,a,b,c->", np.logaddexp(0, -y * logit), weights, weights, weights
            )
        return total

    truth = exact_gradient(network, params)
    found = np.concatenate([truth["mean"], truth["log_scale"]])
    h = 1e-5
    for direction in np.random.default_rng(0).normal(size=(3, 66)):
        expected = (negative_elbo(point + h * direction) - negative_elbo(point - h * direction)) / (
            2 * h
        )
        np.testing.assert_allclose(found @ direction, expected, rtol=1e-5, atol=1e-6)


def test_rows_have_the_right_outputs_and_none_in_common():
    """Each output as under shared weights; between rows no covariance, where shared weights have some."""
    rng = np.random.default_rng(0)
    inputs, mean, scale = (
        jnp.asarray(rng.normal(size=s), jnp.float32) for s in ((2, 3), (3, 2), (3, 2))
    )
    draws = 40_000
    keys = jax.random.split(KEY, 4)
    perturbations = scale * jax.random.normal(keys[0], (draws, 3, 2))
    of_inputs = jax.random.rademacher(keys[1], (draws, 2, 3), jnp.float32)
    of_outputs = jax.random.rademacher(keys[2], (draws, 2, 2), jnp.float32)
    outputs = {
        "shared": jax.vmap(lambda p: inputs @ (mean + p))(perturbations),
        "local": jax.vmap(lambda e: LocalGaussian(mean, scale, e)(inputs))(
            jax.random.normal(keys[3], (draws, 2, 2))
        ),
        "flips": jax.vmap(lambda p, r, s: SignFlips(mean, p, r, s)(inputs))(
            perturbations, of_inputs, of_outputs
        ),
    }
    variance = np.asarray(inputs**2 @ scale**2, float)
    shared = np.asarray((inputs[0] * inputs[1]) @ scale**2, float)
    for name, drawn in outputs.items():
        apart = np.asarray(drawn, float) - np.asarray(inputs @ mean, float)
        assert (np.abs(apart.mean(0)) < 5 * np.sqrt(variance / draws)).all()
        assert (np.abs(apart.var(0) - variance) < 5 * variance * np.sqrt(2 / draws)).all()
        between = (apart[:, 0] * apart[:, 1]).mean(0)
        expected = shared if name == "shared" else 0 * shared
        assert (np.abs(between - expected) < 5 * np.sqrt(2 * variance.prod(0) / draws)).all(), name


def test_each_row_sees_weights_with_signs_of_its_own():
    rng = np.random.default_rng(0)
    inputs, mean, perturbation = (
        rng.normal(size=(4, 3)),
        rng.normal(size=(3, 2)),
        rng.normal(size=(3, 2)),
    )
    r, s = rng.choice([-1.0, 1.0], (4, 3)), rng.choice([-1.0, 1.0], (4, 2))
    found = SignFlips(*(jnp.asarray(a, jnp.float32) for a in (mean, perturbation, r, s)))(
        jnp.float32(inputs)
    )
    expected = [
        x @ (mean + perturbation * np.outer(a, b)) for x, a, b in zip(inputs, r, s, strict=True)
    ]
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_noise_for_each_row_lowers_the_variance_and_leaves_the_mean():
    network = problem("bayesian_network", num_rows=64, hidden_dim=4)
    params = network.init_params(KEY)
    moments = {
        name: measure(
            network,
            estimator(name),
            params,
            num_samples=1,
            replicates=4_000,
            key=cell_key(0, "rows", "init", 1),
        ).moments["mean"]
        for name in ("pathwise", "local_reparameterization", "flipout")
    }
    variances = {name: intervals.variance(found) for name, found in moments.items()}
    assert variances["local_reparameterization"].high < variances["pathwise"].low / 2
    assert variances["flipout"].high < variances["pathwise"].low / 2
    means = {name: found.mean.mean(0) for name, found in moments.items()}
    for name in ("local_reparameterization", "flipout"):
        error = np.sqrt((variances[name].high + variances["pathwise"].high) / 4_000)
        assert np.linalg.norm(means[name] - means["pathwise"]) < 1.5 * error


def test_a_network_of_several_units_has_no_exact_gradient():
    network = problem("bayesian_network", hidden_dim=2)
    assert network.exact_gradient(network.init_params(KEY)) is None
    assert network.features.shape == (64, breast_cancer()[0].shape[1])
    assert estimator("flipout").refuses(problem("gaussian_square")) == (
        "x are not the weights of a network's linear layers"
    )
