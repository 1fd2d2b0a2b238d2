"""Straight-through estimators that pass the gradient of f on to something other than the mean,
without more noise."""

from abc import abstractmethod
from typing import ClassVar

import numpyro.distributions as dist
from jax.lax import stop_gradient
from jaxtyping import Array, Float

from gradest.estimators.base import Evaluations, State, SurrogateEstimator
from gradest.estimators.sampling.draws import has_rule, sample
from gradest.estimators.sampling.relaxations import gapped, halfway, mean_parameter
from gradest.problems.arguments import Number, number
from gradest.problems.base import Params, Problem
from gradest.problems.distributions.coordinates import base


class PassedOn(SurrogateEstimator):
    r"""What these estimators share: all but the function of θ to which x passes its gradient on.

    $\frac1L \sum_l \partial_x f(\theta, x_l)\, \nabla_\theta \hat x_\theta(x_l)
    + \partial_\theta f(\theta, x_l)$: f is evaluated at the draw x, and its gradient goes on to a
    function $\hat x$ of θ and x.
    """

    unbiased: ClassVar[bool] = False
    biased_by: ClassVar[str] = "the gradient passes as if the draw were smooth in θ"
    differentiates_f: ClassVar[bool] = True
    independent_terms: ClassVar[bool] = True

    @abstractmethod
    def surrogate_draw(
        self, q: dist.Distribution, x: Float[Array, "L ..."]
    ) -> Float[Array, "#L ..."]:
        r"""The function $\hat x$, whose value does not matter, only its gradient.

        Args:
            q: the distribution of the coordinates.
            x: the draws.
        """

    def surrogate(
        self, problem: Problem, params: Params, state: State, key: Array, num_samples: int
    ) -> tuple[Float[Array, ""], State]:
        q = problem.distribution(params)
        x = sample(q, key, num_samples)
        surrogate_draw = self.surrogate_draw(base(q), x)
        passed = x + (surrogate_draw - stop_gradient(surrogate_draw))
        return problem.objectives(params, passed).mean(0).sum(), state

    def refuses(self, problem: Problem) -> str | None:
        q = base(problem.abstract_distribution())
        if has_rule(halfway, q):
            return None
        return f"{type(q).__name__} is no vector of discrete variables with logits"

    def evaluations(self, problem: Problem, num_samples: int) -> Evaluations:
        return Evaluations(f=num_samples, grad=num_samples)


class ReinMax(PassedOn):
    r"""Straight-through with f's derivative at both of two values, not at one of them.

    $\frac1L \sum_l \partial_x f(\theta, x_l)\, [2 J(\frac{x_l + p_\tau}{2}) - \frac12 J(p)]
    + \partial_\theta f$,

    where J(p) = ∂p/∂θ at logits whose mean is p, and
    $p_\tau = \mathrm{softmax}(\mathrm{logits} / \tau)$. Where straight-through takes f's difference
    between two values of x for its derivative at one of them (Euler), this takes the mean
    derivative of both (Heun): at τ = 1 it is exact where f is quadratic in each coordinate of x.
    Biased elsewhere. Cost: L evaluations of f and L of its gradient.
    """

    temperature: Number = number(1.0, "τ: higher is less variable; 1 is of second order", above=0)

    purpose: ClassVar[str] = "second-order straight-through; biased"
    source: ClassVar[str] = "Liu, Dong, Liu, Yu and Gao, 2023"

    def surrogate_draw(
        self, q: dist.Distribution, x: Float[Array, "L ..."]
    ) -> Float[Array, "#L ..."]:
        between = halfway(q, x, self.temperature)
        return 2 * mean_parameter(between) - mean_parameter(q) / 2


class GappedStraightThrough(PassedOn):
    r"""The gradient passes as if x were $\mathrm{softmax}((\mathrm{logits} + m(x)) / \tau)$.

    The constants m raise the logit of the category drawn to the largest, and lower each other one
    to a gap below it where it lies higher: what the straight-through Gumbel estimator has of its
    noise, given x, but without that noise. Biased. Cost: L evaluations of f and L of its gradient.
    """

    temperature: Number = number(0.5, "τ", above=0)
    gap: Number = number(1.0, "by how much the drawn category's logit stands out", above=0)

    purpose: ClassVar[str] = "hard draws, no Gumbel noise; biased"
    source: ClassVar[str] = "Fan, Chi, Rudnicky and Ramadge, 2022"

    def surrogate_draw(
        self, q: dist.Distribution, x: Float[Array, "L ..."]
    ) -> Float[Array, "#L ..."]:
        return gapped(q, x, self.gap, self.temperature)
