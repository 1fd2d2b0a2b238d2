r"""Log-densities from logarithms of the draw, where the draw itself is rounded or out of range.

Each is written so that no large terms cancel: $\log\Gamma$ by what it is more than Stirling's
leading terms, and x by the logarithm of its quotient to a mean, which is near 0 at large shapes.
"""

import jax
import jax.numpy as jnp
from jax.lax import stop_gradient
from jax.scipy.special import gammaln
from jax.typing import ArrayLike
from jaxtyping import Array, Float

LARGE = 20.0
"""Where Stirling's series takes the place of differences of large numbers."""


def stirling(shape: ArrayLike) -> Float[Array, "..."]:
    r"""$\log\Gamma(\alpha) - \alpha \log\alpha + \alpha$, of which the derivative is
    $\psi(\alpha) - \log\alpha$."""
    shape = jnp.asarray(shape)
    is_large = shape > LARGE
    small = jnp.where(is_large, LARGE, shape)
    difference = gammaln(small) - small * jnp.log(small) + small
    large = jnp.where(is_large, shape, LARGE)
    square = large**2
    correction = (1 - (1 - (2 / 7 - 3 / 14 / square) / square) / 30 / square) / 12 / large
    series = (jnp.log(2 * jnp.pi) - jnp.log(large)) / 2 + correction
    return jnp.where(is_large, series, difference)


def expected_log(shape: ArrayLike) -> Float[Array, "..."]:
    r"""$E[\log(x / E[x])] = \psi(\alpha) - \log\alpha$ of a gamma variable."""
    shape = jnp.asarray(shape)
    _, slope = jax.jvp(stirling, (shape,), (jnp.ones_like(shape),))
    return slope


def change(parameter: ArrayLike) -> Float[Array, "..."]:
    """The logarithm of a parameter, over itself held fixed: 0, with the logarithm's derivative."""
    return jnp.log(parameter / stop_gradient(parameter))


def log_gamma_density(u: Float[Array, "..."], concentration: ArrayLike) -> Float[Array, "..."]:
    r"""The log-density of $u = \log(x / E[x])$, x a gamma variable of any rate.

    $-\alpha (e^u - 1 - u) - s(\alpha)$ with s as in `stirling`; that of log x is the same.
    """
    return jnp.asarray(concentration) * (u - jnp.expm1(u)) - stirling(concentration)


def log_dirichlet_density(
    v: Float[Array, "*shape shares"], concentration: Float[Array, "*#shape shares"]
) -> Float[Array, "*shape"]:
    r"""The log-density of shares x, with $v_i = \log(x_i / E[x_i])$, less $-\sum_i \log x_i$.

    $\sum_i \alpha_i v_i + s(\sum_i \alpha_i) - \sum_i s(\alpha_i)$ with s as in `stirling`.
    """
    total = concentration.sum(-1)
    of_each = concentration * v - stirling(concentration)
    return of_each.sum(-1) + stirling(total)


def log_student_t_density(y: Float[Array, "..."], df: ArrayLike) -> Float[Array, "..."]:
    r"""The log-density of a standard Student t variable, also where y² overflows.

    $-\frac{\nu + 1}2 \log(1 + y^2 / \nu)$ and a constant, in which
    $\log\Gamma(h + \frac12) - \log\Gamma(h) - \frac12 \log h$ with h = ν/2 is taken by `stirling`.
    """
    half = jnp.asarray(df) / 2
    quotient = jnp.abs(y) / jnp.sqrt(df)
    above, below = jnp.maximum(quotient, 1), jnp.minimum(quotient, 1)
    log_sum = 2 * jnp.log(above) + jnp.log1p((below / above) ** 2)
    gammas = stirling(half + 0.5) - stirling(half) + (half + 0.5) * jnp.log1p(0.5 / half) - 0.5
    return gammas - jnp.log(2 * jnp.pi) / 2 - (half + 0.5) * log_sum
