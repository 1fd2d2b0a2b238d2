"""Fully connected networks."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

Layers = list[eqx.nn.Linear]

ACTIVATIONS: dict[str, Callable[[Array, Any], Array]] = {
    "tanh": lambda x, slope: jnp.tanh(x),
    "relu": lambda x, slope: jax.nn.relu(x),
    "leaky_relu": lambda x, slope: jax.nn.leaky_relu(x, slope),
    "linear": lambda x, slope: x,
}
"""What may stand between two layers, as functions of x and of the slope below 0."""

Draw = Callable[[Array, tuple[int, ...], Any], Array]
"""Weights from a key, their shape (out, in) and a dtype."""

INITIALISATIONS: dict[str, Draw | None] = {
    "uniform": None,
    "glorot_uniform": jax.nn.initializers.glorot_uniform(in_axis=1, out_axis=0),
    "variance_scaling": jax.nn.initializers.variance_scaling(
        2.0, "fan_in", "truncated_normal", in_axis=1, out_axis=0
    ),
}
r"""How the weights of a layer with n inputs and m outputs start; None where equinox draws them.

- `uniform`: between $\pm n^{-1/2}$, and so do the biases, which elsewhere start at 0.
- `glorot_uniform`: between $\pm (6 / (n + m))^{1/2}$ (Glorot and Bengio, 2010).
- `variance_scaling`: with variance 2/n, from a Gaussian without its tails (He et al., 2015).
"""


class Activation(eqx.Module):
    """What stands between the layers of a network."""

    name: str = eqx.field(default="tanh", static=True)
    """One of ACTIVATIONS."""
    slope: Float[Array, ""] | None = None
    """Below 0, of `leaky_relu`."""

    def __call__(self, x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        return ACTIVATIONS[self.name](x, self.slope)


TANH = Activation()


def widths_of(value: int | str) -> list[int]:
    """The width of each layer, from an argument that says them.

    >>> widths_of("512-256"), widths_of(32), widths_of(0)
    ([512, 256], [32], [])
    """
    if isinstance(value, str):
        return [int(width) for width in value.split("-")]
    return [value] if value else []


def perceptron(key: Array, sizes: list[int], initialisation: str = "uniform") -> Layers:
    """The layers of a fully connected network, as they start.

    Args:
        key: of the initialisation.
        sizes: how many numbers the input, each hidden layer and the output have.
        initialisation: one of INITIALISATIONS.
    """
    keys = jax.random.split(key, len(sizes) - 1)
    draw = INITIALISATIONS[initialisation]
    layers = [
        eqx.nn.Linear(inputs, outputs, key=key)
        for (inputs, outputs), key in zip(pairwise(sizes), keys, strict=True)
    ]
    if draw is None:
        return layers
    return [drawn_anew(layer, draw, key) for layer, key in zip(layers, keys, strict=True)]


def drawn_anew(layer: eqx.nn.Linear, draw: Draw, key: Array) -> eqx.nn.Linear:
    """A layer with other weights, and biases of 0."""
    weight = draw(key, layer.weight.shape, layer.weight.dtype)
    bias = jnp.zeros(len(weight), weight.dtype)
    return eqx.tree_at(lambda layer: (layer.weight, layer.bias), layer, (weight, bias))


def apply(
    layers: Layers, x: Float[Array, "points in"], activation: Activation = TANH
) -> Float[Array, "points out"]:
    """The network's output for each data point: the activation between the layers, none after."""
    *hidden, last = layers
    for layer in hidden:
        x = activation(jax.vmap(layer)(x))
    return jax.vmap(last)(x)
