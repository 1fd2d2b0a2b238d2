"""Draws without replacement: the probabilities of sets of different values."""

import math

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float


def log_probability_of_event(log_rate: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    r"""$\log(1 - e^{-a})$ of log a: that an event of rate a happens within a time of 1.

    For a small a it is $\log a - a/2$, to second order.
    """
    seldom = log_rate < -10
    rate = jnp.exp(log_rate)
    small = log_rate - rate / 2
    # the branch that is not taken must have a finite gradient too
    large = jnp.log(-jnp.expm1(-jnp.where(seldom, 1, rate)))
    return jnp.where(seldom, small, large)


def log_draw_the_rest(
    log_rates: Float[Array, "*batch values"],
) -> tuple[Float[Array, "*batch values"], Float[Array, "*batch values values"]]:
    r"""The log-probabilities that S less one value, or less two, is drawn before any value that is
    not in S.

    Draws without replacement are arrivals of independent events with rates q. In units of the time
    t until the first arrival outside S, which is Exponential(1), a value of S arrives with the rate
    a_s = q(s) / (1 − q(S)), and the probability for a set T is
    $\int_0^\infty e^{-t} \prod_{s \in T} (1 - e^{-a_s t}) dt$: by the trapezoid rule in y = log t,
    which converges exponentially, with a step below the width of the integrand, about
    $|T|^{-1/2}$.

    Args:
        log_rates: log a of the values in S.

    Returns:
        For T = S less each value; and for T = S less each two, where the diagonal means nothing.
    """
    y, step = nodes(log_rates.shape[-1])
    # log(e^{−t} dt) with t = e^y, dt = e^y dy
    log_density = jnp.asarray(y - np.exp(y) + math.log(step), log_rates.dtype)[:, None]
    rates_in_rows = log_rates[..., None, :]
    log_t = jnp.asarray(y, log_rates.dtype)[:, None]
    arrived = log_probability_of_event(rates_in_rows + log_t)
    all_but_one = log_density + arrived.sum(-1, keepdims=True) - arrived
    all_but_two = all_but_one[..., None] - arrived[..., None, :]
    return jax.nn.logsumexp(all_but_one, axis=-2), jax.nn.logsumexp(all_but_two, axis=-3)


def nodes(values: int) -> tuple[Float[np.ndarray, " nodes"], float]:
    """Where the trapezoid rule of `log_draw_the_rest` takes log t, and its step.

    Args:
        values: how many there are in S.
    """
    root = math.sqrt(values)
    step = 1 / (2 + root)
    return np.arange(-20, math.log(values + 10 * root + 40), step), step
