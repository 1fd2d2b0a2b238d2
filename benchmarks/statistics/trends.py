"""Statistics along an axis (L, k, a dimension): slopes, crossovers, time. Numpy in float64, no JAX."""

import itertools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.optimize import nnls

from gradest.benchmarks.statistics.intervals import (
    LINEAR,
    Interval,
    Jackknifed,
    Scale,
    combine,
    standard_error,
    t_quantile,
)


def log_log_slope(
    samples: Float[np.ndarray, " n"], measured: Sequence[Jackknifed]
) -> Jackknifed | None:
    """The slope of ln(variance) on ln(L) by least squares, weighted by the jackknifed precision; None for one L."""
    errors = np.array([standard_error(cell) for cell in measured], float)
    usable = (errors > 0) & np.isfinite(errors)
    if len(np.unique(np.asarray(samples)[usable])) < 2:
        return None
    x, weight = np.log(np.asarray(samples, float)[usable]), errors[usable] ** -2
    x = x - np.average(x, weights=weight)
    cells = [cell for cell, use in zip(measured, usable, strict=True) if use]
    coefficients = weight * x / (weight * x**2).sum()
    return combine(
        lambda *v: sum(c * np.log(value) for c, value in zip(coefficients, v, strict=True)), *cells
    )


class Crossover(NamedTuple):
    """Where one estimator overtakes another."""

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

    Only between places where the difference is known to differ from zero, with opposite signs; with
    `tests` > 1, at so many places at once (Bonferroni). The interval is Fieller's (1954): every
    place at which the interpolated difference may be zero, given its jackknifed error and that of
    the interpolation (`curvatures`). Cells at different places have random numbers of their own, so
    their errors are independent.
    """
    order = np.argsort(axis)
    x = scale.to(np.asarray(axis, float)[order])
    ratios = [combine(np.divide, first[i], second[i]) for i in order]
    logs = np.array([np.log(ratio.value) for ratio in ratios], float)
    errors = np.array([standard_error(ratio) for ratio in ratios], float)
    freedom = len(ratios[0].without) - 1
    known = np.abs(logs) > t_quantile(freedom, tests) * errors
    bends = curvatures(x, logs, t_quantile(freedom) * errors)
    found = []
    for left, right in itertools.pairwise(np.flatnonzero(known & np.isfinite(errors))):
        if np.sign(logs[left]) == np.sign(logs[right]):
            continue
        span = slice(left, right + 1)
        fine = np.unique(np.concatenate([np.linspace(x[left], x[right], 2001), x[span]]))
        line = np.interp(fine, x[span], logs[span])
        # the weights of the two neighbours in the interpolated value, squared
        weights = np.array(
            [np.interp(fine, x[span], unit) for unit in np.eye(int(right - left) + 1)]
        )
        error = np.sqrt((weights**2).T @ errors[span] ** 2)
        step = np.clip(np.searchsorted(x, fine) - 1, left, right - 1)
        between = (fine > x[step]) & (
            fine < x[step + 1]
        )  # at a measured place nothing is interpolated
        reach = (fine - x[step]) * (x[step + 1] - fine) / 2
        bent = np.multiply(bends[step], reach, out=np.zeros_like(fine), where=between)
        possible = fine[np.abs(line) <= t_quantile(freedom) * error + bent]
        change = int(np.flatnonzero(np.diff(np.sign(line)))[0])
        share = line[change] / (line[change] - line[change + 1])
        at = fine[change] + share * (fine[change + 1] - fine[change])
        low, high = (possible.min(), possible.max()) if len(possible) else (at, at)
        ends = (float(scale.back(np.asarray(place))) for place in (at, min(low, at), max(high, at)))
        found.append(Crossover(Interval(*ends), first_is_lower_above=bool(logs[right] < 0)))
    return found


def curvatures(
    x: Float[np.ndarray, " n"], values: Float[np.ndarray, " n"], halves: Float[np.ndarray, " n"]
) -> Float[np.ndarray, " n-1"]:
    r"""Between each two places twice the larger |second derivative| that the neighbours on either
    side imply.

    Linear interpolation between $x_0$ and $x_1$ is wrong by at most $\max|f''| (x - x_0)(x_1 -
    x)/2$ (de Boor, 1978); twice, because a second difference is only a mean of f''. Of it only what
    the values' errors, of these half-widths, do not explain is counted (in squares): those are in
    the interval already. Two places alone say nothing of the curvature: it is infinite, and a
    crossover may be anywhere between them.
    """
    if len(x) < 3:
        return np.full(len(x) - 1, np.inf)
    slopes = np.diff(values) / np.diff(x)
    found = 2 * np.diff(slopes) / (x[2:] - x[:-2])
    left, right = 1 / np.diff(x)[:-1], 1 / np.diff(x)[1:]
    errors = np.hypot(
        np.hypot(halves[:-2] * left, halves[2:] * right), halves[1:-1] * (left + right)
    )
    noise = 2 * errors / (x[2:] - x[:-2])
    inner = 2 * np.sqrt(np.maximum(found**2 - noise**2, 0))
    padded = np.concatenate([[0.0], inner, [0.0]])
    return np.fmax(padded[:-1], padded[1:])


class Line(NamedTuple):
    """τ(L) = a + b L."""

    fixed: float
    """a: what an estimate costs before its first sample."""
    per_sample: float
    """b."""


def fit_time(samples: Float[np.ndarray, " n"], seconds: Float[np.ndarray, " n"]) -> Line | None:
    """Least squares of the relative error, since timings err in proportion; a, b ≥ 0; None for one L."""
    samples, seconds = np.asarray(samples, float), np.asarray(seconds, float)
    if len(np.unique(samples)) < 2:
        return None
    design = np.stack([np.ones_like(samples), samples], axis=1) / seconds[:, None]
    (fixed, per_sample), _ = nnls(design, np.ones_like(seconds))
    return Line(float(fixed), float(per_sample))
