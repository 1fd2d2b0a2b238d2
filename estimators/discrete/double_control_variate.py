"""Double control variates for discrete variables: leave-one-out, with what f's slopes at the other samples say."""

from typing import Any, ClassVar

import jax
import jax.numpy as jnp
from jax.lax import stop_gradient
from jaxtyping import Array, Float

from gradest.estimators.base import Evaluations, State
from gradest.estimators.learning import Learning, LearningEstimator, Perceptron
from gradest.estimators.sampling.draws import has_rule, sample
from gradest.estimators.sampling.refusals import refuse_unless_bernoulli
from gradest.estimators.sampling.relaxations import mean_parameter
from gradest.estimators.score_function.baselines import leave_one_out_mean
from gradest.problems.arguments import Number, as_float, flag, integer, number
from gradest.problems.base import Params, Problem
from gradest.problems.distributions.coordinates import base


def slopes(problem: Problem, params: Params, x: Float[Array, "L ..."]) -> Float[Array, "L ..."]:
    """∂f/∂x at each sample, constant in θ."""
    return jax.grad(lambda x: problem.objectives(stop_gradient(params), x).sum())(x)


class DoubleControlVariate(LearningEstimator):
    r"""$\frac1L \sum_l [f_l + h_l - \frac1{L-1} \sum_{m \ne l} (f_m + h_m)] \nabla_\theta \log
    q_\theta(x_l)
    - \alpha \frac1L \sum_l f'(x_l)^\top \nabla_\theta \mu_\theta + \partial_\theta f$.

    $h_l = \alpha (x_l - \mu)^\top \frac1{L-1} \sum_{m \ne l} f'(x_m)$, μ the mean of q_θ: at α = −1
    a first-order Taylor expansion of f, taken from f. What it adds to the mean is known, and at the
    other samples it sharpens their baseline at no cost to the mean. Unbiased whatever α is, and
    whatever f' says where f is not smooth; at α = 0, where it starts unless told otherwise, it is
    the score function with leave-one-out. Needs a discrete variable and L ≥ 2. Cost: L evaluations
    of f and L of its gradient, 2·L where f depends on θ.
    """

    coefficient: Number = number(0.0, "α")
    learned: bool = flag(True, "whether α is trained from there to minimise the variance")

    unbiased: ClassVar[bool] = True
    source: ClassVar[str] = "Titsias and Shi, 2022"

    def surrogate(
        self,
        problem: Problem,
        params: Params,
        state: State,
        key: Array,
        num_samples: int,
    ) -> tuple[Float[Array, ""], State]:
        learned = self.trained(state)
        alpha = self.coefficient if learned is None else learned
        q = problem.distribution(params)
        mean = mean_parameter(base(q))
        x = sample(q, key, num_samples)
        f, slope = problem.objectives(params, x), slopes(problem, params, x)
        others = (slope.sum(0) - slope) / (num_samples - 1)
        event = tuple(range(-len(q.event_shape), 0))
        signal = stop_gradient(f) + alpha * ((x - stop_gradient(mean)) * others).sum(event)
        advantage = signal - leave_one_out_mean(signal)
        return (advantage * q.log_prob(x) + f).mean(0).sum() - alpha * (
            slope.mean(0) * mean
        ).sum(), state

    def init_learned(self, problem: Problem, params: Params, key: Array) -> Any:
        return self.coefficient if self.learned else None

    @property
    def min_samples(self) -> int:
        return 2

    def refuses(self, problem: Problem) -> str | None:
        q = base(problem.abstract_distribution())
        reason = f"the mean of {type(q).__name__} is not known as a function of θ for a discrete variable"
        return None if has_rule(mean_parameter, q) else reason

    def evaluations(self, problem: Problem, num_samples: int) -> Evaluations:
        return Evaluations(f=num_samples, grad=num_samples + problem.direct_gradients(num_samples))


class RODEO(LearningEstimator):
    r"""$\frac1L \sum_l [f_l - \frac1{L-1} \sum_{m \ne l} (f_m + \alpha (A h_m)(x_m))] \nabla_\theta
    \log q_\theta(x_l) + \beta (A h'_l \nabla_\theta \log q_\theta)(x_l) + \partial_\theta f$.

    $(A h)(x) = \frac1D \sum_i q(\neg x_i) [h(x; x_i = \neg x_i) - h(x)]$, with one bit turned, is
    the Gibbs Stein operator: its mean under q is zero for any h. $h_l(x) = \frac1{L-1} \sum_{m \ne
    l} H(f'(x_m)^\top (x - x_m), f_m)$ is made from the other samples, as is h', each with a network
    H of one hidden layer; α, β and the networks are trained to minimise the variance. Unbiased
    whatever they are; at α = β = 0, where they start, it is the score function with leave-one-out.
    Cost: L evaluations of f and L of its gradient, 2·L where f depends on θ; a bit turned costs
    only the networks. Needs Bernoulli variables and L ≥ 2.
    """

    hidden_dim: int = integer(10, "units in each network's hidden layer")

    unbiased: ClassVar[bool] = True
    source: ClassVar[str] = "Shi, Zhou, Hwang, Titsias and Mackey, 2022"

    def surrogate(
        self, problem: Problem, params: Params, state: Learning, key: Array, num_samples: int
    ) -> tuple[Float[Array, ""], Learning]:
        alpha, beta, of_baseline, of_score = state.learned
        q = problem.distribution(params)
        x = sample(q, key, num_samples)
        f, slope = problem.objectives(params, x), slopes(problem, params, x)
        fixed, turn = stop_gradient(f), 1 - 2 * x
        other = jax.nn.sigmoid(stop_gradient(base(q).logits) * turn)  # q(¬x_i)

        # f'(x_m)·(x_l − x_m) for all l and m, and the same with each bit of x_l turned
        here = ((x[:, None] - x) * slope).sum(-1)
        there = here[..., None] + turn[:, None] * slope
        peers = (1 - jnp.eye(num_samples, dtype=f.dtype)) / (num_samples - 1)

        def h(network: Perceptron, along: Float[Array, "L L ..."]) -> Float[Array, "L ..."]:
            values = jnp.broadcast_to(
                fixed.reshape(*fixed.shape, *(1,) * (along.ndim - fixed.ndim - 1)), along.shape
            )
            return jnp.einsum("lm,lm...->l...", peers, network(jnp.stack([along, values], -1)))

        stein = (other * (h(of_baseline, there) - h(of_baseline, here)[..., None])).mean(-1)
        advantage = fixed - leave_one_out_mean(fixed + alpha * stein)
        log_q = q.log_prob(x)
        log_q_there = log_q[..., None] + turn * base(q).logits
        scores = h(of_score, there) * log_q_there - (h(of_score, here) * log_q)[..., None]
        return (advantage * log_q + beta * (other * scores).mean(-1) + f).mean(0).sum(), state

    def init_learned(self, problem: Problem, params: Params, key: Array) -> Any:
        first, second = jax.random.split(key)
        zero = as_float(jnp.zeros(()))
        return (
            zero,
            zero,
            Perceptron(first, 2, self.hidden_dim),
            Perceptron(second, 2, self.hidden_dim),
        )

    @property
    def min_samples(self) -> int:
        return 2

    def refuses(self, problem: Problem) -> str | None:
        return refuse_unless_bernoulli(problem.abstract_distribution())

    def evaluations(self, problem: Problem, num_samples: int) -> Evaluations:
        return Evaluations(f=num_samples, grad=num_samples + problem.direct_gradients(num_samples))
