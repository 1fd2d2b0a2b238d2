"""Exact expectations over a discrete x by listing all its values, looked up by the distribution's type."""

import itertools
import math
from functools import singledispatch
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
from jaxtyping import Array, Float

from gradest.problems.base import Params, Problem
from gradest.problems.distributions.bernoulli_chain import BernoulliChain
from gradest.problems.distributions.coordinates import base
from gradest.problems.distributions.discrete import OneHotCategoricalLogits, PlackettLuce

MOST_BITS = 12
"""2¹² states times the data points still fit in memory; beyond, a problem has no enumerated truth."""

MOST_STATES = 2**MOST_BITS


def binary_vectors(dim: int) -> Float[np.ndarray, "states dim"]:
    """All 2^D vectors of D bits.

    >>> binary_vectors(2).tolist()
    [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]
    """
    return np.array(list(itertools.product([0.0, 1.0], repeat=dim)))


def one_hot_vectors(dim: int, categories: int) -> Float[np.ndarray, "states dim categories"]:
    """All K^D ways to choose one of K categories in each of D coordinates.

    >>> one_hot_vectors(1, 2).tolist()
    [[[1.0, 0.0]], [[0.0, 1.0]]]
    """
    return np.eye(categories)[list(itertools.product(range(categories), repeat=dim))]


def permutation_matrices(items: int) -> Float[np.ndarray, "states items items"]:
    """All n! permutations of n items.

    >>> permutation_matrices(2).tolist()
    [[[1.0, 0.0], [0.0, 1.0]], [[0.0, 1.0], [1.0, 0.0]]]
    """
    return np.eye(items)[list(itertools.permutations(range(items)))]


def number_of_states(q: dist.Distribution) -> int | float:
    """How many values x has; infinitely many where they cannot be listed."""
    return _number_of_states(base(q), q.event_shape)


def is_enumerable(q: dist.Distribution) -> bool:
    """Whether x has so few values that sums over all of them are affordable."""
    return number_of_states(q) <= MOST_STATES


def all_states(q: dist.Distribution) -> Float[np.ndarray, "states ..."]:
    """Every value of x, for one data point."""
    return _all_states(base(q), q.event_shape)


def all_log_probs(q: dist.Distribution) -> Float[Array, "*batch states"]:
    """log q of every value of x, in the order of `all_states`, for each data point."""
    return _all_log_probs(base(q), q.event_shape)


def enumerated_expectation(problem: Problem, params: Params) -> Float[Array, ""]:
    r"""$\sum_x q_\theta(x) f(\theta, x)$ over every value of x, summed over data points.

    Differentiating it with respect to θ gives the exact gradient, $\partial f/\partial\theta$
    included.
    """
    q = problem.distribution(params)
    states = jnp.asarray(all_states(q), jax.tree.leaves(params)[0].dtype)
    states = states.reshape(-1, *(1 for _ in q.batch_shape), *q.event_shape)
    x = jnp.broadcast_to(states, (len(states), *q.batch_shape, *q.event_shape))
    return (jnp.exp(q.log_prob(x)) * problem.objectives(params, x)).sum()


@singledispatch
def _number_of_states(q: dist.Distribution, event: tuple[int, ...]) -> int | float:
    return math.inf


@_number_of_states.register(BernoulliChain)
@_number_of_states.register(dist.BernoulliLogits)
def _number_of_states_bernoulli_chain_or_bernoulli(
    q: dist.Distribution, event: tuple[int, ...]
) -> int:
    return 2 ** math.prod(event)


@_number_of_states.register
def _number_of_states_one_hot(q: OneHotCategoricalLogits, event: tuple[int, ...]) -> int:
    return event[-1] ** math.prod(event[:-1])


@_number_of_states.register
def _number_of_states_permutation(q: PlackettLuce, event: tuple[int, ...]) -> int:
    return math.factorial(event[-1])


@singledispatch
def _all_states(q: dist.Distribution, event: tuple[int, ...]) -> Float[np.ndarray, "states ..."]:
    raise NotImplementedError(f"the values of {type(q).__name__} cannot be listed")


@_all_states.register(BernoulliChain)
@_all_states.register(dist.BernoulliLogits)
def _all_states_bernoulli_chain_or_bernoulli(
    q: dist.Distribution, event: tuple[int, ...]
) -> Float[np.ndarray, "states ..."]:
    return binary_vectors(math.prod(event)).reshape(-1, *event)


@_all_states.register
def _all_states_one_hot(
    q: OneHotCategoricalLogits, event: tuple[int, ...]
) -> Float[np.ndarray, "states ..."]:
    return one_hot_vectors(math.prod(event[:-1]), event[-1]).reshape(-1, *event)


@_all_states.register
def _all_states_permutation(
    q: PlackettLuce, event: tuple[int, ...]
) -> Float[np.ndarray, "states ..."]:
    return permutation_matrices(event[-1])


@singledispatch
def _all_log_probs(q: dist.Distribution, event: tuple[int, ...]) -> Float[Array, "*batch states"]:
    raise NotImplementedError(f"the values of {type(q).__name__} cannot be listed")


@_all_log_probs.register
def _all_log_probs_bernoulli(
    q: dist.BernoulliLogits, event: tuple[int, ...]
) -> Float[Array, "*batch states"]:
    each = jnp.stack([jax.nn.log_sigmoid(-q.logits), jax.nn.log_sigmoid(q.logits)], axis=-1)
    return _sums(each.reshape(*q.batch_shape[: len(q.batch_shape) - len(event)], -1, 2))


@_all_log_probs.register
def _all_log_probs_one_hot(
    q: OneHotCategoricalLogits, event: tuple[int, ...]
) -> Float[Array, "*batch states"]:
    return _sums(
        q.log_probs.reshape(*q.batch_shape[: len(q.batch_shape) + 1 - len(event)], -1, event[-1])
    )


@_all_log_probs.register(BernoulliChain)
@_all_log_probs.register(PlackettLuce)
def _all_log_probs_bernoulli_chain_or_permutation(
    q: Any, event: tuple[int, ...]
) -> Float[Array, "*batch states"]:
    states = jnp.asarray(_all_states(q, event), q.logits.dtype)
    states = states.reshape(-1, *(1 for _ in q.batch_shape), *event)
    return jnp.moveaxis(q.log_prob(states), 0, -1)


def _sums(each: Float[Array, "*batch dim categories"]) -> Float[Array, "*batch states"]:
    """The sums of one entry from every coordinate, all K^D of them, the last coordinate running fastest."""
    *batch, dim, _ = each.shape
    total = each[..., 0, :]
    for coordinate in range(1, dim):
        total = (total[..., :, None] + each[..., coordinate, None, :]).reshape(*batch, -1)
    return total
