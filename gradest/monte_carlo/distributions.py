"""A distribution as numpyro has it, from what else a user may have."""

import copy
from typing import Any

import jax
import jax.numpy as jnp
import numpyro.distributions as dist
from jaxtyping import Array

from gradest.problems.canonical import canonical


def as_numpyro(q: Any) -> dist.Distribution:
    """numpyro's distribution of one x, all of its coordinates one event.

    Args:
        q: numpyro's, of which batch axes become x's coordinates; optax's `multi_normal`; or any
            object with `sample(shape, key=…)` and `log_prob(x)`.

    Returns:
        A distribution without batch axes.

    Raises:
        TypeError: it is none of these.
    """
    if isinstance(q, dist.Distribution):
        return broadcast_parameters(q).to_event(len(q.batch_shape))
    if hasattr(q, "params") and hasattr(q, "log_scale"):  # optax.multi_normal
        mean, log_scale = q.params
        return as_numpyro(dist.Normal(mean, jnp.exp(log_scale)))
    if hasattr(q, "sample") and hasattr(q, "log_prob"):
        return Foreign(q)
    raise TypeError(
        f"{type(q).__name__}: expected a distribution of numpyro, optax.multi_normal, or an object "
        "with sample(shape, key=…) and log_prob(x)"
    )


def broadcast_parameters(
    q: dist.Distribution, batch_shape: tuple[int, ...] | None = None
) -> dist.Distribution:
    """q as estimators know it, with a parameter for each of its coordinates.

    Args:
        q: numpyro's Bernoulli variables become gradest's, by logits and with float values.
        batch_shape: the coordinates that there are to be; as many as there are, where it is None.
    """
    if isinstance(q, dist.Independent):
        return broadcast_parameters(q.base_dist).to_event(q.reinterpreted_batch_ndims)
    shape = q.batch_shape if batch_shape is None else batch_shape
    broadcast = copy.copy(canonical(q))
    for name in broadcast.arg_constraints.keys() & vars(broadcast).keys():
        value = jnp.asarray(getattr(broadcast, name))
        event = value.shape[value.ndim - broadcast.arg_constraints[name].event_dim :]
        setattr(broadcast, name, jnp.broadcast_to(value, (*shape, *event)))
    broadcast._batch_shape = shape
    return broadcast


def as_row(q: dist.Distribution) -> dist.Distribution:
    """A scalar x as a vector of one, which estimators take; any other x as it is."""
    if q.event_shape or q.batch_shape or isinstance(q, Foreign):
        return q
    return broadcast_parameters(q, (1,)).to_event(1)


class Foreign(dist.Distribution):
    """An object with `sample(shape, key=…)` and `log_prob(x)`, of one x, as a numpyro distribution.

    Whether its draw is differentiable it cannot say: as in optax, that is taken to be so.
    """

    has_rsample = True

    def __init__(self, original: Any) -> None:
        self.original = original
        draw = jax.eval_shape(lambda: original.sample((), key=jax.random.key(0)))
        super().__init__(batch_shape=(), event_shape=draw.shape)

    def sample(self, key: Array, sample_shape: tuple[int, ...] = ()) -> Array:
        return self.original.sample(sample_shape, key=key)

    def rsample(self, key: Array, sample_shape: tuple[int, ...] = ()) -> Array:
        return self.sample(key, sample_shape)

    def log_prob(self, value: Array, intermediates: Any = None) -> Array:
        log_prob = self.original.log_prob
        for _ in range(value.ndim - self.event_dim):
            log_prob = jax.vmap(log_prob)
        return log_prob(value)


def multi_normal(loc: Array, log_scale: Array) -> dist.Distribution:
    """A Gaussian with independent coordinates, by mean and log scale: `optax.multi_normal`.

    Args:
        loc: the mean, of any shape.
        log_scale: the logarithm of the standard deviation, of a shape that broadcasts with it.

    Returns:
        numpyro's distribution, of which one draw has all coordinates.
    """
    return as_numpyro(dist.Normal(loc, jnp.exp(log_scale)))
