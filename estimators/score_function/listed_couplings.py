r"""Draws of an x with few values, spread evenly over its distribution function.

All values of x, of a vector or a permutation too, are listed, and have an interval of [0, 1] each,
as long as they are likely, in the order of the list. L uniform numbers $u_l = (l + v_l) / L$,
$l = 0, \ldots, L - 1$, one in each L-th of [0, 1], give the values in whose intervals they are:
each value is drawn nearly as often as it is likely. The l-th draw is not distributed as q is, but
the mean over all of them is unbiased for every function of x.
"""

import math
from abc import abstractmethod

import jax
import jax.numpy as jnp
import numpyro.distributions as dist
from jax.lax import stop_gradient
from jaxtyping import Array, Float, Int

from gradest.estimators.sampling.couplings import COUPLINGS, Coupling
from gradest.estimators.sampling.draws import noise
from gradest.estimators.sampling.refusals import refuse_unless_listed
from gradest.problems.distributions.enumeration import all_log_probs, all_states
from gradest.problems.distributions.fine_noise import WORDS, Tail, tail_of


class OneInEachStratum(Coupling):
    """What both share: a draw in each L-th of the distribution function of the listed values."""

    @abstractmethod
    def numbers(self, num_samples: int) -> int:
        """How many of the v are drawn for each data point."""

    def sample(self, q: dist.Distribution, key: Array, num_samples: int) -> Float[Array, "L ..."]:
        log_probs = stop_gradient(all_log_probs(q))
        drawn = self.numbers(num_samples)
        words = WORDS[jnp.finfo(log_probs.dtype).bits]
        digits = noise(jax.random.bits, key, drawn, log_probs.shape[:-1], words)
        v = tail_of(jnp.moveaxis(digits, 0, -1), log_probs.dtype)
        place = places(jax.nn.softmax(log_probs), *ends(v, num_samples))
        states = jnp.asarray(all_states(q), log_probs.dtype)
        return states[jnp.moveaxis(place, -1, 0)]

    def draws(self, q: dist.Distribution, num_samples: int) -> int:
        return self.numbers(num_samples) * math.prod(q.batch_shape)

    def refuses(self, q: dist.Distribution) -> str | None:
        return refuse_unless_listed(q)


class Stratified(OneInEachStratum):
    """$u_l = (l + v_l) / L$ with independent $v_l$.

    (Fearnhead and Clifford, 2003; Kool, van Hoof and Welling, 2020.)
    """

    def numbers(self, num_samples: int) -> int:
        return num_samples


class Systematic(OneInEachStratum):
    """$u_l = (l + v) / L$ with one v for all.

    (Fearnhead and Clifford, 2003; Kool, van Hoof and Welling, 2020.)
    """

    def numbers(self, num_samples: int) -> int:
        return 1


def ends(v: Tail, num_samples: int) -> tuple[Float[Array, "*batch L"], Float[Array, "*batch L"]]:
    """u = (l + v)/L and 1 − u, both precise near 0."""
    stratum = jnp.arange(num_samples)
    above = num_samples - 1 - stratum
    m = v.distance
    low = jnp.where(v.is_upper, (stratum + 1) - m, stratum + m)
    high = jnp.where(v.is_upper, above + m, (above + 1) - m)
    return low / num_samples, high / num_samples


def places(
    probs: Float[Array, "*batch states"],
    u: Float[Array, "*batch L"],
    from_above: Float[Array, "*batch L"],
) -> Int[Array, "*batch L"]:
    """The places in the list of the values in whose intervals the numbers are.

    Args:
        probs: of all values, in the order of the list.
        u: the numbers.
        from_above: 1 − u: they are counted from the end that they are nearer to.
    """
    up_to = jnp.cumsum(probs, -1)[..., None, :]
    down_to = jnp.cumsum(probs[..., ::-1], -1)[..., None, :]
    last = probs.shape[-1] - 1
    passed = (up_to <= u[..., None] * up_to[..., -1:]).sum(-1)
    passed_from_above = (down_to <= from_above[..., None] * down_to[..., -1:]).sum(-1)
    place = jnp.where(u < from_above, passed, last - passed_from_above)
    return jnp.clip(place, 0, last)


SCORED_COUPLINGS: dict[str, Coupling] = {
    **COUPLINGS,
    "stratified": Stratified(),
    "systematic": Systematic(),
}
"""The couplings of a mean over draws, of which none is differentiated."""
