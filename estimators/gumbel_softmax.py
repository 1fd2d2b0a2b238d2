"""The Gumbel family: pathwise gradients through a continuous relaxation of a discrete variable."""

from typing import ClassVar

from jax.lax import stop_gradient
from jaxtyping import Array, Float

from estimators.base import Cost, State, SurrogateEstimator
from estimators.relaxations import harden, relaxed_sample
from estimators.sampling import base, knows
from problems.arguments import Number, number
from problems.base import Params, Problem


class Relaxed(SurrogateEstimator):
    """What the Gumbel estimators share: a temperature, and the need for a relaxation."""

    temperature: Number = number(0.5, "τ: lower is less biased and more variable", above=0)

    unbiased: ClassVar[bool] = False
    differentiates_f: ClassVar[bool] = True
    independent_terms: ClassVar[bool] = True

    def supports(self, problem: Problem) -> str | None:
        q = base(problem.abstract_distribution())
        return None if knows(relaxed_sample, q) else f"no relaxation is known for {type(q).__name__}"

    def cost(self, problem: Problem, num_samples: int) -> Cost:
        return Cost(f=num_samples, grad=num_samples)


class GumbelSoftmax(Relaxed):
    r"""$\frac1L \sum_l \nabla_\theta f(\theta, \tilde b_l)$ with $\tilde b = \mathrm{sigmoid}(z / \tau)$.

    Biased: it is the exact gradient of the wrong, relaxed objective; the bias shrinks with τ as the variance grows.
    Needs an f that takes relaxed arguments. Cost: L evaluations of f and L of its gradient.
    """

    source: ClassVar[str] = "Jang, Gu and Poole, 2017; Maddison, Mnih and Teh, 2017"

    def surrogate(
        self, problem: Problem, params: Params, state: State, key: Array, num_samples: int
    ) -> tuple[Float[Array, ""], State]:
        relaxed = relaxed_sample(base(problem.distribution(params)), key, num_samples, self.temperature)
        return problem.costs(params, relaxed).mean(0).sum(), state


class StraightThroughGumbel(Relaxed):
    r"""f is evaluated at the hard draw b, the gradient passes as if b were the relaxed draw $\tilde b$.

    Biased in the parameters of q; unbiased in those of f. Cost: L evaluations of f and L of its gradient.
    """

    source: ClassVar[str] = "Jang, Gu and Poole, 2017"

    def surrogate(
        self, problem: Problem, params: Params, state: State, key: Array, num_samples: int
    ) -> tuple[Float[Array, ""], State]:
        relaxed = relaxed_sample(base(problem.distribution(params)), key, num_samples, self.temperature)
        hard = stop_gradient(harden(relaxed) - relaxed) + relaxed
        return problem.costs(params, hard).mean(0).sum(), state
