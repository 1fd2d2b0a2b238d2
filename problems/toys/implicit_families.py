r"""Toys of families that ask an implicit derivative of the draw (gamma, beta, Dirichlet, Student t,
von Mises), or have none at all (Poisson).

Shapes: x and each group of θ are (D,), but for the Dirichlet toy.
"""

import math
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpyro.distributions as dist
from jaxtyping import Array, Float

from gradest.problems.arguments import Number, choice, integer, number
from gradest.problems.base import Params, Problem
from gradest.problems.distributions.quadrature import (
    OVERFLOW,
    expectation_on_circle,
    expectation_on_line,
)
from gradest.problems.toys.families import FamilyToy, LineToy
from gradest.problems.toys.inverted_families import LocationScaleToy

RARE = 1e-7
"""The probability that a draw may have of being out of range: R replicates hardly see it."""


class StudentTToy(LocationScaleToy):
    r"""x ~ t with ν degrees of freedom, $\mu + \sigma z / \sqrt{g / \nu}$ with z Gaussian and g
    chi-squared.

    Its tails are heavy, and ν enters through a gamma variable's implicit derivative. With
    h = (x − k)² the variance of an estimate needs ν > 4, and its interval ν > 8.

    Truth: mean and variance in closed form; $E[\cos k x]$ by quadrature.

    Raises:
        ValueError: E[h] is infinite or does not exist: ν ≤ 2 with h = (x − k)², ν ≤ 1 with
            h = x − k; or x is too often beyond the largest number: ν < 0.182 in float32, 0.023 in
            float64.
    """

    df: Number = number(5.0, "ν, the same in every coordinate", above=0)

    purpose: ClassVar[str] = "Student's t draws, with heavy tails"
    family: ClassVar[type[dist.Distribution]] = dist.StudentT
    truth: ClassVar[str] = "closed form, or quadrature"
    source: ClassVar[str] = "Figurnov, Mohamed and Mnih, 2018"

    def __check_init__(self) -> None:
        smallest = float(jnp.min(self.df))
        bound = {"linear": 1, "square": 2}.get(self.f, 0)
        if smallest <= bound:
            raise ValueError(
                f"df = {smallest:g}: expected a number above {bound} with f = {self.f}, because at "
                "or below it the expectation of f does not exist"
            )
        # P(|x| > m) is about m^{−ν}
        representable = -math.log(RARE) / math.log(jnp.finfo(self.df.dtype).max)
        if smallest < representable:
            least = math.ceil(1_000 * representable) / 1_000
            raise ValueError(
                f"df = {smallest:g}: expected at least {least:g} in "
                f"{self.df.dtype}, because below it x is too often beyond the largest number"
            )

    def expected_cosine(self, q: dist.StudentT, step: float) -> Float[Array, ""]:
        # given G ~ Gamma(ν/2, 1), x is Gaussian with variance σ² ν / 2G; u = log G
        shape = q.df / 2
        half_square = (self.k * q.scale) ** 2 * q.df / 4
        damping = expectation_on_line(
            lambda u: jnp.exp(-half_square * jnp.exp(jnp.clip(-u, -OVERFLOW, OVERFLOW))),
            lambda u: shape * u - jnp.exp(u),
            center=jnp.log(shape),
            spread=1 / jnp.sqrt(shape),
            step=step,
        )
        return jnp.cos(self.k * q.loc) * damping


class GammaToy(LineToy):
    r"""x ~ Gamma(α, λ), $E[x] = \alpha / \lambda$: drawn by rejection, so that only its implicit
    derivative is known.

    With h = x and α = λ = 1 the implicit gradient in α has variance π²/3 − 3 = 0.29, the score
    function's 4.29. $E[e^{i k x}] = (1 - i k / \lambda)^{-\alpha}$.
    """

    concentration: Number = number(2.0, "α, the same in every coordinate", above=0)
    rate: Number = number(1.0, "λ, the same in every coordinate", above=0)
    learn: str = choice(("both", "rate"), "both", "which parameters are in θ")

    purpose: ClassVar[str] = "gamma draws, by implicit derivatives"
    family: ClassVar[type[dist.Distribution]] = dist.Gamma
    source: ClassVar[str] = "Figurnov, Mohamed and Mnih, 2018"

    @property
    def groups(self) -> tuple[str, ...]:
        if self.learn == "rate":
            return ("rate",)
        return ("concentration", "rate")

    def expected_cosine(self, q: dist.Gamma, step: float) -> Float[Array, ""]:
        slope = self.k / q.rate
        log_modulus = -q.concentration / 2 * jnp.log1p(slope**2)
        angle = q.concentration * jnp.arctan(slope)
        return jnp.exp(log_modulus) * jnp.cos(angle)


class BetaToy(LineToy):
    r"""x ~ Beta(α, β), $E[x] = \alpha / (\alpha + \beta)$: two gamma variables, one over their
    sum.

    Truth: mean and variance in closed form; $E[\cos k x]$ by quadrature.
    """

    k: Number = number(4.0, "parameter of the integrand")
    concentration1: Number = number(2.0, "α, the same in every coordinate", above=0)
    concentration0: Number = number(3.0, "β, the same in every coordinate", above=0)

    purpose: ClassVar[str] = "beta draws, of two gamma variables"
    family: ClassVar[type[dist.Distribution]] = dist.Beta
    truth: ClassVar[str] = "closed form, or quadrature"
    source: ClassVar[str] = "Figurnov, Mohamed and Mnih, 2018"

    def expected_cosine(self, q: dist.Beta, step: float) -> Float[Array, ""]:
        a, b = q.concentration1, q.concentration0
        return expectation_on_line(
            lambda u: jnp.cos(self.k * jax.nn.sigmoid(u)),
            lambda u: a * jax.nn.log_sigmoid(u) + b * jax.nn.log_sigmoid(-u),  # of u = logit(x)
            center=jnp.log(a / b),
            spread=jnp.sqrt(1 / a + 1 / b),
            step=step,
        )


class VonMisesToy(FamilyToy):
    r"""x ~ von Mises(μ, κ), $h(x) = 1 - \cos(x - k)$, with
    $E[h] = 1 - \cos(\mu - k)\, I_1(\kappa) / I_0(\kappa)$.

    An angle: h is periodic, as it must be for a gradient that passes through x, which is wrapped to
    [−π, π].
    """

    k: Number = number(2.0, "angle at which h is 0")
    loc: Number = number(0.5, "μ, the same in every coordinate")
    concentration: Number = number(2.0, "κ, the same in every coordinate", above=0)

    purpose: ClassVar[str] = "angles drawn from a von Mises"
    family: ClassVar[type[dist.Distribution]] = dist.VonMises
    truth: ClassVar[str] = "quadrature"
    source: ClassVar[str] = "Figurnov, Mohamed and Mnih, 2018"

    def integrand(self, x: Float[Array, "..."]) -> Float[Array, "..."]:
        return 1 - jnp.cos(x - self.k)

    def expectation(self, q: dist.VonMises, step: float) -> Float[Array, ""]:
        def one_less_cosine(u: Float[Array, " points"]) -> Float[Array, " points"]:
            return 2 * jnp.sin(u / 2) ** 2

        # 1 − I₁(κ)/I₀(κ), of which no digits cancel at large κ
        short_of_one = expectation_on_circle(
            one_less_cosine,
            lambda u: -q.concentration * one_less_cosine(u),
            spread=1 / jnp.sqrt(q.concentration),
            step=step,
        )
        return 1 - jnp.cos(q.loc - self.k) * (1 - short_of_one)


class PoissonToy(LineToy):
    r"""x ~ Poisson(λ), $P(x = n) = \lambda^n e^{-\lambda} / n!$: discrete and unbounded, with no
    relaxation. $E[e^{i k x}] = \exp(\lambda (e^{i k} - 1))$."""

    rate: Number = number(2.0, "λ, the same in every coordinate", above=0)

    purpose: ClassVar[str] = "counts, unbounded and not relaxed"
    family: ClassVar[type[dist.Distribution]] = dist.Poisson
    source: ClassVar[str] = "Mohamed, Rosca, Figurnov and Mnih, 2020"

    def expected_cosine(self, q: dist.Poisson, step: float) -> Float[Array, ""]:
        log_modulus = -2 * q.rate * jnp.sin(self.k / 2) ** 2
        angle = q.rate * jnp.sin(self.k)
        return jnp.exp(log_modulus) * jnp.cos(angle)


class DirichletToy(Problem):
    r"""$f(x) = \|x - e_1\|^2$, x ~ Dirichlet(α) in K proportions: the squared distance to the first
    vertex.

    Shapes: x and the group `concentration` (α) are (K,). Truth: in closed form, with
    $m = \alpha / \alpha_0$ and $\alpha_0 = \sum_i \alpha_i$,
    $E[f] = 1 - 2 m_1 + \sum_i (m_i^2 + m_i (1 - m_i) / (1 + \alpha_0))$.
    """

    concentration: Number = number(1.5, "α, the same for every proportion", above=0)
    dim: int = integer(3, "K, the number of proportions", at_least=2)

    purpose: ClassVar[str] = "proportions drawn from a Dirichlet"
    truth: ClassVar[str] = "closed form"
    source: ClassVar[str] = "Figurnov, Mohamed and Mnih, 2018"

    def init_params(self, key: Array) -> Params:
        return {"concentration": jnp.full(self.dim, self.concentration)}

    def distribution(self, params: Params) -> dist.Distribution:
        return dist.Dirichlet(params["concentration"])

    def objective(self, params: Params, x: Float[Array, " dim"]) -> Float[Array, ""]:
        return (x**2).sum(-1) - 2 * x[..., 0] + 1

    def exact_gradient(self, params: Params) -> Params:
        return jax.grad(self.exact_objective)(params)

    def exact_objective(self, params: Params) -> Float[Array, ""]:
        # ‖x − e₁‖² = Σ x_i² − 2 x₁ + 1, of which E[x_i] = m_i, Var[x_i] = m_i (1 − m_i) / (1 + α₀)
        total = params["concentration"].sum()
        mean = params["concentration"] / total
        linear = 1 - 2 * mean[0]
        second_moments = mean**2 + mean * (1 - mean) / (1 + total)
        return linear + second_moments.sum()
