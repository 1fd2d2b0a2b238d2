"""Double control variates for discrete variables: leave-one-out, with what the gradients of f at
the other samples tell."""

import math
from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp
from jax.lax import stop_gradient
from jaxtyping import Array, Float

from gradest.estimators.base import Evaluations, State
from gradest.estimators.learning import LearningEstimator, Perceptron
from gradest.estimators.sampling.draws import has_rule, sample
from gradest.estimators.sampling.refusals import refuse_unless_bernoulli
from gradest.estimators.sampling.relaxations import mean_parameter
from gradest.estimators.score_function.baselines import leave_one_out_mean
from gradest.problems.arguments import Number, as_float, flag, integer, number
from gradest.problems.base import Params, Problem
from gradest.problems.distributions.bits import sigmoid
from gradest.problems.distributions.coordinates import base


def gradients_of_f(
    problem: Problem, params: Params, x: Float[Array, "L ..."]
) -> Float[Array, "L ..."]:
    """∂f/∂x at each sample, constant in θ."""
    return jax.grad(lambda x: problem.objectives(stop_gradient(params), x).sum())(x)


class DoubleControlVariate(LearningEstimator):
    r"""Leave-one-out, of f with an estimated first-order Taylor expansion h added to it.

    $\frac1L \sum_l [f_l + h_l - \frac1{L-1} \sum_{m \ne l} (f_m + h_m)]
    \nabla_\theta \log q_\theta(x_l)
    - \alpha \frac1L \sum_l f'(x_l)^\top \nabla_\theta \mu_\theta + \partial_\theta f$

    with $h_l = \alpha (x_l - \mu)^\top \frac1{L-1} \sum_{m \ne l} f'(x_m)$, μ the mean of q_θ: at
    α = −1 it takes from f its expansion about μ, up to a constant.

    What h adds to the mean is known, and subtracted: since $E[(x_l - \mu)
    \nabla_\theta \log q_\theta(x_l)] = \nabla_\theta \mu$, it is α times the mean over all m of
    $f'(x_m)^\top \nabla_\theta \mu$. In the baseline of l, $h_m$ holds $x_l$, but as a factor of
    $x_m - \mu$, whose mean is zero: it sharpens the baseline and adds nothing. Unbiased whatever α
    is, and whatever f' says where f is not smooth; at α = 0, where it starts unless told otherwise,
    it is the score function with leave-one-out. Needs a discrete variable and L ≥ 2. Cost: L
    evaluations of f and L of its gradient, 2·L where f depends on θ.
    """

    coefficient: Number = number(0.0, "α")
    learned: bool = flag(True, "whether α is trained from there to minimise the variance")

    purpose: ClassVar[str] = "leave-one-out with f's Taylor expansion"
    unbiased: ClassVar[bool] = True
    source: ClassVar[str] = "Titsias and Shi, 2022"

    def surrogate(
        self, problem: Problem, params: Params, state: State, key: Array, num_samples: int
    ) -> tuple[Float[Array, ""], State]:
        learned = self.trained(state)
        alpha = self.coefficient if learned is None else learned
        q = problem.distribution(params)
        mean = mean_parameter(base(q))
        x = sample(q, key, num_samples)
        f = problem.objectives(params, x)
        gradients = gradients_of_f(problem, params, x)

        at_others = (gradients.sum(0) - gradients) / (num_samples - 1)
        event = tuple(range(-len(q.event_shape), 0))
        fixed_f = stop_gradient(f)
        h = alpha * ((x - stop_gradient(mean)) * at_others).sum(event)
        signal = fixed_f + h  # no stop_gradient round h: α is trained through it
        advantage = signal - leave_one_out_mean(signal)
        score = advantage * q.log_prob(x)
        surrogate = (score + f).mean(0).sum()
        return surrogate - alpha * (gradients.mean(0) * mean).sum(), state

    def init_learned(
        self, problem: Problem, params: Params, key: Array
    ) -> Float[Array, "..."] | None:
        return self.coefficient if self.learned else None

    @property
    def min_samples(self) -> int:
        return 2

    def refuses(self, problem: Problem) -> str | None:
        q = base(problem.abstract_distribution())
        if has_rule(mean_parameter, q):
            return None
        name = type(q).__name__
        return f"the mean of {name} is not known as a function of θ for a discrete variable"

    def evaluations(self, problem: Problem, num_samples: int) -> Evaluations:
        direct = problem.direct_gradients(num_samples)
        return Evaluations(f=num_samples, grad=num_samples + direct)


class SteinControlVariates(NamedTuple):
    """What RODEO learns: its two control variates, a coefficient and a network each."""

    alpha: Float[Array, ""]
    beta: Float[Array, ""]
    of_baseline: Perceptron
    """H of h, which α multiplies."""
    of_score: Perceptron
    """H of h', which β multiplies."""


class RODEO(LearningEstimator):
    r"""Leave-one-out, with control variates made by a Stein operator from networks.

    $\frac1L \sum_l [f_l - \frac1{L-1} \sum_{m \ne l} (f_m + \alpha (A h_m)(x_m))]
    \nabla_\theta \log q_\theta(x_l) + \beta (A h'_l \nabla_\theta \log q_\theta)(x_l)
    + \partial_\theta f$.

    The Gibbs Stein operator, $(A h)(x) = \frac1D \sum_i q(\neg x_i) [h(x; x_i = \neg x_i) - h(x)]$,
    turns one bit at a time, with the probability that the bit has the other value. Drawing a bit
    anew leaves q as it is, so that $E_q[A h] = 0$ for any h. Here
    $h_l(x) = \frac1{L-1} \sum_{m \ne l} H(f'(x_m)^\top (x - x_m), f_m)$ is made from the other
    samples, as is h', each with a network H of one hidden layer; α, β and the networks are trained
    to minimise the variance. Unbiased whatever they are; at α = β = 0, where they start, it is the
    score function with leave-one-out. Cost: L evaluations of f and L of its gradient, 2·L where f
    depends on θ; a bit turned costs only the networks. Needs Bernoulli variables and L ≥ 2.
    """

    hidden_dim: int = integer(10, "units in each network's hidden layer")

    purpose: ClassVar[str] = "bits, by learned Stein operators"
    unbiased: ClassVar[bool] = True
    source: ClassVar[str] = "Shi, Zhou, Hwang, Titsias and Mackey, 2022"

    def surrogate(
        self, problem: Problem, params: Params, state: State, key: Array, num_samples: int
    ) -> tuple[Float[Array, ""], State]:
        learned = self.trained(state)
        q = problem.distribution(params)
        logits = base(q).logits
        x = sample(q, key, num_samples)
        f = problem.objectives(params, x)
        gradients = gradients_of_f(problem, params, x)
        fixed_f = stop_gradient(f)
        turn = 1 - 2 * x  # what turning a bit adds to it
        q_turned = sigmoid(stop_gradient(logits) * turn)  # q(¬x_i)

        # f'(x_m)·(x_l − x_m) for all l and m, and the same with each bit of x_l turned
        along = ((x[:, None] - x) * gradients).sum(-1)
        along_turned = along[..., None] + turn[:, None] * gradients
        peers = (1 - jnp.eye(num_samples, dtype=f.dtype)) / (num_samples - 1)

        def h(network: Perceptron, along: Float[Array, "L L ..."]) -> Float[Array, "L ..."]:
            more_axes = (1,) * (along.ndim - fixed_f.ndim - 1)
            f_there = jnp.broadcast_to(fixed_f.reshape(*fixed_f.shape, *more_axes), along.shape)
            return jnp.einsum("lm,lm...->l...", peers, network(jnp.stack([along, f_there], -1)))

        # α (A h_m)(x_m), added to f in the baseline of the other samples
        turned = h(learned.of_baseline, along_turned)
        plain = h(learned.of_baseline, along)
        stein = (q_turned * (turned - plain[..., None])).mean(-1)
        advantage = fixed_f - leave_one_out_mean(fixed_f + learned.alpha * stein)

        # β (A h'_l ∇log q)(x_l), as the gradient of A h'_l log q with h'_l constant in θ
        log_q = q.log_prob(x)
        log_q_turned = log_q[..., None] + turn * logits
        turned = h(learned.of_score, along_turned) * log_q_turned
        plain = h(learned.of_score, along) * log_q
        change = turned - plain[..., None]

        terms = advantage * log_q + learned.beta * (q_turned * change).mean(-1) + f
        return terms.mean(0).sum(), state

    def init_learned(self, problem: Problem, params: Params, key: Array) -> SteinControlVariates:
        baseline_key, score_key = jax.random.split(key)
        zero = as_float(jnp.zeros(()))
        of_baseline = Perceptron(baseline_key, 2, self.hidden_dim)
        of_score = Perceptron(score_key, 2, self.hidden_dim)
        return SteinControlVariates(zero, zero, of_baseline, of_score)

    @property
    def min_samples(self) -> int:
        return 2

    def refuses(self, problem: Problem) -> str | None:
        return refuse_unless_bernoulli(problem.abstract_distribution())

    def evaluations(self, problem: Problem, num_samples: int) -> Evaluations:
        direct = problem.direct_gradients(num_samples)
        return Evaluations(f=num_samples, grad=num_samples + direct)

    def numbers_held(self, problem: Problem, num_samples: int, of_f: int) -> int:
        held = super().numbers_held(problem, num_samples, of_f)
        q = problem.abstract_distribution()
        bits = math.prod((*q.batch_shape, *q.event_shape))
        # both networks, at each pair of samples with each bit turned
        return held + 2 * self.hidden_dim * num_samples**2 * bits
