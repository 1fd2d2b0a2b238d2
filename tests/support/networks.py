"""Networks and Bernoulli densities as the autoencoders have them, in NumPy."""

import numpy as np


def network(layers, x: np.ndarray) -> np.ndarray:
    """A perceptron with one hidden layer of tanh units."""
    first, second = layers
    hidden = np.tanh(x @ first.weight.T + first.bias)
    return hidden @ second.weight.T + second.bias


def log_mass(logits: np.ndarray, bits: np.ndarray) -> np.ndarray:
    """log p of a vector of bits, along the last axis."""
    against = np.where(bits == 1, -1, 1) * logits
    return -np.logaddexp(0, against).sum(-1)
