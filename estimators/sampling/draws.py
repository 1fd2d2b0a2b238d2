r"""The one place where estimators draw.

`sample` gives draws through which no gradient flows, `rsample` draws as a differentiable function
of θ. Both make the same x from the same key, so that estimators which share a key share their
randomness. How x is made is looked up by q's type; numpyro draws it where there is no rule.

Wrong of continuous draws: jax.random makes a number of 23 random bits in float32, 52 in float64, so
that tails end, a Gaussian's at 5.2 standard deviations, an exponential or logistic one at 16. Wrong
of discrete ones, whose noise is of all 32 (64) bits: a rare value's probability is right to 1 % at
a logit of ±18 (±40), and nothing is drawn beyond ±22 (±44). What no draw has shown, there or before
that, is in no number: such rows are unreliable. What else is wrong of a sampler stands with it.

Where x is rounded to the end of a range, as a gamma variable of small shape is, log q(x) is not to
be taken of it: `log_draws` has both.
"""

import math
from collections.abc import Callable
from functools import singledispatch
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
from jax.custom_batching import custom_vmap
from jax.experimental.layout import Layout, with_layout_constraint
from jax.lax import stop_gradient
from jaxtyping import Array, Float, Num

from gradest.estimators.families.angles import implicit_angle
from gradest.estimators.families.gamma_variables import (
    along_samples,
    as_dirichlet,
    dirichlet_logs,
    dirichlet_of,
    gamma_logs,
    gamma_of,
    positive,
)
from gradest.problems.distributions.bernoulli_chain import BernoulliChain, MarkovBits
from gradest.problems.distributions.coordinates import base
from gradest.problems.distributions.discrete import OneHotCategoricalLogits as OneHot
from gradest.problems.distributions.discrete import (
    PlackettLuce,
    TokenSequence,
    one_hot_of_largest,
    ranking,
)
from gradest.problems.distributions.fine_noise import gumbel, logistic

VECTOR = 32
"""Numbers from one key that fill the vector units."""


def noise(
    sampler: Callable[..., Array], key: Array, num_samples: int, shape: tuple[int, ...], dtype: Any
) -> Num[Array, "L ..."]:
    """L draws of `shape` from a sampler like jax.random's, made once however often they are used.

    They are laid out with the samples along the minor axis, because vector units want that axis
    long, and handed on transposed.
    """
    draw_all = drawn_once(lambda key: sampler(key, (*shape, num_samples), dtype))
    return jnp.moveaxis(draw_all(key), -1, 0)


def drawn_once(draw: Callable[[Array], Array]) -> Callable[[Array], Array]:
    """A draw from a key, or from a batch of keys, that is made once however many consumers it has.

    XLA would fuse a draw into each of its consumers and make it again in every one, at several
    times the cost of the draw: the barrier keeps it whole. Where a key gives only a few numbers the
    keys go along the minor axis, which must be long for the vector units.
    """

    @custom_vmap
    def make(keys: Array) -> Array:
        shape = jax.eval_shape(draw, jax.ShapeDtypeStruct((), keys.dtype)).shape
        keys_are_minor = keys.ndim > 0 and math.prod(shape) < VECTOR
        key_axis = -1 if keys_are_minor else 0
        drawn = jax.vmap(draw, out_axes=key_axis)(keys.ravel())
        row_major = Layout(tuple(range(drawn.ndim)))
        drawn = jax.lax.optimization_barrier(with_layout_constraint(drawn, row_major))
        return jnp.moveaxis(drawn, key_axis, 0).reshape(*keys.shape, *shape)

    @make.def_vmap
    def make_batch(size: int, batched: list[bool], keys: Array) -> tuple[Array, bool]:
        return make(keys), True

    return make


def sample(q: dist.Distribution, key: Array, num_samples: int) -> Float[Array, "L ..."]:
    """L draws from q, constant with respect to θ; discrete ones too are floats.

    Args:
        q: its event is one x, its batch axes are the data points.
        key: of all L draws; from the same key `rsample` makes the same.
        num_samples: L.
    """
    q = base(q)
    if has_rule(_rsample, q):  # no implicit derivative is traced only to be dropped
        q = jax.tree.map(stop_gradient, q)
    draw = rsample if has_rsample(q) else _sample
    return stop_gradient(draw(q, key, num_samples))


def rsample(q: dist.Distribution, key: Array, num_samples: int) -> Float[Array, "L ..."]:
    """L draws from q, as `sample` makes them, as a differentiable function of its parameters.

    Raises:
        NotImplementedError: q has no such draw: `has_rsample` tells.
    """
    q = base(q)
    if not has_rule(explicit, q):
        return _rsample(q, key, num_samples)
    made = explicit(q)
    return made.from_noise(noise(made.sampler, key, num_samples, made.shape, made.dtype))


def has_rule(function: Any, q: dist.Distribution) -> bool:
    """Whether a function that looks its rule up by type, with `singledispatch`, has one for q's."""
    return function.dispatch(type(q)) is not function.dispatch(object)


def has_rsample(q: dist.Distribution) -> bool:
    """Whether draws from q can be differentiated."""
    q = base(q)
    return has_rule(explicit, q) or has_rule(_rsample, q) or bool(q.has_rsample)


def numbers_per_draw(q: dist.Distribution) -> int:
    """How many random numbers one draw of x, for all data points, is made of.

    A sampler by rejection counts as if nothing were rejected.
    """
    return _numbers_per_draw(base(q))


@singledispatch
def _numbers_per_draw(q: dist.Distribution) -> int:
    return math.prod(q.batch_shape) * math.prod(q.event_shape)


@_numbers_per_draw.register
def _numbers_per_ranking(q: PlackettLuce) -> int:
    return math.prod(q.logits.shape)


@_numbers_per_draw.register
def _numbers_per_token_sequence(q: TokenSequence) -> int:
    return math.prod(q.noise_shape)


class Explicit(NamedTuple):
    """x as a function of θ and of noise whose distribution is free of it."""

    sampler: Callable[..., Array]
    """The noise: one of jax.random's samplers, or of those that are finer."""
    shape: tuple[int, ...]
    """The shape of one draw of noise."""
    dtype: Any
    from_noise: Callable[[Array], Array]
    """x, from noise with the samples on a new axis in front."""


@singledispatch
def explicit(q: dist.Distribution) -> Explicit:
    """How x is made of noise: by location and scale, or by the inverse distribution function."""
    raise NotImplementedError(f"{type(q).__name__} is no explicit function of noise")


STANDARD: dict[type, Callable[..., Array]] = {
    dist.Normal: jax.random.normal,
    dist.Logistic: jax.random.logistic,
    dist.Laplace: jax.random.laplace,
    dist.Gumbel: jax.random.gumbel,
}
"""The samplers of the noise of distributions with a location and a scale."""


@explicit.register
def _explicit_location_scale(
    q: dist.Normal | dist.Logistic | dist.Laplace | dist.Gumbel,
) -> Explicit:
    """x = μ + σ ε."""
    sampler = next(STANDARD[family] for family in type(q).__mro__ if family in STANDARD)
    return Explicit(sampler, q.batch_shape, jnp.result_type(q.loc), lambda e: q.loc + q.scale * e)


@explicit.register
def _explicit_multivariate_normal(q: dist.MultivariateNormal) -> Explicit:
    """x = μ + A ε, A the root of the covariance."""

    def from_noise(e: Float[Array, "L ... dim"]) -> Float[Array, "L ... dim"]:
        return q.loc + (q.scale_tril @ e[..., None])[..., 0]

    shape = (*q.batch_shape, *q.event_shape)
    return Explicit(jax.random.normal, shape, jnp.result_type(q.loc), from_noise)


@explicit.register
def _explicit_exponential(q: dist.Exponential) -> Explicit:
    """x = E / λ with E ~ Exponential(1)."""
    dtype = jnp.result_type(q.rate)
    return Explicit(jax.random.exponential, q.batch_shape, dtype, lambda e: e / q.rate)


@explicit.register
def _explicit_weibull(q: dist.Weibull) -> Explicit:
    """x = σ E^{1/k} with E ~ Exponential(1), kept between the least and the largest number."""

    def from_noise(e: Float[Array, "L ..."]) -> Float[Array, "L ..."]:
        x = positive(q.scale * positive(e) ** (1 / q.concentration))
        return jnp.minimum(x, jnp.finfo(e.dtype).max)

    return Explicit(jax.random.exponential, q.batch_shape, jnp.result_type(q.scale), from_noise)


@singledispatch
def _rsample(q: dist.Distribution, key: Array, num_samples: int) -> Float[Array, "L ..."]:
    r"""A draw that is no explicit function of noise, with the implicit derivative of its quantile.

    $\partial_\theta x = -\partial_\theta F_\theta(x) / q_\theta(x)$, F the distribution function
    (Figurnov, Mohamed and Mnih, 2018). Without a rule, numpyro's own.
    """
    return q.rsample(key, (num_samples,))


@_rsample.register
def _rsample_gamma(q: dist.Gamma, key: Array, num_samples: int) -> Float[Array, "L ..."]:
    """By its logarithm. Rounded: an x below the least number, 10⁻³⁸ in float32, is that."""
    return gamma_of(q, gamma_logs(q, key, num_samples))


@_rsample.register
def _rsample_dirichlet(q: dist.Dirichlet, key: Array, num_samples: int) -> Float[Array, "L ..."]:
    """By its logarithms. Rounded: in float32 to the range from 10⁻³⁸ to 1 − 6·10⁻⁸."""
    return dirichlet_of(q, dirichlet_logs(q, key, num_samples))


@_rsample.register
def _rsample_beta(q: dist.Beta, key: Array, num_samples: int) -> Float[Array, "L ..."]:
    """The first of two shares of a Dirichlet variable."""
    return _rsample_dirichlet(as_dirichlet(q), key, num_samples)[..., 0]


@_rsample.register
def _rsample_student_t(q: dist.StudentT, key: Array, num_samples: int) -> Float[Array, "L ..."]:
    """Explicit in location and scale, implicit in ν."""
    return q.loc + q.scale * standard_student_t(q, key, num_samples)


def standard_student_t(q: dist.StudentT, key: Array, num_samples: int) -> Float[Array, "L ..."]:
    r"""$\varepsilon \sqrt{\nu / 2G}$ with G of shape ν/2 (Devroye, 1986, IX.5): (x − μ)/σ.

    Rounded: beyond the largest number, with probability e^{−88 ν} in float32, to about that.
    """
    normal_key, gamma_key = jax.random.split(key)
    half = jnp.broadcast_to(q.df / 2, q.batch_shape)
    u = gamma_logs(dist.Gamma(half), gamma_key, num_samples)
    gaussian = noise(jax.random.normal, normal_key, num_samples, q.batch_shape, half.dtype)
    most = np.log(jnp.finfo(u.dtype).max) - 3  # a Gaussian is below e³
    return gaussian * jnp.exp(jnp.minimum(-u / 2, most))


@_rsample.register
def _rsample_von_mises(q: dist.VonMises, key: Array, num_samples: int) -> Float[Array, "L ..."]:
    """numpyro's, by rejection from a wrapped Cauchy distribution (Best and Fisher, 1979).

    Drawn about 0, with the implicit derivative in κ, and then turned by the location. Wrong in
    float32 at large κ: an angle, the arc cosine of a number near 1, is only known to 10⁻⁷ κ of it.
    """
    concentration = jnp.broadcast_to(q.concentration, (num_samples, *q.batch_shape))
    about_zero = dist.VonMises(jnp.zeros_like(q.loc), stop_gradient(q.concentration))
    centred = about_zero.sample(key, (num_samples,))
    turned = q.loc + implicit_angle(centred.astype(concentration.dtype), concentration)
    return (turned + jnp.pi) % (2 * jnp.pi) - jnp.pi


@singledispatch
def _sample(q: dist.Distribution, key: Array, num_samples: int) -> Float[Array, "L ..."]:
    """A draw of an x that has no derivative."""
    return q.sample(key, (num_samples,))


@_sample.register
def _sample_bernoulli(
    q: dist.BernoulliLogits, key: Array, num_samples: int
) -> Float[Array, "L ..."]:
    """b = 1[z > 0], so that a relaxation with the same key relaxes this very draw."""
    return (logistic_latent(q, key, num_samples) > 0).astype(q.logits.dtype)


def logistic_latent(q: dist.BernoulliLogits, key: Array, num_samples: int) -> Float[Array, "L ..."]:
    """z ~ Logistic(logits, 1), the latent with b = 1[z > 0] (the two-class Gumbel-max trick)."""
    return q.logits + noise(logistic, key, num_samples, q.batch_shape, q.logits.dtype)


@_sample.register
def _sample_bernoulli_chain(
    q: BernoulliChain, key: Array, num_samples: int
) -> Float[Array, "L ..."]:
    """Bit by bit, each as a Bernoulli variable given those before it."""
    shape = (*q.batch_shape, *q.event_shape)
    return q.bits(noise(logistic, key, num_samples, shape, q.logits.dtype))


@_sample.register
def _sample_markov_bits(q: MarkovBits, key: Array, num_samples: int) -> Float[Array, "L ..."]:
    """By the same, one after the other."""
    return q.bits(bit_noise(q, key, num_samples))


def bit_noise(q: MarkovBits, key: Array, num_samples: int) -> Float[Array, "L ..."]:
    """The noise that the bits of `sample` are made of."""
    return noise(logistic, key, num_samples, q.event_shape, q.dtype)


@_sample.register
def _sample_one_hot(q: OneHot, key: Array, num_samples: int) -> Float[Array, "L ..."]:
    """By the Gumbel-max trick (Gumbel, 1954): the category whose latent is largest."""
    return one_hot_of_largest(gumbel_latent(q, key, num_samples))


@_sample.register
def _sample_ranking(q: PlackettLuce, key: Array, num_samples: int) -> Float[Array, "L ..."]:
    """By the same: items in the descending order of their latents (Yellott, 1977)."""
    return ranking(gumbel_latent(q, key, num_samples))


def gumbel_latent(q: OneHot | PlackettLuce, key: Array, num_samples: int) -> Float[Array, "L ..."]:
    """z ~ Gumbel(logits, 1).

    Where it is largest x has its 1; a permutation x sorts it in descending order.
    """
    return q.logits + noise(gumbel, key, num_samples, q.logits.shape, q.logits.dtype)


@_sample.register
def _sample_poisson(q: dist.Poisson, key: Array, num_samples: int) -> Float[Array, "L ..."]:
    """JAX's: Knuth's products below a rate of 10, Hörmann's PTRS (1993) from there on.

    Wrong: (1) the rate is rounded to float32, in float64 too; (2) above a rate of 2³¹ the count
    overflows.
    """
    if str(jax.random.key_impl(key)) != "threefry2x32":  # JAX draws it from no other generator
        key = jax.random.wrap_key_data(jax.random.bits(key, (2,), jnp.uint32), impl="threefry2x32")
    rate = along_samples(q.rate, q.batch_shape, num_samples)
    return jnp.moveaxis(jax.random.poisson(key, rate), -1, 0).astype(rate.dtype)
