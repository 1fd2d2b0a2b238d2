"""The pathwise, or reparameterization, gradient."""

from typing import ClassVar

from jaxtyping import Array, Float

from gradest.estimators.base import Evaluations, State, SurrogateEstimator
from gradest.estimators.sampling.couplings import COUPLINGS, CoupledNoise
from gradest.estimators.sampling.refusals import refuse_unless_rsample
from gradest.problems.arguments import choice
from gradest.problems.base import Params, Problem


class Pathwise(SurrogateEstimator):
    r"""The gradient through the draw, a function g of noise and θ.

    $\frac1L \sum_l \nabla_\theta f(\theta, g(\varepsilon_l, \theta))$
    where $g(\varepsilon, \theta) \sim q_\theta$

    Unbiased where f is continuous and differentiable almost everywhere in x; at a jump of f it
    misses the jump's whole contribution. Where x are the K particles of a bound it is the gradient
    of IWAE (Burda, Grosse and Salakhutdinov, 2016). Cost: L evaluations of f and L of its gradient.

    x is made by location and scale (Gaussian, logistic, Laplace, Gumbel), by the inverse of the
    distribution function F (exponential, Weibull), or by rejection, with the implicit derivative
    $-\partial_\theta F(x) / q(x)$ (gamma, von Mises, and through gamma variables beta, Dirichlet
    and Student t; Figurnov, Mohamed and Mnih, 2018).
    """

    coupling: CoupledNoise = choice(
        COUPLINGS, "independent", "how the draws hang together", static=False
    )

    purpose: ClassVar[str] = "reparameterization, where f is smooth"
    unbiased: ClassVar[bool] = True
    differentiates_f: ClassVar[bool] = True
    independent_terms: ClassVar[bool] = True
    source: ClassVar[str] = "Kingma and Welling, 2014; Rezende, Mohamed and Wierstra, 2014"

    def surrogate(
        self, problem: Problem, params: Params, state: State, key: Array, num_samples: int
    ) -> tuple[Float[Array, ""], State]:
        x = self.coupling.rsample(problem.distribution(params), key, num_samples)
        return problem.objectives(params, x).mean(0).sum(), state

    def claims_one_over_samples(self) -> bool:
        return self.independent_terms and self.coupling.independent

    def refuses_samples(self, num_samples: int) -> str | None:
        return super().refuses_samples(num_samples) or self.coupling.refuses_samples(num_samples)

    def refuses(self, problem: Problem) -> str | None:
        q = problem.abstract_distribution()
        return refuse_unless_rsample(q) or self.coupling.refuses(q)

    def draws(self, problem: Problem, num_samples: int) -> int:
        return self.coupling.draws(problem.abstract_distribution(), num_samples)

    def evaluations(self, problem: Problem, num_samples: int) -> Evaluations:
        return Evaluations(f=num_samples, grad=num_samples)
