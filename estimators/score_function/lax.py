"""LAX: a learned control variate for the score function, known by its pathwise gradient."""

import math
from typing import ClassVar

from jax.lax import stop_gradient
from jaxtyping import Array, Float

from gradest.estimators.base import Evaluations
from gradest.estimators.families.angles import is_angle
from gradest.estimators.learning import Learning, LearningEstimator, Perceptron
from gradest.estimators.sampling.log_draws import rsample_and_log_prob
from gradest.estimators.sampling.refusals import refuse_unless_rsample
from gradest.problems.arguments import integer
from gradest.problems.base import Params, Problem


class LAX(LearningEstimator):
    r"""The score function of f less a learned $c_\phi$, and the pathwise gradient of $c_\phi$.

    $\frac1L \sum_l [f(x_l) - c_\phi(x_l)] \nabla_\theta \log q_\theta(x_l)
    + \nabla_\theta c_\phi(x_l(\theta)) + \partial_\theta f$,
    where $x(\theta)$ is x as a differentiable function of θ and noise.

    $c_\phi$ is a network of one hidden layer, trained to minimise the variance: at c = f it would
    be the pathwise gradient, at c = 0 it is the score function. Unbiased whatever φ is, for any f,
    discontinuous or not: f is not differentiated. RELAX is its sibling for discrete variables.
    Cost: L evaluations of f; where f depends on θ, L of its gradient.
    """

    hidden_dim: int = integer(10, "units in the network's hidden layer")

    purpose: ClassVar[str] = "REINFORCE with a learned surrogate of f"
    unbiased: ClassVar[bool] = True
    independent_terms: ClassVar[bool] = True
    source: ClassVar[str] = "Grathwohl, Choi, Wu, Roeder and Duvenaud, 2018"

    def init_learned(self, problem: Problem, params: Params, key: Array) -> Perceptron:
        dim = math.prod(problem.abstract_distribution().event_shape)
        return Perceptron(key, dim, self.hidden_dim)

    def surrogate(
        self, problem: Problem, params: Params, state: Learning, key: Array, num_samples: int
    ) -> tuple[Float[Array, ""], Learning]:
        def c(x: Float[Array, "L ..."]) -> Float[Array, "L *batch"]:
            return state.learned(x.reshape(*x.shape[: x.ndim - q.event_dim], -1))

        q = problem.distribution(params)
        moving_x, log_q = rsample_and_log_prob(q, key, num_samples)
        x = stop_gradient(moving_x)
        f = problem.objectives(params, x)
        # θ is not in c(x), whose x is constant; no stop_gradient round it: φ is trained through it
        advantage = stop_gradient(f) - c(x)
        return (advantage * log_q + f + c(moving_x)).mean(0).sum(), state

    def refuses(self, problem: Problem) -> str | None:
        q = problem.abstract_distribution()
        if is_angle(q):
            return (
                "x is an angle: the network, and with it the pathwise gradient, "
                "jumps where the circle closes"
            )
        return refuse_unless_rsample(q)

    def numbers_held(self, problem: Problem, num_samples: int, of_f: int) -> int:
        held = super().numbers_held(problem, num_samples, of_f)
        points = math.prod(problem.abstract_distribution().batch_shape)
        return held + 2 * num_samples * points * self.hidden_dim

    def evaluations(self, problem: Problem, num_samples: int) -> Evaluations:
        return Evaluations(f=num_samples, grad=problem.direct_gradients(num_samples))
