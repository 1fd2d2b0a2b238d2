"""DisARM for categorical variables, each written in bits as a leaf of a binary tree."""

import math
from collections.abc import Callable
from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.lax import stop_gradient
from jaxtyping import Array, Bool, Float

from gradest.estimators.base import Evaluations, State, SurrogateEstimator
from gradest.estimators.sampling.draws import noise
from gradest.estimators.sampling.refusals import refuse_unless_even
from gradest.problems.arguments import choice
from gradest.problems.base import Params, Problem
from gradest.problems.distributions.coordinates import base
from gradest.problems.distributions.discrete import OneHotCategoricalLogits


class Tree(NamedTuple):
    """Which categories are below each node, where a bit is drawn, and which of them on the side where that is 1."""

    below: Bool[np.ndarray, "nodes categories"]
    on: Bool[np.ndarray, "nodes categories"]


def tree(categories: int, split: Callable[[int, int], int]) -> Tree:
    """The categories from `first` to `last` are parted at `split(first, last)`, those before it on the side of 1."""
    nodes, parts, k = [], [(0, categories)], np.arange(categories)
    while parts:
        first, last = parts.pop()
        if last - first > 1:
            middle = split(first, last)
            nodes.append(((first <= k) & (k < last), (first <= k) & (k < middle)))
            parts += [(middle, last), (first, middle)]
    below, on = zip(*nodes, strict=True)
    return Tree(np.stack(below), np.stack(on))


TREES: dict[str, Callable[[int], Tree]] = {
    "stick_breaking": lambda categories: tree(categories, lambda first, last: first + 1),
    "balanced": lambda categories: tree(categories, lambda first, last: (first + last + 1) // 2),
}


class CategoricalDisARM(SurrogateEstimator):
    r"""$\frac1L \sum_{dn} \sum_{\mathrm{pairs}} [f(x) - f(\tilde x)]\, w_{dn} \nabla_\theta
    \alpha_{dn}$, plus ∂f/∂θ.

    A category is the leaf that is come to by a bit, of logit $\alpha_n$, at each node n of a binary
    tree: breaking a stick, the k-th bit says whether it is category k, given that it is no earlier
    one; in a balanced tree each says in which half it is. The two draws of a pair have antithetic
    bits b and $\tilde b$ of probability $p = \mathrm{sigmoid}(\alpha)$. The weight of a bit that
    both come to is DisARM's, $(b - \tilde b) \max(p, 1 - p)$. Rao-Blackwellised over the bits that
    a draw does not come to, it is b − p where x alone does, $p - \tilde b$ where $\tilde x$ alone
    does, 0 where neither does. With two categories it is DisARM. Unbiased. Cost: L evaluations of
    f; where f depends on θ, L of its gradient. Needs an even L.
    """

    tree: str = choice(
        {name: name for name in TREES}, "stick_breaking", "how a category is written in bits"
    )

    unbiased: ClassVar[bool] = True
    independent_terms: ClassVar[bool] = True
    source: ClassVar[str] = "Dong, Mnih and Tucker, 2021"

    def surrogate(
        self, problem: Problem, params: Params, state: State, key: Array, num_samples: int
    ) -> tuple[Float[Array, ""], State]:
        logits = base(problem.distribution(params)).logits
        tree = TREES[self.tree](logits.shape[-1])
        alpha = log_total(logits, tree.on) - log_total(logits, tree.below & ~tree.on)
        logistic = noise(jax.random.logistic, key, num_samples // 2, alpha.shape, alpha.dtype)
        x, y = (
            leaf(stop_gradient(alpha) + sign * logistic > 0, tree, alpha.dtype) for sign in (1, -1)
        )
        f = problem.objectives(params, jnp.concatenate([x, y]))
        half_apart = (f[: len(x)] - f[len(x) :]) / 2
        (b, c), (to_x, to_y) = (
            [draw @ side.T for draw in (x, y)] for side in (tree.on, tree.below)
        )
        p = jax.nn.sigmoid(alpha)
        both = to_x * to_y
        weight = (
            both * (b - c) * jnp.maximum(p, 1 - p)
            + (to_x - both) * (b - p)
            - (to_y - both) * (c - p)
        )
        gradient = stop_gradient(half_apart[..., None, None] * weight).mean(0)
        return (gradient * alpha).sum() + f.mean(0).sum(), state

    @property
    def min_samples(self) -> int:
        return 2

    def refuses_samples(self, num_samples: int) -> str | None:
        return refuse_unless_even(num_samples, ", of pairs")

    def refuses(self, problem: Problem) -> str | None:
        q = base(problem.abstract_distribution())
        known = isinstance(q, OneHotCategoricalLogits)
        return None if known else f"{type(q).__name__} has no categories to be the leaves of a tree"

    def evaluations(self, problem: Problem, num_samples: int) -> Evaluations:
        return Evaluations(f=num_samples, grad=problem.direct_gradients(num_samples))

    def draws(self, problem: Problem, num_samples: int) -> int:
        logits = base(problem.abstract_distribution()).logits
        bits = math.prod(logits.shape[:-1]) * (logits.shape[-1] - 1)
        return num_samples // 2 * bits


def log_total(
    logits: Float[Array, "*shape categories"], among: Bool[np.ndarray, "nodes categories"]
) -> Float[Array, "*shape nodes"]:
    """The logarithm of the sum of e^logit over some categories, for each node."""
    return jax.nn.logsumexp(logits[..., None, :], axis=-1, where=among)


def leaf(
    bits: Bool[Array, "*shape nodes"], tree: Tree, dtype: jnp.dtype
) -> Float[Array, "*shape categories"]:
    """One-hot at the category that the bits lead to: every bit above it is on its side."""
    agree = (bits[..., None] == tree.on) | ~tree.below
    return agree.all(-2).astype(dtype)
