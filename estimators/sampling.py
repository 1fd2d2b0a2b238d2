r"""The one place where estimators draw.

`sample` gives draws through which no gradient flows, `rsample` draws as a differentiable function of θ. Both make the
same x from the same key, so that estimators which share a key share their randomness. The draw is laid out with the
samples along the minor axis, because vector units want that axis long, and handed on transposed.
"""

from functools import singledispatch
from typing import Any

import jax
import jax.numpy as jnp
import numpyro.distributions as dist
from jaxtyping import Array, Float


def base(q: dist.Distribution) -> dist.Distribution:
    """The distribution of the coordinates, without the wrapper that makes them one event."""
    return base(q.base_dist) if isinstance(q, dist.Independent) else q


def noise(draw, key: Array, num_samples: int, shape: tuple[int, ...], dtype) -> Float[Array, "L ..."]:
    """L draws of `shape` from one of jax.random's samplers."""
    return jnp.moveaxis(draw(key, (*shape, num_samples), dtype), -1, 0)


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
