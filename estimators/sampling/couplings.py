r"""Couplings: how the L draws of one estimate hang together.

Each draw alone has q's distribution, so that a mean over them keeps its expectation; together they
may be spread more evenly than independent ones. For that x must be a function of noise that can be
mirrored, or made from a uniform variable: `gradest.estimators.sampling.draws.explicit` says how, by
the distribution's type.
"""

import math
from abc import abstractmethod
from collections.abc import Callable
from functools import cache, singledispatch
from typing import Any, ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
from jax.lax import stop_gradient
from jax.scipy.special import logit, ndtri
from jaxtyping import Array, Float, UInt32

from gradest.estimators.sampling.draws import (
    Explicit,
    explicit,
    has_rule,
    noise,
    numbers_per_draw,
    rsample,
    sample,
)
from gradest.estimators.sampling.log_draws import sample_and_log_prob
from gradest.estimators.sampling.refusals import refuse_unless_even
from gradest.problems.distributions.coordinates import base
from gradest.problems.distributions.fine_noise import logistic, logistic_quantile, tail_of

BITS = 32
"""The digits of a Sobol point's coordinate."""


class Noise(NamedTuple):
    """What a coupling needs to know of a sampler."""

    at_digits: Callable[[UInt32[Array, "..."], Any], Float[Array, "..."]]
    """The draw at the uniform number with these digits, in a dtype."""
    mirror: Callable[[Array], Array]
    """The draw at 1 − u, given the draw at u."""


def mirrored_exponential(e: Float[Array, "..."]) -> Float[Array, "..."]:
    r"""$-\log(1 - e^{-E})$, kept finite at E = 0."""
    return -jnp.log(jnp.maximum(-jnp.expm1(-e), jnp.finfo(e.dtype).tiny))


def laplace_quantile(u: Float[Array, "..."]) -> Float[Array, "..."]:
    """The Laplace distribution's quantile, by the lower tail on both sides."""
    return jnp.sign(u - 0.5) * -jnp.log(2 * jnp.minimum(u, 1 - u))


def exponential_quantile(u: Float[Array, "..."]) -> Float[Array, "..."]:
    """The exponential distribution's quantile."""
    return -jnp.log1p(-u)


def gumbel_quantile(u: Float[Array, "..."]) -> Float[Array, "..."]:
    """The Gumbel distribution's quantile."""
    return -jnp.log(-jnp.log(u))


def mirrored_gumbel(g: Float[Array, "..."]) -> Float[Array, "..."]:
    """Minus the logarithm of the mirrored exponential variable."""
    return -jnp.log(mirrored_exponential(jnp.exp(-g)))


def by_inversion(
    quantile: Callable[[Array], Array],
) -> Callable[[UInt32[Array, "..."], Any], Float[Array, "..."]]:
    """A draw from digits, by the inverse of the distribution function."""
    return lambda digits, dtype: quantile(uniform(digits, dtype))


def fine_logistic_at(digits: UInt32[Array, "..."], dtype: Any) -> Float[Array, "..."]:
    """The logistic variable, of all digits of its tails."""
    return logistic_quantile(tail_of(digits, dtype))


NOISES: dict[Any, Noise] = {
    jax.random.normal: Noise(by_inversion(ndtri), jnp.negative),
    jax.random.logistic: Noise(by_inversion(logit), jnp.negative),
    logistic: Noise(fine_logistic_at, jnp.negative),
    jax.random.laplace: Noise(by_inversion(laplace_quantile), jnp.negative),
    jax.random.exponential: Noise(by_inversion(exponential_quantile), mirrored_exponential),
    jax.random.gumbel: Noise(by_inversion(gumbel_quantile), mirrored_gumbel),
}
"""What is known of each sampler with which draws can be coupled."""


@singledispatch
def made_of_noise(q: dist.Distribution) -> Explicit:
    """x as a function of noise; of a discrete x too, which has no derivative."""
    return explicit(q)


@made_of_noise.register
def _made_of_noise_bernoulli(q: dist.BernoulliLogits) -> Explicit:
    """b = 1[logit + logistic noise > 0]."""
    dtype = q.logits.dtype

    def from_noise(e: Float[Array, "L ..."]) -> Float[Array, "L ..."]:
        return (q.logits + e > 0).astype(dtype)

    return Explicit(logistic, q.batch_shape, dtype, from_noise)


class Coupling(eqx.Module):
    """How the L draws hang together."""

    independent: ClassVar[bool] = False
    """Whether no draw depends on another."""

    @abstractmethod
    def sample(self, q: dist.Distribution, key: Array, num_samples: int) -> Float[Array, "L ..."]:
        """L draws from q, constant with respect to θ."""

    @abstractmethod
    def refuses(self, q: dist.Distribution) -> str | None:
        """None, or the reason why draws from q cannot be coupled so."""

    def sample_and_log_prob(
        self, q: dist.Distribution, key: Array, num_samples: int
    ) -> tuple[Float[Array, "L ..."], Float[Array, "L *batch"]]:
        """The same, and log q(x) of each, as a function of θ."""
        x = self.sample(q, key, num_samples)
        return x, q.log_prob(x)

    def draws(self, q: dist.Distribution, num_samples: int) -> int:
        """How many random numbers L draws from q are made of."""
        return num_samples * numbers_per_draw(q)

    def refuses_samples(self, num_samples: int) -> str | None:
        """None, or the reason why so many draws cannot be coupled."""
        return None


class CoupledNoise(Coupling):
    """A coupling of the noise that x is made of."""

    @abstractmethod
    def noise(
        self, made: Explicit, key: Array, num_samples: int, batch_shape: tuple[int, ...]
    ) -> Float[Array, "L ..."]:
        """L draws of the noise that x is made of.

        Args:
            made: how x is made of it.
            key: of all L draws.
            num_samples: L.
            batch_shape: of the data points, the first axes of a draw; each is coupled for itself.
        """

    def rsample(self, q: dist.Distribution, key: Array, num_samples: int) -> Float[Array, "L ..."]:
        """L draws from q as a differentiable function of its parameters."""
        made = made_of_noise(base(q))
        return made.from_noise(self.noise(made, key, num_samples, q.batch_shape))

    def sample(self, q: dist.Distribution, key: Array, num_samples: int) -> Float[Array, "L ..."]:
        return stop_gradient(self.rsample(q, key, num_samples))

    def refuses(self, q: dist.Distribution) -> str | None:
        q = base(q)
        if has_rule(explicit, q) or has_rule(made_of_noise, q):
            return None
        return f"{type(q).__name__} is no explicit function of noise: its draws cannot be coupled"


class Independent(CoupledNoise):
    """Independent draws, as from `gradest.estimators.sampling.draws`."""

    independent: ClassVar[bool] = True

    def noise(
        self, made: Explicit, key: Array, num_samples: int, batch_shape: tuple[int, ...]
    ) -> Float[Array, "L ..."]:
        return noise(made.sampler, key, num_samples, made.shape, made.dtype)

    def rsample(self, q: dist.Distribution, key: Array, num_samples: int) -> Float[Array, "L ..."]:
        return rsample(q, key, num_samples)

    def sample(self, q: dist.Distribution, key: Array, num_samples: int) -> Float[Array, "L ..."]:
        return sample(q, key, num_samples)

    def sample_and_log_prob(
        self, q: dist.Distribution, key: Array, num_samples: int
    ) -> tuple[Float[Array, "L ..."], Float[Array, "L *batch"]]:
        return sample_and_log_prob(q, key, num_samples)

    def refuses(self, q: dist.Distribution) -> str | None:
        return None


class Antithetic(CoupledNoise):
    """L/2 independent draws, at u, and their mirror images, at 1 − u.

    (Hammersley and Morton, 1956.)
    """

    def noise(
        self, made: Explicit, key: Array, num_samples: int, batch_shape: tuple[int, ...]
    ) -> Float[Array, "L ..."]:
        half = noise(made.sampler, key, num_samples // 2, made.shape, made.dtype)
        return jnp.concatenate([half, NOISES[made.sampler].mirror(half)])

    def draws(self, q: dist.Distribution, num_samples: int) -> int:
        return num_samples // 2 * numbers_per_draw(q)

    def refuses_samples(self, num_samples: int) -> str | None:
        return refuse_unless_even(num_samples, " with antithetic draws")


class Sobol(CoupledNoise):
    r"""The first L points of Sobol's sequence, scrambled anew in each estimate.

    x is made of them by the noise's quantile function. Each coordinate's digits are multiplied by a
    random lower triangular matrix of bits (Matoušek, 1998) and a random number is added to them,
    without carry: each point alone is uniform, and together they stay a digital net. Where f is
    smooth the variance falls about as 1/L² or faster (Owen, 1997; L'Ecuyer, 2018). Each data point
    has a scrambling of its own. For L a power of two, and at most 21,201 coordinates (scipy's).
    """

    def noise(
        self, made: Explicit, key: Array, num_samples: int, batch_shape: tuple[int, ...]
    ) -> Float[Array, "L ..."]:
        dims = math.prod(made.shape[len(batch_shape) :])
        digits = scrambled(direction_numbers(dims, num_samples), key, num_samples, batch_shape)
        draws = NOISES[made.sampler].at_digits(digits, made.dtype)
        return draws.reshape(num_samples, *made.shape)

    def draws(self, q: dist.Distribution, num_samples: int) -> int:
        words = BITS + 1  # a scrambling of the digits and a shift, however many points there are
        return words * numbers_per_draw(q)

    def refuses_samples(self, num_samples: int) -> str | None:
        if num_samples >= 1 and num_samples & (num_samples - 1) == 0:
            return None
        return f"num_samples = {num_samples}: expected a power of two with Sobol points"


@cache
def direction_numbers(dims: int, num_samples: int) -> UInt32[np.ndarray, "dims columns"]:
    """The direction numbers of the first L points: in scipy's order, the points 1, 3, 7, …"""
    from scipy.stats import qmc  # imports for half a second

    points = qmc.Sobol(dims, scramble=False, bits=BITS).random(num_samples)
    powers = 2 ** np.arange(1, num_samples.bit_length()) - 1
    return (points[powers] * 2.0**BITS).astype(np.uint32).T


def scrambled(
    directions: UInt32[np.ndarray, "dims columns"],
    key: Array,
    num_samples: int,
    batch_shape: tuple[int, ...],
) -> UInt32[Array, "L *batch dims"]:
    """The points that the direction numbers make, scrambled linearly and shifted.

    A digit of a number is a bit of it, the first digit the highest. Row i of the random lower
    triangular matrix is a word of random bits up to its i-th digit, a 1 there, and 0 after it.
    """
    dims, columns = directions.shape
    words = noise(jax.random.bits, key, BITS + 1, (*batch_shape, dims), jnp.uint32)
    rows = words[:BITS, ..., None]
    shift = words[BITS, ..., None]
    bit = np.uint32(1)
    place = np.arange(BITS, dtype=np.uint32).reshape(-1, *(1 for _ in batch_shape), 1, 1)
    from_right = np.uint32(BITS - 1) - place
    digit = bit << from_right
    before = ~((digit << bit) - bit)
    rows = rows & before | digit

    # the i-th digit of a scrambled direction number: row i times its digits, modulo 2
    parities = jax.lax.population_count(rows & directions) & bit
    mixed = (parities << from_right).sum(0, dtype=jnp.uint32)

    # the l-th point: the shift, and the direction numbers where l has a 1, added without carry
    index = np.arange(num_samples, dtype=np.uint32)
    points = jnp.broadcast_to(shift, (*batch_shape, dims, num_samples))
    for column in range(columns):
        chosen = (index >> np.uint32(column)) & bit
        points = points ^ mixed[..., column, None] * chosen
    return jnp.moveaxis(points, -1, 0)


def uniform(digits: UInt32[Array, "..."], dtype: Any) -> Float[Array, "..."]:
    """The number in (0, 1) with these digits: the middle of one of 2²³ intervals, in float64 2³².

    Nowhere else is 1 − u as precise as u.
    """
    kept = min(BITS, jnp.finfo(dtype).nmant)
    return ((digits >> np.uint32(BITS - kept)).astype(dtype) + 0.5) * 2.0**-kept


COUPLINGS: dict[str, CoupledNoise] = {
    "independent": Independent(),
    "antithetic": Antithetic(),
    "sobol": Sobol(),
}
