"""Continuous stand-ins for a discrete draw, to which the gradient of f is passed on; looked up by q's type."""

from functools import singledispatch

import jax
import jax.numpy as jnp
import numpyro.distributions as dist
from jax.lax import stop_gradient
from jaxtyping import Array, Float

from gradest.estimators.sampling.conditional_latents import latent, relax
from gradest.problems.distributions.discrete import OneHotCategoricalLogits


def relaxed_sample(
    q: dist.Distribution, key: Array, num_samples: int, temperature: Float[Array, ""]
) -> Float[Array, "L ..."]:
    """L differentiable draws that tend to draws from q as the temperature falls to 0; same key, same draw."""
    return relax(q, latent(q, key, num_samples), temperature)


@singledispatch
def mean_parameter(q: dist.Distribution) -> Float[Array, "..."]:
    """E[x] as a function of θ, for the straight-through estimators; discrete variables only."""
    raise NotImplementedError(
        f"{type(q).__name__} is not a discrete variable with a straight-through gradient"
    )


@mean_parameter.register(dist.BernoulliLogits)
@mean_parameter.register(OneHotCategoricalLogits)
def _mean_parameter_bernoulli_or_one_hot(q: dist.Distribution) -> Float[Array, "..."]:
    return q.probs


@singledispatch
def moved_to(q: dist.Distribution, mean: Float[Array, "..."]) -> dist.Distribution:
    """q with its logits moved, by constants, to where E[x] is `mean`: another point with the same ∂ logits/∂θ."""
    raise NotImplementedError(f"no logits are known for a given mean of {type(q).__name__}")


@moved_to.register
def _moved_to_bernoulli(q: dist.BernoulliLogits, mean: Float[Array, "..."]) -> dist.Distribution:
    return dist.BernoulliLogits(q.logits + stop_gradient(jax.scipy.special.logit(mean) - q.logits))


@moved_to.register
def _moved_to_one_hot(q: OneHotCategoricalLogits, mean: Float[Array, "..."]) -> dist.Distribution:
    return OneHotCategoricalLogits(q.logits + stop_gradient(jnp.log(mean) - q.logits))


@singledispatch
def gapped(
    q: dist.Distribution,
    x: Float[Array, "L ..."],
    gap: Float[Array, ""],
    temperature: Float[Array, ""],
) -> Float[Array, "L ..."]:
    """A relaxed x close to x itself: the logits are moved, by constants, so that x's lie above all others by `gap`."""
    raise NotImplementedError(f"no logits are known that favour one value of {type(q).__name__}")


@gapped.register
def _gapped_one_hot(
    q: OneHotCategoricalLogits,
    x: Float[Array, "L ..."],
    gap: Float[Array, ""],
    temperature: Float[Array, ""],
) -> Float[Array, "L ..."]:
    top = q.logits.max(-1, keepdims=True)
    up = top - (x * q.logits).sum(-1, keepdims=True)
    down = jax.nn.relu(q.logits + gap - top)
    return jax.nn.softmax((q.logits + stop_gradient(up * x - down * (1 - x))) / temperature)


@gapped.register
def _gapped_bernoulli(
    q: dist.BernoulliLogits,
    x: Float[Array, "L ..."],
    gap: Float[Array, ""],
    temperature: Float[Array, ""],
) -> Float[Array, "L ..."]:
    """Two categories, with logits 0 and that of x = 1."""
    both = OneHotCategoricalLogits(jnp.stack([jnp.zeros_like(q.logits), q.logits], axis=-1))
    return gapped(both, jnp.stack([1 - x, x], axis=-1), gap, temperature)[..., 1]
