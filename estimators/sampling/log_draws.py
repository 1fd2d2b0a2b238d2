r"""Draws together with log q at them, from the logarithms that they are made of.

Of a gamma variable of shape α, $e^{-87 \alpha}$ of all draws lie below the least number of float32,
and are rounded to it; so are shares near 0, or near 1. That changes no f by much, but the score,
of which $\log x$ and $\log(1 - x)$ are a part. So log q is not taken at the rounded x. Whatever
multiplies a score by f at its own draws takes both from here.
"""

from functools import singledispatch

import jax
import jax.numpy as jnp
import numpyro.distributions as dist
from jax.lax import stop_gradient
from jaxtyping import Array, Float

from gradest.estimators.families.gamma_variables import (
    as_dirichlet,
    dirichlet_logs,
    dirichlet_of,
    gamma_logs,
    gamma_of,
    positive,
)
from gradest.estimators.families.log_densities import (
    change,
    log_dirichlet_density,
    log_gamma_density,
    log_student_t_density,
)
from gradest.estimators.sampling.draws import (
    explicit,
    has_rsample,
    has_rule,
    noise,
    rsample,
    sample,
    standard_student_t,
)
from gradest.problems.distributions.coordinates import base

Draws = tuple[Float[Array, "L ..."], Float[Array, "L ..."]]
"""x, and log q at it."""


def sample_and_log_prob(q: dist.Distribution, key: Array, num_samples: int) -> Draws:
    """L draws from q as `sample` makes them, and log q(x) of each.

    Args:
        q: its event is one x, its batch axes are the data points.
        key: of all L draws.
        num_samples: L.

    Returns:
        x, constant with respect to θ, and log q(x) as a function of θ at this x.
    """
    if not has_rule(_drawn_from, base(q)):
        x = sample(q, key, num_samples)
        return x, q.log_prob(x)
    x, log_q = drawn_from(q, jax.tree.map(stop_gradient, q), key, num_samples)
    return stop_gradient(x), log_q


def rsample_and_log_prob(q: dist.Distribution, key: Array, num_samples: int) -> Draws:
    """The same with x as a differentiable function of θ, as `rsample` makes it.

    log q(x) is still that at a constant x: its derivative is the score alone.
    """
    return drawn_from(q, q, key, num_samples)


def drawn_from(
    q: dist.Distribution, source: dist.Distribution, key: Array, num_samples: int
) -> Draws:
    """Draws from the source, which is q or q held fixed, and log q at them held fixed."""
    if not has_rule(_drawn_from, base(q)):
        draw = rsample if has_rsample(source) else sample
        x = draw(source, key, num_samples)
        return x, q.log_prob(stop_gradient(x))
    x, log_q = _drawn_from(base(q), base(source), key, num_samples)
    coordinates = len(q.event_shape) - len(base(q).event_shape)
    return x, log_q.sum(tuple(range(-coordinates, 0)))


@singledispatch
def _drawn_from(
    q: dist.Distribution, source: dist.Distribution, key: Array, num_samples: int
) -> Draws:
    """The same for q's type: the distribution of coordinates, each with its log q."""
    raise NotImplementedError(f"{type(q).__name__} has no log-density beside that of x")


@_drawn_from.register
def _drawn_from_gamma(q: dist.Gamma, source: dist.Gamma, key: Array, num_samples: int) -> Draws:
    """By the logarithm of x over its mean."""
    u = gamma_logs(source, key, num_samples)
    drawn = stop_gradient(u)
    log_x = stop_gradient(jnp.log(q.mean)) + drawn
    at_x = drawn + change(q.rate) - change(q.concentration)
    return gamma_of(source, u), log_gamma_density(at_x, q.concentration) - log_x


@_drawn_from.register
def _drawn_from_dirichlet(
    q: dist.Dirichlet, source: dist.Dirichlet, key: Array, num_samples: int
) -> Draws:
    """By the logarithms of the shares over their means."""
    v = dirichlet_logs(source, key, num_samples)
    drawn = stop_gradient(v)
    log_x = stop_gradient(jnp.log(q.mean)) + drawn
    log_q = log_dirichlet_density(drawn - change(q.mean), q.concentration)
    return dirichlet_of(source, v), log_q - log_x.sum(-1)


@_drawn_from.register
def _drawn_from_beta(q: dist.Beta, source: dist.Beta, key: Array, num_samples: int) -> Draws:
    """By the logarithms of both shares."""
    shares, log_q = _drawn_from_dirichlet(as_dirichlet(q), as_dirichlet(source), key, num_samples)
    return shares[..., 0], log_q


@_drawn_from.register
def _drawn_from_student_t(
    q: dist.StudentT, source: dist.StudentT, key: Array, num_samples: int
) -> Draws:
    """By (x − μ)/σ as drawn."""
    quotient = standard_student_t(source, key, num_samples)
    loc, scale = stop_gradient(q.loc), stop_gradient(q.scale)
    at_x = (stop_gradient(quotient) + (loc - q.loc) / scale) * (scale / q.scale)
    log_q = log_student_t_density(at_x, q.df) - jnp.log(q.scale)
    return source.loc + source.scale * quotient, log_q


@_drawn_from.register
def _drawn_from_weibull(
    q: dist.Weibull, source: dist.Weibull, key: Array, num_samples: int
) -> Draws:
    r"""By $\log(x / \sigma) = \log E / k$."""
    made = explicit(source)
    e = noise(made.sampler, key, num_samples, made.shape, made.dtype)
    log_quotient = jnp.log(positive(e)) / stop_gradient(q.concentration)
    at_x = log_quotient - change(q.scale)
    density = (q.concentration - 1) * at_x - jnp.exp(q.concentration * at_x)
    return made.from_noise(e), density + jnp.log(q.concentration / q.scale)
