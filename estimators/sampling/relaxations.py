"""Continuous stand-ins for a discrete draw, to which the gradient of f is passed on.

Each is looked up by q's type, and takes the distribution of the coordinates, `base(q)`.
"""

from functools import singledispatch

import jax
import jax.numpy as jnp
import numpyro.distributions as dist
from jax.lax import stop_gradient
from jaxtyping import Array, Float

from gradest.estimators.sampling.conditional_latents import latent, relax
from gradest.problems.distributions.bits import sigmoid
from gradest.problems.distributions.categories import log_softmax, softmax
from gradest.problems.distributions.discrete import Bernoulli, OneHotCategoricalLogits


def relaxed_sample(
    q: dist.Distribution, key: Array, num_samples: int, temperature: Float[Array, ""]
) -> Float[Array, "L ..."]:
    """L differentiable draws, which tend to those of `sample` as the temperature falls to 0."""
    return relax(q, latent(q, key, num_samples), temperature)


@singledispatch
def mean_parameter(q: dist.Distribution) -> Float[Array, "..."]:
    """E[x] as a function of θ, for the straight-through estimators; discrete variables only."""
    raise NotImplementedError(
        f"{type(q).__name__} is not a discrete variable with a straight-through gradient"
    )


@mean_parameter.register(dist.BernoulliLogits)
@mean_parameter.register(OneHotCategoricalLogits)
def _mean_of_bernoulli_or_one_hot(q: dist.Distribution) -> Float[Array, "..."]:
    return q.probs


@singledispatch
def halfway(
    q: dist.Distribution, x: Float[Array, "L ..."], temperature: Float[Array, ""]
) -> dist.Distribution:
    r"""q with its logits moved, by constants, to where E[x] is $(x + p_\tau) / 2$.

    $p_\tau$ is the mean at the logits divided by τ; ∂ logits/∂θ stays.
    """
    raise NotImplementedError(f"no logits are known for a given mean of {type(q).__name__}")


@halfway.register
def _halfway_bernoulli(
    q: dist.BernoulliLogits, x: Float[Array, "L ..."], temperature: Float[Array, ""]
) -> dist.Distribution:
    """For x = 1 they are log(1 + p) − log(1 − p), for x = 0 log p − log(2 − p)."""
    sign = 2 * x - 1
    of_x = sign * q.logits / temperature
    logits = sign * (jnp.log1p(sigmoid(of_x)) - jax.nn.log_sigmoid(-of_x))
    return Bernoulli(q.logits + stop_gradient(logits - q.logits))


@halfway.register
def _halfway_one_hot(
    q: OneHotCategoricalLogits, x: Float[Array, "L ..."], temperature: Float[Array, ""]
) -> dist.Distribution:
    """log p where x has a 0, log(1 + p) where it has its 1; logits may all be shifted."""
    log_p = log_softmax(q.logits / temperature)
    logits = jnp.where(x > 0, jnp.log1p(jnp.exp(log_p)), log_p)
    return OneHotCategoricalLogits(q.logits + stop_gradient(logits - q.logits))


@singledispatch
def gapped(
    q: dist.Distribution,
    x: Float[Array, "L ..."],
    gap: Float[Array, ""],
    temperature: Float[Array, ""],
) -> Float[Array, "L ..."]:
    """A relaxed x close to x itself.

    The logits are moved, by constants, so that x's lie above all others by `gap`.
    """
    raise NotImplementedError(f"no logits are known that favour one value of {type(q).__name__}")


@gapped.register
def _gapped_one_hot(
    q: OneHotCategoricalLogits,
    x: Float[Array, "L ..."],
    gap: Float[Array, ""],
    temperature: Float[Array, ""],
) -> Float[Array, "L ..."]:
    """x's own logit is raised to the largest, those less than `gap` below it are lowered."""
    top = q.logits.max(-1, keepdims=True)
    up = top - (x * q.logits).sum(-1, keepdims=True)
    down = jax.nn.relu(q.logits + gap - top)
    return softmax((q.logits + stop_gradient(up * x - down * (1 - x))) / temperature)


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
