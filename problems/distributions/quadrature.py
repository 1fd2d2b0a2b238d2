r"""Rules of integration, fixed nodes and weights, under which the exact gradients of toys are sums.

Each is the trapezoid rule of step h in u after a change of variable x(u),

$\int g(x)\, dx = \int g(x(u))\, x'(u)\, du \approx \sum_i h\, x'(u_i)\, g(x(u_i))$,

that makes the integrand and all its derivatives vanish at both ends (Takahasi and Mori, 1974); or
it is on a circle, where there are no ends. It then converges exponentially, singularities at the
ends included. A node that is rounded onto an end is moved off it.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float


class Rule(NamedTuple):
    """Nodes and weights: an integral is the sum of weight × integrand over the nodes."""

    nodes: Float[np.ndarray, " points"]
    weights: Float[np.ndarray, " points"]


def half_line(reach: float, step: float = 1 / 256) -> Rule:
    r"""Over (0, ∞): $x = e^{\frac\pi2 \sinh u}$, with $x' = \frac\pi2 \cosh(u)\, x$.

    Args:
        reach: the last node, about; the first is 10⁻³¹.
        step: of the trapezoid rule in u.
    """
    last = np.arcsinh(2 / np.pi * np.log(reach))
    u = np.arange(-4.5, last + step, step)
    x = np.exp(np.pi / 2 * np.sinh(u))
    weights = step * np.pi / 2 * np.cosh(u) * x
    return Rule(x, weights)


def real_line(reach: float) -> Rule:
    """Over the real line, from −`reach` to `reach`, in two halves: the integrand may have a corner
    at 0."""
    right = half_line(reach)
    nodes = np.concatenate([-right.nodes[::-1], right.nodes])
    weights = np.concatenate([right.weights[::-1], right.weights])
    return Rule(nodes, weights)


def unit_interval(step: float = 1 / 256) -> Rule:
    r"""Over (0, 1): $x = \mathrm{sigmoid}(\pi \sinh u)$, with $x' = \pi \cosh(u)\, x (1 - x)$."""
    u = np.arange(-3.4, 3.4 + step / 2, step)
    x = 1 / (1 + np.exp(-np.pi * np.sinh(u)))
    one_less_x = 1 / (1 + np.exp(np.pi * np.sinh(u)))
    weights = step * np.pi * np.cosh(u) * x * one_less_x
    below_one = 1 - np.finfo(float).epsneg
    return Rule(np.minimum(x, below_one), weights)


def circle(points: int = 1024) -> Rule:
    """Over [−π, π), at so many points, evenly spaced."""
    nodes = -np.pi + 2 * np.pi * np.arange(points) / points
    weights = np.full(points, 2 * np.pi / points)
    return Rule(nodes, weights)


def counts(most: int = 1000) -> Rule:
    """Over the whole numbers from 0 to `most`, each with weight 1."""
    return Rule(np.arange(most + 1.0), np.ones(most + 1))
