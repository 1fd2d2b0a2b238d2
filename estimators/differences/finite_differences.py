r"""Gradients from f's values alone, at parameters on both sides of θ: the zeroth-order methods.

What is differenced is $F(\theta) = E_{q_\theta}[f]$ itself, by one sample of it at $\theta + c u$
and one at $\theta - c u$ that share their random numbers. Nothing is asked of q but draws.
"""

from abc import abstractmethod
from collections.abc import Callable
from typing import ClassVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from gradest.estimators.base import Estimator, Evaluations, State
from gradest.estimators.sampling.draws import noise, sample
from gradest.estimators.sampling.refusals import refuse_unless_even
from gradest.problems.arguments import Number, number
from gradest.problems.base import Params, Problem
from gradest.problems.distributions.coordinates import has_valid_parameters


class FiniteDifference(Estimator):
    r"""What the zeroth-order estimators share: all but the distribution of the directions u.

    For these $E[u u^\top] = I$, so that $E[u\, u^\top \nabla F] = \nabla F$: u times a difference
    quotient of F along u estimates the gradient.
    """

    radius: Number = number(
        0.1, "c: how far from θ; lower is less biased and more variable", above=0
    )

    unbiased: ClassVar[bool] = False
    biased_by: ClassVar[str] = "a difference over a finite step stands for the derivative"
    independent_terms: ClassVar[bool] = True

    @property
    @abstractmethod
    def direction(self) -> Callable[..., Array]:
        """The sampler of each number in u, one of jax.random's."""

    def estimate(
        self, problem: Problem, params: Params, state: State, key: Array, num_samples: int
    ) -> tuple[Params, State]:
        pairs = num_samples // 2
        leaves, structure = jax.tree.flatten(params)
        draw_key, *direction_keys = jax.random.split(key, 1 + len(leaves))
        directions = [
            noise(self.direction, direction_key, pairs, leaf.shape, leaf.dtype)
            for direction_key, leaf in zip(direction_keys, leaves, strict=True)
        ]

        def value(u: Params, key: Array, side: int) -> tuple[Float[Array, ""], Bool[Array, ""]]:
            """A sample of F at θ + c u, or on the other side at θ − c u, and whether q is there."""
            moved = jax.tree.map(lambda leaf, step: leaf + side * self.radius * step, params, u)
            q = problem.distribution(moved)
            x = sample(q, key, 1)
            return problem.objectives(moved, x).sum(), has_valid_parameters(q)

        def difference(u: Params, key: Array) -> Params:
            """u times the difference quotient along it."""
            above, q_is_above = value(u, key, 1)
            below, q_is_below = value(u, key, -1)
            quotient = (above - below) / (2 * self.radius)
            # where q is on both sides a number that is not finite is f's, and told
            counts = jnp.isfinite(quotient) | (q_is_above & q_is_below)
            return jax.tree.map(lambda step: jnp.where(counts, quotient, 0) * step, u)

        pair_keys = jax.random.split(draw_key, pairs)
        estimates = jax.vmap(difference)(jax.tree.unflatten(structure, directions), pair_keys)
        return jax.tree.map(lambda leaf: leaf.mean(0), estimates), state

    @property
    def min_samples(self) -> int:
        return 2

    def refuses_samples(self, num_samples: int) -> str | None:
        if reason := super().refuses_samples(num_samples):
            return reason
        return refuse_unless_even(num_samples, ", a draw on either side of θ")

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
    r"""Differences along Gaussian directions.

    $\frac{2}{L} \sum_{l=1}^{L/2}
    \frac{f(\theta + c u_l, x^+_l) - f(\theta - c u_l, x^-_l)}{2 c} u_l$, u ~ N(0, I),

    where $x^\pm \sim q_{\theta \pm c u}$ are made from the same random numbers. Its mean is the
    gradient of $E_u[F(\theta + c u)]$, so that it is biased by O(c²) where F is not quadratic. A
    direction that leaves θ's domain, where there is no q, counts as 0. Where f jumps or x is
    discrete the variance is O(1/c). Cost: L evaluations of f.

    With q itself a Gaussian about θ this is not needed: evolution strategies (Salimans et al.,
    2017) are then the score function with antithetic draws, and unbiased.
    """

    purpose: ClassVar[str] = "black-box f, along Gaussian directions"
    source: ClassVar[str] = "Nesterov and Spokoiny, 2017"

    @property
    def direction(self) -> Callable[..., Array]:
        return jax.random.normal


class SPSA(FiniteDifference):
    r"""Simultaneous perturbation: differences along random signs.

    $\frac{2}{L} \sum_{l=1}^{L/2}
    \frac{f(\theta + c u_l, x^+_l) - f(\theta - c u_l, x^-_l)}{2 c} u_l^{-1}$, u = ±1,

    where the signs u are fair coins, so that $u^{-1} = u$, and $x^\pm \sim q_{\theta \pm c u}$ are
    made from the same random numbers. Biased by O(c²) where F is not quadratic. A direction that
    leaves θ's domain, where there is no q, counts as 0. Cost: L evaluations of f.
    """

    purpose: ClassVar[str] = "black-box f, along random signs"
    source: ClassVar[str] = "Spall, 1992"

    @property
    def direction(self) -> Callable[..., Array]:
        return jax.random.rademacher
