"""Networks against the same written out in NumPy, and how their weights start."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gradest.problems.distributions.perceptron import Activation, apply, perceptron, widths_of
from tests.support.networks import network

BETWEEN = {
    "tanh": np.tanh,
    "relu": lambda x: np.maximum(x, 0),
    "leaky_relu": lambda x: np.where(x > 0, x, 0.3 * x),
    "linear": lambda x: x,
}


@pytest.mark.parametrize("name", BETWEEN)
@pytest.mark.parametrize("sizes", [[6, 2], [6, 5, 2], [6, 5, 4, 2]])
def test_layers(name, sizes):
    layers = perceptron(jax.random.key(0), sizes)
    assert [layer.weight.shape for layer in layers] == list(zip(sizes[1:], sizes[:-1], strict=True))
    x = np.random.default_rng(0).normal(size=(7, 6)).astype(np.float32)
    found = apply(layers, jnp.asarray(x), Activation(name, jnp.asarray(0.3)))
    np.testing.assert_allclose(found, network(layers, x, BETWEEN[name]), rtol=2e-5, atol=2e-6)


def test_widths():
    assert widths_of("200-200-3") == [200, 200, 3]
    assert (widths_of(7), widths_of(0)) == ([7], [])


def uniform_variance(most):
    return most**2 / 3


INPUTS, OUTPUTS = 784, 512
GLOROT = np.sqrt(6 / (INPUTS + OUTPUTS))
CUT = 2 / 0.87962566103423978
"""Two standard deviations of a Gaussian, in those of what is left of it within them."""


@pytest.mark.parametrize(
    ("name", "variance", "most"),
    [
        ("uniform", uniform_variance(INPUTS**-0.5), INPUTS**-0.5),
        ("glorot_uniform", uniform_variance(GLOROT), GLOROT),
        ("variance_scaling", 2 / INPUTS, CUT * np.sqrt(2 / INPUTS)),
    ],
)
def test_weights_start_with_their_variance_and_within_their_bounds(name, variance, most):
    (layer,) = perceptron(jax.random.key(3), [INPUTS, OUTPUTS], name)
    weights = np.asarray(layer.weight, float)
    assert weights.shape == (OUTPUTS, INPUTS)
    assert weights.var() == pytest.approx(variance, rel=0.01)
    assert 0.98 * most < np.abs(weights).max() <= most * (1 + 1e-6)
    assert abs(weights.mean()) < 5 * np.sqrt(variance / weights.size)
    assert bool(np.any(layer.bias)) == (name == "uniform")


def test_layers_start_with_numbers_of_their_own():
    first, second = perceptron(jax.random.key(3), [40, 40, 40], "glorot_uniform")
    assert abs(np.corrcoef(np.ravel(first.weight), np.ravel(second.weight))[0, 1]) < 0.1
