"""Fully connected networks."""

from itertools import pairwise

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

Layers = list[eqx.nn.Linear]


def perceptron(key: Array, sizes: list[int]) -> Layers:
    """The layers of a fully connected network, at equinox's default initialisation.

    Args:
        key: of the initialisation.
        sizes: how many numbers the input, each hidden layer and the output have.
    """
    keys = jax.random.split(key, len(sizes) - 1)
    return [
        eqx.nn.Linear(inputs, outputs, key=key)
        for (inputs, outputs), key in zip(pairwise(sizes), keys, strict=True)
    ]


def apply(layers: Layers, x: Float[Array, "points in"]) -> Float[Array, "points out"]:
    """The network's output for each data point: tanh between the layers, none after the last."""
    *hidden, last = layers
    for layer in hidden:
        x = jnp.tanh(jax.vmap(layer)(x))
    return jax.vmap(last)(x)
