"""Estimates of a group of sequences for each prompt, and their moments over all such groups."""

import itertools
import math
from abc import abstractmethod
from collections import Counter
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float, Int

from gradest.estimators.base import State, SurrogateEstimator
from gradest.estimators.policy.rollouts import Rollouts, drawn_from, rollouts_of
from gradest.problems.base import Params, Problem
from gradest.problems.control.token_policy import TokenPolicy
from gradest.problems.distributions.enumeration import all_log_probs, all_states

MOST_AT_ONCE = 2**12
"""Groups whose estimates are made at a time."""


class GroupEstimator(SurrogateEstimator):
    """An estimate from G = L sequences for each of P prompts, from the policy that draws."""

    @abstractmethod
    def losses(self, rollouts: Rollouts) -> Float[Array, " P"]:
        """The surrogate loss of each prompt, whose sum has the estimate as its gradient."""

    def surrogate(
        self, problem: Problem, params: Params, state: State, key: Array, num_samples: int
    ) -> tuple[Float[Array, ""], State]:
        assert isinstance(problem, TokenPolicy)
        x = drawn_from(problem, params, key, num_samples)
        return self.losses(rollouts_of(problem, params, x)).sum(), state

    @property
    def joins_prompts(self) -> bool:
        """Whether the term of a prompt is made of other prompts' sequences too."""
        return False


class Exactly(NamedTuple):
    """An estimate's mean and covariance, all of θ as one vector in the order of its groups."""

    mean: Float[np.ndarray, " D"]
    covariance: Float[np.ndarray, "D D"]

    @property
    def variance(self) -> float:
        """The trace of the covariance."""
        return float(np.trace(self.covariance))

    def scale(self, gradient: Float[np.ndarray, " D"]) -> float:
        r"""The c that minimises $\|E\hat g - c \nabla J\|$."""
        return float(self.mean @ gradient / (gradient @ gradient))

    def cosine(self, gradient: Float[np.ndarray, " D"]) -> float:
        r"""Of the angle between $E\hat g$ and $\nabla J$."""
        sizes = np.linalg.norm(self.mean) * np.linalg.norm(gradient)
        return float(self.mean @ gradient / sizes)

    def squared_bias(self, gradient: Float[np.ndarray, " D"]) -> float:
        r"""$\|E\hat g - \nabla J\|^2$."""
        return float(((self.mean - gradient) ** 2).sum())


def exactly(estimator: GroupEstimator, problem: TokenPolicy, params: Params, group: int) -> Exactly:
    """An estimate's mean and covariance, by a sum over all groups of G sequences.

    Groups are taken without their order. Prompts are summed over apart where the estimator does not
    join them, else together: G = 4 of 15 sequences are 3,060 groups, for two prompts 9,363,600.

    Args:
        estimator: does not depend on the order of a group.
        problem: of few sequences.
        params: θ.
        group: G.
    """
    chosen, orders = groups_of(len(all_states(problem.policy(params))), group)
    old = problem.policy(problem.behaviour(params))
    likely = orders * np.exp(np.asarray(all_log_probs(old))[:, chosen].sum(-1))
    if estimator.joins_prompts:
        together = np.indices((len(chosen),) * problem.prompts).reshape(problem.prompts, -1).T
        weights = likely[np.arange(problem.prompts), together].prod(-1)
        return moments(estimator, problem, params, chosen[together].swapaxes(1, 2), weights[None])
    alike = np.repeat(chosen[:, :, None], problem.prompts, axis=2)
    return moments(estimator, problem, params, alike, likely)


def groups_of(
    states: int, group: int
) -> tuple[Int[np.ndarray, "groups G"], Float[np.ndarray, " groups"]]:
    """All groups without their order, and how many orders each has.

    >>> groups_of(2, 2)
    (array([[0, 0],
           [0, 1],
           [1, 1]]), array([1., 2., 1.]))
    """
    chosen = list(itertools.combinations_with_replacement(range(states), group))
    orders = [
        math.factorial(group) / math.prod(map(math.factorial, Counter(each).values()))
        for each in chosen
    ]
    return np.array(chosen), np.array(orders)


def moments(
    estimator: GroupEstimator,
    problem: TokenPolicy,
    params: Params,
    chosen: Int[np.ndarray, "groups G P"],
    weights: Float[np.ndarray, "parts groups"],
) -> Exactly:
    """Mean and covariance of a sum of independent parts: of prompts, or of the one that is all.

    Args:
        estimator: of which.
        problem: of few sequences.
        params: θ.
        chosen: the numbers of the sequences of each group.
        weights: how likely each group is, for each part.
    """
    per_part = partial(terms, estimator, problem, joined=len(weights) < problem.prompts)
    size = ravel_pytree(params)[0].size
    mean = np.zeros((len(weights), size))
    second = np.zeros((len(weights), size, size))
    for start in range(0, len(chosen), MOST_AT_ONCE):
        some = slice(start, start + MOST_AT_ONCE)
        g = np.asarray(per_part(params, chosen[some]), float)
        mean += np.einsum("pn,npd->pd", weights[:, some], g)
        second += np.einsum("pn,npd,npe->pde", weights[:, some], g, g, optimize=True)
    covariance = second - mean[:, :, None] * mean[:, None, :]
    return Exactly(mean.sum(0), covariance.sum(0))


@partial(jax.jit, static_argnames="joined")
def terms(
    estimator: GroupEstimator,
    problem: TokenPolicy,
    params: Params,
    chosen: Int[Array, "groups G P"],
    *,
    joined: bool,
) -> Float[Array, "groups parts D"]:
    """The estimate from each group, prompt by prompt or, `joined`, their sum."""
    theta, rolled = ravel_pytree(params)
    states = jnp.asarray(all_states(problem.policy(params)), theta.dtype)

    def losses(theta: Float[Array, " D"], x: Float[Array, "G P T"]) -> Float[Array, " parts"]:
        each = estimator.losses(rollouts_of(problem, rolled(theta), x))
        return each.sum(keepdims=True) if joined else each

    return jax.vmap(lambda x: jax.jacrev(losses)(theta, x))(states[chosen])
