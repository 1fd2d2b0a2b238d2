r"""Estimators for an x with few values, whose probabilities can all be listed: sums over some of
them, draws of others.

They are written for one variable with S values. A vector of discrete variables or a permutation is
one too, with its K^D or n! joint values, as long as there are at most 4,096: f is evaluated at L of
them alone, log q at all.

Each picks, for every data point, L values s with weights w_s such that $E[\sum_s w_s g(s)] = \sum_s
q(s) g(s)$ for every function g, and estimates

$\sum_s w_s (f(\theta, s) - b_s) \nabla_\theta \log q_\theta(s) + w_s\, \partial_\theta f(\theta,
s)$.
"""

import math
from abc import abstractmethod
from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.lax import stop_gradient
from jaxtyping import Array, Float, Int

from gradest.estimators.base import Evaluations, State, SurrogateEstimator
from gradest.estimators.sampling.draws import noise
from gradest.problems.arguments import flag, integer
from gradest.problems.base import Params, Problem
from gradest.problems.distributions.coordinates import base
from gradest.problems.distributions.enumeration import (
    MOST_STATES,
    all_log_probs,
    all_states,
    is_enumerable,
    number_of_states,
)


class FiniteSupport(SurrogateEstimator):
    """What these estimators share: all values of x can be listed."""

    unbiased: ClassVar[bool] = True

    def refuses(self, problem: Problem) -> str | None:
        q = problem.abstract_distribution()
        if is_enumerable(q):
            return None
        states = number_of_states(q)
        kind = type(base(q)).__name__
        if states == math.inf:
            return f"the values of {kind} cannot be listed"
        return f"{kind} has {states:,} joint values here, above {MOST_STATES:,}"

    def evaluated(self, problem: Problem, num_samples: int) -> int:
        """At how many values of x f is evaluated: L, but no more than there are."""
        return min(num_samples, int(number_of_states(problem.abstract_distribution())))

    def evaluations(self, problem: Problem, num_samples: int) -> Evaluations:
        values = self.evaluated(problem, num_samples)
        return Evaluations(f=values, grad=problem.direct_gradients(values))


class Picked(NamedTuple):
    """Values of x by their place in the list of all, and what is done with f there."""

    place: Int[Array, "*batch values"]
    weight: Float[Array, "*batch values"]
    baseline: Float[Array, "*batch #values values"] | None
    """b = baseline · f, the same for all values where it has one row; None for none."""


class WeightedValues(FiniteSupport):
    """An estimator that evaluates f at some values of x, each with a weight."""

    @abstractmethod
    def pick(self, log_probs: Float[Array, "*batch states"], key: Array, values: int) -> Picked:
        """So many values, given log q of all."""

    def surrogate(
        self, problem: Problem, params: Params, state: State, key: Array, num_samples: int
    ) -> tuple[Float[Array, ""], State]:
        q = problem.distribution(params)
        log_probs = stop_gradient(all_log_probs(q))
        picked = self.pick(log_probs, key, self.evaluated(problem, num_samples))
        x = jnp.asarray(all_states(q), log_probs.dtype)[jnp.moveaxis(picked.place, -1, 0)]
        f = jnp.moveaxis(problem.objectives(params, x), 0, -1)
        b = 0 if picked.baseline is None else jnp.einsum("...st,...t->...s", picked.baseline, f)
        log_q = jnp.moveaxis(q.log_prob(x), 0, -1)
        return (picked.weight * (stop_gradient(f - b) * log_q + f)).sum(), state


class Enumeration(WeightedValues):
    r"""$\nabla_\theta \sum_x q_\theta(x) f(\theta, x)$, the sum over all S joint values of x.

    Unbiased, and without variance: it is the gradient. E[f] is subtracted from f, which changes the
    rounding alone.
    Cost: S evaluations of f, whatever L is; where f depends on θ, S of its gradient. S is at most
    4,096.
    """

    source: ClassVar[str] = "Liu, Regier, Tripuraneni, Jordan and McAuliffe, 2019"

    def pick(self, log_probs: Float[Array, "*batch states"], key: Array, values: int) -> Picked:
        place = jnp.broadcast_to(jnp.arange(values), log_probs.shape)
        weight = jnp.exp(log_probs)
        return Picked(place, weight, weight[..., None, :])

    def evaluated(self, problem: Problem, num_samples: int) -> int:
        return int(number_of_states(problem.abstract_distribution()))

    def draws(self, problem: Problem, num_samples: int) -> int:
        return 0


class SumAndSample(WeightedValues):
    r"""$\sum_{s \in C} q(s) g(s) + \frac{1 - q(C)}{L - k} \sum_l g(x_l)$, $g = f \nabla_\theta \log
    q_\theta$.

    C are the k likeliest values, which are summed, and $x_l \sim q(\cdot \mid x \notin C)$ the L −
    k that are drawn from all others: the score function, Rao-Blackwellised over whether x is in C.
    Unbiased. Cost: L evaluations of f; where f depends on θ, L of its gradient. Needs L > k.
    """

    summed: int = integer(1, "k, the values that are summed")

    source: ClassVar[str] = "Liu, Regier, Tripuraneni, Jordan and McAuliffe, 2019"

    def pick(self, log_probs: Float[Array, "*batch states"], key: Array, values: int) -> Picked:
        summed = min(self.summed, log_probs.shape[-1] - 1)
        likeliest = jax.lax.top_k(log_probs, summed)[1]
        others = without(log_probs, likeliest)
        uniform = noise(
            jax.random.uniform, key, values - summed, log_probs.shape[:-1], log_probs.dtype
        )
        drawn = inverse_distribution(jax.nn.softmax(others), jnp.moveaxis(uniform, 0, -1))
        share = jax.nn.logsumexp(others, axis=-1, keepdims=True) - math.log(values - summed)
        log_weights = [take(log_probs, likeliest), jnp.broadcast_to(share, drawn.shape)]
        return Picked(
            jnp.concatenate([likeliest, drawn], -1), jnp.exp(jnp.concatenate(log_weights, -1)), None
        )

    def evaluated(self, problem: Problem, num_samples: int) -> int:
        return num_samples

    @property
    def min_samples(self) -> int:
        return self.summed + 1

    def draws(self, problem: Problem, num_samples: int) -> int:
        q = problem.abstract_distribution()
        summed = min(self.summed, int(number_of_states(q)) - 1)
        return (num_samples - summed) * math.prod(q.batch_shape)


class WithoutReplacement(WeightedValues):
    r"""$\sum_{s \in S} \frac{q(s)}{\pi(s)} (f(\theta, s) - b_s) \nabla_\theta \log q_\theta(s)$.

    S are the L values with the largest log q(s) + G_s, G Gumbel noise: draws without replacement.
    With κ the largest of those that are not in S, $\pi(s) = 1 - \exp(-e^{\log q(s) - \kappa})$ is
    the probability that s exceeds κ. The baseline is $b_s = \sum_{t \in S} \frac{q(t)}{\pi(t)} f(t)
    + (q(s) - \frac{q(s)}{\pi(s)}) f(s)$. Unbiased, exact where L is at least the number of values.
    Cost: L evaluations of f, no more than there are values; where f depends on θ, as many of its
    gradient.

    Needs L ≥ 4, without the baseline L ≥ 2, for its variance to be finite: a weight is about e^κ
    where κ is large, of which $E[e^{m \kappa}]$ is finite for m ≤ L alone.
    """

    with_baseline: bool = flag(True, "whether the other values make a baseline")

    source: ClassVar[str] = "Kool, van Hoof and Welling, 2019"

    def pick(self, log_probs: Float[Array, "*batch states"], key: Array, values: int) -> Picked:
        place, kappa = largest_perturbed(log_probs, key, values)
        log_q = take(log_probs, place)
        weight = jnp.exp(log_q - log_probability_of_event(log_q - kappa))
        if not self.with_baseline:
            return Picked(place, weight, None)
        own = jnp.eye(values, dtype=weight.dtype) * (jnp.exp(log_q) - weight)[..., None]
        return Picked(place, weight, weight[..., None, :] + own)

    @property
    def min_samples(self) -> int:
        return 4 if self.with_baseline else 2

    def draws(self, problem: Problem, num_samples: int) -> int:
        return numbers_perturbed(problem)


class UnorderedSet(WeightedValues):
    r"""$\sum_{s \in S} P(s\ \mathrm{first} \mid S) (f(\theta, s) - b_s) \nabla_\theta \log
    q_\theta(s)$.

    S are L different values, drawn one after the other without replacement. The weight of s is the
    probability that it was the first of them, given the set S (q(s) times the leave-one-out ratio):
    the score function of a single draw, Rao-Blackwellised over the order. The baseline, for L ≥ 2,
    is $b_s = q(s) f(s) + (1 - q(s)) \sum_{t \ne s} P(t\ \mathrm{second} \mid S, s\ \mathrm{first})
    f(t)$. Unbiased, exact where L is at least the number of values. Cost: L evaluations of f, no
    more than there are values; where f depends on θ, as many of its gradient.
    """

    with_baseline: bool = flag(True, "whether the other values make a baseline")

    source: ClassVar[str] = "Kool, van Hoof and Welling, 2020"

    def pick(self, log_probs: Float[Array, "*batch states"], key: Array, values: int) -> Picked:
        place, _ = largest_perturbed(log_probs, key, values)
        log_q = take(log_probs, place)
        log_outside = jax.nn.logsumexp(without(log_probs, place), axis=-1, keepdims=True)
        without_one, without_two = log_draw_the_rest(log_q - log_outside)
        weight = jax.nn.softmax(log_q + without_one)
        if not self.with_baseline:
            return Picked(place, weight, None)
        own = jnp.eye(values, dtype=weight.dtype)
        second = jax.nn.softmax(jnp.where(own > 0, -jnp.inf, log_q[..., None, :] + without_two))
        q = jnp.exp(log_q)[..., None]
        return Picked(place, weight, own * q + second * -jnp.expm1(log_q)[..., None])

    @property
    def min_samples(self) -> int:
        return 2 if self.with_baseline else 1

    def draws(self, problem: Problem, num_samples: int) -> int:
        return numbers_perturbed(problem)


def take(
    log_probs: Float[Array, "*batch states"], place: Int[Array, "*batch values"]
) -> Float[Array, "*batch values"]:
    """The entries at the places."""
    return jnp.take_along_axis(log_probs, place, axis=-1)


def without(
    log_probs: Float[Array, "*batch states"], place: Int[Array, "*batch values"]
) -> Float[Array, "*batch states"]:
    """log q with what is at the places made impossible."""
    return jnp.put_along_axis(log_probs, place, -jnp.inf, axis=-1, inplace=False)


def inverse_distribution(
    probs: Float[Array, "*batch states"], uniform: Float[Array, "*batch values"]
) -> Int[Array, "*batch values"]:
    """Places drawn with these probabilities, from uniform numbers."""
    up_to = jnp.cumsum(probs, axis=-1)[..., None, :]
    reached = uniform[..., None] * up_to[..., -1:]
    return jnp.minimum((up_to <= reached).sum(-1), probs.shape[-1] - 1)


def largest_perturbed(
    log_probs: Float[Array, "*batch states"], key: Array, values: int
) -> tuple[Int[Array, "*batch values"], Float[Array, "*batch #values"]]:
    """So many different values, drawn without replacement in this order, and the threshold κ that
    they exceed.

    They have the largest of log q with Gumbel noise added (Vieira, 2014); κ is the largest of the
    others.
    """
    gumbel = noise(jax.random.gumbel, key, 1, log_probs.shape, log_probs.dtype)[0]
    if values == log_probs.shape[-1]:
        largest, place = jax.lax.top_k(log_probs + gumbel, values)
        return place, jnp.full_like(largest[..., :1], -jnp.inf)
    largest, place = jax.lax.top_k(log_probs + gumbel, values + 1)
    return place[..., :-1], largest[..., -1:]


def numbers_perturbed(problem: Problem) -> int:
    """How many values have noise added in `largest_perturbed`, however many of them are picked."""
    q = problem.abstract_distribution()
    return math.prod(q.batch_shape) * int(number_of_states(q))


def log_probability_of_event(log_rate: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    r"""$\log(1 - e^{-a})$ of log a: that an event of rate a happens within a time of 1."""
    seldom = log_rate < -10
    rate = jnp.exp(log_rate)
    return jnp.where(seldom, log_rate - rate / 2, jnp.log(-jnp.expm1(-jnp.where(seldom, 1, rate))))


def log_draw_the_rest(
    log_rates: Float[Array, "*batch values"],
) -> tuple[Float[Array, "*batch values"], Float[Array, "*batch values values"]]:
    r"""The log-probabilities that S less one value, or less two, is drawn before any value that is
    not in S.

    Draws without replacement are arrivals of independent events with rates q. In units of the time
    t until the first arrival outside S, which is Exponential(1), a value of S arrives with the rate
    a_s = q(s) / (1 − q(S)), and the probability for a set T is $\int_0^\infty e^{-t} \prod_{s \in
    T} (1 - e^{-a_s t}) dt$: by the trapezoid rule in y = log t, which converges exponentially, with
    a step below the width of the integrand, about $|T|^{-1/2}$.
    """
    values = log_rates.shape[-1]
    root = math.sqrt(values)
    y = np.arange(-20, math.log(values + 10 * root + 40), 1 / (2 + root))
    log_density = jnp.asarray(y - np.exp(y) - math.log(2 + root), log_rates.dtype)[:, None]
    arrived = log_probability_of_event(
        log_rates[..., None, :] + jnp.asarray(y, log_rates.dtype)[:, None]
    )
    all_but_one = log_density + arrived.sum(-1, keepdims=True) - arrived
    all_but_two = all_but_one[..., None] - arrived[..., None, :]
    return jax.nn.logsumexp(all_but_one, axis=-2), jax.nn.logsumexp(all_but_two, axis=-3)
