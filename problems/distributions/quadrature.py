r"""Expectations by the trapezoid rule, for exact gradients that have no closed form.

The rule converges exponentially where the integrand is analytic and vanishes at both ends, or is
periodic (Trefethen and Weideman, 2014). Weights are divided by their sum, so that the
expectation of 1 is 1, and its derivative 0, to the last digit.

Every rule takes its step, so that an expectation can be held against itself at twice the step:
where the two do not agree, the expectation is not known (`agreed`).
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.lax import stop_gradient
from jaxtyping import Array, Bool, Float

STEP = 1 / 256
"""Of the variable in which nodes are even."""

REACH = 12.0
"""How far that variable goes to either side: e¹² spreads, for what falls slowly on one side."""

OVERFLOW = 300.0
"""An exponent beyond which nothing changes any more, and below which nothing overflows."""

Function = Callable[[Float[Array, " points"]], Float[Array, " points"]]


def expectation_on_line(
    f: Function,
    log_density: Function,
    center: Float[Array, ""],
    spread: Float[Array, ""],
    step: float,
) -> Float[Array, ""]:
    r"""E[f(u)] for a u on the real line: nodes are at $u = c + s \sinh t$, t even.

    Args:
        f: bounded.
        log_density: of u, but for a constant; with a single peak.
        center: c, where the peak is.
        spread: s, how wide it is.
        step: of t.
    """
    t = evenly(REACH, step)
    u = stop_gradient(center + spread * jnp.sinh(t))
    return weighted_mean(f(u), log_density(u) + jnp.log(jnp.cosh(t)))


def expectation_on_circle(
    f: Function, log_density: Function, spread: Float[Array, ""], step: float
) -> Float[Array, ""]:
    """E[f(u)] for an angle u about 0, over the circle or so much of it as counts.

    Args:
        f: periodic.
        log_density: of u, but for a constant; with its peak at 0.
        spread: how wide the peak is.
        step: of u, as a share of the circle or of 80 spreads, whichever is less.
    """
    ends = jnp.minimum(jnp.pi, 40 * spread)
    u = stop_gradient(ends * evenly(1.0, step)[1:])  # −π and π are one
    return weighted_mean(f(u), log_density(u))


def weighted_mean(
    values: Float[Array, " points"], log_weights: Float[Array, " points"]
) -> Float[Array, ""]:
    """The mean of values under weights that need not add up to 1."""
    return (jax.nn.softmax(log_weights) * values).sum()


def evenly(reach: float, step: float) -> Float[Array, " points"]:
    """From −reach to reach by steps."""
    half = round(reach / step)
    return jnp.asarray(step * np.arange(-half, half + 1), jnp.result_type(float))


def interpolated(
    function: Callable[[Float[Array, ""]], Float[Array, ""]],
    largest: Float[Array, ""],
    degree: int,
) -> Function:
    """A polynomial in place of a function that costs, through its values at Chebyshev's nodes.

    Args:
        function: of a positive number; smooth.
        largest: the polynomial is for numbers from 0 to this.
        degree: how many nodes there are, from 0 to a little beyond the largest number.
    """
    most = largest + 0.01
    orders = jnp.arange(degree)
    angles = jnp.pi * (orders + 0.5) / degree
    values = jax.lax.map(function, most * (1 + jnp.cos(angles)) / 2)
    coefficients = 2 / degree * (jnp.cos(orders[:, None] * angles) @ values)

    def polynomial(at: Float[Array, " points"]) -> Float[Array, " points"]:
        polynomials = jnp.cos(jnp.arccos(2 * at / most - 1)[:, None] * orders)
        return polynomials @ coefficients - coefficients[0] / 2

    return polynomial


def agreed(fine: Any, coarse: Any) -> Any:
    """What was found at a step; NaN where at twice the step something else was.

    The error at the step is about the square of the difference, which may be as large as the root
    of the precision.

    Args:
        fine: arrays in a pytree.
        coarse: the same at twice the step.
    """
    return jax.tree.map(lambda a, b: jnp.where(is_close(a, b), a, jnp.nan), fine, coarse)


def is_close(a: Float[Array, "*shape"], b: Float[Array, "*shape"]) -> Bool[Array, "*shape"]:
    """Whether two numbers are one, to half the digits, or to 10⁻¹⁰ in double precision."""
    eps = jnp.finfo(a.dtype).eps
    return jnp.abs(a - b) <= jnp.sqrt(eps) * (jnp.abs(a) + 0.01)
