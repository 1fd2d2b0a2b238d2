"""The score-function gradient at draws from a wider distribution, with importance weights."""

import math
from functools import singledispatch
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpyro.distributions as dist
from jax.lax import stop_gradient
from jaxtyping import Array, Float

from gradest.estimators.base import Evaluations, State, SurrogateEstimator
from gradest.estimators.sampling.draws import has_rule, noise, sample
from gradest.problems.arguments import Number, number
from gradest.problems.base import Params, Problem
from gradest.problems.distributions.coordinates import base
from gradest.problems.distributions.discrete import Bernoulli


@singledispatch
def widened(q: dist.Distribution, factor: Float[Array, ""]) -> dist.Distribution:
    """A distribution on the same support whose tails are heavier by a factor."""
    raise NotImplementedError(f"no wider {type(q).__name__} is known")


@widened.register
def _widened_independent(q: dist.Independent, factor: Float[Array, ""]) -> dist.Distribution:
    return widened(q.base_dist, factor).to_event(q.reinterpreted_batch_ndims)


@widened.register
def _widened_location_scale(
    q: dist.Normal | dist.Logistic | dist.Laplace | dist.Gumbel, factor: Float[Array, ""]
) -> dist.Distribution:
    return type(q)(q.loc, factor * q.scale)


@widened.register
def _widened_exponential(q: dist.Exponential, factor: Float[Array, ""]) -> dist.Distribution:
    return dist.Exponential(q.rate / factor)


@widened.register
def _widened_poisson(q: dist.Poisson, factor: Float[Array, ""]) -> dist.Distribution:
    return dist.Poisson(q.rate * factor)


@widened.register
def _widened_bernoulli(q: dist.BernoulliLogits, factor: Float[Array, ""]) -> dist.Distribution:
    return Bernoulli(q.logits / factor)


class ImportanceWeighted(SurrogateEstimator):
    r"""The score function under a defensive mixture r of q and a wider distribution.

    $\frac1L \sum_l w_l f(\theta, x_l) \nabla_\theta \log q_\theta(x_l) + w_l \partial_\theta f$
    with $x_l \sim r = (1 - a)\, q_\theta + a\, \tilde q_\theta$ and $w = q_\theta / r$.

    $\tilde q$ is of the same family as q, with heavier tails: it sees what f is where q seldom
    goes, and no weight exceeds 1/(1 − a).
    Unbiased for any f, discontinuous or not. Cost: L evaluations of f; where f depends on θ, L of
    its gradient.
    """

    share: Number = number(
        0.5, "a: of the draws that are from the wider distribution; below 1", above=0
    )
    widening: Number = number(2.0, "factor by which it is wider", above=1)

    purpose: ClassVar[str] = "REINFORCE on draws from a wider law"
    unbiased: ClassVar[bool] = True
    independent_terms: ClassVar[bool] = True
    source: ClassVar[str] = "Hesterberg, 1995; Jie and Abbeel, 2010"

    def __check_init__(self) -> None:
        if bool(jnp.any(self.share >= 1)):
            raise ValueError(f"share = {float(jnp.max(self.share)):g}: expected a number below 1")

    def surrogate(
        self, problem: Problem, params: Params, state: State, key: Array, num_samples: int
    ) -> tuple[Float[Array, ""], State]:
        q = problem.distribution(params)
        wide = widened(q, self.widening)
        a = self.share
        choice_key, key = jax.random.split(key)
        uniform = noise(jax.random.uniform, choice_key, num_samples, q.batch_shape, a.dtype)
        from_wide = (uniform < a).reshape(*uniform.shape, *(1 for _ in q.event_shape))
        x = jnp.where(from_wide, sample(wide, key, num_samples), sample(q, key, num_samples))

        log_q = q.log_prob(x)
        log_r = jnp.logaddexp(jnp.log1p(-a) + log_q, jnp.log(a) + wide.log_prob(x))
        w = stop_gradient(jnp.exp(log_q - log_r))
        weighted_f = w * problem.objectives(params, x)
        return (stop_gradient(weighted_f) * log_q + weighted_f).mean(0).sum(), state

    def refuses(self, problem: Problem) -> str | None:
        q = base(problem.abstract_distribution())
        if has_rule(widened, q):
            return None
        return f"no wider {type(q).__name__} is known"

    def draws(self, problem: Problem, num_samples: int) -> int:
        # whether a draw is from the wider one; both share the numbers of x
        choices = math.prod(problem.abstract_distribution().batch_shape)
        return super().draws(problem, num_samples) + num_samples * choices

    def evaluations(self, problem: Problem, num_samples: int) -> Evaluations:
        return Evaluations(f=num_samples, grad=problem.direct_gradients(num_samples))
