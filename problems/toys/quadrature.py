"""Integrals over the normal coordinates of a Gaussian toy, that check themselves.

Composite Gauss–Legendre on the half line, of h to the right and to the left of the mean, broken
where h jumps. A result is claimed where two levels of panels agree, and h's mean is what the toy
says that it is: panels that are too wide for h miss that too.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float
from numpy.polynomial import legendre

from gradest.problems.toys.gaussian import GaussianExponential, GaussianStep, GaussianToy

Vector = Float[np.ndarray, "..."]

NODES, WEIGHTS = legendre.leggauss(16)
"""Of Gauss–Legendre in one panel, (−1, 1)."""

INTEGRALS = np.stack(
    [legendre.legval(NODES, legendre.legint(e, lbnd=-1)) for e in np.eye(len(NODES))], axis=1
) @ np.linalg.inv(legendre.legvander(NODES, len(NODES) - 1))
"""From a function's values at the nodes, its integrals from −1 to each of them."""

REACH = 36
"""Standard deviations that the coarsest integrals extend to either side."""

LEVELS = 8
"""Each has panels half as wide as the one before, from ½ on, and reaches one further."""

PANELS = 2.0 ** np.arange(-40, 0)
"""How far from where h is narrow panels end."""

AGREEMENT = 1e-9
"""How closely two levels agree, relatively, where a result is claimed; and h with its mean."""


class HalfLine(NamedTuple):
    """A rule on w > 0, and h of one coordinate at w standard deviations to either side."""

    w: Vector
    weights: Vector
    half_widths: Float[np.ndarray, "panels 1"]
    up: Vector
    """h at the mean + w standard deviations."""
    down: Vector
    """h at the mean − w standard deviations."""

    @property
    def u(self) -> Vector:
        """The nodes on the whole line."""
        return both(self.w, -self.w)

    @property
    def h(self) -> Vector:
        """At the nodes on the whole line."""
        return both(self.up, self.down)

    @property
    def density(self) -> Vector:
        """Weights for expectations under |u|, u ~ N(0, 1), but for the factor 2."""
        return self.weights * np.exp(-(self.w**2) / 2) / np.sqrt(2 * np.pi)

    @property
    def normal(self) -> Vector:
        """Weights for expectations under u ~ N(0, 1), on the whole line."""
        return both(self.density, self.density)

    def integral(self, values: Vector) -> Vector:
        """The integrals of a function from 0 to each node, from its values there."""
        rows = self.half_widths * values.reshape(-1, len(NODES))
        within = rows @ INTEGRALS.T
        panels = rows @ WEIGHTS
        before = np.cumsum(panels) - panels
        return (before[:, None] + within).ravel()


def half_line(problem: GaussianToy, mean: float, scale: float, level: int) -> HalfLine:
    """The rule of a level for a coordinate; no number is one where h has not the mean it should.

    Args:
        problem: the toy, which has h.
        mean: of the coordinate.
        scale: of the coordinate.
        level: of quadrature, from 0 on.
    """
    reach = REACH + level
    coarse = np.sort(both(np.arange(2 * reach + 1) / 2, narrow_panels(problem, mean, scale, reach)))
    places = np.arange(0, len(coarse) - 1 + 2**-level, 2**-level)
    edges = np.interp(places, np.arange(len(coarse)), coarse)
    half_widths = np.diff(edges)[:, None] / 2
    w = (edges[:-1, None] + half_widths * (NODES + 1)).ravel()
    weights = (half_widths * WEIGHTS).ravel()
    h = np.asarray(problem.integrand(jnp.asarray(mean + scale * both(w, -w))))
    rule = HalfLine(w, weights, half_widths, h[: len(w)], h[len(w) :])
    stated = float(problem.expectation(jnp.asarray(mean), jnp.asarray(scale)))
    allowed = AGREEMENT * (rule.normal @ np.abs(rule.h))
    if not abs(rule.normal @ rule.h - stated) <= allowed:
        return rule._replace(weights=np.full_like(weights, np.nan))
    return rule


def narrow_panels(problem: GaussianToy, mean: float, scale: float, reach: int) -> Vector:
    """Edges that close in on the one place, in standard deviations, where h jumps or is narrow.

    As many for every toy, so that h is compiled once for a level: some panels are empty.
    """
    place = mean
    if isinstance(problem, GaussianStep):
        place = float(problem.k)
    elif isinstance(problem, GaussianExponential):
        place = 0.0
    centre = abs(place - mean) / scale
    return np.clip(centre + np.concatenate([-PANELS, [0.0], PANELS]), 0, reach)


def settled(at: Callable[[int], dict[str, float]]) -> dict[str, float] | None:
    """What two levels of quadrature agree on; None where none do.

    Args:
        at: from a level, numbers.
    """
    coarse = at(0)
    for level in range(1, LEVELS):
        fine = at(level)
        if all(abs(fine[name] - coarse[name]) <= AGREEMENT * abs(fine[name]) for name in fine):
            return fine
        if overflows(fine) and not overflows(coarse):  # and so it will further out
            return None
        coarse = fine
    return None


def overflows(numbers: dict[str, float]) -> bool:
    """Whether one of the numbers is none."""
    return not np.isfinite([*numbers.values()]).all()


def alike(params: Mapping[str, Vector]) -> tuple[Vector, Vector, Vector]:
    """The means and the scales that coordinates have, and how many coordinates have both."""
    pairs = np.stack([params["mean"], params["scale"]])
    (means, scales), counts = np.unique(pairs, axis=1, return_counts=True)
    return means, scales, counts.astype(float)


def both(right: Vector, left: Vector) -> Vector:
    """Values on the two halves of the line, as one."""
    return np.concatenate([right, left])


def centred(weights: Vector, values: Vector) -> Vector:
    """`values` less their mean under normalised `weights`.

    And first less the likeliest of them, so that what nearly all of them are is 0 and not rounding.
    """
    from_likeliest = values - values[np.argmax(weights)]
    return from_likeliest - weights @ from_likeliest


def spread_of(weights: Vector, values: Vector) -> float:
    """The variance of `values` under normalised `weights`."""
    return float(weights @ centred(weights, values) ** 2)
