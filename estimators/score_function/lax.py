"""LAX: a control variate for the score function that is learned, and known by its pathwise gradient."""

import math
from typing import ClassVar

from jax.lax import stop_gradient
from jaxtyping import Array, Float

from gradest.estimators.base import Evaluations
from gradest.estimators.learning import Learning, LearningEstimator, Perceptron
from gradest.estimators.sampling.angles import is_angle
from gradest.estimators.sampling.draws import has_rsample, rsample
from gradest.problems.arguments import integer
from gradest.problems.base import Params, Problem
from gradest.problems.distributions.coordinates import base


class LAX(LearningEstimator):
    r"""$\frac1L \sum_l [f(x_l) - c_\phi(x_l)] \nabla_\theta \log q_\theta(x_l) + \nabla_\theta
    c_\phi(x_l(\theta)) + \partial_\theta f$, where $x(\theta)$ is x as a differentiable function of
    θ and noise.

    $c_\phi$ is a network of one hidden layer, trained to minimise the variance: at c = f it would
    be the pathwise gradient, at c = 0 it is the score function. Unbiased whatever φ is, for any f,
    discontinuous or not: f is not differentiated. RELAX is its sibling for discrete variables.
    Cost: L evaluations of f; where f depends on θ, L of its gradient.
    """

    hidden_dim: int = integer(10, "units in the network's hidden layer")

    unbiased: ClassVar[bool] = True
    independent_terms: ClassVar[bool] = True
    source: ClassVar[str] = "Grathwohl, Choi, Wu, Roeder and Duvenaud, 2018"

    def init_learned(self, problem: Problem, params: Params, key: Array) -> Perceptron:
        return Perceptron(
            key, math.prod(problem.abstract_distribution().event_shape), self.hidden_dim
        )

    def surrogate(
        self, problem: Problem, params: Params, state: Learning, key: Array, num_samples: int
    ) -> tuple[Float[Array, ""], Learning]:
        def c(x: Float[Array, "L ..."]) -> Float[Array, "L *batch"]:
            return state.learned(x.reshape(*x.shape[: x.ndim - q.event_dim], -1))

        q = problem.distribution(params)
        moving = rsample(q, key, num_samples)
        x = stop_gradient(moving)
        f = problem.objectives(params, x)
        advantage = stop_gradient(f) - c(x)  # no stop round c: φ is trained through it
        return (advantage * q.log_prob(x) + f + c(moving)).mean(0).sum(), state

    def refuses(self, problem: Problem) -> str | None:
        q = problem.abstract_distribution()
        if is_angle(q):
            return "x is an angle: the network, and with it the pathwise gradient, jumps where the circle closes"
        return (
            None
            if has_rsample(q)
            else f"{type(base(q)).__name__} has no differentiable draw (rsample)"
        )

    def evaluations(self, problem: Problem, num_samples: int) -> Evaluations:
        return Evaluations(f=num_samples, grad=problem.direct_gradients(num_samples))
