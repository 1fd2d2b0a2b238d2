"""Continuous relaxations of discrete draws, looked up by the distribution's type."""

from functools import singledispatch

import jax
import numpyro.distributions as dist
from jaxtyping import Array, Float

from estimators.sampling import logistic_latent


@singledispatch
def relaxed_sample(
    q: dist.Distribution, key: Array, num_samples: int, temperature: Float[Array, ""]
) -> Float[Array, "L ..."]:
    """L differentiable draws that tend to draws from q as the temperature falls to 0; same key, same draw."""
    raise NotImplementedError(f"no relaxation is known for {type(q).__name__}")


@relaxed_sample.register
def _(q: dist.BernoulliLogits, key: Array, num_samples: int, temperature: Float[Array, ""]) -> Float[Array, "L ..."]:
    """The binary concrete variable sigmoid(z/τ) with z the logistic latent (Maddison, Mnih and Teh, 2017)."""
    return jax.nn.sigmoid(logistic_latent(q, key, num_samples) / temperature)


@singledispatch
def mean_parameter(q: dist.Distribution) -> Float[Array, "..."]:
    """E[x] as a function of θ, for the straight-through estimator; discrete variables only."""
    raise NotImplementedError(f"{type(q).__name__} is not a discrete variable with a straight-through gradient")


@mean_parameter.register
def _(q: dist.BernoulliLogits) -> Float[Array, "..."]:
    return q.probs


def harden(relaxed: Float[Array, "..."]) -> Float[Array, "..."]:
    """The binary vector nearest to a relaxed one."""
    return (relaxed > 0.5).astype(relaxed.dtype)
