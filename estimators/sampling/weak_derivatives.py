r"""Weak derivatives: $\partial_\psi q_\psi = c_\psi (q^+_\psi - q^-_\psi)$, looked up by the
distribution's type.

Each parameter ψ of q (one for every coordinate) has a constant c and two distributions of that
coordinate, positive and negative, of which the derivative of q is the scaled difference (Pflug,
1989; Mohamed et al., 2020, table 1).
"""

from functools import singledispatch
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpyro.distributions as dist
from jaxtyping import Array, Float

from gradest.estimators.sampling.draws import noise, sample


class WeakDerivative(NamedTuple):
    """The derivative of q with respect to one parameter, as draws from its positive and negative parts."""

    parameter: Float[Array, "*batch dim"]
    constant: Float[Array, "*batch dim"]
    positive: Float[Array, "L *batch dim"]
    negative: Float[Array, "L *batch dim"]


@singledispatch
def weak_derivatives(
    q: dist.Distribution, key: Array, num_samples: int, coupled: bool
) -> list[WeakDerivative]:
    """The weak derivative of q with respect to each of its parameters; coupled draws share their randomness."""
    raise NotImplementedError(f"no weak derivative is known for {type(q).__name__}")


@weak_derivatives.register
def _weak_derivatives_normal(
    q: dist.Normal, key: Array, num_samples: int, coupled: bool
) -> list[WeakDerivative]:
    r"""Location: $c = 1/(\sigma\sqrt{2\pi})$, $x^\pm = \mu \pm \sigma W$ with W Rayleigh; coupled:
    the same W.

    Scale: $c = 1/\sigma$, $x^+ = \mu + \sigma M$ with M double-sided Maxwell (density ∝ m²
    e^{−m²/2}), $x^-$ from q itself; coupled: $x^- = \mu + \sigma M U$ with U uniform, which is
    Gaussian.
    """
    keys = dict(zip(("W+", "W-", "length", "sign", "U"), jax.random.split(key, 5), strict=True))

    def draw(sampler, key: str) -> Float[Array, "L *batch dim"]:
        return noise(sampler, keys[key], num_samples, q.batch_shape, jnp.result_type(q.loc))

    weibull_up = rayleigh(draw(jax.random.uniform, "W+"))
    weibull_down = weibull_up if coupled else rayleigh(draw(jax.random.uniform, "W-"))
    # Maxwell: the length of a Gaussian vector in three dimensions
    vector = noise(
        jax.random.normal, keys["length"], num_samples, (3, *q.batch_shape), jnp.result_type(q.loc)
    )
    length = jnp.sqrt((vector**2).sum(1))
    maxwell = length * draw(jax.random.rademacher, "sign")
    gaussian = maxwell * draw(jax.random.uniform, "U") if coupled else draw(jax.random.normal, "U")
    return [
        WeakDerivative(
            q.loc,
            1 / (q.scale * jnp.sqrt(2 * jnp.pi)),
            q.loc + q.scale * weibull_up,
            q.loc - q.scale * weibull_down,
        ),
        WeakDerivative(q.scale, 1 / q.scale, q.loc + q.scale * maxwell, q.loc + q.scale * gaussian),
    ]


def rayleigh(uniform: Float[Array, "..."]) -> Float[Array, "..."]:
    """The Rayleigh variable (Weibull of shape 2, scale √2) by its inverse distribution function."""
    return jnp.sqrt(-2 * jnp.log1p(-uniform))


@weak_derivatives.register
def _weak_derivatives_bernoulli(
    q: dist.BernoulliLogits, key: Array, num_samples: int, coupled: bool
) -> list[WeakDerivative]:
    r"""$\partial_p q = \delta_1 - \delta_0$: c = 1, and nothing random in either part."""
    shape = (num_samples, *q.batch_shape)
    return [WeakDerivative(q.probs, jnp.ones_like(q.probs), jnp.ones(shape), jnp.zeros(shape))]


@weak_derivatives.register
def _weak_derivatives_exponential(
    q: dist.Exponential, key: Array, num_samples: int, coupled: bool
) -> list[WeakDerivative]:
    r"""Rate: $c = 1/\lambda$, $x^+$ from q, $x^-$ an Erlang variable of two; coupled: $x^+$ is its first part."""
    dtype = jnp.result_type(q.rate)

    def wait(key: Array) -> Float[Array, "L *batch dim"]:
        return noise(jax.random.exponential, key, num_samples, q.batch_shape, dtype) / q.rate

    up, down, more = map(wait, jax.random.split(key, 3))
    return [WeakDerivative(q.rate, 1 / q.rate, up, (up if coupled else down) + more)]


@weak_derivatives.register
def _weak_derivatives_gamma(
    q: dist.Gamma, key: Array, num_samples: int, coupled: bool
) -> list[WeakDerivative]:
    r"""Rate: $c = \alpha/\lambda$, $x^+$ from q itself, $x^- \sim \mathrm{Gamma}(\alpha + 1,
    \lambda)$.

    Coupled: $x^- = x^+ + E$ with E ~ Exponential(λ). None is known for α.
    """
    up_key, down_key, more_key = jax.random.split(key, 3)
    up, down = sample(q, up_key, num_samples), sample(q, down_key, num_samples)
    wait = noise(
        jax.random.exponential, more_key, num_samples, q.batch_shape, jnp.result_type(q.rate)
    )
    more = (up if coupled else down) + wait / q.rate
    return [
        WeakDerivative(everywhere(q, q.rate), everywhere(q, q.concentration / q.rate), up, more)
    ]


@weak_derivatives.register
def _weak_derivatives_poisson(
    q: dist.Poisson, key: Array, num_samples: int, coupled: bool
) -> list[WeakDerivative]:
    """Rate: c = 1, $x^+$ one more than a draw from q, $x^-$ a draw from q; coupled: the same draw."""
    up_key, down_key = jax.random.split(key)
    up, down = sample(q, up_key, num_samples), sample(q, down_key, num_samples)
    return [WeakDerivative(q.rate, jnp.ones_like(q.rate), up + 1, up if coupled else down)]


@singledispatch
def numbers_drawn(q: dist.Distribution, coupled: bool) -> tuple[int, ...]:
    """How many random numbers a draw of both parts takes, for each parameter of a coordinate."""
    raise NotImplementedError(f"no weak derivative is known for {type(q).__name__}")


@numbers_drawn.register
def _numbers_normal(q: dist.Normal, coupled: bool) -> tuple[int, ...]:
    of_location = 1 if coupled else 2
    of_scale = 3 + 1 + 1  # a vector's length, its sign, and U or a Gaussian
    return of_location, of_scale


@numbers_drawn.register
def _numbers_bernoulli(q: dist.BernoulliLogits, coupled: bool) -> tuple[int, ...]:
    return (0,)


@numbers_drawn.register
def _numbers_waits(q: dist.Exponential | dist.Gamma, coupled: bool) -> tuple[int, ...]:
    return (2 if coupled else 3,)


@numbers_drawn.register
def _numbers_poisson(q: dist.Poisson, coupled: bool) -> tuple[int, ...]:
    return (1 if coupled else 2,)


def everywhere(q: dist.Distribution, value: Float[Array, "..."]) -> Float[Array, "*batch dim"]:
    """A value for every coordinate of q."""
    return jnp.broadcast_to(value, q.batch_shape)


@singledispatch
def without_weak_derivative(q: dist.Distribution) -> tuple[str, ...]:
    """The parameters of q for which `weak_derivatives` has none: they must not depend on θ."""
    return ()


@without_weak_derivative.register
def _without_weak_derivative_gamma(q: dist.Gamma) -> tuple[str, ...]:
    return ("concentration",)
