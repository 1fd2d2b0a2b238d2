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
import numpy as np
import numpyro.distributions as dist
from jax.custom_batching import custom_vmap
from jax.experimental.layout import Layout, with_layout_constraint
from jax.lax import stop_gradient
from jax.scipy.special import i0e, i1e
from jaxtyping import Array, Float, Num
from numpyro.distributions import constraints

import gradest.estimators.sampling.threefry  # noqa: F401  (draws take a third of the time)
from gradest.problems.distributions.bernoulli_chain import BernoulliChain
from gradest.problems.distributions.discrete import OneHotCategoricalLogits, PlackettLuce, ranking

VECTOR = 32
"""Numbers from one key that fill the vector units."""


def base(q: dist.Distribution) -> dist.Distribution:
    """The distribution of the coordinates, without the wrapper that makes them one event."""
    return base(q.base_dist) if isinstance(q, dist.Independent) else q


def noise(draw, key: Array, num_samples: int, shape: tuple[int, ...], dtype) -> Num[Array, "L ..."]:
    """L draws of `shape` from one of jax.random's samplers, made once however often they are used."""
    return jnp.moveaxis(stored(lambda key: draw(key, (*shape, num_samples), dtype))(key), -1, 0)


def stored(draw: Callable[[Array], Array]) -> Callable[[Array], Array]:
    """A draw from a key, made once and kept however many consumers it has, for one key or a batch
    of them.

    XLA fuses a draw into each of its consumers and makes it again in every one, at several times
    the cost of the draw. It does not fuse a conditional, even one whose predicate (a number with
    its lowest bit set is not zero) always holds. And where a key gives only a few numbers the keys
    go along the minor axis, which must be long.
    """

    @custom_vmap
    def keep(keys: Array) -> Array:
        one = jax.eval_shape(draw, jax.ShapeDtypeStruct((), keys.dtype))
        minor = keys.ndim > 0 and one.size < VECTOR
        each = jax.vmap(draw, out_axes=-1 if minor else 0)
        made = jax.eval_shape(each, keys.ravel())
        order = Layout(tuple(range(made.ndim)))
        drawn = jax.lax.cond(
            (jax.random.key_data(keys).ravel()[0] | 1) > 0,
            lambda keys: with_layout_constraint(each(keys), order),
            lambda keys: with_layout_constraint(jnp.zeros(made.shape, made.dtype), order),
            keys.ravel(),
        )
        drawn = with_layout_constraint(drawn, order)
        return jnp.moveaxis(drawn, -1 if minor else 0, 0).reshape(*keys.shape, *one.shape)

    @keep.def_vmap
    def _(size: int, batched: list[bool], keys: Array) -> tuple[Array, bool]:
        return keep(keys), True

    return keep


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
def _(q: PlackettLuce) -> int:
    return math.prod(q.logits.shape)


def knows(capability: Any, q: dist.Distribution) -> bool:
    """Whether a capability, looked up by type with `singledispatch`, is registered for q's type."""
    return capability.dispatch(type(q)) is not capability.dispatch(object)


def has_rsample(q: dist.Distribution) -> bool:
    """Whether `rsample` knows how to differentiate q's draws."""
    q = base(q)
    return knows(explicit, q) or knows(_rsample, q) or bool(q.has_rsample)


def is_angle(q: dist.Distribution) -> bool:
    """Whether x is wrapped round a circle: it jumps where the circle closes, and its mean is only a direction."""
    return base(q).support is constraints.circular


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
def _(q: dist.Exponential) -> Explicit:
    return Explicit(
        jax.random.exponential, q.batch_shape, jnp.result_type(q.rate), lambda e: e / q.rate
    )


@explicit.register
def _(q: dist.Weibull) -> Explicit:
    def from_noise(e: Float[Array, "L ..."]) -> Float[Array, "L ..."]:
        return jnp.minimum(
            positive(q.scale * positive(e) ** (1 / q.concentration)), jnp.finfo(e.dtype).max
        )

    return Explicit(jax.random.exponential, q.batch_shape, jnp.result_type(q.scale), from_noise)


@explicit.register
def _(q: dist.MultivariateNormal) -> Explicit:
    def from_noise(e: Float[Array, "L ... dim"]) -> Float[Array, "L ... dim"]:
        return q.loc + (q.scale_tril @ e[..., None])[..., 0]

    return Explicit(
        jax.random.normal, (*q.batch_shape, *q.event_shape), jnp.result_type(q.loc), from_noise
    )


def needs_bernoulli(q: dist.Distribution) -> str | None:
    """None, or the reason why an estimator that is made for a row of Bernoulli variables cannot be used."""
    is_bernoulli = isinstance(base(q), dist.BernoulliLogits)
    reason = f"this estimator is made for Bernoulli variables, not {type(base(q)).__name__}"
    return needs_one_row(q) if is_bernoulli else reason


def needs_one_row(q: dist.Distribution) -> str | None:
    """None, or the reason why an estimator that is made for a row of coordinates cannot be used."""
    axes = len(q.event_shape) - len(base(q).event_shape)
    return (
        None
        if axes <= 1
        else f"x has {axes} axes of coordinates, as the particles of a bound: expected one"
    )


def needs_even(num_samples: int, why: str) -> str | None:
    """None, or the reason why an estimator that takes its samples in pairs cannot take so many."""
    even = num_samples >= 2 and num_samples % 2 == 0
    return None if even else f"num_samples = {num_samples}: expected an even number{why}"


@singledispatch
def _rsample(q: dist.Distribution, key: Array, num_samples: int) -> Float[Array, "L ..."]:
    if not knows(explicit, q):
        return q.rsample(key, (num_samples,))
    made = explicit(q)
    return made.from_noise(noise(made.sampler, key, num_samples, made.shape, made.dtype))


def along_samples(
    parameter: Float[Array, "..."], shape: tuple[int, ...], num_samples: int
) -> Float[Array, "... L"]:
    """A parameter for each number of L draws of `shape`, the samples along the minor axis."""
    return jnp.broadcast_to(jnp.broadcast_to(parameter, shape)[..., None], (*shape, num_samples))


@_rsample.register
def _(q: dist.Gamma, key: Array, num_samples: int) -> Float[Array, "L ..."]:
    """By rejection; its derivative, JAX's own, is implicit: −∂F/∂α divided by the density."""
    concentration = along_samples(q.concentration, q.batch_shape, num_samples)
    drawn = jnp.moveaxis(jax.random.gamma(key, concentration, dtype=concentration.dtype), -1, 0)
    return positive(drawn / q.rate)


def positive(x: Float[Array, "..."]) -> Float[Array, "..."]:
    """x, where it is not rounded to 0, which has no log-density."""
    return jnp.maximum(x, jnp.finfo(x.dtype).tiny)


@_rsample.register
def _(q: dist.Beta, key: Array, num_samples: int) -> Float[Array, "L ..."]:
    """G₁ / (G₁ + G₀) with two gamma variables."""
    parameters = [
        jnp.broadcast_to(each, q.batch_shape) for each in (q.concentration1, q.concentration0)
    ]
    return proportions(jnp.stack(parameters, -1), key, num_samples)[..., 0]


@_rsample.register
def _(q: dist.Dirichlet, key: Array, num_samples: int) -> Float[Array, "L ..."]:
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
def _(q: dist.StudentT, key: Array, num_samples: int) -> Float[Array, "L ..."]:
    """A Gaussian over the root of a gamma variable: explicit in location and scale, implicit in ν."""
    normal_key, gamma_key = jax.random.split(key)
    half = along_samples(q.df / 2, q.batch_shape, num_samples)
    gamma = positive(jnp.moveaxis(jax.random.gamma(gamma_key, half, dtype=half.dtype), -1, 0))
    gaussian = noise(jax.random.normal, normal_key, num_samples, q.batch_shape, half.dtype)
    return q.loc + q.scale * gaussian * jnp.sqrt(q.df / (2 * gamma))


@_rsample.register
def _(q: dist.VonMises, key: Array, num_samples: int) -> Float[Array, "L ..."]:
    """By rejection about 0, with the implicit derivative in κ, and then turned by the location."""
    concentration = jnp.broadcast_to(q.concentration, (num_samples, *q.batch_shape))
    centred = dist.VonMises(jnp.zeros_like(q.loc), stop_gradient(q.concentration)).sample(
        key, (num_samples,)
    )
    turned = q.loc + implicit_angle(centred.astype(concentration.dtype), concentration)
    return (turned + jnp.pi) % (2 * jnp.pi) - jnp.pi


@jax.custom_jvp
def implicit_angle(
    angle: Float[Array, "..."], concentration: Float[Array, "..."]
) -> Float[Array, "..."]:
    """A draw from the von Mises distribution about 0, as a function of its concentration."""
    return angle


@implicit_angle.defjvp
def _(primals: tuple[Array, Array], tangents: tuple[Array, Array]) -> tuple[Array, Array]:
    return primals[0], angle_slope(*primals) * tangents[1]  # a draw has no tangent of its own


NODES, WEIGHTS = np.polynomial.legendre.leggauss(32)


def angle_slope(
    angle: Float[Array, "..."], concentration: Float[Array, "..."]
) -> Float[Array, "..."]:
    r"""$\partial_\kappa \phi = -\partial_\kappa F(\phi) / p(\phi)$ (Figurnov, Mohamed and Mnih,
    2018).

    F(0) = ½ whatever κ is, so that it equals $-\int_0^\phi e^{\kappa (\cos t - \cos\phi)} (\cos t -
    A(\kappa))\, dt$ with $A = I_1 / I_0$, a smooth integral.
    """
    scaled = i0e(concentration)
    miss = ((scaled - i1e(concentration)) / scaled)[..., None]  # 1 − A
    t = jnp.asarray((NODES + 1) / 2, angle.dtype) * angle[..., None]
    rise = (
        2 * jnp.sin((angle[..., None] + t) / 2) * jnp.sin((angle[..., None] - t) / 2)
    )  # cos t − cos φ
    integrand = jnp.exp(concentration[..., None] * rise) * (miss - 2 * jnp.sin(t / 2) ** 2)
    return -angle * (integrand * jnp.asarray(WEIGHTS / 2, angle.dtype)).sum(-1)


@singledispatch
def _sample(q: dist.Distribution, key: Array, num_samples: int) -> Float[Array, "L ..."]:
    return _rsample(q, key, num_samples) if has_rsample(q) else q.sample(key, (num_samples,))


@_sample.register
def _(q: dist.BernoulliLogits, key: Array, num_samples: int) -> Float[Array, "L ..."]:
    # b = 1[logit + logistic noise > 0], so that a relaxation with the same key relaxes this very
    # draw
    return (logistic_latent(q, key, num_samples) > 0).astype(q.logits.dtype)


@_sample.register
def _(q: BernoulliChain, key: Array, num_samples: int) -> Float[Array, "L ..."]:
    return q.bits(
        noise(
            jax.random.logistic, key, num_samples, (*q.batch_shape, *q.event_shape), q.logits.dtype
        )
    )


@_sample.register
def _(
    q: dist.Gamma | dist.Beta | dist.Dirichlet | dist.StudentT | dist.VonMises,
    key: Array,
    num_samples: int,
) -> Float[Array, "L ..."]:
    return _rsample(
        jax.tree.map(stop_gradient, q), key, num_samples
    )  # so that no implicit derivative is traced


@_sample.register
def _(q: dist.Poisson, key: Array, num_samples: int) -> Float[Array, "L ..."]:
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
def _(q: OneHotCategoricalLogits, key: Array, num_samples: int) -> Float[Array, "L ..."]:
    return one_hot_of_largest(gumbel_latent(q, key, num_samples))


@_sample.register
def _(q: PlackettLuce, key: Array, num_samples: int) -> Float[Array, "L ..."]:
    return ranking(gumbel_latent(q, key, num_samples))


def gumbel_latent(
    q: OneHotCategoricalLogits | PlackettLuce, key: Array, num_samples: int
) -> Float[Array, "L ..."]:
    """z ~ Gumbel(logits, 1): its largest entry is where x has its 1; a permutation x sorts it in descending order."""
    return q.logits + noise(jax.random.gumbel, key, num_samples, q.logits.shape, q.logits.dtype)


def one_hot_of_largest(z: Float[Array, "..."]) -> Float[Array, "..."]:
    """1 where z is largest along its last axis, 0 elsewhere; no gradient flows."""
    return jax.nn.one_hot(z.argmax(-1), z.shape[-1], dtype=z.dtype)
