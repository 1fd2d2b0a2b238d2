"""The score-function gradient term by term, for a factorised q and an f that is a sum."""

from typing import ClassVar, cast

import jax
from jax.lax import stop_gradient
from jaxtyping import Array, Float

from gradest.estimators.base import Evaluations, State, SurrogateEstimator
from gradest.estimators.sampling.log_draws import sample_and_log_prob
from gradest.problems.base import Params, Problem, SumOfTerms
from gradest.problems.distributions.coordinates import base


class RaoBlackwell(SurrogateEstimator):
    r"""The score function with each coordinate's own term of f on its score.

    $\frac1L \sum_l \sum_i f_i(\theta, x_{li}) \nabla_\theta \log q_i(x_{li}) + \partial_\theta f$

    for $q_\theta = \prod_i q_i(x_i)$ and $f = \sum_i f_i(x_i)$. What is left out,
    $f_j(x_j) \nabla_\theta \log q_i(x_i)$ for $j \ne i$, has mean zero. The variance grows as D,
    the score function's as D² and more. Unbiased for any f. Cost: L evaluations of f; where f
    depends on θ, L of its gradient.
    """

    purpose: ClassVar[str] = "REINFORCE where f is a sum of local terms"
    unbiased: ClassVar[bool] = True
    independent_terms: ClassVar[bool] = True
    source: ClassVar[str] = "Ranganath, Gerrish and Blei, 2014"

    def surrogate(
        self, problem: Problem, params: Params, state: State, key: Array, num_samples: int
    ) -> tuple[Float[Array, ""], State]:
        q = problem.distribution(params)
        x, log_q = sample_and_log_prob(base(q), key, num_samples)
        terms = jax.vmap(cast(SumOfTerms, problem).terms, in_axes=(None, 0))
        f = terms(params, x)
        return (stop_gradient(f) * log_q + f).mean(0).sum(), state

    def refuses(self, problem: Problem) -> str | None:
        if isinstance(problem, SumOfTerms):
            return None
        return "f is not known as a sum of terms, one for each coordinate"

    def evaluations(self, problem: Problem, num_samples: int) -> Evaluations:
        return Evaluations(f=num_samples, grad=problem.direct_gradients(num_samples))
