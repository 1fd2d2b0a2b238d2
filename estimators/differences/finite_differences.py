r"""Gradients from f's values alone, at parameters on both sides of θ: the zeroth-order methods.

What is differenced is $F(\theta) = E_{q_\theta}[f]$ itself, by one sample of it at $\theta + c u$
and one at $\theta - c u$ that share their random numbers. Nothing is asked of q but draws.
"""

from abc import abstractmethod
from collections.abc import Callable
from typing import ClassVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from gradest.estimators.base import Estimator, Evaluations, State
from gradest.estimators.sampling.draws import noise, sample
from gradest.estimators.sampling.refusals import refuse_unless_even
from gradest.problems.arguments import Number, number
from gradest.problems.base import Params, Problem


class FiniteDifference(Estimator):
    """What the zeroth-order estimators share: all but the distribution of the directions u, for which E[u uᵀ] = I."""

    radius: Number = number(
        0.1, "c: how far from θ; lower is less biased and more variable", above=0
    )

    unbiased: ClassVar[bool] = False
    independent_terms: ClassVar[bool] = True

    @property
    @abstractmethod
    def direction(self) -> Callable[..., Array]:
        """The sampler of each number in u."""

    def estimate(
        self, problem: Problem, params: Params, state: State, key: Array, num_samples: int
    ) -> tuple[Params, State]:
        leaves, structure = jax.tree.flatten(params)
        pairs = num_samples // 2
        draw_key, *keys = jax.random.split(key, 1 + len(leaves))
        directions = jax.tree.unflatten(
            structure,
            [
                noise(self.direction, key, pairs, leaf.shape, leaf.dtype)
                for key, leaf in zip(keys, leaves, strict=True)
            ],
        )

        def difference(u: Params, key: Array) -> Params:
            """u times the slope of F along it."""

            def value(side: int) -> Float[Array, ""]:
                moved = jax.tree.map(lambda leaf, step: leaf + side * self.radius * step, params, u)
                return problem.objectives(moved, sample(problem.distribution(moved), key, 1)).sum()

            slope = (value(1) - value(-1)) / (2 * self.radius)
            return jax.tree.map(lambda step: jnp.where(jnp.isfinite(slope), slope, 0) * step, u)

        each = jax.vmap(difference)(directions, jax.random.split(draw_key, pairs))
        return jax.tree.map(lambda leaf: leaf.mean(0), each), state

    @property
    def min_samples(self) -> int:
        return 2

    def refuses_samples(self, num_samples: int) -> str | None:
        return super().refuses_samples(num_samples) or refuse_unless_even(
            num_samples, ", a draw on either side of θ"
        )

    def refuses(self, problem: Problem) -> str | None:
        return None

    def evaluations(self, problem: Problem, num_samples: int) -> Evaluations:
        return Evaluations(f=num_samples, grad=0)

    def draws(self, problem: Problem, num_samples: int) -> int:
        params = jax.eval_shape(problem.init_params, jax.random.key(0))
        of_direction = sum(leaf.size for leaf in jax.tree.leaves(params))
        # both sides of θ share the numbers of x
        pairs = num_samples // 2
        return pairs * of_direction + super().draws(problem, pairs)


class GaussianSmoothing(FiniteDifference):
    r"""$\frac{2}{L} \sum_{l=1}^{L/2} \frac{f(\theta + c u_l, x^+_l) - f(\theta - c u_l, x^-_l)}{2
    c} u_l$, u ~ N(0, I).

    $x^\pm \sim q_{\theta \pm c u}$ from the same random numbers. The gradient of $E_u[F(\theta + c
    u)]$, so biased by O(c²) where F is not quadratic. A direction that leaves θ's domain, where F
    has no value, counts as 0. Where f jumps or x is discrete the variance is O(1/c). Cost: L
    evaluations of f.

    With q itself a Gaussian about θ this is not needed: evolution strategies (Salimans et al.,
    2017) are then the score function with antithetic draws, and unbiased.
    """

    source: ClassVar[str] = "Nesterov and Spokoiny, 2017"

    @property
    def direction(self) -> Callable[..., Array]:
        return jax.random.normal


class SPSA(FiniteDifference):
    r"""$\frac{2}{L} \sum_{l=1}^{L/2} \frac{f(\theta + c u_l, x^+_l) - f(\theta - c u_l, x^-_l)}{2
    c} u_l^{-1}$, u = ±1.

    Simultaneous perturbation: the signs u are fair coins, so that $u^{-1} = u$, and $x^\pm \sim
    q_{\theta \pm c u}$ from the same random numbers. Biased by O(c²) where F is not quadratic. A
    direction that leaves θ's domain, where F has no value, counts as 0. Cost: L evaluations of f.
    """

    source: ClassVar[str] = "Spall, 1992"

    @property
    def direction(self) -> Callable[..., Array]:
        return jax.random.rademacher
