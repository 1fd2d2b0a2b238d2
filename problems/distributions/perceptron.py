"""Fully connected networks."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

Layers = list[eqx.nn.Linear]


def perceptron(key: Array, sizes: list[int]) -> Layers:
    """The layers of a fully connected network, at equinox's default initialisation."""
    keys = jax.random.split(key, len(sizes) - 1)
    return [eqx.nn.Linear(a, b, key=key) for a, b, key in zip(sizes, sizes[1:], keys, strict=False)]


def apply(layers: Layers, x: Float[Array, "points in"]) -> Float[Array, "points out"]:
    """tanh between the layers, none after the last."""
    *hidden, last = layers
    for layer in hidden:
        x = jnp.tanh(jax.vmap(layer)(x))
    return jax.vmap(last)(x)
