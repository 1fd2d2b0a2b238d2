r"""Toys of families that are drawn by the inverse of their distribution function.

Shapes: x and each group of θ are (D,).
"""

from typing import ClassVar

import jax.numpy as jnp
import numpyro.distributions as dist
from jax.lax import stop_gradient
from jaxtyping import Array, Float

from gradest.problems.arguments import Number, number
from gradest.problems.distributions.quadrature import OVERFLOW, evenly
from gradest.problems.toys.families import LineToy


class LocationScaleToy(LineToy):
    """A family with a location μ and a scale σ."""

    loc: Number = number(1.0, "μ, the same in every coordinate")
    scale: Number = number(1.0, "σ, the same in every coordinate", above=0)


class ExponentialToy(LineToy):
    r"""x ~ Exponential(λ), $E[x] = 1/\lambda$: the simplest draw by the inverse of its distribution
    function. $E[\cos k x] = 1 / (1 + (k/\lambda)^2)$."""

    rate: Number = number(1.0, "λ, the same in every coordinate", above=0)

    purpose: ClassVar[str] = "exponential draws, of one parameter"
    family: ClassVar[type[dist.Distribution]] = dist.Exponential

    def expected_cosine(self, q: dist.Exponential, step: float) -> Float[Array, ""]:
        return 1 / (1 + (self.k / q.rate) ** 2)


class WeibullToy(LineToy):
    r"""x ~ Weibull, $P(x > t) = e^{-(t/\lambda)^c}$: its inverse distribution function bends with a
    shape parameter.

    Truth: mean and variance in closed form; $E[\cos k x]$ by quadrature.
    """

    scale: Number = number(1.0, "λ, the same in every coordinate", above=0)
    concentration: Number = number(2.0, "c, the same in every coordinate", above=0)

    purpose: ClassVar[str] = "Weibull draws, with a shape parameter"
    family: ClassVar[type[dist.Distribution]] = dist.Weibull
    truth: ClassVar[str] = "closed form, or quadrature"

    def expected_cosine(self, q: dist.Weibull, step: float) -> Float[Array, ""]:
        # x = λ t^{1/c} with t ~ Exponential(1), and the integral of exp(−t + i k λ t^{1/c}) is one
        # along all rays t = s e^{iφ} on which both terms fall: there nothing oscillates for long
        angle = stop_gradient(jnp.minimum(jnp.pi / 4, q.concentration * jnp.pi / 2))
        log_s = evenly(40.0, step)
        t = jnp.exp(jnp.minimum(log_s, 10.0) + 1j * angle)
        log_root = jnp.minimum(log_s / q.concentration, OVERFLOW)
        x = q.scale * jnp.exp(log_root + 1j * angle / q.concentration)
        integrand = jnp.exp(1j * jnp.abs(self.k) * x - t) * t
        return step * integrand.sum().real


class LogisticToy(LocationScaleToy):
    r"""x ~ Logistic(μ, σ): $\log u - \log(1 - u)$ is its inverse distribution function, as of a
    Bernoulli's latent. $E[\cos k x] = \cos(k \mu)\, y / \sinh y$ with $y = \pi \sigma k$."""

    purpose: ClassVar[str] = "logistic draws, the latents of bits"
    family: ClassVar[type[dist.Distribution]] = dist.Logistic

    def expected_cosine(self, q: dist.Logistic, step: float) -> Float[Array, ""]:
        y = jnp.pi * q.scale * jnp.abs(self.k)
        small = y < 0.01
        larger = jnp.where(small, 1, y)
        damping = 2 * larger * jnp.exp(-larger) / -jnp.expm1(-2 * larger)
        series = 1 - y**2 / 6 + 7 * y**4 / 360 - 31 * y**6 / 15120
        return jnp.cos(self.k * q.loc) * jnp.where(small, series, damping)


class LaplaceToy(LocationScaleToy):
    r"""x ~ Laplace(μ, σ), with density $e^{-|x - \mu| / \sigma} / 2 \sigma$, whose score jumps at
    μ. $E[\cos k x] = \cos(k \mu) / (1 + k^2 \sigma^2)$."""

    purpose: ClassVar[str] = "Laplace draws, whose score jumps"
    family: ClassVar[type[dist.Distribution]] = dist.Laplace

    def expected_cosine(self, q: dist.Laplace, step: float) -> Float[Array, ""]:
        return jnp.cos(self.k * q.loc) / (1 + (self.k * q.scale) ** 2)


class GumbelToy(LocationScaleToy):
    r"""x ~ Gumbel(μ, σ), $P(x < t) = e^{-e^{-(t - \mu)/\sigma}}$: skewed, so that its mean is not
    μ.

    Truth: mean and variance in closed form; $E[\cos k x]$ by quadrature.
    """

    purpose: ClassVar[str] = "Gumbel draws, skewed"
    family: ClassVar[type[dist.Distribution]] = dist.Gumbel
    truth: ClassVar[str] = "closed form, or quadrature"

    def expected_cosine(self, q: dist.Gumbel, step: float) -> Float[Array, ""]:
        # E[e^{ikx}] = e^{ikμ} Γ(a) with a = 1 − i k σ, the integral of exp(a u − e^u), which is one
        # along all lines beside the real one: through u = log a, the saddle point, nothing cancels
        a = 1 - 1j * self.k * q.scale
        saddle = stop_gradient(jnp.log(a))
        t = evenly(6.0, step)
        width = stop_gradient(jnp.abs(a) ** -0.5)
        u = saddle + jnp.minimum(width * jnp.sinh(t), 100)
        gamma = step * (jnp.exp(a * u - jnp.exp(u)) * width * jnp.cosh(t)).sum()
        return (jnp.exp(1j * self.k * q.loc) * gamma).real
