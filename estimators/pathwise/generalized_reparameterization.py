r"""Reparameterization by noise that still depends on θ: a pathwise term, and a score-function term
for the rest.

$x = T(\varepsilon, \theta)$ with $\varepsilon \sim \pi_\theta$: whatever part of θ the
transformation T does not take out of the noise is left to the score of $\pi_\theta(\varepsilon) =
q_\theta(T(\varepsilon, \theta))\,
|\partial_\varepsilon T|$. The better T standardises x, the smaller that part.
"""

from abc import abstractmethod
from functools import singledispatch
from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpyro.distributions as dist
from jax.lax import stop_gradient
from jax.scipy.special import digamma, polygamma
from jaxtyping import Array, Float

from gradest.estimators.base import Evaluations, State, SurrogateEstimator
from gradest.estimators.sampling.draws import has_rule, noise, sample
from gradest.problems.arguments import integer
from gradest.problems.base import Params, Problem
from gradest.problems.distributions.coordinates import base


class Transformed(NamedTuple):
    """Draws of x as a function of θ at fixed noise, and the noise's log-density as a function of θ."""

    x: Float[Array, "L ..."]
    log_density: Float[Array, "L ..."]


class TransformedNoise(SurrogateEstimator):
    """What the two estimators share: all but the transformation."""

    unbiased: ClassVar[bool] = True
    differentiates_f: ClassVar[bool] = True
    independent_terms: ClassVar[bool] = True

    @abstractmethod
    def draw(self, q: dist.Distribution, key: Array, num_samples: int) -> Transformed:
        """L draws, coordinate by coordinate."""

    def surrogate(
        self, problem: Problem, params: Params, state: State, key: Array, num_samples: int
    ) -> tuple[Float[Array, ""], State]:
        x, log_density = self.draw(base(problem.distribution(params)), key, num_samples)
        f = problem.objectives(params, x)
        return (f + stop_gradient(f) * log_density.sum(-1)).mean(0).sum(), state

    def evaluations(self, problem: Problem, num_samples: int) -> Evaluations:
        return Evaluations(f=num_samples, grad=num_samples)


class Standardisation(NamedTuple):
    """A transformation that takes mean and variance out of x, or of its logarithm."""

    center: Float[Array, "..."]
    spread: Float[Array, "..."]


@singledispatch
def log_standardisation(q: dist.Distribution) -> Standardisation:
    """Mean and standard deviation of log x."""
    raise NotImplementedError(f"no standardisation of {type(q).__name__} is known")


@log_standardisation.register
def _log_standardisation_gamma(q: dist.Gamma) -> Standardisation:
    return Standardisation(
        digamma(q.concentration) - jnp.log(q.rate), jnp.sqrt(polygamma(1, q.concentration))
    )


class GeneralizedReparameterization(TransformedNoise):
    r"""$\frac1L \sum_l \nabla_\theta f(T(\varepsilon_l, \theta)) + f \nabla_\theta \log
    \pi_\theta(\varepsilon_l)$.

    $\log x = E_q[\log x] + \varepsilon\, \mathrm{Std}_q[\log x]$ is the transformation T, so that ε
    has mean 0 and variance 1 at every θ, and only its higher moments still depend on θ. Unbiased
    where f is continuous. Cost: L evaluations of f and L of its gradient. For gamma variables.
    """

    source: ClassVar[str] = "Ruiz, Titsias and Blei, 2016"

    def draw(self, q: dist.Distribution, key: Array, num_samples: int) -> Transformed:
        center, spread = log_standardisation(q)
        epsilon = stop_gradient((jnp.log(sample(q, key, num_samples)) - center) / spread)
        log_x = center + spread * epsilon
        x = jnp.exp(log_x)
        return Transformed(x, q.log_prob(x) + log_x + jnp.log(spread))

    def refuses(self, problem: Problem) -> str | None:
        q = base(problem.abstract_distribution())
        return (
            None
            if has_rule(log_standardisation, q)
            else f"no standardisation of {type(q).__name__} is known"
        )


class RejectionReparameterization(TransformedNoise):
    r"""$\frac1L \sum_l \nabla_\theta f(T(\varepsilon_l, \theta)) + f \nabla_\theta \log
    \pi_\theta(\varepsilon_l)$.

    T is the proposal of the rejection sampler that draws x, $\pi_\theta$ what it accepts: for gamma
    variables Marsaglia and Tsang's $(\alpha - \frac13) (1 + \varepsilon / \sqrt{9 \alpha - 3})^3$,
    whose ε is the nearer to N(0, 1) the larger α is. So with shape augmentation α + B takes α's
    place, and $x \prod_{i<B} u_i^{1 / (\alpha + i)}$ x's. Unbiased where f is continuous. Cost: L
    evaluations of f and L of its gradient. For gamma variables.
    """

    augmentation: int = integer(1, "B: shape augmentation", at_least=1)

    source: ClassVar[str] = "Naesseth, Ruiz, Linderman and Blei, 2017"

    def draw(self, q: dist.Gamma, key: Array, num_samples: int) -> Transformed:
        gamma_key, uniform_key = jax.random.split(key)
        concentration = jnp.broadcast_to(q.concentration, q.batch_shape)
        augmented = dist.Gamma(concentration + self.augmentation)
        shift, scale = augmented.concentration - 1 / 3, jnp.sqrt(9 * augmented.concentration - 3)
        epsilon = stop_gradient(
            scale * ((sample(augmented, gamma_key, num_samples) / shift) ** (1 / 3) - 1)
        )
        root = 1 + epsilon / scale
        y = shift * root**3
        log_density = augmented.log_prob(y) + jnp.log(3 * shift / scale) + 2 * jnp.log(root)
        shape = (self.augmentation, *q.batch_shape)
        waits = noise(
            jax.random.exponential, uniform_key, num_samples, shape, epsilon.dtype
        )  # −log u
        shapes = concentration + jnp.arange(self.augmentation, dtype=epsilon.dtype).reshape(
            -1, *(1 for _ in q.batch_shape)
        )
        return Transformed(y * jnp.exp(-(waits / shapes).sum(1)) / q.rate, log_density)

    def refuses(self, problem: Problem) -> str | None:
        q = base(problem.abstract_distribution())
        return (
            None
            if isinstance(q, dist.Gamma)
            else f"{type(q).__name__} is no gamma variable drawn by rejection"
        )

    def draws(self, problem: Problem, num_samples: int) -> int:
        return (1 + self.augmentation) * super().draws(problem, num_samples)
