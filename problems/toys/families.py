r"""A toy for each of the usual families of distributions: f a sum of one-dimensional terms, every
gradient known.

θ holds the family's own parameters, under the names that numpyro gives them, so that
∂/∂concentration of a gamma variable is what the literature on implicit reparameterization reports.

Shapes: x and each group of θ are (D,).
"""

from abc import abstractmethod
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpyro.distributions as dist
from jaxtyping import Array, Float

from gradest.problems.arguments import Number, choice, integer, number
from gradest.problems.base import Params, SumOfTerms
from gradest.problems.distributions.quadrature import STEP, agreed

INTEGRANDS = {
    "linear": lambda x, k: x - k,
    "square": lambda x, k: (x - k) ** 2,
    "cosine": lambda x, k: jnp.cos(k * x),
}
"""h(x), with its parameter k."""

COORDINATES = 64
"""Of how many the exact gradient is made at a time."""


class FamilyToy(SumOfTerms):
    r"""$f(x) = \sum_i h(x_i)$ over D independent coordinates of one family, which start at the same
    parameters.

    A subclass names the family, has an argument for each parameter, and gives E[h]; the exact
    gradient is the derivative of that. It is NaN where a quadrature does not agree with itself at
    twice the step: there no gradient is known.
    """

    dim: int = integer(1, "D, the number of coordinates")

    family: ClassVar[type[dist.Distribution]]
    truth: ClassVar[str] = "closed form"

    @abstractmethod
    def integrand(self, x: Float[Array, "..."]) -> Float[Array, "..."]:
        """h, elementwise."""

    @abstractmethod
    def expectation(self, q: dist.Distribution, step: float) -> Float[Array, ""]:
        """E[h(x)] for one coordinate x ~ q.

        Args:
            q: of the coordinate.
            step: of a quadrature, where there is one.
        """

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

    def exact_gradient(self, params: Params) -> Params:
        def of_coordinate(params: Params) -> Params:
            def expectation(params: Params, step: float) -> Float[Array, ""]:
                return self.expectation(self.coordinates(params), step)

            gradient = jax.grad(expectation)
            return agreed(gradient(params, STEP), gradient(params, 2 * STEP))

        # some at a time: the nodes of all coordinates at once might not fit
        return jax.lax.map(of_coordinate, params, batch_size=COORDINATES)

    def exact_objective(self, params: Params) -> Float[Array, ""]:
        def of_coordinate(params: Params) -> Float[Array, ""]:
            q = self.coordinates(params)
            return agreed(self.expectation(q, STEP), self.expectation(q, 2 * STEP))

        return jax.lax.map(of_coordinate, params, batch_size=COORDINATES).sum()


class LineToy(FamilyToy):
    """A family on the real line or a part of it, with an h that is bounded, linear or quadratic.

    A subclass gives E[cos(k x)]; the mean and the variance are numpyro's.
    """

    f: str = choice(tuple(INTEGRANDS), "cosine", "h: x − k, (x − k)² or cos(k x)")
    k: Number = number(1.0, "parameter of the integrand")

    def integrand(self, x: Float[Array, "..."]) -> Float[Array, "..."]:
        return INTEGRANDS[self.f](x, self.k)

    def expectation(self, q: dist.Distribution, step: float) -> Float[Array, ""]:
        if self.f == "linear":
            return q.mean - self.k
        if self.f == "square":
            return q.variance + (q.mean - self.k) ** 2
        return self.expected_cosine(q, step)

    @abstractmethod
    def expected_cosine(self, q: Any, step: float) -> Float[Array, ""]:
        """E[cos(k x)], the real part of q's characteristic function, for one coordinate."""
