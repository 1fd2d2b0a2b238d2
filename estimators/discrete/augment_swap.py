"""Augment-REINFORCE-swap: one draw of noise, with categories swapped in it, tells f at several draws of x."""

from itertools import combinations
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jax.lax import stop_gradient
from jaxtyping import Array, Float

from gradest.estimators.base import Evaluations, State, SurrogateEstimator
from gradest.estimators.sampling.draws import noise, one_hot_of_largest
from gradest.problems.arguments import flag
from gradest.problems.base import Params, Problem
from gradest.problems.distributions.coordinates import base
from gradest.problems.distributions.discrete import OneHotCategoricalLogits


class AugmentSwap(SurrogateEstimator):
    r"""$\partial_{\phi_{dc}} = \frac1{KL} \sum_{jl} (1 - K \pi_{ldj}) [f(x_l^{cj}) - \frac1K \sum_m
    f(x_l^{mj})]$

    for the logits φ; to this comes ∂f/∂θ at x. π ~ Dirichlet(1, …, 1) in each of the D coordinates,
    and x, the category k with the least $\pi_k e^{-\phi_k}$, is a draw from q. $x^{cj}$ is x where
    π has its entries c and j swapped, in all coordinates at once, hence a draw from q as well. This
    is ARSM, which merges the K reference categories j; unmerged it is ARS, with one j, and with two
    categories either is ARM. Unbiased. Cost: for each of the L draws of π, K(K − 1)/2 + 1
    evaluations of f, unmerged K; where f depends on θ, L of its gradient.
    """

    merge: bool = flag(True, "whether every category is the reference in turn (ARSM), or one (ARS)")

    unbiased: ClassVar[bool] = True
    independent_terms: ClassVar[bool] = True
    source: ClassVar[str] = "Yin, Yue and Zhou, 2019"

    def surrogate(
        self, problem: Problem, params: Params, state: State, key: Array, num_samples: int
    ) -> tuple[Float[Array, ""], State]:
        logits = base(problem.distribution(params)).logits
        categories = logits.shape[-1]
        gumbel = noise(jax.random.gumbel, key, num_samples, logits.shape, logits.dtype)
        orders, which = self.swaps(categories)

        def swapped_costs(params: Params, order: Array) -> Float[Array, "L *batch"]:
            return problem.objectives(
                params, one_hot_of_largest(stop_gradient(logits) + gumbel[..., order])
            )

        f = swapped_costs(params, jnp.arange(categories))
        others = jax.vmap(swapped_costs, in_axes=(None, 0))(
            stop_gradient(params), jnp.asarray(orders)
        )
        values = stop_gradient(jnp.concatenate([f[None], others])[which])
        apart = values - values.mean(1, keepdims=True)
        dirichlet = jax.nn.softmax(-gumbel)[..., : len(which)]
        gradient = jnp.einsum("jcl...,l...dj->l...dc", apart, 1 - categories * dirichlet) / len(
            which
        )
        return (gradient.mean(0) * logits).sum() + f.mean(0).sum(), state

    def swaps(self, categories: int) -> tuple[np.ndarray, np.ndarray]:
        """The orders that differ from the plain one, and which of all belongs to each reference and category."""
        references = range(categories if self.merge else 1)
        pairs = [pair for pair in combinations(range(categories), 2) if pair[0] in references]
        orders = np.tile(np.arange(categories), (len(pairs), 1))
        which = np.zeros((len(references), categories), int)
        for place, (j, c) in enumerate(pairs):
            orders[place, [j, c]] = c, j
            which[j, c] = place + 1
            if c in references:
                which[c, j] = place + 1
        return orders, which

    def refuses(self, problem: Problem) -> str | None:
        q = base(problem.abstract_distribution())
        known = isinstance(q, OneHotCategoricalLogits)
        return None if known else f"{type(q).__name__} has no categories to swap"

    def evaluations(self, problem: Problem, num_samples: int) -> Evaluations:
        orders, _ = self.swaps(base(problem.abstract_distribution()).logits.shape[-1])
        return Evaluations(
            f=(len(orders) + 1) * num_samples, grad=problem.direct_gradients(num_samples)
        )
