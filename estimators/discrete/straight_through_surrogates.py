"""Straight-through estimators that pass the gradient of f on to something other than the mean, without more noise."""

from abc import abstractmethod
from typing import ClassVar

import numpyro.distributions as dist
from jax.lax import stop_gradient
from jaxtyping import Array, Float

from gradest.estimators.base import Evaluations, State, SurrogateEstimator
from gradest.estimators.sampling.draws import has_rule, sample
from gradest.estimators.sampling.relaxations import gapped, mean_parameter, moved_to
from gradest.problems.arguments import Number, number
from gradest.problems.base import Params, Problem
from gradest.problems.distributions.coordinates import base


class PastTheDraw(SurrogateEstimator):
    r"""$\frac1L \sum_l \partial_x f(\theta, x_l)\, \nabla_\theta \hat x_\theta(x_l) +
    \partial_\theta f(\theta, x_l)$.

    f is evaluated at the draw x, and its gradient goes on to a function $\hat x$ of θ and x: a
    subclass says to which.
    """

    unbiased: ClassVar[bool] = False
    differentiates_f: ClassVar[bool] = True
    independent_terms: ClassVar[bool] = True

    @abstractmethod
    def surrogate_draw(
        self, q: dist.Distribution, x: Float[Array, "L ..."]
    ) -> Float[Array, "#L ..."]:
        r"""$\hat x$, of the coordinates' distribution and the draws, whose value does not matter, only its gradient."""

    def surrogate(
        self, problem: Problem, params: Params, state: State, key: Array, num_samples: int
    ) -> tuple[Float[Array, ""], State]:
        q = problem.distribution(params)
        x = sample(q, key, num_samples)
        passed = self.surrogate_draw(base(q), x)
        return problem.objectives(params, x + (passed - stop_gradient(passed))).mean(0).sum(), state

    def refuses(self, problem: Problem) -> str | None:
        q = base(problem.abstract_distribution())
        return (
            None
            if has_rule(moved_to, q)
            else f"{type(q).__name__} is no vector of discrete variables with logits"
        )

    def evaluations(self, problem: Problem, num_samples: int) -> Evaluations:
        return Evaluations(f=num_samples, grad=num_samples)


class ReinMax(PastTheDraw):
    r"""$\frac1L \sum_l \partial_x f(\theta, x_l)\, [2 J(\frac{x_l + p_\tau}{2}) - \frac12 J(p)] +
    \partial_\theta f$.

    J(p) = ∂p/∂θ at logits whose mean is p, and $p_\tau = \mathrm{softmax}(\mathrm{logits} / \tau)$.
    Where straight-through takes f's difference between two values of x for its slope at one of them
    (Euler), this takes the mean slope of both (Heun): at τ = 1 it is exact where f is quadratic in
    each coordinate of x. Biased elsewhere. Cost: L evaluations of f and L of its gradient.
    """

    temperature: Number = number(1.0, "τ: higher is less variable; 1 is of second order", above=0)

    source: ClassVar[str] = "Liu, Dong, Liu, Yu and Gao, 2023"

    def surrogate_draw(
        self, q: dist.Distribution, x: Float[Array, "L ..."]
    ) -> Float[Array, "#L ..."]:
        tempered = mean_parameter(type(q)(logits=q.logits / self.temperature))
        between = moved_to(q, (x + tempered) / 2)
        return 2 * mean_parameter(between) - mean_parameter(q) / 2


class GappedStraightThrough(PastTheDraw):
    r"""The gradient passes as if x were $\mathrm{softmax}((\mathrm{logits} + m(x)) / \tau)$.

    The constants m raise the logit of the category drawn to the largest, and lower each other one
    to a gap below it where it lies higher: what the straight-through Gumbel estimator has of its
    noise, given x, but without that noise. Biased. Cost: L evaluations of f and L of its gradient.
    """

    temperature: Number = number(0.5, "τ", above=0)
    gap: Number = number(1.0, "by how much the drawn category's logit stands out", above=0)

    source: ClassVar[str] = "Fan, Chi, Rudnicky and Ramadge, 2022"

    def surrogate_draw(
        self, q: dist.Distribution, x: Float[Array, "L ..."]
    ) -> Float[Array, "#L ..."]:
        return gapped(q, x, self.gap, self.temperature)
