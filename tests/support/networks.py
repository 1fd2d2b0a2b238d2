"""Networks and Bernoulli densities as the autoencoders have them, in NumPy."""

from collections.abc import Callable

import numpy as np


def network(
    layers, x: np.ndarray, between: Callable[[np.ndarray], np.ndarray] = np.tanh
) -> np.ndarray:
    """A perceptron, of tanh units unless others are given."""
    *hidden, last = layers
    for layer in hidden:
        x = between(x @ layer.weight.T + layer.bias)
    return x @ last.weight.T + last.bias


def log_mass(logits: np.ndarray, bits: np.ndarray) -> np.ndarray:
    """log p of a vector of bits, along the last axis."""
    against = np.where(bits == 1, -1, 1) * logits
    return -np.logaddexp(0, against).sum(-1)
