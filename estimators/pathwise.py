"""The pathwise, or reparameterization, gradient."""

from typing import ClassVar

from jaxtyping import Array, Float

from estimators.base import Cost, State, SurrogateEstimator
from estimators.sampling import base, has_rsample, rsample
from problems.base import Params, Problem


class Pathwise(SurrogateEstimator):
    r"""$\frac1L \sum_l \nabla_\theta f(\theta, g(\varepsilon_l, \theta))$ where $g(\varepsilon, \theta) \sim q_\theta$.

    Unbiased where f is continuous and differentiable almost everywhere in x; at a jump of f it misses the jump's
    whole contribution. Where x are the K particles of a bound it is the gradient of IWAE (Burda, Grosse and
    Salakhutdinov, 2016). Cost: L evaluations of f and L of its gradient.
    """

    unbiased: ClassVar[bool] = True
    differentiates_f: ClassVar[bool] = True
    independent_terms: ClassVar[bool] = True
    source: ClassVar[str] = "Kingma and Welling, 2014; Rezende, Mohamed and Wierstra, 2014"

    def surrogate(
        self, problem: Problem, params: Params, state: State, key: Array, num_samples: int
    ) -> tuple[Float[Array, ""], State]:
        x = rsample(problem.distribution(params), key, num_samples)
        return problem.costs(params, x).mean(0).sum(), state

    def supports(self, problem: Problem) -> str | None:
        q = problem.abstract_distribution()
        return None if has_rsample(q) else f"{type(base(q)).__name__} has no differentiable draw (rsample)"

    def cost(self, problem: Problem, num_samples: int) -> Cost:
        return Cost(f=num_samples, grad=num_samples)
