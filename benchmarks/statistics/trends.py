"""Statistics along an axis (L, k, a dimension): slopes and crossovers.

NumPy in float64, no JAX.
"""

import itertools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from gradest.benchmarks.statistics.intervals import (
    LINEAR,
    Interval,
    Jackknifed,
    Scale,
    Vector,
    combine,
    standard_error,
    t_quantile,
)


def log_log_slope(
    samples: Float[np.ndarray, " n"], variances: Sequence[Jackknifed]
) -> Jackknifed | None:
    """The slope of ln(variance) on ln(L) by least squares, weighted by the jackknifed precision.

    Args:
        samples: each L.
        variances: the variance at it.

    Returns:
        The slope; None where fewer than two L have a variance with an error.
    """
    errors = np.array([standard_error(variance) for variance in variances], float)
    usable = (errors > 0) & np.isfinite(errors)
    if len(np.unique(np.asarray(samples)[usable])) < 2:
        return None
    x = np.log(np.asarray(samples, float)[usable])
    weight = errors[usable] ** -2
    x = x - np.average(x, weights=weight)
    coefficients = weight * x / (weight * x**2).sum()
    cells = [variance for variance, use in zip(variances, usable, strict=True) if use]

    def slope(*values: Vector) -> Vector:
        return sum(c * np.log(value) for c, value in zip(coefficients, values, strict=True))

    return combine(slope, *cells)


class Crossover(NamedTuple):
    """Where two estimators' variances cross."""

    at: Interval
    """The place on the axis; an end is where the difference is known to have either sign."""
    first_is_lower_above: bool
    """Whether the first has the lower variance beyond the place, or before it."""


def crossovers(
    axis: Float[np.ndarray, " n"],
    first: Sequence[Jackknifed],
    second: Sequence[Jackknifed],
    scale: Scale = LINEAR,
    tests: int = 1,
) -> list[Crossover]:
    r"""Where ln(first) − ln(second), interpolated linearly along the (scaled) axis, changes sign.

    Only between places where the difference is known to differ from zero, with opposite signs. The
    interval is Fieller's (1954): every place at which the interpolated difference may be zero,
    given its jackknifed error and that of the interpolation (`curvatures`). Cells at different
    places have random numbers of their own, so their errors are independent.

    Args:
        axis: each place.
        first: the one variance there.
        second: the other.
        scale: on which the difference is interpolated.
        tests: at how many places the difference is to be known at once (Bonferroni).
    """
    order = np.argsort(axis)
    ratios = [combine(np.divide, first[i], second[i]) for i in order]
    freedom = len(ratios[0].without) - 1
    errors = np.array([standard_error(ratio) for ratio in ratios], float)
    difference = Difference(
        x=scale.to(np.asarray(axis, float)[order]),
        logs=np.array([np.log(ratio.value) for ratio in ratios], float),
        errors=errors,
        reach=t_quantile(freedom),
    )
    known = np.abs(difference.logs) > t_quantile(freedom, tests) * errors
    places = np.flatnonzero(known & np.isfinite(errors)).tolist()
    crossings = []
    for left, right in itertools.pairwise(places):
        if np.sign(difference.logs[left]) != np.sign(difference.logs[right]):
            ends = difference.zero_between(left, right)
            at = Interval(*(float(scale.back(np.asarray(end))) for end in ends))
            falls = bool(difference.logs[right] < 0)
            crossings.append(Crossover(at, first_is_lower_above=falls))
    return crossings


class Difference(NamedTuple):
    """The logarithm of a ratio of variances at places on an axis, interpolated between them."""

    x: Float[np.ndarray, " n"]
    logs: Float[np.ndarray, " n"]
    errors: Float[np.ndarray, " n"]
    """Standard errors of the logs."""
    reach: float
    """How many of them an interval reaches."""

    def zero_between(self, left: int, right: int) -> tuple[float, float, float]:
        """The place between two others, of which it has opposite signs, where it is zero.

        Args:
            left: the index of the one.
            right: that of the other.

        Returns:
            The place and the ends of its interval.
        """
        x, logs, errors, reach = self
        span = slice(left, right + 1)
        fine = np.unique(np.concatenate([np.linspace(x[left], x[right], 2001), x[span]]))
        line = np.interp(fine, x[span], logs[span])
        # the weights of the two neighbours in the interpolated value, squared
        units = np.eye(int(right - left) + 1)
        weights = np.array([np.interp(fine, x[span], unit) for unit in units])
        error = np.sqrt((weights**2).T @ errors[span] ** 2)
        possible = fine[np.abs(line) <= reach * error + self.bent(fine, left, right)]
        change = int(np.flatnonzero(np.diff(np.sign(line)))[0])
        share = line[change] / (line[change] - line[change + 1])
        at = fine[change] + share * (fine[change + 1] - fine[change])
        if not len(possible):
            return at, at, at
        return at, min(possible.min(), at), max(possible.max(), at)

    def bent(self, fine: Float[np.ndarray, " m"], left: int, right: int) -> Float[np.ndarray, " m"]:
        """How far a curve may lie from its interpolation; at a measured place nowhere."""
        bends = curvatures(self.x, self.logs, self.reach * self.errors)
        step = np.clip(np.searchsorted(self.x, fine) - 1, left, right - 1)
        before = self.x[step]
        after = self.x[step + 1]
        between = (fine > before) & (fine < after)
        distance = (fine - before) * (after - fine) / 2
        return np.multiply(bends[step], distance, out=np.zeros_like(fine), where=between)


def curvatures(
    x: Float[np.ndarray, " n"], values: Float[np.ndarray, " n"], halves: Float[np.ndarray, " n"]
) -> Float[np.ndarray, " n-1"]:
    r"""Twice the larger |second derivative| that the neighbours imply, between each two places.

    Linear interpolation between $x_0$ and $x_1$ is wrong by at most $\max|f''| (x - x_0)(x_1 -
    x)/2$ (de Boor, 1978); twice, because a second difference is only a mean of f''. Of it only what
    the values' errors do not explain is counted (in squares): those are in the interval already.
    Two places alone say nothing of the curvature: it is infinite, and a crossover may be anywhere
    between them.

    Args:
        x: each place, in rising order.
        values: f there.
        halves: half the width of each value's interval.
    """
    if len(x) < 3:
        return np.full(len(x) - 1, np.inf)
    slopes = np.diff(values) / np.diff(x)
    bends = 2 * np.diff(slopes) / (x[2:] - x[:-2])
    left = 1 / np.diff(x)[:-1]
    right = 1 / np.diff(x)[1:]
    errors = np.hypot(
        np.hypot(halves[:-2] * left, halves[2:] * right), halves[1:-1] * (left + right)
    )
    noise = 2 * errors / (x[2:] - x[:-2])
    inner = 2 * np.sqrt(np.maximum(bends**2 - noise**2, 0))
    padded = np.concatenate([[0.0], inner, [0.0]])
    return np.fmax(padded[:-1], padded[1:])
