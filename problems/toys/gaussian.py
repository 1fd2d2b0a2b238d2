r"""Gaussian toys: x ~ N(μ, σ²) in each of D coordinates, f a sum of one-dimensional terms, every
gradient known.

The integrands are those of Mohamed, Rosca, Figurnov and Mnih (2020, "Monte Carlo Gradient
Estimation in Machine Learning", section 3), on which none of the three classic estimators is always
the best, and a step, on which the pathwise estimator is wrong.

Shapes: x and the groups `mean` (μ) and `scale` (σ) are (D,).
"""

from abc import abstractmethod
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpyro.distributions as dist
from jax.scipy.stats import norm
from jaxtyping import Array, Float

from gradest.problems.arguments import Number, integer, number
from gradest.problems.base import Params, SumOfTerms


class GaussianToy(SumOfTerms):
    r"""$f(x) = \sum_i h(x_i)$ for $x \sim N(\mu, \sigma^2 I_D)$.

    A subclass gives the integrand h and its expectation in closed form; the exact gradient is the
    derivative of that.
    """

    k: Number = number(3.0, "parameter of the integrand")
    mean: Number = number(1.0, "μ, the same in every coordinate")
    scale: Number = number(1.0, "σ, the same in every coordinate", above=0)
    dim: int = integer(1, "D, the number of coordinates")

    truth: ClassVar[str] = "closed form"
    source: ClassVar[str] = "Mohamed, Rosca, Figurnov and Mnih, 2020"

    @abstractmethod
    def integrand(self, x: Float[Array, "..."]) -> Float[Array, "..."]:
        """h, elementwise."""

    @abstractmethod
    def expectation(
        self, mean: Float[Array, "..."], scale: Float[Array, "..."]
    ) -> Float[Array, "..."]:
        """E[h(x)] for x ~ N(mean, scale²), elementwise."""

    def init_params(self, key: Array) -> Params:
        return {"mean": jnp.full(self.dim, self.mean), "scale": jnp.full(self.dim, self.scale)}

    def distribution(self, params: Params) -> dist.Distribution:
        return dist.Normal(params["mean"], params["scale"]).to_event(1)

    def terms(self, params: Params, x: Float[Array, "... dim"]) -> Float[Array, "... dim"]:
        return self.integrand(x)

    def exact_gradient(self, params: Params) -> Params:
        return jax.grad(self.exact_objective)(params)

    def exact_objective(self, params: Params) -> Float[Array, ""]:
        return self.expectation(params["mean"], params["scale"]).sum()


class GaussianSquare(GaussianToy):
    r"""$h(x) = (x - k)^2$, with $E[h] = (\mu - k)^2 + \sigma^2$."""

    purpose: ClassVar[str] = "a quadratic cost"

    def integrand(self, x: Float[Array, "..."]) -> Float[Array, "..."]:
        return (x - self.k) ** 2

    def expectation(
        self, mean: Float[Array, "..."], scale: Float[Array, "..."]
    ) -> Float[Array, "..."]:
        return (mean - self.k) ** 2 + scale**2


class GaussianExponential(GaussianToy):
    r"""$h(x) = e^{-k x^2}$, with
    $E[h] = (1 + 2 k \sigma^2)^{-1/2} \exp(-k \mu^2 / (1 + 2 k \sigma^2))$.

    Raises:
        ValueError: $k \le -1/(4\sigma^2)$: then $E[h^2]$ is infinite, and with it every estimator's
            variance.
    """

    k: Number = number(1.0, "decay; above −1/(4σ²), or the variance is infinite")

    purpose: ClassVar[str] = "a bump: gradients vanish away from it"

    def __check_init__(self) -> None:
        bound = -1 / (4 * self.scale**2)
        if bool(jnp.any(self.k <= bound)):
            least = float(jnp.min(self.k))
            expected = f"a number above −1/(4σ²) = {float(jnp.max(bound)):g}"
            raise ValueError(
                f"k = {least:g}: expected {expected}, because at or below it exp(−k x²) has "
                "infinite variance"
            )

    def integrand(self, x: Float[Array, "..."]) -> Float[Array, "..."]:
        return jnp.exp(-self.k * x**2)

    def expectation(
        self, mean: Float[Array, "..."], scale: Float[Array, "..."]
    ) -> Float[Array, "..."]:
        # the integral of a Gaussian, by completing the square in −k x² − (x − μ)² / (2 σ²)
        spread = 1 + 2 * self.k * scale**2
        height = jnp.exp(-self.k * mean**2 / spread)
        return height / jnp.sqrt(spread)


class GaussianCosine(GaussianToy):
    r"""$h(x) = \cos(k x)$, with $E[h] = e^{-k^2 \sigma^2 / 2} \cos(k \mu)$."""

    k: Number = number(1.0, "angular frequency")

    purpose: ClassVar[str] = "an oscillating cost, faster with k"

    def integrand(self, x: Float[Array, "..."]) -> Float[Array, "..."]:
        return jnp.cos(self.k * x)

    def expectation(
        self, mean: Float[Array, "..."], scale: Float[Array, "..."]
    ) -> Float[Array, "..."]:
        # the real part of the characteristic function E[e^{ikx}] = e^{ikμ − k²σ²/2}
        damping = jnp.exp(-((self.k * scale) ** 2) / 2)
        return damping * jnp.cos(self.k * mean)


class GaussianStep(GaussianToy):
    r"""$h(x) = 1[x > k]$, with $E[h] = \Phi((\mu - k) / \sigma)$.

    Its derivative is zero wherever it exists, so a gradient that passes through f sees nothing: the
    pathwise estimate is 0 with variance 0, and wrong.
    """

    k: Number = number(0.0, "where the step stands")

    purpose: ClassVar[str] = "a jump, which pathwise gradients miss"
    smooth: ClassVar[bool] = False
    source: ClassVar[str] = ""

    def integrand(self, x: Float[Array, "..."]) -> Float[Array, "..."]:
        return jnp.where(x > self.k, jnp.ones_like(x), jnp.zeros_like(x))

    def expectation(
        self, mean: Float[Array, "..."], scale: Float[Array, "..."]
    ) -> Float[Array, "..."]:
        return norm.cdf((mean - self.k) / scale)
