"""A permutation toy: x is a permutation matrix of n items, drawn from a Plackett–Luce
distribution."""

from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
from jaxtyping import Array, Float

from gradest.problems.arguments import Number, integer, number
from gradest.problems.base import Params
from gradest.problems.distributions.discrete import PlackettLuce
from gradest.problems.distributions.enumeration import MOST_BITS, Enumerated, is_enumerable


class PlackettLuceSquare(Enumerated):
    r"""$f(x) = \|x - T\|_F^2$, the squared distance of the permutation matrix x from a doubly
    stochastic T.

    T has $\frac1n + t$ on its diagonal and $\frac1n - \frac{t}{n-1}$ elsewhere: nearly uniform for
    small t, so that what tells permutations from one another, how many items keep their place, is
    little beside f itself.

    Shapes: x is (n, n), the group `logits` (n,). Truth: the sum over all n! permutations, for n up
    to 6; for n up to 12 a sum over the 2ⁿ sets of items that may be the first, since
    $E[f] = n + \|T\|^2 - 2 \sum_{ri} T_{ri} P(\text{item i is r-th})$ for an x of zeros and ones.
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

    @property
    def target(self) -> Float[Array, "items items"]:
        """T."""
        elsewhere = 1 / self.items - self.t / (self.items - 1)
        on_diagonal = jnp.eye(self.items, dtype=bool)
        return jnp.where(on_diagonal, 1 / self.items + self.t, elsewhere)

    def objective(self, params: Params, x: Float[Array, "items items"]) -> Float[Array, ""]:
        distance = x - self.target
        return (distance**2).sum()

    def exact_gradient(self, params: Params) -> Params | None:
        if is_enumerable(self.abstract_distribution()):
            return super().exact_gradient(params)
        if self.items > MOST_BITS:
            return None
        return jax.grad(self.by_places)(params)

    def exact_objective(self, params: Params) -> Float[Array, ""] | None:
        return None if self.items > MOST_BITS else self.by_places(params)

    def by_places(self, params: Params) -> Float[Array, ""]:
        """E[f] from the probability of each item at each place, for n up to 12."""
        probabilities = place_probabilities(params["logits"])
        return self.items + (self.target**2).sum() - 2 * (self.target * probabilities).sum()


def place_probabilities(logits: Float[Array, " items"]) -> Float[Array, "items items"]:
    """P(item i is r-th) for each place r and item i, of a Plackett–Luce ranking.

    Place by place, from the probability of each set of items that the places before may be taken
    by: an item outside it is next with its share of the weights of all outside. A set is the number
    whose bits say which items it has.
    """
    items = np.arange(len(logits))
    sets = np.arange(2 ** len(logits) - 1)[:, None]  # all but the set of all items
    is_taken = (sets >> items) % 2 == 1
    next_item = jax.nn.softmax(jnp.where(is_taken, -jnp.inf, logits))
    before = jnp.zeros(len(sets), logits.dtype).at[0].set(1)
    rows = []
    for _ in items:
        joint = before[:, None] * next_item
        rows.append(joint.sum(0))
        before = jnp.zeros_like(before).at[sets | 1 << items].add(joint, mode="drop")
    return jnp.stack(rows)
