"""Exact expectations over a discrete x by listing all its values, looked up by the distribution's
type."""

import itertools
import math
from collections.abc import Callable
from functools import singledispatch
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
from jaxtyping import Array, Float

from gradest.problems.base import Params, Problem, WithData
from gradest.problems.distributions.bernoulli_chain import BernoulliChain, MarkovBits
from gradest.problems.distributions.coordinates import base
from gradest.problems.distributions.discrete import (
    OneHotCategoricalLogits,
    PlackettLuce,
    TokenSequence,
)

MOST_BITS = 12
"""2¹² states times the data points still fit in memory; beyond, there is no enumerated truth."""

MOST_STATES = 2**MOST_BITS

MOST_AT_ONCE = 2**18
"""States of all data points that are listed at a time: those of 64 images, of 2¹² each."""

MOST_COUNTED = 1_000
"""Bits of the largest number of states that is counted: more are infinitely many."""


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
    chosen = list(itertools.product(range(categories), repeat=dim))
    return np.eye(categories)[chosen]


def permutation_matrices(items: int) -> Float[np.ndarray, "states items items"]:
    """All n! permutations of n items.

    >>> permutation_matrices(2).tolist()
    [[[1.0, 0.0], [0.0, 1.0]], [[0.0, 1.0], [1.0, 0.0]]]
    """
    orders = list(itertools.permutations(range(items)))
    return np.eye(items)[orders]


def token_sequences(vocabulary: int, horizon: int) -> Float[np.ndarray, "states T"]:
    """All sequences of at most T tokens of which the last of V ends one, filled with it.

    >>> token_sequences(3, 1).tolist()
    [[2.0], [0.0], [1.0]]
    """
    end = vocabulary - 1
    ended: list[tuple[int, ...]] = []
    going: list[tuple[int, ...]] = [()]
    for _ in range(horizon):
        ended = [(*tokens, end) for tokens in [*ended, *going]]
        going = [(*tokens, token) for tokens in going for token in range(end)]
    return np.array([*ended, *going], float)


def number_of_states(q: dist.Distribution) -> int | float:
    """How many values x has; infinitely many where they cannot be listed."""
    return _number_of_states(base(q), q.event_shape)


def can_be_listed(q: dist.Distribution) -> bool:
    """Whether x has finitely many values, however many, that we know how to list."""
    return _all_states.dispatch(type(base(q))) is not _all_states.dispatch(object)


def is_enumerable(q: dist.Distribution) -> bool:
    """Whether x has so few values that sums over all of them are affordable."""
    return number_of_states(q) <= MOST_STATES


def all_states(q: dist.Distribution) -> Float[np.ndarray, "states ..."]:
    """All values of x, for one data point.

    Raises:
        NotImplementedError: they cannot be listed.
    """
    return _all_states(base(q), q.event_shape)


def all_log_probs(q: dist.Distribution) -> Float[Array, "*batch states"]:
    """log q of every value of x, in the order of `all_states`, for each data point.

    Raises:
        NotImplementedError: they cannot be listed.
    """
    return _all_log_probs(base(q), q.event_shape)


def enumerated_expectation(problem: Problem, params: Params) -> Float[Array, ""]:
    r"""$\sum_x q_\theta(x) f(\theta, x)$ over every value of x, summed over data points.

    Differentiating it with respect to θ gives the exact gradient, $\partial f/\partial\theta$
    included.
    """
    q = problem.distribution(params)
    dtype = jax.tree.leaves(params)[0].dtype
    states = jnp.asarray(all_states(q), dtype)
    states = states.reshape(-1, *_ones(q.batch_shape), *q.event_shape)
    x = jnp.broadcast_to(states, (len(states), *q.batch_shape, *q.event_shape))
    probability = jnp.exp(q.log_prob(x))
    return (probability * problem.objectives(params, x)).sum()


def _ones(shape: tuple[int, ...]) -> tuple[int, ...]:
    """A shape of as many axes, each of length 1."""
    return (1,) * len(shape)


class Enumerated(Problem):
    r"""The trait of a problem whose x has few values: its exact gradient is
    $\nabla_\theta \sum_x q_\theta(x) f(\theta, x)$, the sum over all of them.

    It is None where there are more than 4,096.
    """

    truth: ClassVar[str] = "enumeration"

    def exact_gradient(self, params: Params) -> Params | None:
        def gradient(problem: Problem) -> Params:
            return jax.grad(lambda params: enumerated_expectation(problem, params))(params)

        return self.over_all_values(gradient)

    def exact_objective(self, params: Params) -> Float[Array, ""] | None:
        return self.over_all_values(lambda problem: enumerated_expectation(problem, params))

    def over_all_values(self, made_of: Callable[[Problem], Any]) -> Any:
        """What is a sum over all x, made of the problem's data points some at a time where there
        are many; None where x has too many values."""
        q = self.abstract_distribution()
        if not is_enumerable(q):
            return None
        if isinstance(self, WithData) and self.averaged:
            most = MOST_AT_ONCE // int(number_of_states(q))
            if self.num_points > most:
                return mean_over_parts(self, made_of, max(1, most))
        return made_of(self)


def mean_over_parts(problem: WithData, made_of: Callable[[Problem], Any], most: int) -> Any:
    """What is a mean over data points, made of some at a time.

    Args:
        problem: all of it.
        made_of: what is made of the problem of some data points.
        most: how many at a time, at most.
    """
    points = problem.num_points
    size = max(each for each in range(1, min(most, points) + 1) if points % each == 0)
    parts = tuple(rows.reshape(-1, size, *rows.shape[1:]) for rows in problem.data_rows)

    def add(total: Any, part: tuple[Array, ...]) -> tuple[Any, None]:
        return jax.tree.map(jnp.add, total, made_of(problem.with_data(part))), None

    zeros = jax.tree.map(jnp.zeros_like, jax.eval_shape(made_of, problem))
    total, _ = jax.lax.scan(add, zeros, parts)
    return jax.tree.map(lambda leaf: leaf * (size / points), total)


@singledispatch
def _number_of_states(q: dist.Distribution, event: tuple[int, ...]) -> int | float:
    return math.inf


@_number_of_states.register(MarkovBits)
@_number_of_states.register(BernoulliChain)
@_number_of_states.register(dist.BernoulliLogits)
def _number_of_states_bits(q: dist.Distribution, event: tuple[int, ...]) -> int | float:
    bits = math.prod(event)
    return 2**bits if bits <= MOST_COUNTED else math.inf


@_number_of_states.register
def _number_of_states_one_hot(q: OneHotCategoricalLogits, event: tuple[int, ...]) -> int | float:
    *coordinates, categories = event
    choices = math.prod(coordinates)
    return categories**choices if choices * math.log2(categories) <= MOST_COUNTED else math.inf


@_number_of_states.register
def _number_of_states_permutation(q: PlackettLuce, event: tuple[int, ...]) -> int | float:
    items = event[-1]
    return math.factorial(items) if items * math.log2(items) <= MOST_COUNTED else math.inf


@_number_of_states.register
def _number_of_states_tokens(q: TokenSequence, event: tuple[int, ...]) -> int | float:
    (horizon,) = event
    others = q.vocabulary - 1
    if horizon * math.log2(others) > MOST_COUNTED:
        return math.inf
    return sum(others**length for length in range(horizon)) + others**horizon


@singledispatch
def _all_states(q: dist.Distribution, event: tuple[int, ...]) -> Float[np.ndarray, "states ..."]:
    raise NotImplementedError(f"the values of {type(q).__name__} cannot be listed")


@_all_states.register(MarkovBits)
@_all_states.register(BernoulliChain)
@_all_states.register(dist.BernoulliLogits)
def _all_states_bits(
    q: dist.Distribution, event: tuple[int, ...]
) -> Float[np.ndarray, "states ..."]:
    return binary_vectors(math.prod(event)).reshape(-1, *event)


@_all_states.register
def _all_states_one_hot(
    q: OneHotCategoricalLogits, event: tuple[int, ...]
) -> Float[np.ndarray, "states ..."]:
    *coordinates, categories = event
    return one_hot_vectors(math.prod(coordinates), categories).reshape(-1, *event)


@_all_states.register
def _all_states_permutation(
    q: PlackettLuce, event: tuple[int, ...]
) -> Float[np.ndarray, "states ..."]:
    return permutation_matrices(event[-1])


@_all_states.register
def _all_states_tokens(q: TokenSequence, event: tuple[int, ...]) -> Float[np.ndarray, "states ..."]:
    (horizon,) = event
    return token_sequences(q.vocabulary, horizon)


@singledispatch
def _all_log_probs(q: dist.Distribution, event: tuple[int, ...]) -> Float[Array, "*batch states"]:
    raise NotImplementedError(f"the values of {type(q).__name__} cannot be listed")


@_all_log_probs.register
def _all_log_probs_bernoulli(
    q: dist.BernoulliLogits, event: tuple[int, ...]
) -> Float[Array, "*batch states"]:
    log_off = jax.nn.log_sigmoid(-q.logits)
    log_on = jax.nn.log_sigmoid(q.logits)
    log_probs = jnp.stack([log_off, log_on], axis=-1)
    batch = q.batch_shape[: len(q.batch_shape) - len(event)]
    return _sums(log_probs.reshape(*batch, -1, 2))


@_all_log_probs.register
def _all_log_probs_one_hot(
    q: OneHotCategoricalLogits, event: tuple[int, ...]
) -> Float[Array, "*batch states"]:
    *coordinates, categories = event
    batch = q.batch_shape[: len(q.batch_shape) - len(coordinates)]
    return _sums(q.log_probs.reshape(*batch, -1, categories))


@_all_log_probs.register(MarkovBits)
@_all_log_probs.register(BernoulliChain)
@_all_log_probs.register(PlackettLuce)
@_all_log_probs.register(TokenSequence)
def _all_log_probs_joint(q: Any, event: tuple[int, ...]) -> Float[Array, "*batch states"]:
    """Of an x whose coordinates are not independent: log q of each state."""
    dtype = q.dtype if isinstance(q, MarkovBits) else q.logits.dtype
    states = jnp.asarray(_all_states(q, event), dtype)
    states = states.reshape(-1, *_ones(q.batch_shape), *event)
    return jnp.moveaxis(q.log_prob(states), 0, -1)


def _sums(log_probs: Float[Array, "*batch dim categories"]) -> Float[Array, "*batch states"]:
    """The sums of one entry from every coordinate, all K^D of them, the last coordinate fastest."""
    *batch, dim, _ = log_probs.shape
    total = log_probs[..., 0, :]
    for coordinate in range(1, dim):
        pairs = total[..., :, None] + log_probs[..., coordinate, None, :]
        total = pairs.reshape(*batch, -1)
    return total
