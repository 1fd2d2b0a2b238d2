"""Local reparameterization and Flipout: the outputs they draw, and the gradients of the weights."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gradest.estimators import estimator
from gradest.estimators.pathwise.weight_noise import LocalGaussian, SeparateWeights, SignFlips
from gradest.problems import problem
from tests.support.one_layer import OneLayer, exact_variances
from tests.support.statistical import (
    assert_variance,
    assert_z,
    initial,
    moments_of,
    variance_of,
)

KEY = jax.random.key(0)
DRAWS = 40_000


def random_layer():
    """Two rows of three inputs, and mean and scale of the weights from three to two."""
    rng = np.random.default_rng(0)
    return tuple(jnp.asarray(rng.normal(size=s), jnp.float32) for s in ((2, 3), (3, 2), (3, 2)))


def draws_of_outputs(inputs, mean, scale):
    keys = jax.random.split(KEY, 4)
    perturbations = scale * jax.random.normal(keys[0], (DRAWS, 3, 2))
    of_inputs = jax.random.rademacher(keys[1], (DRAWS, 2, 3), jnp.float32)
    of_outputs = jax.random.rademacher(keys[2], (DRAWS, 2, 2), jnp.float32)
    noise = jax.random.normal(keys[3], (DRAWS, 2, 2))
    of_weights = jax.random.normal(jax.random.fold_in(KEY, 4), (DRAWS, 2, 3, 2))

    def flipped(perturbation, r, s):
        return SignFlips(mean, perturbation, r, s)(inputs)

    return {
        "shared": jax.vmap(lambda p: inputs @ (mean + p))(perturbations),
        "local": jax.vmap(lambda e: LocalGaussian(mean, scale, e)(inputs))(noise),
        "flips": jax.vmap(flipped)(perturbations, of_inputs, of_outputs),
        "separate": jax.vmap(lambda e: SeparateWeights(mean, scale, e)(inputs))(of_weights),
    }


@pytest.mark.parametrize("name", ["shared", "local", "flips", "separate"])
def test_rows_of_outputs(name):
    """Each as under shared weights; between rows no covariance, where shared weights have some."""
    inputs, mean, scale = random_layer()
    outputs = np.asarray(draws_of_outputs(inputs, mean, scale)[name], float)
    variance = np.asarray(inputs**2 @ scale**2, float)
    centred = outputs - np.asarray(inputs @ mean, float)
    assert_z(centred.mean(0) / np.sqrt(variance / DRAWS))
    assert_z((centred.var(0) / variance - 1) / np.sqrt(2 / DRAWS))
    between = (centred[:, 0] * centred[:, 1]).mean(0)
    covariance = np.asarray((inputs[0] * inputs[1]) @ scale**2, float)
    expected = covariance if name == "shared" else 0 * covariance
    assert (np.abs(between - expected) < 5 * np.sqrt(2 * variance.prod(0) / DRAWS)).all()


def test_each_row_has_signs_of_its_own():
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(4, 3))
    mean = rng.normal(size=(3, 2))
    perturbation = rng.normal(size=(3, 2))
    r = rng.choice([-1.0, 1.0], (4, 3))
    s = rng.choice([-1.0, 1.0], (4, 2))
    layer = SignFlips(*(jnp.asarray(array, jnp.float32) for array in (mean, perturbation, r, s)))
    rows = zip(inputs, r, s, strict=True)
    expected = [x @ (mean + perturbation * np.outer(a, b)) for x, a, b in rows]
    np.testing.assert_allclose(layer(jnp.float32(inputs)), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", ["local_reparameterization", "flipout"])
def test_noise_for_each_row(name):
    """It lowers the variance, and leaves the mean."""
    network = problem("bayesian_network", num_rows=64, hidden_dim=4)
    replicates = 4_000
    moments = [
        moments_of(network, estimator(label), 1, "rows", replicates=replicates)["mean"]
        for label in (name, "pathwise")
    ]
    of_rows, shared = (variance_of(each) for each in moments)
    assert of_rows.high < shared.low / 2
    error = np.sqrt((of_rows.high + shared.high) / replicates)
    means = [each.mean.mean(0) for each in moments]
    assert np.linalg.norm(means[0] - means[1]) < 1.5 * error


ROWS = {
    "outputs": estimator("local_reparameterization"),
    "separate weights": estimator("local_reparameterization", draw="separate_weights"),
    "one draw": estimator("pathwise"),
}


@pytest.mark.parametrize("name", ROWS)
def test_variances_of_one_layer(name):
    """In closed form, of outputs less than of weights, and of those less than of one draw."""
    toy = OneLayer()
    moments = moments_of(toy, ROWS[name], 1, "one layer", replicates=32_000)
    for_all = exact_variances(toy, initial(toy))
    assert_variance(moments["mean"], for_all[name]["mean"])
    assert_variance(moments["log_scale"], for_all[name]["log_scale"])
    outputs, separate, one = (for_all[each]["log_scale"] for each in ROWS)
    assert outputs < separate < one


def test_draws():
    """Of eight rows, 31 inputs of one unit, and of that and a constant: a bias is an input."""
    network = problem("bayesian_network", num_rows=8, hidden_dim=1)
    draws = {name: subject.draws(network, 3) for name, subject in ROWS.items()}
    assert draws == {
        "outputs": 3 * 8 * 2,
        "separate weights": 3 * 8 * 33,
        "one draw": 3 * 33,
    }


def test_flipout_needs_linear_layers():
    assert estimator("flipout").refuses(problem("gaussian_square")) == (
        "x are not the weights of a network's linear layers"
    )
