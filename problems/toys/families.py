r"""A toy for each of the usual families of distributions: f a sum of one-dimensional terms, every
gradient known.

θ holds the family's own parameters, under the names that numpyro gives them, so that
∂/∂concentration of a gamma variable is what the literature on implicit reparameterization reports.
Each toy is for what its family asks of an estimator: an inverse distribution function (exponential,
Weibull, logistic, Laplace, Gumbel), an implicit derivative (gamma, beta, Dirichlet, Student t, von
Mises), or no derivative of the draw at all (Poisson).

Shapes: x and each group of θ are (D,), but for the Dirichlet toy.
"""

from abc import abstractmethod
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpyro.distributions as dist
from jaxtyping import Array, Float

from gradest.problems.arguments import Number, choice, integer, number
from gradest.problems.base import Params, Problem, SumOfTerms
from gradest.problems.distributions.quadrature import (
    Rule,
    circle,
    counts,
    half_line,
    real_line,
    unit_interval,
)

INTEGRANDS = {
    "linear": lambda x, k: x - k,
    "square": lambda x, k: (x - k) ** 2,
    "cosine": lambda x, k: jnp.cos(k * x),
}
"""h(x), with its parameter k."""

LIGHT = 80.0
"""How far the integrals go where a density falls like e^{-x}."""

HEAVY = 1e11
"""How far they go where a density may fall like a power."""


class FamilyToy(SumOfTerms):
    r"""$f(x) = \sum_i h(x_i)$ over D independent coordinates of one family, which start at the same
    parameters.

    A subclass names the family and the rule of integration of its support, and has an argument for
    each parameter. Truth: $\int h(x)\, \nabla_\theta q_\theta(x)\, dx$ by that rule.
    """

    dim: int = integer(1, "D, the number of coordinates")

    family: ClassVar[type[dist.Distribution]]
    rule: ClassVar[Rule]
    truth: ClassVar[str] = "quadrature"

    @abstractmethod
    def integrand(self, x: Float[Array, "..."]) -> Float[Array, "..."]:
        """h, elementwise."""

    @property
    def groups(self) -> tuple[str, ...]:
        """The parameters that are in θ; the others stay at their arguments."""
        return tuple(self.family.arg_constraints)

    def coordinates(self, params: Params) -> dist.Distribution:
        """The distribution of each coordinate."""
        others = [name for name in self.family.arg_constraints if name not in params]
        fixed = {name: getattr(self, name) for name in others}
        return self.family(**params, **fixed)

    def init_params(self, key: Array) -> Params:
        return {name: jnp.full(self.dim, getattr(self, name)) for name in self.groups}

    def distribution(self, params: Params) -> dist.Distribution:
        return self.coordinates(params).to_event(1)

    def terms(self, params: Params, x: Float[Array, "... dim"]) -> Float[Array, "... dim"]:
        return self.integrand(x)

    def nodes(
        self, params: Params
    ) -> tuple[Float[Array, "points #dim"], Float[Array, "points #dim"]]:
        """Where the integrals are summed, and the weights; they do not move with θ."""
        dtype = jax.tree.leaves(params)[0].dtype
        nodes = jnp.asarray(self.rule.nodes, dtype)
        weights = jnp.asarray(self.rule.weights, dtype)
        return nodes[:, None], weights[:, None]

    def exact_gradient(self, params: Params) -> Params:
        nodes, weights = self.nodes(params)

        def expectation(params: Params) -> Float[Array, ""]:
            density = jnp.exp(self.coordinates(params).log_prob(nodes))
            return (weights * self.integrand(nodes) * density).sum()

        return jax.grad(expectation)(params)


class LineToy(FamilyToy):
    """A family on the real line or a part of it, with an h that is bounded, linear or quadratic."""

    f: str = choice(tuple(INTEGRANDS), "cosine", "h: x − k, (x − k)² or cos(k x)")
    k: Number = number(1.0, "parameter of the integrand")

    def integrand(self, x: Float[Array, "..."]) -> Float[Array, "..."]:
        return INTEGRANDS[self.f](x, self.k)


class LocationScaleToy(LineToy):
    """A family with a location μ and a scale σ: its integrals are in u, with x = μ + σ u."""

    loc: Number = number(1.0, "μ, the same in every coordinate")
    scale: Number = number(1.0, "σ, the same in every coordinate", above=0)

    rule: ClassVar[Rule] = real_line(LIGHT)

    def nodes(
        self, params: Params
    ) -> tuple[Float[Array, "points dim"], Float[Array, "points dim"]]:
        u, weights = super().nodes(params)
        loc, scale = jax.lax.stop_gradient((params["loc"], params["scale"]))
        return loc[None] + scale[None] * u, scale[None] * weights


class ExponentialToy(LineToy):
    r"""x ~ Exponential(λ), $E[x] = 1/\lambda$: the simplest draw by the inverse of its distribution
    function."""

    rate: Number = number(1.0, "λ, the same in every coordinate", above=0)

    family: ClassVar[type[dist.Distribution]] = dist.Exponential
    rule: ClassVar[Rule] = half_line(HEAVY)


class WeibullToy(LineToy):
    r"""x ~ Weibull, $P(x > t) = e^{-(t/\lambda)^c}$: its inverse distribution function bends with a
    shape parameter."""

    scale: Number = number(1.0, "λ, the same in every coordinate", above=0)
    concentration: Number = number(2.0, "c, the same in every coordinate", above=0)

    family: ClassVar[type[dist.Distribution]] = dist.Weibull
    rule: ClassVar[Rule] = half_line(HEAVY)


class LogisticToy(LocationScaleToy):
    r"""x ~ Logistic(μ, σ): $\log u - \log(1 - u)$ is its inverse distribution function, as of a
    Bernoulli's latent."""

    family: ClassVar[type[dist.Distribution]] = dist.Logistic


class LaplaceToy(LocationScaleToy):
    r"""x ~ Laplace(μ, σ), with density $e^{-|x - \mu| / \sigma} / 2 \sigma$, whose score jumps at
    μ."""

    family: ClassVar[type[dist.Distribution]] = dist.Laplace


class GumbelToy(LocationScaleToy):
    r"""x ~ Gumbel(μ, σ), $P(x < t) = e^{-e^{-(t - \mu)/\sigma}}$: skewed, so that its mean is not
    μ."""

    family: ClassVar[type[dist.Distribution]] = dist.Gumbel


class StudentTToy(LocationScaleToy):
    r"""x ~ t with ν degrees of freedom, $\mu + \sigma z / \sqrt{g / \nu}$ with z Gaussian and g
    chi-squared.

    Its tails are heavy, and ν enters through a gamma variable's implicit derivative. With
    h = (x − k)² the variance of an estimate needs ν > 4, and its interval ν > 8.
    """

    df: Number = number(5.0, "ν, the same in every coordinate", above=0)

    family: ClassVar[type[dist.Distribution]] = dist.StudentT
    rule: ClassVar[Rule] = real_line(HEAVY)
    source: ClassVar[str] = "Figurnov, Mohamed and Mnih, 2018"


class GammaToy(LineToy):
    r"""x ~ Gamma(α, λ), $E[x] = \alpha / \lambda$: drawn by rejection, so that only its implicit
    derivative is known.

    With h = x and α = λ = 1 the implicit gradient in α has variance π²/3 − 3 = 0.29, the score
    function's 4.29.
    """

    concentration: Number = number(2.0, "α, the same in every coordinate", above=0)
    rate: Number = number(1.0, "λ, the same in every coordinate", above=0)
    learn: str = choice(("both", "rate"), "both", "which parameters are in θ")

    family: ClassVar[type[dist.Distribution]] = dist.Gamma
    rule: ClassVar[Rule] = half_line(HEAVY)
    source: ClassVar[str] = "Figurnov, Mohamed and Mnih, 2018"

    @property
    def groups(self) -> tuple[str, ...]:
        if self.learn == "rate":
            return ("rate",)
        return ("concentration", "rate")


class BetaToy(LineToy):
    r"""x ~ Beta(α, β), $E[x] = \alpha / (\alpha + \beta)$: two gamma variables, one over their
    sum."""

    k: Number = number(4.0, "parameter of the integrand")
    concentration1: Number = number(2.0, "α, the same in every coordinate", above=0)
    concentration0: Number = number(3.0, "β, the same in every coordinate", above=0)

    family: ClassVar[type[dist.Distribution]] = dist.Beta
    rule: ClassVar[Rule] = unit_interval()
    source: ClassVar[str] = "Figurnov, Mohamed and Mnih, 2018"


class VonMisesToy(FamilyToy):
    r"""x ~ von Mises(μ, κ), $h(x) = 1 - \cos(x - k)$, with
    $E[h] = 1 - \cos(\mu - k)\, I_1(\kappa) / I_0(\kappa)$.

    An angle: h is periodic, as it must be for a gradient that passes through x, which is wrapped to
    [−π, π].
    """

    k: Number = number(2.0, "angle at which h is 0")
    loc: Number = number(0.5, "μ, the same in every coordinate")
    concentration: Number = number(2.0, "κ, the same in every coordinate", above=0)

    family: ClassVar[type[dist.Distribution]] = dist.VonMises
    rule: ClassVar[Rule] = circle()
    source: ClassVar[str] = "Figurnov, Mohamed and Mnih, 2018"

    def integrand(self, x: Float[Array, "..."]) -> Float[Array, "..."]:
        return 1 - jnp.cos(x - self.k)


class PoissonToy(LineToy):
    r"""x ~ Poisson(λ), $P(x = n) = \lambda^n e^{-\lambda} / n!$: discrete and unbounded, with no
    relaxation.

    Truth: the series, summed to n = 1000, for rates up to 700.
    """

    rate: Number = number(2.0, "λ, the same in every coordinate", above=0)

    family: ClassVar[type[dist.Distribution]] = dist.Poisson
    rule: ClassVar[Rule] = counts()
    truth: ClassVar[str] = "enumeration"
    source: ClassVar[str] = "Mohamed, Rosca, Figurnov and Mnih, 2020"


class DirichletToy(Problem):
    r"""$f(x) = \|x - e_1\|^2$, x ~ Dirichlet(α) in K proportions: the squared distance to the first
    vertex.

    Shapes: x and the group `concentration` (α) are (K,). Truth: in closed form, with
    $m = \alpha / \alpha_0$ and $\alpha_0 = \sum_i \alpha_i$,
    $E[f] = 1 - 2 m_1 + \sum_i (m_i^2 + m_i (1 - m_i) / (1 + \alpha_0))$.
    """

    concentration: Number = number(1.5, "α, the same for every proportion", above=0)
    dim: int = integer(3, "K, the number of proportions", at_least=2)

    truth: ClassVar[str] = "closed form"
    source: ClassVar[str] = "Figurnov, Mohamed and Mnih, 2018"

    def init_params(self, key: Array) -> Params:
        return {"concentration": jnp.full(self.dim, self.concentration)}

    def distribution(self, params: Params) -> dist.Distribution:
        return dist.Dirichlet(params["concentration"])

    def objective(self, params: Params, x: Float[Array, " dim"]) -> Float[Array, ""]:
        return (x**2).sum(-1) - 2 * x[..., 0] + 1

    def exact_gradient(self, params: Params) -> Params:
        return jax.grad(self.expectation)(params)

    def expectation(self, params: Params) -> Float[Array, ""]:
        """E[f]."""
        # ‖x − e₁‖² = Σ x_i² − 2 x₁ + 1, of which E[x_i] = m_i, Var[x_i] = m_i (1 − m_i) / (1 + α₀)
        total = params["concentration"].sum()
        mean = params["concentration"] / total
        linear = 1 - 2 * mean[0]
        second_moments = mean**2 + mean * (1 - mean) / (1 + total)
        return linear + second_moments.sum()
