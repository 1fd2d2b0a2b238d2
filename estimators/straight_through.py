"""The straight-through estimator."""

from typing import ClassVar

from jax.lax import stop_gradient
from jaxtyping import Array, Float

from estimators.base import Cost, State, SurrogateEstimator
from estimators.relaxations import mean_parameter
from estimators.sampling import base, knows, sample
from problems.base import Params, Problem


class StraightThrough(SurrogateEstimator):
    r"""$\frac1L \sum_l \partial_b f(\theta, b_l)\, \nabla_\theta p_\theta + \partial_\theta f(\theta, b_l)$.

    The draw b passes its gradient on to its probability p, as if it were p. Biased wherever f is not linear in b. Cost:
    L evaluations of f and L of its gradient.
    """

    unbiased: ClassVar[bool] = False
    differentiates_f: ClassVar[bool] = True
    independent_terms: ClassVar[bool] = True
    source: ClassVar[str] = "Bengio, Léonard and Courville, 2013"

    def surrogate(
        self, problem: Problem, params: Params, state: State, key: Array, num_samples: int
    ) -> tuple[Float[Array, ""], State]:
        q = problem.distribution(params)
        p = mean_parameter(base(q))
        hard = sample(q, key, num_samples) + (p - stop_gradient(p))
        return problem.costs(params, hard).mean(0).sum(), state

    def supports(self, problem: Problem) -> str | None:
        q = base(problem.abstract_distribution())
        reason = f"{type(q).__name__} is not discrete: there is nothing to pass through"
        return None if knows(mean_parameter, q) else reason

    def cost(self, problem: Problem, num_samples: int) -> Cost:
        return Cost(f=num_samples, grad=num_samples)
