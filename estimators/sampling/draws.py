r"""The one place where estimators draw.

`sample` gives draws through which no gradient flows, `rsample` draws as a differentiable function
of θ. Both make the same x from the same key, so that estimators which share a key share their
randomness. The draw is laid out with the samples along the minor axis, because vector units want
that axis long, and handed on transposed.
"""

import math
from collections.abc import Callable
from functools import partial, singledispatch
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpyro.distributions as dist
from jax.custom_batching import custom_vmap
from jax.experimental.layout import Layout, with_layout_constraint
from jax.lax import stop_gradient
from jaxtyping import Array, Float, Num

from gradest.estimators.sampling.angles import implicit_angle
from gradest.problems.distributions.bernoulli_chain import BernoulliChain
from gradest.problems.distributions.coordinates import base
from gradest.problems.distributions.discrete import OneHotCategoricalLogits, PlackettLuce, ranking

VECTOR = 32
"""Numbers from one key that fill the vector units."""


def noise(
    draw: Callable[..., Array], key: Array, num_samples: int, shape: tuple[int, ...], dtype: Any
) -> Num[Array, "L ..."]:
    """L draws of `shape` from one of jax.random's samplers, made once however often they are used."""
    draw_all = drawn_once(lambda key: draw(key, (*shape, num_samples), dtype))
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
    """L draws from q, constant with respect to θ."""
    return stop_gradient(_sample(base(q), key, num_samples))


def rsample(q: dist.Distribution, key: Array, num_samples: int) -> Float[Array, "L ..."]:
    """L draws from q as a differentiable function of its parameters."""
    return _rsample(base(q), key, num_samples)


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


def has_rule(function: Any, q: dist.Distribution) -> bool:
    """Whether a function that looks its rule up by type, with `singledispatch`, has one for q's."""
    return function.dispatch(type(q)) is not function.dispatch(object)


def has_rsample(q: dist.Distribution) -> bool:
    """Whether `rsample` knows how to differentiate q's draws."""
    q = base(q)
    return has_rule(explicit, q) or has_rule(_rsample, q) or bool(q.has_rsample)


class Explicit(NamedTuple):
    """x as a function of θ and of noise whose distribution is free of it."""

    sampler: Callable[..., Array]
    """One of jax.random's, of the noise."""
    shape: tuple[int, ...]
    """Of one draw of noise."""
    dtype: Any
    from_noise: Callable[[Array], Array]
    """With the samples on a new axis in front."""


@singledispatch
def explicit(q: dist.Distribution) -> Explicit:
    """How x is made of noise: by location and scale or its matrix root, or by the inverse distribution function."""
    raise NotImplementedError(f"{type(q).__name__} is no explicit function of noise")


LOCATION_SCALE: dict[type, Callable[..., Array]] = {
    dist.Normal: jax.random.normal,
    dist.Logistic: jax.random.logistic,
    dist.Laplace: jax.random.laplace,
    dist.Gumbel: jax.random.gumbel,
}
"""The samplers of the noise of distributions with a location and a scale."""


def location_scale(sampler: Callable[..., Array], q: Any) -> Explicit:
    """x = μ + σ ε."""
    return Explicit(sampler, q.batch_shape, jnp.result_type(q.loc), lambda e: q.loc + q.scale * e)


for family, standard in LOCATION_SCALE.items():
    explicit.register(family, partial(location_scale, standard))


@explicit.register
def _explicit_exponential(q: dist.Exponential) -> Explicit:
    return Explicit(
        jax.random.exponential, q.batch_shape, jnp.result_type(q.rate), lambda e: e / q.rate
    )


@explicit.register
def _explicit_weibull(q: dist.Weibull) -> Explicit:
    def from_noise(e: Float[Array, "L ..."]) -> Float[Array, "L ..."]:
        return jnp.minimum(
            positive(q.scale * positive(e) ** (1 / q.concentration)), jnp.finfo(e.dtype).max
        )

    return Explicit(jax.random.exponential, q.batch_shape, jnp.result_type(q.scale), from_noise)


@explicit.register
def _explicit_multivariate_normal(q: dist.MultivariateNormal) -> Explicit:
    def from_noise(e: Float[Array, "L ... dim"]) -> Float[Array, "L ... dim"]:
        return q.loc + (q.scale_tril @ e[..., None])[..., 0]

    return Explicit(
        jax.random.normal, (*q.batch_shape, *q.event_shape), jnp.result_type(q.loc), from_noise
    )


@singledispatch
def _rsample(q: dist.Distribution, key: Array, num_samples: int) -> Float[Array, "L ..."]:
    if not has_rule(explicit, q):
        return q.rsample(key, (num_samples,))
    made = explicit(q)
    return made.from_noise(noise(made.sampler, key, num_samples, made.shape, made.dtype))


def along_samples(
    parameter: Float[Array, "..."], shape: tuple[int, ...], num_samples: int
) -> Float[Array, "... L"]:
    """A parameter for each number of L draws of `shape`, the samples along the minor axis."""
    return jnp.broadcast_to(jnp.broadcast_to(parameter, shape)[..., None], (*shape, num_samples))


@_rsample.register
def _rsample_gamma(q: dist.Gamma, key: Array, num_samples: int) -> Float[Array, "L ..."]:
    """By rejection; its derivative, JAX's own, is implicit: −∂F/∂α divided by the density."""
    concentration = along_samples(q.concentration, q.batch_shape, num_samples)
    drawn = jnp.moveaxis(jax.random.gamma(key, concentration, dtype=concentration.dtype), -1, 0)
    return positive(drawn / q.rate)


def positive(x: Float[Array, "..."]) -> Float[Array, "..."]:
    """x, where it is not rounded to 0, which has no log-density."""
    return jnp.maximum(x, jnp.finfo(x.dtype).tiny)


@_rsample.register
def _rsample_beta(q: dist.Beta, key: Array, num_samples: int) -> Float[Array, "L ..."]:
    """G₁ / (G₁ + G₀) with two gamma variables."""
    parameters = [
        jnp.broadcast_to(each, q.batch_shape) for each in (q.concentration1, q.concentration0)
    ]
    return proportions(jnp.stack(parameters, -1), key, num_samples)[..., 0]


@_rsample.register
def _rsample_dirichlet(q: dist.Dirichlet, key: Array, num_samples: int) -> Float[Array, "L ..."]:
    """K gamma variables, each divided by their sum."""
    return proportions(q.concentration, key, num_samples)


def proportions(
    concentration: Float[Array, "... K"], key: Array, num_samples: int
) -> Float[Array, "L ... K"]:
    """Draws from the Dirichlet distribution, by logarithms, since a gamma variable of small shape underflows."""
    each = along_samples(concentration, concentration.shape, num_samples)
    shares = jax.nn.softmax(jax.random.loggamma(key, each, dtype=each.dtype), axis=-2)
    limits = jnp.finfo(shares.dtype)
    return jnp.moveaxis(jnp.clip(shares, limits.tiny, 1 - limits.epsneg), -1, 0)


@_rsample.register
def _rsample_student_t(q: dist.StudentT, key: Array, num_samples: int) -> Float[Array, "L ..."]:
    """A Gaussian over the root of a gamma variable: explicit in location and scale, implicit in ν."""
    normal_key, gamma_key = jax.random.split(key)
    half = along_samples(q.df / 2, q.batch_shape, num_samples)
    gamma = positive(jnp.moveaxis(jax.random.gamma(gamma_key, half, dtype=half.dtype), -1, 0))
    gaussian = noise(jax.random.normal, normal_key, num_samples, q.batch_shape, half.dtype)
    return q.loc + q.scale * gaussian * jnp.sqrt(q.df / (2 * gamma))


@_rsample.register
def _rsample_von_mises(q: dist.VonMises, key: Array, num_samples: int) -> Float[Array, "L ..."]:
    """By rejection about 0, with the implicit derivative in κ, and then turned by the location."""
    concentration = jnp.broadcast_to(q.concentration, (num_samples, *q.batch_shape))
    centred = dist.VonMises(jnp.zeros_like(q.loc), stop_gradient(q.concentration)).sample(
        key, (num_samples,)
    )
    turned = q.loc + implicit_angle(centred.astype(concentration.dtype), concentration)
    return (turned + jnp.pi) % (2 * jnp.pi) - jnp.pi


@singledispatch
def _sample(q: dist.Distribution, key: Array, num_samples: int) -> Float[Array, "L ..."]:
    return _rsample(q, key, num_samples) if has_rsample(q) else q.sample(key, (num_samples,))


@_sample.register
def _sample_bernoulli(
    q: dist.BernoulliLogits, key: Array, num_samples: int
) -> Float[Array, "L ..."]:
    # b = 1[logit + logistic noise > 0], so that a relaxation with the same key relaxes this very
    # draw
    return (logistic_latent(q, key, num_samples) > 0).astype(q.logits.dtype)


@_sample.register
def _sample_bernoulli_chain(
    q: BernoulliChain, key: Array, num_samples: int
) -> Float[Array, "L ..."]:
    return q.bits(
        noise(
            jax.random.logistic, key, num_samples, (*q.batch_shape, *q.event_shape), q.logits.dtype
        )
    )


@_sample.register
def _sample_without_derivative(
    q: dist.Gamma | dist.Beta | dist.Dirichlet | dist.StudentT | dist.VonMises,
    key: Array,
    num_samples: int,
) -> Float[Array, "L ..."]:
    return _rsample(
        jax.tree.map(stop_gradient, q), key, num_samples
    )  # so that no implicit derivative is traced


@_sample.register
def _sample_poisson(q: dist.Poisson, key: Array, num_samples: int) -> Float[Array, "L ..."]:
    if (
        str(jax.random.key_impl(key)) != "threefry2x32"
    ):  # JAX draws Poisson variables from no other generator
        key = jax.random.wrap_key_data(jax.random.bits(key, (2,), jnp.uint32), impl="threefry2x32")
    rate = along_samples(q.rate, q.batch_shape, num_samples)
    return jnp.moveaxis(jax.random.poisson(key, rate), -1, 0).astype(rate.dtype)


def logistic_latent(q: dist.BernoulliLogits, key: Array, num_samples: int) -> Float[Array, "L ..."]:
    """z ~ Logistic(logits, 1), the latent with b = 1[z > 0] (the two-class Gumbel-max trick)."""
    return q.logits + noise(jax.random.logistic, key, num_samples, q.batch_shape, q.logits.dtype)


@_sample.register
def _sample_one_hot(
    q: OneHotCategoricalLogits, key: Array, num_samples: int
) -> Float[Array, "L ..."]:
    return one_hot_of_largest(gumbel_latent(q, key, num_samples))


@_sample.register
def _sample_permutation(q: PlackettLuce, key: Array, num_samples: int) -> Float[Array, "L ..."]:
    return ranking(gumbel_latent(q, key, num_samples))


def gumbel_latent(
    q: OneHotCategoricalLogits | PlackettLuce, key: Array, num_samples: int
) -> Float[Array, "L ..."]:
    """z ~ Gumbel(logits, 1): its largest entry is where x has its 1; a permutation x sorts it in descending order."""
    return q.logits + noise(jax.random.gumbel, key, num_samples, q.logits.shape, q.logits.dtype)


def one_hot_of_largest(z: Float[Array, "..."]) -> Float[Array, "..."]:
    """1 where z is largest along its last axis, 0 elsewhere; no gradient flows."""
    return jax.nn.one_hot(z.argmax(-1), z.shape[-1], dtype=z.dtype)
