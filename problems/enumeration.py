"""Exact expectations over binary vectors, by listing them all."""

import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from problems.base import Params, Problem

MOST_BITS = 12
"""2¹² states times the data points still fit in memory; beyond, a problem has no enumerated truth."""


def binary_vectors(dim: int) -> Float[np.ndarray, "states dim"]:
    """All 2^D vectors of D bits.

    >>> binary_vectors(2).tolist()
    [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]
    """
    return np.array(list(itertools.product([0.0, 1.0], repeat=dim)))


def enumerated_expectation(problem: Problem, params: Params) -> Float[Array, ""]:
    r"""$\sum_{b \in \{0,1\}^D} q_\theta(b) f(\theta, b)$, summed over data points.

    Differentiating it with respect to θ gives the exact gradient, $\partial f/\partial\theta$ included.
    """
    q = problem.distribution(params)
    states = jnp.asarray(binary_vectors(math.prod(q.event_shape)), jax.tree.leaves(params)[0].dtype)
    states = states.reshape(-1, *(1 for _ in q.batch_shape), *q.event_shape)
    x = jnp.broadcast_to(states, (len(states), *q.batch_shape, *q.event_shape))
    return (jnp.exp(q.log_prob(x)) * problem.costs(params, x)).sum()
