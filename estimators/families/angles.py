"""Angles: von Mises draws as a differentiable function of the concentration."""

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
from jax.scipy.special import i0e, i1e
from jaxtyping import Array, Float
from numpyro.distributions import constraints

from gradest.problems.distributions.coordinates import base

NODES, WEIGHTS = np.polynomial.legendre.leggauss(32)
"""The Gauss–Legendre rule on (−1, 1)."""


def is_angle(q: dist.Distribution) -> bool:
    """Whether x is on a circle: it jumps where that closes, and has no mean but a direction."""
    return base(q).support is constraints.circular


@jax.custom_jvp
def implicit_angle(
    angle: Float[Array, "..."], concentration: Float[Array, "..."]
) -> Float[Array, "..."]:
    """A draw from the von Mises distribution about 0, as a function of its concentration."""
    return angle


@implicit_angle.defjvp
def _implicit_angle_jvp(
    primals: tuple[Array, Array], tangents: tuple[Array, Array]
) -> tuple[Array, Array]:
    angle, concentration = primals
    _, tangent = tangents  # a draw has no tangent of its own
    return angle, angle_derivative(angle, concentration) * tangent


def angle_derivative(
    angle: Float[Array, "..."], concentration: Float[Array, "..."]
) -> Float[Array, "..."]:
    r"""The implicit derivative, $\partial_\kappa \phi = -\partial_\kappa F(\phi) / p(\phi)$.

    (Figurnov, Mohamed and Mnih, 2018.) For $p(t) = e^{\kappa \cos t} / 2 \pi I_0(\kappa)$,
    $\partial_\kappa \ln p(t) = \cos t - A$ with $A = I_1(\kappa) / I_0(\kappa)$. F(0) = ½ whatever
    κ is, so that only the mass between 0 and φ counts, a smooth integral:
    $\partial_\kappa \phi = -\int_0^\phi e^{\kappa (\cos t - \cos\phi)} (\cos t - A)\, dt$.
    """
    phi = angle[..., None]
    t = jnp.asarray((NODES + 1) / 2, angle.dtype) * phi
    # cos t − cos φ and 1 − A, each in a form that keeps its digits
    cos_difference = 2 * jnp.sin((phi + t) / 2) * jnp.sin((phi - t) / 2)
    scaled = i0e(concentration)
    one_minus_ratio = ((scaled - i1e(concentration)) / scaled)[..., None]
    weight = jnp.exp(concentration[..., None] * cos_difference)
    integrand = weight * (one_minus_ratio - 2 * jnp.sin(t / 2) ** 2)
    return -angle * (integrand * jnp.asarray(WEIGHTS / 2, angle.dtype)).sum(-1)
