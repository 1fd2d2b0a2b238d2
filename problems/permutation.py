"""A permutation toy: x is a permutation matrix of n items, drawn from a Plackett–Luce distribution."""

from typing import ClassVar

import jax
import jax.numpy as jnp
import numpyro.distributions as dist
from jaxtyping import Array, Float

from problems.arguments import Number, integer, number
from problems.base import Params, Problem
from problems.distributions import PlackettLuce
from problems.enumeration import enumerated_expectation, is_enumerable


class PlackettLuceSquare(Problem):
    r"""$f(x) = \|x - T\|_F^2$, the squared distance of the permutation matrix x from a doubly stochastic T.

    T has ½ + t on its diagonal, and ½ − t on the entries that follow it, cyclically: it lies between two permutations,
    nearly halfway for small t. The exact gradient is a sum over all n! permutations, for n up to 6.
    """

    t: Number = number(0.05, "by how much the target is nearer to one of two permutations")
    logit: Number = number(0.5, "logit of the last item, evenly spaced from 0 for the first")
    items: int = integer(4, "n, the items ranked", at_least=2)

    source: ClassVar[str] = "Gadetsky, Struminsky, Robinson, Quadrianto and Vetrov, 2020"
    truth: ClassVar[str] = "enumeration"

    def init_params(self, key: Array) -> Params:
        return {"logits": self.logit * jnp.arange(self.items, dtype=self.logit.dtype) / (self.items - 1)}

    def distribution(self, params: Params) -> dist.Distribution:
        return PlackettLuce(params["logits"])

    def objective(self, params: Params, x: Float[Array, "items items"]) -> Float[Array, ""]:
        same = jnp.eye(self.items, dtype=x.dtype)
        target = (0.5 + self.t) * same + (0.5 - self.t) * jnp.roll(same, 1, axis=1)
        return ((x - target) ** 2).sum()

    def exact_gradient(self, params: Params) -> Params | None:
        if not is_enumerable(self.distribution(params)):
            return None
        return jax.grad(lambda params: enumerated_expectation(self, params))(params)
