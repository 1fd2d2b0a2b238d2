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
from gradest.problems.distributions.bits import bit_scores, sigmoid
from gradest.problems.distributions.coordinates import base
from gradest.problems.distributions.discrete import OneHotCategoricalLogits
from gradest.problems.distributions.fine_noise import logistic


class Tree(NamedTuple):
    """A binary tree with the categories as its leaves: at each node a bit is drawn."""

    below: Bool[np.ndarray, "nodes categories"]
    """Which categories are below each node."""
    ones: Bool[np.ndarray, "nodes categories"]
    """Which of them are on the side where its bit is 1."""


def split_recursively(categories: int, split: Callable[[int, int], int]) -> Tree:
    """The tree whose nodes each part a range of categories in two.

    Args:
        categories: how many there are.
        split: of a range from `first` to before `last`, where its second part begins; the bit is 1
            for the first part.
    """
    k = np.arange(categories)
    below = []
    ones = []
    ranges = [(0, categories)]
    while ranges:
        first, last = ranges.pop()
        if last - first == 1:
            continue  # a leaf
        middle = split(first, last)
        below.append((first <= k) & (k < last))
        ones.append((first <= k) & (k < middle))
        ranges += [(middle, last), (first, middle)]
    return Tree(np.stack(below), np.stack(ones))


def stick_breaking(categories: int) -> Tree:
    """The k-th bit says whether it is category k, given that it is no earlier one."""
    return split_recursively(categories, lambda first, last: first + 1)


def balanced(categories: int) -> Tree:
    """Each bit says in which half of those that are left the category is."""
    return split_recursively(categories, lambda first, last: (first + last + 1) // 2)


TREES: dict[str, Callable[[int], Tree]] = {"stick_breaking": stick_breaking, "balanced": balanced}
"""How a number of categories is written in bits."""


class CategoricalDisARM(SurrogateEstimator):
    r"""DisARM on the bits by which a category is come to in a binary tree.

    $\frac1L \sum_{dn} \sum_{\mathrm{pairs}} [f(x) - f(\tilde x)]\, w_{dn} \nabla_\theta
    \alpha_{dn}$, plus ∂f/∂θ.

    At each node n of the tree a bit is drawn, of logit $\alpha_n$; a category is the leaf that the
    bits lead to. The two draws of a pair have antithetic bits b and $\tilde b$ of probability
    $p = \mathrm{sigmoid}(\alpha)$. The weight of a bit that both come to is DisARM's,
    $(b - \tilde b) \max(p, 1 - p)$. Rao-Blackwellised over the bits that a draw does not come to,
    it is b − p where x alone comes to it, $p - \tilde b$ where $\tilde x$ alone does, 0 where
    neither does. With two categories it is DisARM. Unbiased. Cost: L evaluations of f; where f
    depends on θ, L of its gradient. Needs an even L.
    """

    tree: str = choice(tuple(TREES), "stick_breaking", "how a category is written in bits")

    purpose: ClassVar[str] = "categories, by antithetic binary trees"
    unbiased: ClassVar[bool] = True
    independent_terms: ClassVar[bool] = True
    source: ClassVar[str] = "Dong, Mnih and Tucker, 2021"

    def surrogate(
        self, problem: Problem, params: Params, state: State, key: Array, num_samples: int
    ) -> tuple[Float[Array, ""], State]:
        logits = base(problem.distribution(params)).logits
        tree = TREES[self.tree](logits.shape[-1])
        alpha = log_total(logits, tree.ones) - log_total(logits, tree.below & ~tree.ones)
        drawn = noise(logistic, key, num_samples // 2, alpha.shape, alpha.dtype)
        fixed = stop_gradient(alpha)
        x = leaf(fixed + drawn > 0, tree, alpha.dtype)
        y = leaf(fixed - drawn > 0, tree, alpha.dtype)
        f = problem.objectives(params, jnp.concatenate([x, y]))
        pairs = len(x)
        half_difference = (f[:pairs] - f[pairs:]) / 2
        weight = pair_weights(x, y, tree, alpha)
        gradient = stop_gradient(half_difference[..., None, None] * weight).mean(0)
        return (gradient * alpha).sum() + f.mean(0).sum(), state

    @property
    def min_samples(self) -> int:
        return 2

    def refuses_samples(self, num_samples: int) -> str | None:
        return refuse_unless_even(num_samples, ", of pairs")

    def refuses(self, problem: Problem) -> str | None:
        q = base(problem.abstract_distribution())
        if isinstance(q, OneHotCategoricalLogits):
            return None
        return f"{type(q).__name__} has no categories to be the leaves of a tree"

    def evaluations(self, problem: Problem, num_samples: int) -> Evaluations:
        return Evaluations(f=num_samples, grad=problem.direct_gradients(num_samples))

    def draws(self, problem: Problem, num_samples: int) -> int:
        *coordinates, categories = base(problem.abstract_distribution()).logits.shape
        bits = math.prod(coordinates) * (categories - 1)
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
    agree = (bits[..., None] == tree.ones) | ~tree.below
    return agree.all(-2).astype(dtype)


def pair_weights(
    x: Float[Array, "pairs *shape categories"],
    y: Float[Array, "pairs *shape categories"],
    tree: Tree,
    alpha: Float[Array, "*shape nodes"],
) -> Float[Array, "pairs *shape nodes"]:
    r"""The weight w of each bit of each pair: DisARM's, averaged over bits that are not come to.

    Where x alone comes to a bit, $\tilde b$ is averaged out given b. With $p \ge \frac12$, b = 0
    goes with $\tilde b = 1$, so that DisARM's weight is −p. And b = 1 goes with $\tilde b = 0$ with
    probability (1 − p)/p, so that the weight is 1 − p in the mean. That is b − p in either case,
    and so it is for a smaller p.
    """
    b = x @ tree.ones.T
    c = y @ tree.ones.T
    to_x = x @ tree.below.T
    to_y = y @ tree.below.T
    both = to_x * to_y
    weight = both * (b - c) * sigmoid(jnp.abs(alpha))
    weight += (to_x - both) * bit_scores(alpha, b)
    weight -= (to_y - both) * bit_scores(alpha, c)
    return weight
