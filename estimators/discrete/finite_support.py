r"""Estimators for an x with few values, whose probabilities can all be listed: sums over some of
them, draws of others.

They are written for one variable with S values. A vector of discrete variables or a permutation is
one too, with its K^D or n! joint values, as long as there are at most 4,096: f is evaluated at L of
them alone, log q at all.

Each picks, for every data point, L values s with weights w_s such that
$E[\sum_s w_s g(s)] = \sum_s q(s) g(s)$ for every function g, and estimates

$\sum_s w_s (f(\theta, s) - b_s) \nabla_\theta \log q_\theta(s)
+ w_s\, \partial_\theta f(\theta, s)$.
"""

import math
from abc import abstractmethod
from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp
from jax.lax import stop_gradient
from jaxtyping import Array, Float, Int, Num

from gradest.estimators.base import Evaluations, State, SurrogateEstimator
from gradest.estimators.families.distinct_draws import (
    log_draw_the_rest,
    log_probability_of_event,
    nodes,
)
from gradest.estimators.sampling.draws import noise, numbers_per_draw, sample
from gradest.estimators.sampling.refusals import refuse_unless_listed
from gradest.problems.arguments import choice, flag, integer
from gradest.problems.base import Params, Problem
from gradest.problems.distributions.enumeration import (
    all_log_probs,
    all_states,
    number_of_states,
)
from gradest.problems.distributions.fine_noise import gumbel, uniform


class FiniteSupport(SurrogateEstimator):
    """What these estimators share: all values of x can be listed."""

    unbiased: ClassVar[bool] = True

    def refuses(self, problem: Problem) -> str | None:
        return refuse_unless_listed(problem.abstract_distribution())

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
    """w_s."""
    baseline: Float[Array, "*batch #values values"] | None
    """The matrix of which b is the product with f, with one row where b is the same for all values;
    None where there is no b."""


class WeightedValues(FiniteSupport):
    """What these estimators share: f at some values of x, each with a weight; all but how they are
    picked."""

    @abstractmethod
    def pick(self, log_probs: Float[Array, "*batch states"], key: Array, values: int) -> Picked:
        """Values of x for each data point.

        Args:
            log_probs: log q of all values.
            key: of the draw.
            values: how many to pick.
        """

    def surrogate(
        self, problem: Problem, params: Params, state: State, key: Array, num_samples: int
    ) -> tuple[Float[Array, ""], State]:
        q = problem.distribution(params)
        log_probs = stop_gradient(all_log_probs(q))
        picked = self.pick(log_probs, key, self.evaluated(problem, num_samples))
        states = jnp.asarray(all_states(q), log_probs.dtype)
        x = states[jnp.moveaxis(picked.place, -1, 0)]
        f = jnp.moveaxis(problem.objectives(params, x), 0, -1)
        b: Float[Array, "*batch #values"] | float = 0
        if picked.baseline is not None:
            b = jnp.einsum("...st,...t->...s", picked.baseline, f)
        afresh = self.drawn_afresh(problem, len(x))
        if afresh:
            others = sample(q, jax.random.fold_in(key, 1), afresh)
            b = jnp.moveaxis(problem.objectives(stop_gradient(params), others), 0, -1)
        log_q = jnp.moveaxis(q.log_prob(x), 0, -1)
        score = stop_gradient(f - b) * log_q
        return (picked.weight * (score + f)).sum(), state

    def drawn_afresh(self, problem: Problem, values: int) -> int:
        """At how many further draws f is the baseline: at none, or at one for each value."""
        return 0


class Enumeration(WeightedValues):
    r"""The gradient itself, $\nabla_\theta \sum_x q_\theta(x) f(\theta, x)$, the sum over all S
    joint values of x.

    Unbiased, and without variance. E[f] is subtracted from f, which changes the rounding alone.
    Cost: S evaluations of f, whatever L is; where f depends on θ, S of its gradient. S is at most
    4,096.
    """

    purpose: ClassVar[str] = "the exact gradient, over all values of x"
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
    r"""The score function, Rao-Blackwellised over whether x is one of the likeliest values.

    $\sum_{s \in C} q(s) g(s) + \frac{1 - q(C)}{L - k} \sum_l g(x_l)$ with
    $g = f \nabla_\theta \log q_\theta$,

    where C are the k likeliest values, which are summed, and $x_l \sim q(\cdot \mid x \notin C)$
    the L − k that are drawn from all others. With the baseline sample, each of the L terms, those
    of the sum too, has f at one more draw from q of its own subtracted. Unbiased. Cost: L
    evaluations of f, 2·L with the baseline sample; where f depends on θ, L of its gradient; where k
    is at least the number of values, all are summed, and L is that number. Needs L > k.
    """

    summed: int = integer(1, "k, the values that are summed", at_least=0)
    baseline: str = choice(
        ("none", "sample"), "none", "what is subtracted from f in each term: f of one more draw"
    )

    purpose: ClassVar[str] = "the likely values summed, the rest drawn"
    source: ClassVar[str] = "Liu, Regier, Tripuraneni, Jordan and McAuliffe, 2019"

    def pick(self, log_probs: Float[Array, "*batch states"], key: Array, values: int) -> Picked:
        summed = min(self.summed, log_probs.shape[-1])
        drawn = values - summed
        _, likeliest = jax.lax.top_k(without_rounding(log_probs), summed)
        if drawn == 0:
            return Picked(likeliest, jnp.exp(take(log_probs, likeliest)), None)
        others = without(log_probs, likeliest)
        batch = log_probs.shape[:-1]
        numbers = noise(uniform, key, drawn, batch, log_probs.dtype)
        rest = inverse_distribution(jax.nn.softmax(others), jnp.moveaxis(numbers, 0, -1))
        # each of the rest stands for an equal share of 1 − q(C)
        log_share = jax.nn.logsumexp(others, axis=-1, keepdims=True) - math.log(drawn)
        log_weights = [take(log_probs, likeliest), jnp.broadcast_to(log_share, rest.shape)]
        place = jnp.concatenate([likeliest, rest], -1)
        return Picked(place, jnp.exp(jnp.concatenate(log_weights, -1)), None)

    def evaluated(self, problem: Problem, num_samples: int) -> int:
        states = int(number_of_states(problem.abstract_distribution()))
        return states if self.summed >= states else num_samples

    def drawn_afresh(self, problem: Problem, values: int) -> int:
        return values if self.baseline == "sample" else 0

    def evaluations(self, problem: Problem, num_samples: int) -> Evaluations:
        values = self.evaluated(problem, num_samples)
        f = values + self.drawn_afresh(problem, values)
        return Evaluations(f=f, grad=problem.direct_gradients(values))

    @property
    def min_samples(self) -> int:
        return self.summed + 1

    def draws(self, problem: Problem, num_samples: int) -> int:
        q = problem.abstract_distribution()
        values = self.evaluated(problem, num_samples)
        drawn = max(0, values - self.summed) * math.prod(q.batch_shape)
        return drawn + self.drawn_afresh(problem, values) * numbers_per_draw(q)


class WithoutReplacement(WeightedValues):
    r"""Draws without replacement, each with the inverse of the probability that it is among them.

    $\sum_{s \in S} \frac{q(s)}{\pi(s)} (f(\theta, s) - b_s) \nabla_\theta \log q_\theta(s)$,

    where S are the L values with the largest log q(s) + G_s, G Gumbel noise. With κ the largest of
    those that are not in S, $\pi(s) = 1 - \exp(-e^{\log q(s) - \kappa})$ is the probability that s
    exceeds κ, the others held fixed: the mean of its weight is q(s) given them, and so at all. The
    baseline is $b_s = \sum_{t \in S} \frac{q(t)}{\pi(t)} f(t) + (q(s) - \frac{q(s)}{\pi(s)}) f(s)$.
    Unbiased, exact where L is at least the number of values. Cost: L evaluations of f, no more than
    there are values; where f depends on θ, as many of its gradient.

    Needs L ≥ 4, without the baseline L ≥ 2, for its variance to be finite: a weight is about
    $e^\kappa$ where κ is large, of which $E[e^{m \kappa}]$ is finite for m ≤ L alone.
    """

    with_baseline: bool = flag(True, "whether the other values make a baseline")

    purpose: ClassVar[str] = "discrete draws, none of them twice"
    source: ClassVar[str] = "Kool, van Hoof and Welling, 2019"

    def pick(self, log_probs: Float[Array, "*batch states"], key: Array, values: int) -> Picked:
        place, kappa = largest_perturbed(log_probs, key, values)
        log_q = take(log_probs, place)
        log_inclusion = log_probability_of_event(log_q - kappa)
        weight = jnp.exp(log_q - log_inclusion)
        if not self.with_baseline:
            return Picked(place, weight, None)
        diagonal = jnp.eye(values, dtype=weight.dtype) * (jnp.exp(log_q) - weight)[..., None]
        return Picked(place, weight, weight[..., None, :] + diagonal)

    @property
    def min_samples(self) -> int:
        return 4 if self.with_baseline else 2

    def draws(self, problem: Problem, num_samples: int) -> int:
        return numbers_perturbed(problem)


class UnorderedSet(WeightedValues):
    r"""The score function of a single draw, Rao-Blackwellised over the order of draws without
    replacement.

    $\sum_{s \in S} P(s\ \mathrm{first} \mid S) (f(\theta, s) - b_s)
    \nabla_\theta \log q_\theta(s)$,

    where S are L different values, drawn one after the other without replacement. The weight of s
    is the probability that it was the first of them, given the set S: with P(T | U) the probability
    that the next |T| draws are T where U has been drawn, it is $q(s) P(S - s \mid s) / P(S)$. The
    baseline, for L ≥ 2, is $b_s = q(s) f(s)
    + (1 - q(s)) \sum_{t \ne s} P(t\ \mathrm{second} \mid S, s\ \mathrm{first}) f(t)$. Unbiased,
    exact where L is at least the number of values. Cost: L evaluations of f, no more than there are
    values; where f depends on θ, as many of its gradient.
    """

    with_baseline: bool = flag(True, "whether the other values make a baseline")

    purpose: ClassVar[str] = "distinct draws, averaged over their order"
    source: ClassVar[str] = "Kool, van Hoof and Welling, 2020"

    def pick(self, log_probs: Float[Array, "*batch states"], key: Array, values: int) -> Picked:
        place, _ = largest_perturbed(log_probs, key, values)
        log_q = take(log_probs, place)
        log_outside = jax.nn.logsumexp(without(log_probs, place), axis=-1, keepdims=True)
        without_one, without_two = log_draw_the_rest(log_q - log_outside)
        weight = jax.nn.softmax(log_q + without_one)
        if not self.with_baseline:
            return Picked(place, weight, None)
        diagonal = jnp.eye(values, dtype=weight.dtype)
        log_second = jnp.where(diagonal > 0, -jnp.inf, log_q[..., None, :] + without_two)
        second = jax.nn.softmax(log_second)
        baseline = diagonal * jnp.exp(log_q)[..., None]
        one_less_q = -jnp.expm1(log_q)[..., None]
        return Picked(place, weight, baseline + second * one_less_q)

    @property
    def min_samples(self) -> int:
        return 2 if self.with_baseline else 1

    def draws(self, problem: Problem, num_samples: int) -> int:
        return numbers_perturbed(problem)

    def numbers_held(self, problem: Problem, num_samples: int, of_f: int) -> int:
        held = super().numbers_held(problem, num_samples, of_f)
        values = self.evaluated(problem, num_samples)
        points = math.prod(problem.abstract_distribution().batch_shape)
        return held + 2 * points * values * len(nodes(values)[0])


def take(
    of_states: Num[Array, "*batch states"], place: Int[Array, "*batch values"]
) -> Num[Array, "*batch values"]:
    """What the values at the places have."""
    return jnp.take_along_axis(of_states, place, axis=-1)


def without(
    log_probs: Float[Array, "*batch states"], place: Int[Array, "*batch values"]
) -> Float[Array, "*batch states"]:
    """log q with what is at the places made impossible."""
    return jnp.put_along_axis(log_probs, place, -jnp.inf, axis=-1, inplace=False)


def inverse_distribution(
    probs: Float[Array, "*batch states"], numbers: Float[Array, "*batch values"]
) -> Int[Array, "*batch values"]:
    """Places drawn from uniform numbers; the rarest come first, since all is finest near 0."""
    rarest_first = jnp.argsort(without_rounding(jnp.log(probs)), axis=-1)
    up_to = jnp.cumsum(take(probs, rarest_first), axis=-1)[..., None, :]
    passed = (up_to <= numbers[..., None] * up_to[..., -1:]).sum(-1)
    return take(rarest_first, jnp.minimum(passed, probs.shape[-1] - 1))


def without_rounding(log_probs: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Log-probabilities by which values are put in order, those of equally likely ones equal."""
    return jnp.round(log_probs, 3)


def largest_perturbed(
    log_probs: Float[Array, "*batch states"], key: Array, values: int
) -> tuple[Int[Array, "*batch values"], Float[Array, "*batch #values"]]:
    """Different values, drawn without replacement: those with the largest log q + Gumbel noise
    (Vieira, 2014).

    Args:
        log_probs: log q of all values.
        key: of the noise.
        values: how many to draw.

    Returns:
        Their places, in the order in which they are drawn; and the threshold κ that they exceed,
        the largest of the others.
    """
    perturbed = log_probs + noise(gumbel, key, 1, log_probs.shape, log_probs.dtype)[0]
    if values == log_probs.shape[-1]:
        largest, place = jax.lax.top_k(perturbed, values)
        return place, jnp.full_like(largest[..., :1], -jnp.inf)
    # the compiler would sort all values where it sees what is cut from the largest
    largest, place = jax.lax.optimization_barrier(jax.lax.top_k(perturbed, values + 1))
    return place[..., :-1], largest[..., -1:]


def numbers_perturbed(problem: Problem) -> int:
    """How many values have noise added in `largest_perturbed`, however many of them are picked."""
    q = problem.abstract_distribution()
    return math.prod(q.batch_shape) * int(number_of_states(q))
