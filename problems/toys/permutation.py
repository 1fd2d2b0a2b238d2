"""A permutation toy: x is a permutation matrix of n items, drawn from a Plackett–Luce
distribution."""

from typing import ClassVar

import jax.numpy as jnp
import numpyro.distributions as dist
from jaxtyping import Array, Float

from gradest.problems.arguments import Number, integer, number
from gradest.problems.base import Params
from gradest.problems.distributions.discrete import PlackettLuce
from gradest.problems.distributions.enumeration import Enumerated


class PlackettLuceSquare(Enumerated):
    r"""$f(x) = \|x - T\|_F^2$, the squared distance of the permutation matrix x from a doubly
    stochastic T.

    T has $\frac1n + t$ on its diagonal and $\frac1n - \frac{t}{n-1}$ elsewhere: nearly uniform for
    small t, so that what tells permutations from one another, how many items keep their place, is
    little beside f itself.

    Shapes: x is (n, n), the group `logits` (n,). Truth: the sum over all n! permutations, for n up
    to 6.
    """

    t: Number = number(0.05, "by how much an item's own place is favoured over the mean of all")
    logit: Number = number(0.5, "logit of the last item, evenly spaced from 0 for the first")
    items: int = integer(4, "n, the items ranked", at_least=2)

    purpose: ClassVar[str] = "permutations near a given matrix"
    revision: ClassVar[int] = 2
    source: ClassVar[str] = "Gadetsky, Struminsky, Robinson, Quadrianto and Vetrov, 2020"

    def init_params(self, key: Array) -> Params:
        ranks = jnp.arange(self.items, dtype=self.logit.dtype)
        return {"logits": self.logit * ranks / (self.items - 1)}

    def distribution(self, params: Params) -> dist.Distribution:
        return PlackettLuce(params["logits"])

    def objective(self, params: Params, x: Float[Array, "items items"]) -> Float[Array, ""]:
        elsewhere = 1 / self.items - self.t / (self.items - 1)
        on_diagonal = jnp.eye(self.items, dtype=bool)
        target = jnp.where(on_diagonal, 1 / self.items + self.t, elsewhere)
        distance = x - target
        return (distance**2).sum()
