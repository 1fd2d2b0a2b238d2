r"""Gamma variables by their logarithms, which do not underflow, with their implicit derivative.

What is drawn is $u = \log(G / \alpha)$, the logarithm of a gamma variable over its mean: at a small
shape α it goes down to −16/α, where $G = \alpha e^u$ is below the least number, and at a large one
it is near 0, where it has more digits than log G.
"""

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
from jax.lax import stop_gradient
from jax.scipy.special import digamma
from jax.typing import ArrayLike
from jaxtyping import Array, Float

LARGE = 200.0
"""The shape from which on the derivative is taken from its expansion, there right to 10⁻⁶."""


def positive(x: Float[Array, "..."]) -> Float[Array, "..."]:
    """x, where it is not rounded to 0, which has no log-density."""
    return jnp.maximum(x, jnp.finfo(x.dtype).tiny)


def along_samples(
    parameter: ArrayLike, shape: tuple[int, ...], num_samples: int
) -> Float[Array, "... L"]:
    """A parameter for each number of L draws of `shape`, the samples along the minor axis."""
    return jnp.broadcast_to(jnp.broadcast_to(parameter, shape)[..., None], (*shape, num_samples))


def gamma_logs(q: dist.Gamma, key: Array, num_samples: int) -> Float[Array, "L ..."]:
    """log(x / E[x]) of L draws."""
    each = along_samples(q.concentration, q.batch_shape, num_samples)
    return jnp.moveaxis(log_over_mean(key, each), -1, 0)


def gamma_of(q: dist.Gamma, u: Float[Array, "L ..."]) -> Float[Array, "L ..."]:
    """x, from log(x / E[x])."""
    return positive(q.concentration / q.rate * jnp.exp(u))


def dirichlet_logs(q: dist.Dirichlet, key: Array, num_samples: int) -> Float[Array, "L ... shares"]:
    """log(x / E[x]) of L draws of shares, gamma variables over their sum (Devroye, 1986, XI.4).

    The sum over its own mean is the mean of all $e^u$, with the weights E[x].
    """
    u = log_over_mean(key, along_samples(q.concentration, q.concentration.shape, num_samples))
    weights = along_samples(q.mean, q.concentration.shape, num_samples)
    return jnp.moveaxis(less_log_mean(u, weights, axis=-2), -1, 0)


def less_log_mean(
    u: Float[Array, "*shape"], weights: Float[Array, "*shape"], axis: int
) -> Float[Array, "*shape"]:
    r"""$u - \log \sum_j w_j e^{u_j}$ for weights of sum 1, to rounding of the result itself.

    All is taken relative to the largest term's u, which is so the one with nothing to cancel.
    """
    largest = jnp.argmax(u + jnp.log(weights), axis=axis, keepdims=True)
    away = u - stop_gradient(jnp.take_along_axis(u, largest, axis=axis))
    more = (weights * jnp.expm1(away)).sum(axis, keepdims=True)
    mean = (weights * jnp.exp(away)).sum(axis, keepdims=True)
    near_one = more > -0.5
    log_mean = jnp.where(near_one, jnp.log1p(jnp.where(near_one, more, 0)), jnp.log(mean))
    return away - log_mean


def dirichlet_of(
    q: dist.Dirichlet, v: Float[Array, "L ... shares"]
) -> Float[Array, "L ... shares"]:
    """The shares, from log(x / E[x])."""
    limits = jnp.finfo(v.dtype)
    return jnp.clip(q.mean * jnp.exp(v), limits.tiny, 1 - limits.epsneg)


def as_dirichlet(q: dist.Beta) -> dist.Dirichlet:
    """The two shares of which a beta variable is the first."""
    first = jnp.broadcast_to(q.concentration1, q.batch_shape)
    second = jnp.broadcast_to(q.concentration0, q.batch_shape)
    return dist.Dirichlet(jnp.stack([first, second], -1))


def log_over_mean(key: Array, concentration: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    r"""u of a draw for each shape, as a differentiable function of the shape.

    JAX's draw (Marsaglia and Tsang, ACM TOMS 26, 2000, 363-372): a shape α below 1 as
    $\log G - E / \alpha$ with G of shape α + 1 and E ~ Exponential(1).
    """
    shape = stop_gradient(concentration)
    u = jax.random.loggamma(key, shape, dtype=shape.dtype) - jnp.log(shape)
    return implicit_log(u, concentration)


@jax.custom_jvp
def implicit_log(u: Float[Array, "..."], concentration: Float[Array, "..."]) -> Float[Array, "..."]:
    """A drawn u, as a function of its shape."""
    return u


@implicit_log.defjvp
def _implicit_log_jvp(
    primals: tuple[Array, Array], tangents: tuple[Array, Array]
) -> tuple[Array, Array]:
    u, concentration = primals
    _, tangent = tangents  # a draw has no tangent of its own
    return u, log_derivative(u, concentration) * tangent


def log_derivative(
    u: Float[Array, "..."], concentration: Float[Array, "..."]
) -> Float[Array, "..."]:
    r"""The implicit derivative $\partial_\alpha u$, along which the probability below u stays.

    (Figurnov, Mohamed and Mnih, 2018.)
    """
    is_large = concentration > LARGE
    usual = by_series(jnp.where(is_large, 0, u), jnp.where(is_large, 1, concentration))
    large = by_expansion(jnp.where(is_large, u, 0), jnp.where(is_large, concentration, LARGE))
    return jnp.where(is_large, large, usual)


def by_series(u: Float[Array, "..."], concentration: Float[Array, "..."]) -> Float[Array, "..."]:
    r"""$\partial_\alpha \log G - 1/\alpha$, by JAX's series and continued fraction.

    They want G itself. Where it is so small that $F(G) = G^\alpha / \Gamma(\alpha + 1)$ to
    rounding, $\partial_\alpha \log G = (\psi(\alpha + 1) - \log G) / \alpha$.
    """
    log_g = u + jnp.log(concentration)
    log_small = np.log(jnp.finfo(u.dtype).eps)
    g = jnp.exp(jnp.maximum(log_g, log_small))
    not_small = jax.lax.random_gamma_grad(concentration, g) / g
    small = (digamma(concentration + 1) - log_g) / concentration
    return jnp.where(log_g > log_small, not_small, small) - 1 / concentration


def by_expansion(u: Float[Array, "..."], concentration: Float[Array, "..."]) -> Float[Array, "..."]:
    r"""The same from Temme's expansion of F in 1/α (DLMF 8.12), where JAX's series lose digits.

    With $\mu = e^u - 1$, $\partial_\alpha u = \frac1\alpha \left(\frac u\mu - 1\right)
    + \frac1{\alpha^2} \sum_k \frac{(-\mu)^k}{(k + 2) (k + 3)} + O(\alpha^{-3})$; the first
    bracket is $-u/2 + u^2/12 - u^4/720 + u^6/30240 - \dots$.
    """
    square = u**2
    first = -u / 2 + square / 12 * (1 - square / 60 * (1 - square / 42))
    mu = jnp.expm1(u)
    second = 1 / 6 - mu / 12 + mu**2 / 20 - mu**3 / 30 + mu**4 / 42
    return (first + second / concentration) / concentration
