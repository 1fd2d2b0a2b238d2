r"""Reparameterization by noise that still depends on θ: a pathwise term, and a score for the rest.

$x = T(\varepsilon, \theta)$ with $\varepsilon \sim \pi_\theta$, so that $\nabla_\theta E[f]$ is
$E[\nabla_\theta f(T(\varepsilon, \theta)) + f \nabla_\theta \log \pi_\theta(\varepsilon)]$.

Whatever part of θ the transformation T does not take out of the noise is left to the score of
$\pi_\theta(\varepsilon) = q_\theta(T(\varepsilon, \theta))\, |\partial_\varepsilon T|$.
The better T standardises x, the smaller that part.
"""

from abc import abstractmethod
from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpyro.distributions as dist
from jax.lax import stop_gradient
from jax.scipy.special import polygamma
from jaxtyping import Array, Float

from gradest.estimators.base import Evaluations, State, SurrogateEstimator
from gradest.estimators.families.gamma_variables import gamma_logs, gamma_of
from gradest.estimators.families.log_densities import expected_log, log_gamma_density
from gradest.estimators.sampling.draws import noise
from gradest.problems.arguments import integer
from gradest.problems.base import Params, Problem
from gradest.problems.distributions.coordinates import base


class Transformed(NamedTuple):
    """Draws at fixed noise."""

    x: Float[Array, "L ..."]
    """T(ε, θ), as a function of θ."""
    log_density: Float[Array, "L ..."]
    """log π_θ(ε) of each coordinate, as a function of θ."""


class TransformedNoise(SurrogateEstimator):
    """The gradient by a transformation T, which a subclass writes."""

    unbiased: ClassVar[bool] = True
    differentiates_f: ClassVar[bool] = True
    independent_terms: ClassVar[bool] = True

    @abstractmethod
    def draw(self, q: dist.Distribution, key: Array, num_samples: int) -> Transformed:
        """L draws from q, the distribution of the coordinates."""

    def surrogate(
        self, problem: Problem, params: Params, state: State, key: Array, num_samples: int
    ) -> tuple[Float[Array, ""], State]:
        x, log_density = self.draw(base(problem.distribution(params)), key, num_samples)
        f = problem.objectives(params, x)
        return (f + stop_gradient(f) * log_density.sum(-1)).mean(0).sum(), state

    def evaluations(self, problem: Problem, num_samples: int) -> Evaluations:
        return Evaluations(f=num_samples, grad=num_samples)


class GeneralizedReparameterization(TransformedNoise):
    r"""By the standardised logarithm of x.

    $\frac1L \sum_l \nabla_\theta f(T(\varepsilon_l, \theta))
    + f \nabla_\theta \log \pi_\theta(\varepsilon_l)$,
    T being $\log x = E_q[\log x] + \varepsilon\, \mathrm{Std}_q[\log x]$

    So ε has mean 0 and variance 1 at every θ; only its higher moments still depend on θ.
    Unbiased where f is continuous. Cost: L evaluations of f and L of its gradient. For gamma
    variables.
    """

    purpose: ClassVar[str] = "gamma draws by the standardised log of x"
    source: ClassVar[str] = "Ruiz, Titsias and Blei, 2016"

    def draw(self, q: dist.Gamma, key: Array, num_samples: int) -> Transformed:
        center = expected_log(q.concentration)
        spread = jnp.sqrt(polygamma(1, q.concentration))
        drawn = gamma_logs(jax.tree.map(stop_gradient, q), key, num_samples)
        epsilon = stop_gradient((drawn - center) / spread)
        u = center + spread * epsilon  # log(x / E[x])
        log_density = log_gamma_density(u, q.concentration) + jnp.log(spread)  # ∂u/∂ε = Std[log x]
        return Transformed(gamma_of(q, u), log_density)

    def refuses(self, problem: Problem) -> str | None:
        q = base(problem.abstract_distribution())
        if isinstance(q, dist.Gamma):
            return None
        return f"no standardisation of {type(q).__name__} is known"


class RejectionReparameterization(TransformedNoise):
    r"""By the proposal of the rejection sampler that draws x.

    $\frac1L \sum_l \nabla_\theta f(T(\varepsilon_l, \theta))
    + f \nabla_\theta \log \pi_\theta(\varepsilon_l)$,
    T the proposal and $\pi_\theta$ what is accepted of it

    For gamma variables Marsaglia and Tsang's
    $T = (\alpha - \frac13) (1 + \varepsilon / \sqrt{9 \alpha - 3})^3$, whose ε is the nearer to
    N(0, 1) the larger α is. So with shape augmentation α + B takes α's place, and
    $x \prod_{i<B} u_i^{1 / (\alpha + i)}$ x's. Unbiased where f is continuous. Cost: L evaluations
    of f and L of its gradient. For gamma variables.
    """

    augmentation: int = integer(1, "B: shape augmentation", at_least=1)

    purpose: ClassVar[str] = "gamma draws by their rejection sampler"
    source: ClassVar[str] = "Naesseth, Ruiz, Linderman and Blei, 2017"

    def draw(self, q: dist.Gamma, key: Array, num_samples: int) -> Transformed:
        gamma_key, uniform_key = jax.random.split(key)
        alpha = jnp.broadcast_to(q.concentration, q.batch_shape)
        augmented = dist.Gamma(alpha + self.augmentation)
        log_shift = jnp.log1p(-1 / (3 * augmented.concentration))  # of (α − 1/3) / α
        scale = jnp.sqrt(9 * augmented.concentration - 3)
        drawn = gamma_logs(jax.tree.map(stop_gradient, augmented), gamma_key, num_samples)
        epsilon = stop_gradient(scale * jnp.expm1((drawn - log_shift) / 3))
        u = log_shift + 3 * jnp.log1p(epsilon / scale)  # log(y / E[y])
        y = gamma_of(augmented, u)
        # ∂u/∂ε = 3 / (scale + ε)
        log_density = log_gamma_density(u, augmented.concentration)
        log_density += jnp.log(3 / (scale + epsilon))

        # the product of u_i^{1 / (α + i)}, by −log u_i ~ Exponential(1)
        shape = (self.augmentation, *q.batch_shape)
        minus_log_u = noise(jax.random.exponential, uniform_key, num_samples, shape, epsilon.dtype)
        i = jnp.arange(self.augmentation, dtype=epsilon.dtype)
        shapes = alpha + i.reshape(-1, *(1 for _ in q.batch_shape))
        product = jnp.exp(-(minus_log_u / shapes).sum(1))
        return Transformed(y * product / q.rate, log_density)

    def refuses(self, problem: Problem) -> str | None:
        q = base(problem.abstract_distribution())
        if isinstance(q, dist.Gamma):
            return None
        return f"{type(q).__name__} is no gamma variable drawn by rejection"

    def draws(self, problem: Problem, num_samples: int) -> int:
        return (1 + self.augmentation) * super().draws(problem, num_samples)
