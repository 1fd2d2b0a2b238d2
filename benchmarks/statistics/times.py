"""Statistics of times, which are positive and err in proportion: medians, and a line along L.

NumPy in float64, no JAX.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.optimize import nnls
from scipy.special import bdtr

from gradest.benchmarks.statistics.intervals import CONFIDENCE, Interval, t_quantile

LEAST_ORDERED = 6
"""Values whose range is an interval of the median at the confidence level: 2/2⁶ = 3 %."""


def median(values: Float[np.ndarray, " n"]) -> Interval:
    """The median with its interval between order statistics, whatever the distribution.

    Thompson's (1936) interval. Fewer than six values reach no such level: the interval is then
    their range. Of none nothing is known.
    """
    # scipy.stats.quantile_test gives the same, but scipy.stats, which nothing else in a run needs,
    # takes 0.4 s to import
    ordered = np.sort(np.asarray(values, float))
    count = len(ordered)
    if not count:
        return Interval(math.nan, math.nan, math.nan)
    misses = 2 * bdtr(np.arange(count // 2), count, 0.5)
    # the chance that the median lies outside the k-th and the k-th last value grows with k
    rank = max(1, int((misses <= 1 - CONFIDENCE).sum()))
    low = float(ordered[rank - 1])
    high = float(ordered[count - rank])
    return Interval(float(np.median(ordered)), low, high)


def over_processes(seconds: Sequence[float]) -> Interval:
    """What a process takes, from the seconds of several: the median, by order statistics.

    Of two to five, which reach no level by order statistics, the geometric mean, with Student's t
    on the logarithms: times are positive and err in proportion (Student, 1908; a lognormal's
    median).
    """
    if len(seconds) >= LEAST_ORDERED:
        return median(np.asarray(seconds))
    logs = np.log(np.asarray(seconds, float))
    half = t_quantile(len(logs) - 1) * logs.std(ddof=1) / np.sqrt(len(logs))
    return Interval(*(float(np.exp(logs.mean() + side * half)) for side in (0, -1, 1)))


class TimeLine(NamedTuple):
    """The time of an estimate, τ(L) = a + b L."""

    fixed: float
    """a: what an estimate costs before its first sample."""
    per_sample: float
    """b: what each sample adds."""


def fit_time(samples: Float[np.ndarray, " n"], seconds: Float[np.ndarray, " n"]) -> TimeLine | None:
    """A line fitted to times by least squares of the relative error: timings err in proportion.

    Args:
        samples: each L.
        seconds: the time of an estimate at it.

    Returns:
        The line, with a, b ≥ 0; None for fewer than two L.
    """
    samples = np.asarray(samples, float)
    seconds = np.asarray(seconds, float)
    if len(np.unique(samples)) < 2:
        return None
    design = np.stack([np.ones_like(samples), samples], axis=1) / seconds[:, None]
    (fixed, per_sample), _ = nnls(design, np.ones_like(seconds))
    return TimeLine(float(fixed), float(per_sample))
