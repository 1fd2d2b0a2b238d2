r"""The one place where estimators draw.

`sample` gives draws through which no gradient flows, `rsample` draws as a differentiable function of θ. Both make the
same x from the same key, so that estimators which share a key share their randomness. The draw is laid out with the
samples along the minor axis, because vector units want that axis long, and handed on transposed.
"""

from collections.abc import Callable
from functools import singledispatch
from typing import Any

import jax
import jax.numpy as jnp
import numpyro.distributions as dist
from jax.custom_batching import custom_vmap
from jax.experimental.layout import Layout, with_layout_constraint
from jaxtyping import Array, Float

import estimators.threefry  # noqa: F401  (draws take a third of the time)
from problems.distributions import OneHotCategoricalLogits, PlackettLuce, ranking

VECTOR = 32
"""Numbers from one key that fill the vector units."""


def base(q: dist.Distribution) -> dist.Distribution:
    """The distribution of the coordinates, without the wrapper that makes them one event."""
    return base(q.base_dist) if isinstance(q, dist.Independent) else q


def noise(draw, key: Array, num_samples: int, shape: tuple[int, ...], dtype) -> Float[Array, "L ..."]:
    """L draws of `shape` from one of jax.random's samplers, made once however often they are used."""
    return jnp.moveaxis(stored(lambda key: draw(key, (*shape, num_samples), dtype))(key), -1, 0)


def stored(draw: Callable[[Array], Array]) -> Callable[[Array], Array]:
    """A draw from a key, made once and kept however many consumers it has, for one key or a batch of them.

    XLA fuses a draw into each of its consumers and makes it again in every one, at several times the cost of the draw.
    It does not fuse a conditional, even one whose predicate (a number with its lowest bit set is not zero) always
    holds. And where a key gives only a few numbers the keys go along the minor axis, which must be long.
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
    return jax.lax.stop_gradient(_sample(base(q), key, num_samples))


def rsample(q: dist.Distribution, key: Array, num_samples: int) -> Float[Array, "L ..."]:
    """L draws from q as a differentiable function of its parameters."""
    return _rsample(base(q), key, num_samples)


def knows(capability: Any, q: dist.Distribution) -> bool:
    """Whether a capability, looked up by type with `singledispatch`, is registered for q's type."""
    return capability.dispatch(type(q)) is not capability.dispatch(object)


def has_rsample(q: dist.Distribution) -> bool:
    """Whether `rsample` knows how to differentiate q's draws."""
    return bool(base(q).has_rsample)


@singledispatch
def _rsample(q: dist.Distribution, key: Array, num_samples: int) -> Float[Array, "L ..."]:
    return q.rsample(key, (num_samples,))


@_rsample.register
def _(q: dist.Normal, key: Array, num_samples: int) -> Float[Array, "L ..."]:
    return q.loc + q.scale * noise(jax.random.normal, key, num_samples, q.batch_shape, jnp.result_type(q.loc))


@singledispatch
def _sample(q: dist.Distribution, key: Array, num_samples: int) -> Float[Array, "L ..."]:
    return _rsample(q, key, num_samples) if q.has_rsample else q.sample(key, (num_samples,))


@_sample.register
def _(q: dist.BernoulliLogits, key: Array, num_samples: int) -> Float[Array, "L ..."]:
    # b = 1[logit + logistic noise > 0], so that a relaxation with the same key relaxes this very draw
    return (logistic_latent(q, key, num_samples) > 0).astype(q.logits.dtype)


def logistic_latent(q: dist.BernoulliLogits, key: Array, num_samples: int) -> Float[Array, "L ..."]:
    """z ~ Logistic(logits, 1), the latent with b = 1[z > 0] (the two-class Gumbel-max trick)."""
    return q.logits + noise(jax.random.logistic, key, num_samples, q.batch_shape, q.logits.dtype)


@_sample.register
def _(q: OneHotCategoricalLogits, key: Array, num_samples: int) -> Float[Array, "L ..."]:
    return one_hot_of_largest(gumbel_latent(q, key, num_samples))


@_sample.register
def _(q: PlackettLuce, key: Array, num_samples: int) -> Float[Array, "L ..."]:
    return ranking(gumbel_latent(q, key, num_samples))


def gumbel_latent(q: OneHotCategoricalLogits | PlackettLuce, key: Array, num_samples: int) -> Float[Array, "L ..."]:
    """z ~ Gumbel(logits, 1): its largest entry is where x has its 1; a permutation x sorts it in descending order."""
    return q.logits + noise(jax.random.gumbel, key, num_samples, q.logits.shape, q.logits.dtype)


def one_hot_of_largest(z: Float[Array, "..."]) -> Float[Array, "..."]:
    """1 where z is largest along its last axis, 0 elsewhere; no gradient flows."""
    return jax.nn.one_hot(z.argmax(-1), z.shape[-1], dtype=z.dtype)
