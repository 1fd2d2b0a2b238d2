r"""A discrete x as the hard reading of a continuous latent z, and z given x: looked up by the distribution's type.

x = hard(z) with z ~ p_θ(z). REBAR, RELAX and Gumbel-Rao need z given x: $\tilde z \sim p_\theta(z \mid x)$, a function of
θ and noise with x held fixed, so that x and $\tilde z$ together are distributed as x and z are. Each function takes the
distribution of the coordinates, `base(q)`.
"""

from functools import singledispatch

import jax
import numpyro.distributions as dist
from jax.lax import stop_gradient
from jaxtyping import Array, Float

from estimators.sampling import logistic_latent, noise


def unknown(q: dist.Distribution) -> NotImplementedError:
    """What is raised for a distribution that has no latent here."""
    return NotImplementedError(f"{type(q).__name__} is not known as the hard reading of a continuous latent")


@singledispatch
def latent(q: dist.Distribution, key: Array, num_samples: int) -> Float[Array, "L ..."]:
    """L draws of z, differentiable in θ, whose hard readings are what `sample` draws with the same key."""
    raise unknown(q)


@singledispatch
def hard(q: dist.Distribution, z: Float[Array, "L ..."]) -> Float[Array, "L ..."]:
    """x, through which no gradient flows."""
    raise unknown(q)


@singledispatch
def conditional_latent(q: dist.Distribution, x: Float[Array, "L ..."], key: Array) -> Float[Array, "L ..."]:
    """A draw of z given each x, differentiable in θ with x fixed."""
    raise unknown(q)


@singledispatch
def relax(q: dist.Distribution, z: Float[Array, "L ..."], temperature: Float[Array, ""]) -> Float[Array, "L ..."]:
    """A continuous reading of z, which tends to the hard one as the temperature falls to 0."""
    raise unknown(q)


@latent.register
def _(q: dist.BernoulliLogits, key: Array, num_samples: int) -> Float[Array, "L ..."]:
    """Logistic(logits, 1)."""
    return logistic_latent(q, key, num_samples)


@hard.register
def _(q: dist.BernoulliLogits, z: Float[Array, "L ..."]) -> Float[Array, "L ..."]:
    return (stop_gradient(z) > 0).astype(z.dtype)


@conditional_latent.register
def _(q: dist.BernoulliLogits, x: Float[Array, "L ..."], key: Array) -> Float[Array, "L ..."]:
    r"""$\tilde z = s\, \mathrm{softplus}(\lambda + \mathrm{softplus}(s \phi))$, s = 2x − 1, λ ~ Logistic(0, 1).

    It is the inverse distribution function of a logistic variable cut off at 0: with s = 1, $P(\tilde z > t) =
    P(\lambda > \log(e^t - 1) - \log(1 + e^\phi)) = (1 + e^\phi) / (e^t + e^\phi) = P(z > t) / P(z > 0)$.
    """
    sign = 2 * x - 1
    logistic = noise(jax.random.logistic, key, len(x), q.batch_shape, q.logits.dtype)
    return sign * jax.nn.softplus(logistic + jax.nn.softplus(sign * q.logits))


@relax.register
def _(q: dist.BernoulliLogits, z: Float[Array, "L ..."], temperature: Float[Array, ""]) -> Float[Array, "L ..."]:
    """The binary concrete variable (Maddison, Mnih and Teh, 2017)."""
    return jax.nn.sigmoid(z / temperature)
