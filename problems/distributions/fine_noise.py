r"""Noise whose tails are as fine as its random bits allow: what discrete variables are made of.

jax.random makes a number of 23 of the 32 bits that it draws in single precision. A bit of logit ±15
would be drawn 17 % too often or too seldom, one beyond ±16 never or always. Here all bits are used,
and both tails alike. The samplers take the arguments of jax.random's.

A uniform variable u is told by the half that it is in and by its distance m from the end there,
which has $m = (k + \frac12) 2^{-n}$ for a number k of n − 1 bits. Probabilities are so right to
$2^{-n-1}$, those of a tail too: to 1 % of a bit's at a logit of ±18 in single precision, where a
logistic variable ends at ±22.9, and of ±40 in double, where it ends at ±45.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.scipy.special import ndtri
from jaxtyping import Array, Bool, Float, UInt

WORDS = {32: jnp.uint32, 64: jnp.uint64}
"""What a number of so many bits is made of."""

SIGNED = {32: jnp.int32, 64: jnp.int64}
"""The same with a sign: a processor converts these to floats faster."""


class Tail(NamedTuple):
    """A uniform variable on (0, 1), by the end that it is nearer to."""

    is_upper: Bool[Array, "..."]
    """Whether that is 1."""
    distance: Float[Array, "..."]
    """How far it is from there: above 0, at most ½."""


def tail_of(digits: UInt[Array, "..."], dtype: Any) -> Tail:
    """The number in the middle of the interval in which numbers begin with these binary digits."""
    size = jnp.iinfo(digits.dtype).bits
    from_above = ~digits
    below_half = jnp.minimum(digits, from_above).astype(SIGNED[size])
    distance = (below_half.astype(dtype) + jnp.asarray(0.5, dtype)) * jnp.asarray(2.0**-size, dtype)
    return Tail(digits > from_above, distance)


def tail(key: Array, shape: Sequence[int], dtype: Any) -> Tail:
    """Uniform variables."""
    dtype = jnp.result_type(dtype)
    words = jax.random.bits(key, tuple(shape), WORDS[jnp.finfo(dtype).bits])
    return tail_of(words, dtype)


def uniform(key: Array, shape: Sequence[int] = (), dtype: Any = float) -> Float[Array, "..."]:
    """Uniform between 0 and 1, neither of which it is; fine near 0."""
    is_upper, m = tail(key, shape, dtype)
    most = 1 - jnp.finfo(m.dtype).epsneg
    return jnp.where(is_upper, jnp.minimum(1 - m, most), m)


def logistic(key: Array, shape: Sequence[int] = (), dtype: Any = float) -> Float[Array, "..."]:
    """The standard logistic distribution: z and −z are equally likely, to the bit."""
    return logistic_quantile(tail(key, shape, dtype))


def logistic_quantile(u: Tail) -> Float[Array, "..."]:
    """log(u / (1 − u))."""
    m = u.distance
    size = jnp.log((1 - m) / m)
    return jnp.where(u.is_upper, size, -size)


def normal(key: Array, shape: Sequence[int] = (), dtype: Any = float) -> Float[Array, "..."]:
    """The standard normal distribution: z and −z are equally likely, to the bit."""
    is_upper, m = tail(key, shape, dtype)
    below = ndtri(m)
    return jnp.where(is_upper, -below, below)


def exponential(key: Array, shape: Sequence[int] = (), dtype: Any = float) -> Float[Array, "..."]:
    """The exponential distribution of mean 1: −log(1 − u), fine near 0 and far out."""
    is_upper, m = tail(key, shape, dtype)
    rest = jnp.where(is_upper, m, 1 - m)
    taken = 1 - rest
    u = jnp.where(is_upper, taken, m)
    # the quotient makes good what was rounded in 1 − m (Higham, 2002, section 1.14.1), at a third
    # of the time of log1p; where nothing is left of a small m in it, m is the value
    return jnp.where(taken > 0, -jnp.log(rest) * (u / taken), m)


def gumbel(key: Array, shape: Sequence[int] = (), dtype: Any = float) -> Float[Array, "..."]:
    """The standard Gumbel distribution: minus the logarithm of an exponential variable."""
    return -jnp.log(exponential(key, shape, dtype))
