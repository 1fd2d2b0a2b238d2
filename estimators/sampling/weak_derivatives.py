r"""Weak derivatives: $\partial_\psi q_\psi = c_\psi (q^+_\psi - q^-_\psi)$, looked up by q's type.

Each parameter ψ of q (one for every coordinate) has a constant c and two distributions of that
coordinate, positive and negative, of which the derivative of q is the scaled difference (Pflug,
1989; Mohamed et al., 2020, table 1). So $\partial_\psi E_q[f] = c (E_{q^+}[f] - E_{q^-}[f])$.
"""

from collections.abc import Callable
from functools import singledispatch
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpyro.distributions as dist
from jax.typing import ArrayLike
from jaxtyping import Array, Float

from gradest.estimators.sampling.draws import noise, sample


class WeakDerivative(NamedTuple):
    """The derivative of q with respect to one parameter, as draws from its two parts."""

    parameter: Float[Array, "*batch dim"]
    constant: Float[Array, "*batch dim"]
    positive: Float[Array, "L *batch dim"]
    negative: Float[Array, "L *batch dim"]


@singledispatch
def weak_derivatives(
    q: dist.Distribution, key: Array, num_samples: int, coupled: bool
) -> list[WeakDerivative]:
    """The weak derivative of q with respect to each of its parameters.

    Args:
        q: the distribution of the coordinates, `base(q)`.
        key: of all draws.
        num_samples: L draws from each part.
        coupled: whether draws from the two parts share their randomness.

    Raises:
        NotImplementedError: none is known for q's type.
    """
    raise NotImplementedError(f"no weak derivative is known for {type(q).__name__}")


@weak_derivatives.register
def _weak_derivatives_normal(
    q: dist.Normal, key: Array, num_samples: int, coupled: bool
) -> list[WeakDerivative]:
    r"""With z = (x − μ)/σ and φ the standard normal density.

    Location: $\partial_\mu q = z \phi(z) / \sigma^2$, whose two halves have mass
    $c = 1/(\sigma\sqrt{2\pi})$; so $x^\pm = \mu \pm \sigma W$ with W Rayleigh; coupled: the same W.

    Scale: $\partial_\sigma q = (z^2 - 1) \phi(z) / \sigma^2$; so $c = 1/\sigma$,
    $x^+ = \mu + \sigma M$ with M double-sided Maxwell (density $z^2 \phi(z)$), $x^-$ from q itself;
    coupled: $x^- = \mu + \sigma M U$ with U uniform, which is Gaussian.
    """
    dtype = jnp.result_type(q.loc)
    up_key, down_key, length_key, sign_key, last_key = jax.random.split(key, 5)

    def draw(sampler: Callable[..., Array], key: Array, *axes: int) -> Float[Array, "L ..."]:
        return noise(sampler, key, num_samples, (*axes, *q.batch_shape), dtype)

    weibull_up = rayleigh(draw(jax.random.uniform, up_key))
    weibull_down = weibull_up if coupled else rayleigh(draw(jax.random.uniform, down_key))
    location = WeakDerivative(
        parameter=everywhere(q, q.loc),
        constant=everywhere(q, 1 / (q.scale * jnp.sqrt(2 * jnp.pi))),
        positive=q.loc + q.scale * weibull_up,
        negative=q.loc - q.scale * weibull_down,
    )

    # Maxwell: the length of a Gaussian vector in three dimensions, with a random sign
    length = jnp.sqrt((draw(jax.random.normal, length_key, 3) ** 2).sum(1))
    maxwell = length * draw(jax.random.rademacher, sign_key)
    if coupled:
        gaussian = maxwell * draw(jax.random.uniform, last_key)
    else:
        gaussian = draw(jax.random.normal, last_key)
    scale = WeakDerivative(
        parameter=everywhere(q, q.scale),
        constant=everywhere(q, 1 / q.scale),
        positive=q.loc + q.scale * maxwell,
        negative=q.loc + q.scale * gaussian,
    )
    return [location, scale]


def rayleigh(uniform: Float[Array, "..."]) -> Float[Array, "..."]:
    """The Rayleigh variable (Weibull of shape 2, scale √2) by its inverse distribution function."""
    return jnp.sqrt(-2 * jnp.log1p(-uniform))


@weak_derivatives.register
def _weak_derivatives_bernoulli(
    q: dist.BernoulliLogits, key: Array, num_samples: int, coupled: bool
) -> list[WeakDerivative]:
    r"""$\partial_p q = \delta_1 - \delta_0$: c = 1, and nothing random in either part."""
    shape = (num_samples, *q.batch_shape)
    probs = everywhere(q, q.probs)
    return [WeakDerivative(probs, jnp.ones_like(probs), jnp.ones(shape), jnp.zeros(shape))]


@weak_derivatives.register
def _weak_derivatives_exponential(
    q: dist.Exponential, key: Array, num_samples: int, coupled: bool
) -> list[WeakDerivative]:
    r"""Rate: $\partial_\lambda q = (1 - \lambda x) e^{-\lambda x}$.

    So $c = 1/\lambda$, $x^+$ is from q, $x^-$ an Erlang variable, the sum of two draws from q;
    coupled: $x^+$ is the first of them.
    """
    dtype = jnp.result_type(q.rate)

    def wait(key: Array) -> Float[Array, "L *batch dim"]:
        return noise(jax.random.exponential, key, num_samples, q.batch_shape, dtype) / q.rate

    up, down, more = map(wait, jax.random.split(key, 3))
    first = up if coupled else down
    rate = everywhere(q, q.rate)
    return [WeakDerivative(rate, 1 / rate, positive=up, negative=first + more)]


@weak_derivatives.register
def _weak_derivatives_gamma(
    q: dist.Gamma, key: Array, num_samples: int, coupled: bool
) -> list[WeakDerivative]:
    r"""Rate: $\partial_\lambda q = (\alpha / \lambda - x)\, q(x)$; none is known for the shape α.

    So $c = \alpha/\lambda$, $x^+$ is from q itself, $x^-$ from a gamma distribution of shape α + 1;
    coupled: $x^- = x^+ + E$ with E ~ Exponential(λ).
    """
    up_key, down_key, more_key = jax.random.split(key, 3)
    dtype = jnp.result_type(q.rate)
    up = sample(q, up_key, num_samples)
    down = sample(q, down_key, num_samples)
    wait = noise(jax.random.exponential, more_key, num_samples, q.batch_shape, dtype)
    first = up if coupled else down
    return [
        WeakDerivative(
            parameter=everywhere(q, q.rate),
            constant=everywhere(q, q.concentration / q.rate),
            positive=up,
            negative=first + wait / q.rate,
        )
    ]


@weak_derivatives.register
def _weak_derivatives_poisson(
    q: dist.Poisson, key: Array, num_samples: int, coupled: bool
) -> list[WeakDerivative]:
    r"""Rate: $\partial_\lambda q(x) = q(x - 1) - q(x)$.

    So c = 1, $x^+$ is one more than a draw from q, $x^-$ a draw from q; coupled: the same draw.
    """
    up_key, down_key = jax.random.split(key)
    up = sample(q, up_key, num_samples)
    down = sample(q, down_key, num_samples)
    last = up if coupled else down
    rate = everywhere(q, q.rate)
    return [WeakDerivative(rate, jnp.ones_like(rate), positive=up + 1, negative=last)]


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


def everywhere(q: dist.Distribution, value: ArrayLike) -> Float[Array, "*batch dim"]:
    """A value for every coordinate of q."""
    return jnp.broadcast_to(value, q.batch_shape)


@singledispatch
def without_weak_derivative(q: dist.Distribution) -> tuple[str, ...]:
    """The parameters of q for which `weak_derivatives` has none: they must not depend on θ."""
    return ()


@without_weak_derivative.register
def _without_weak_derivative_gamma(q: dist.Gamma) -> tuple[str, ...]:
    return ("concentration",)
