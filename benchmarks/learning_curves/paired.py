"""Intervals over seeds: of a mean, of differences and of ratios, each seed paired with itself."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from gradest.benchmarks.statistics.intervals import UNKNOWN, Interval, t_quantile

AT_LEAST, AT_MOST, NOTHING = "at least", "at most", "unknown"
"""What is known of a ratio where one of two never got there."""


class Times(NamedTuple):
    """What it took each seed to get somewhere."""

    at: Float[np.ndarray, " seeds"]
    """Of one that never did, how far it was followed."""
    never: Bool[np.ndarray, " seeds"]

    @property
    def reached(self) -> int:
        """How many seeds did."""
        return int((~self.never).sum())


class Ratio(NamedTuple):
    """A ratio of times, in the geometric mean over seeds."""

    interval: Interval
    bound: str
    """AT_LEAST, AT_MOST or NOTHING; empty where it is known."""


def mean_over_seeds(values: Sequence[float] | Float[np.ndarray, " seeds"]) -> Interval:
    """The mean over seeds, with Student's t on their number less one.

    Of one seed there is no interval; of values that are not all finite nothing is known.
    """
    known = np.asarray(values, float)
    if not len(known) or not np.isfinite(known).all():
        return UNKNOWN
    mean = float(known.mean())
    if len(known) == 1:
        return Interval(mean, math.nan, math.nan)
    half = t_quantile(len(known) - 1) * float(known.std(ddof=1)) / math.sqrt(len(known))
    return Interval(mean, mean - half, mean + half)


def geometric_mean(values: Float[np.ndarray, " seeds"]) -> Interval:
    """The mean over seeds on the logarithmic scale; nothing is known of what is not above 0."""
    if not len(values) or not (values > 0).all():
        return UNKNOWN
    with np.errstate(over="ignore"):  # of seeds of which some diverge an end may be ∞
        return Interval(*(float(np.exp(end)) for end in mean_over_seeds(np.log(values))))


def times_together(times: Times) -> Ratio:
    """What it took in the geometric mean: at least that, where some seeds never got there."""
    found = geometric_mean(times.at)
    return bounded(found, AT_LEAST if times.never.any() else "")


def ratio_of_times(above: Times, below: Times) -> Ratio:
    r"""The one's times over the other's, seed by seed.

    $\ln$ of the ratio has Student's interval. A seed that never got there counts with how far it
    was followed, so that the ratio is at least (or, below the line, at most) what comes out, and
    the end of the interval on that side is a bound too; on the other there is none. Where both
    sides have such seeds nothing is known.

    Args:
        above: of the one.
        below: of the other, of the same seeds in the same order.
    """
    if above.never.any() and below.never.any():
        return Ratio(UNKNOWN, NOTHING)
    if not ((above.at > 0).all() and (below.at > 0).all()):
        return Ratio(UNKNOWN, NOTHING)
    bound = ""
    if above.never.any() or below.never.any():
        bound = AT_LEAST if above.never.any() else AT_MOST
    return bounded(geometric_mean(above.at / below.at), bound)


def bounded(found: Interval, bound: str) -> Ratio:
    """An interval without the end on which nothing is known."""
    if bound == AT_LEAST:
        found = found._replace(high=math.inf)
    elif bound == AT_MOST:
        found = found._replace(low=0.0)
    return Ratio(found, bound)
