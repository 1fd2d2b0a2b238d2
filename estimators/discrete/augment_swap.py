"""Augment-REINFORCE-swap: one draw of noise, with categories swapped in it, tells f at several
draws of x."""

from itertools import combinations
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jax.lax import stop_gradient
from jaxtyping import Array, Float, Int

from gradest.estimators.base import Evaluations, State, SurrogateEstimator
from gradest.estimators.sampling.draws import noise
from gradest.problems.arguments import flag
from gradest.problems.base import Params, Problem
from gradest.problems.distributions.coordinates import base
from gradest.problems.distributions.discrete import OneHotCategoricalLogits, one_hot_of_largest
from gradest.problems.distributions.fine_noise import gumbel


class AugmentSwap(SurrogateEstimator):
    r"""The score of exponential noise, with draws at swapped noise as its control variate.

    $\partial_{\phi_{dc}} = \frac1{KL} \sum_{jl} (1 - K \pi_{ldj}) [f(x_l^{cj}) - \frac1K \sum_m
    f(x_l^{mj})]$

    for the logits φ; to this comes ∂f/∂θ at x. π ~ Dirichlet(1, …, 1) in each of the D coordinates,
    and x, the category k with the least $\pi_k e^{-\phi_k}$, is a draw from q. $x^{cj}$ is x where
    π has its entries c and j swapped, in all coordinates at once, hence a draw from q as well.

    In one coordinate, with $E_k$ exponential, $E_k e^{-\phi_k}$ has the rate $e^{\phi_k}$, and its
    score in $\phi_c$ is $1 - E_c$. x depends on $\pi = E / \sum_k E_k$ alone, of which the sum, of
    mean K, is independent: $\partial_{\phi_c} E[f] = E[f(x) (1 - K \pi_c)]$. A swap leaves the law
    of π as it is, so that this is $E[f(x^{cj}) (1 - K \pi_j)]$ for any reference j. The mean of
    these over c is zero, since $\sum_c (1 - K \pi_c) = 0$, and is subtracted.

    This is ARSM, which merges the K reference categories j; unmerged it is ARS, with one j, and
    with two categories either is ARM. Unbiased. Cost: for each of the L draws of π, K(K − 1)/2 + 1
    evaluations of f, unmerged K; where f depends on θ, L of its gradient.
    """

    merge: bool = flag(True, "whether every category is the reference in turn (ARSM), or one (ARS)")

    purpose: ClassVar[str] = "categories, by swapped noise"
    unbiased: ClassVar[bool] = True
    independent_terms: ClassVar[bool] = True
    source: ClassVar[str] = "Yin, Yue and Zhou, 2019"

    def surrogate(
        self, problem: Problem, params: Params, state: State, key: Array, num_samples: int
    ) -> tuple[Float[Array, ""], State]:
        logits = base(problem.distribution(params)).logits
        categories = logits.shape[-1]
        # Gumbel noise G is −log E: the least E_k e^{−φ_k} is the largest φ_k + G_k
        drawn = noise(gumbel, key, num_samples, logits.shape, logits.dtype)
        orders, which = self.swaps(categories)

        def swapped_objectives(params: Params, order: Array) -> Float[Array, "L *batch"]:
            x = one_hot_of_largest(stop_gradient(logits) + drawn[..., order])
            return problem.objectives(params, x)

        f = swapped_objectives(params, jnp.arange(categories))
        at_orders = jax.vmap(swapped_objectives, in_axes=(None, 0))
        f_swapped = at_orders(stop_gradient(params), jnp.asarray(orders))

        # f(x^{cj}) by reference j, category c and draw l, less its mean over c
        values = stop_gradient(jnp.concatenate([f[None], f_swapped])[which])
        advantage = values - values.mean(1, keepdims=True)
        references = len(which)
        pi = jax.nn.softmax(-drawn)[..., :references]
        gradient = jnp.einsum("jcl...,l...dj->l...dc", advantage, 1 - categories * pi) / references
        return (gradient.mean(0) * logits).sum() + f.mean(0).sum(), state

    def swaps(
        self, categories: int
    ) -> tuple[Int[np.ndarray, "pairs categories"], Int[np.ndarray, "references categories"]]:
        """The swaps that are made.

        Returns:
            The order of the categories after each swap of two different ones; and, for each
            reference and category, which of the plain order (0) and these (from 1) is theirs.
        """
        references = categories if self.merge else 1
        pairs = [(j, c) for j, c in combinations(range(categories), 2) if j < references]
        orders = np.tile(np.arange(categories), (len(pairs), 1))
        which = np.zeros((references, categories), int)
        for place, (j, c) in enumerate(pairs):
            orders[place, [j, c]] = c, j
            which[j, c] = place + 1
            if c < references:
                which[c, j] = place + 1
        return orders, which

    def refuses(self, problem: Problem) -> str | None:
        q = base(problem.abstract_distribution())
        if isinstance(q, OneHotCategoricalLogits):
            return None
        return f"{type(q).__name__} has no categories to swap"

    def evaluations(self, problem: Problem, num_samples: int) -> Evaluations:
        categories = base(problem.abstract_distribution()).logits.shape[-1]
        orders, _ = self.swaps(categories)
        f = (len(orders) + 1) * num_samples
        return Evaluations(f=f, grad=problem.direct_gradients(num_samples))
