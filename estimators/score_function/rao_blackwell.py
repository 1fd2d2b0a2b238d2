"""The score-function gradient term by term, for a factorised q and an f that is a sum."""

from typing import ClassVar, cast

import jax
from jax.lax import stop_gradient
from jaxtyping import Array, Float

from gradest.estimators.base import Evaluations, State, SurrogateEstimator
from gradest.estimators.sampling.draws import sample
from gradest.problems.base import Params, Problem, SumOfTerms
from gradest.problems.distributions.coordinates import base


class RaoBlackwell(SurrogateEstimator):
    r"""$\frac1L \sum_l \sum_i f_i(\theta, x_{li}) \nabla_\theta \log q_i(x_{li}) + \partial_\theta
    f$.

    The score-function gradient with the expectation taken over all that f shares with no factor:
    where q_θ is $\prod_i q_i(x_i)$ and f is $\sum_i f_i(x_i)$, no term $j \ne i$ multiplies x_i's
    score. Its variance grows as D, the score function's as D² and more. Unbiased for any f. Cost: L
    evaluations of f; where f depends on θ, L of its gradient.
    """

    unbiased: ClassVar[bool] = True
    independent_terms: ClassVar[bool] = True
    source: ClassVar[str] = "Ranganath, Gerrish and Blei, 2014"

    def surrogate(
        self, problem: Problem, params: Params, state: State, key: Array, num_samples: int
    ) -> tuple[Float[Array, ""], State]:
        q = problem.distribution(params)
        x = sample(q, key, num_samples)
        f = jax.vmap(cast(SumOfTerms, problem).terms, in_axes=(None, 0))(params, x)
        return (stop_gradient(f) * base(q).log_prob(x) + f).mean(0).sum(), state

    def refuses(self, problem: Problem) -> str | None:
        return (
            None
            if isinstance(problem, SumOfTerms)
            else "f is not known as a sum of terms, one for each coordinate"
        )

    def evaluations(self, problem: Problem, num_samples: int) -> Evaluations:
        return Evaluations(f=num_samples, grad=problem.direct_gradients(num_samples))
