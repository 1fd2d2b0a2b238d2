"""The straight-through estimator."""

from typing import ClassVar

from jax.lax import stop_gradient
from jaxtyping import Array, Float

from gradest.estimators.base import Evaluations, State, SurrogateEstimator
from gradest.estimators.differences.stochastic_triple import SIDES
from gradest.estimators.sampling.draws import has_rule, sample
from gradest.estimators.sampling.refusals import refuse_unless_bernoulli
from gradest.estimators.sampling.relaxations import mean_parameter
from gradest.problems.arguments import choice
from gradest.problems.base import Params, Problem
from gradest.problems.distributions.coordinates import base


class StraightThrough(SurrogateEstimator):
    r"""The draw b passes its gradient on to its mean p, as if it were p.

    $\frac1L \sum_l \partial_b f(\theta, b_l)\, \nabla_\theta p_\theta
    + \partial_\theta f(\theta, b_l)$.

    Smoothed stochastic triples (Arya, Schauer, Schäfer and Rackauckas, 2022) of a Bernoulli
    variable are the same with a weight: 1[b = 0]/(1 − p) from the right, 1[b = 1]/p from the left,
    or the mean of both. The latter is exact where f is quadratic in each coordinate, since the
    derivatives at 0 and 1 then count alike. Biased wherever f is not linear in b, or quadratic.
    Cost: L evaluations of f and L of its gradient.
    """

    smoothed: str = choice(
        ("none", *SIDES), "none", "the side of the smoothed stochastic triple that it is"
    )

    purpose: ClassVar[str] = "hard draws, gradient of the mean; biased"
    unbiased: ClassVar[bool] = False
    biased_by: ClassVar[str] = "f's derivative at the draw stands for its difference"
    differentiates_f: ClassVar[bool] = True
    independent_terms: ClassVar[bool] = True
    source: ClassVar[str] = "Bengio, Léonard and Courville, 2013"

    def surrogate(
        self, problem: Problem, params: Params, state: State, key: Array, num_samples: int
    ) -> tuple[Float[Array, ""], State]:
        q = problem.distribution(params)
        x = sample(q, key, num_samples)
        p = mean_parameter(base(q))
        # zero, with the gradient that x passes on
        passed = p - stop_gradient(p)
        if self.smoothed != "none":
            # the weight times ∇p is the jump's rate times ∇φ, φ the logit, since dp/dφ = p (1 − p)
            logits = base(q).logits
            rate = SIDES[self.smoothed](x, stop_gradient(logits))
            passed = rate * (logits - stop_gradient(logits))
        return problem.objectives(params, x + passed).mean(0).sum(), state

    def refuses(self, problem: Problem) -> str | None:
        q = base(problem.abstract_distribution())
        if not has_rule(mean_parameter, q):
            return f"{type(q).__name__} is not discrete: there is nothing to pass through"
        if self.smoothed == "none":
            return None
        return refuse_unless_bernoulli(q)

    def evaluations(self, problem: Problem, num_samples: int) -> Evaluations:
        return Evaluations(f=num_samples, grad=num_samples)
