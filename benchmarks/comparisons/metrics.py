"""What two cells are compared in: variance, work, bias and error, each batch by batch."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from gradest.benchmarks.statistics.intervals import Interval, Jackknifed, combine, interval
from gradest.benchmarks.statistics.tails import HEAVY_TAIL

ONE = Interval(1.0, 1.0, 1.0)


VARIANCE = ("variance", "variance_low", "variance_high")
"""The columns of the variance and of its interval."""

SUMMED = ("variance_per_dim", "exact_variance")
"""Columns that are at an added L the same sum of those at measured ones, and of a mean divided."""

UNKNOWN_THERE = ("variance_max", "mse", "relative_rmse", "snr", "cosine", "work_normalised", "own")
"""What the names of columns begin with that are made anew, or are not known, at an added L and of a
mean."""

TIMES = ("seconds", "seconds_alone")
"""Columns of times, each with an interval."""

ENDS_OF_TIMES = tuple(f"{name}{end}" for name in TIMES for end in ("_low", "_high"))
"""Columns of the ends of their intervals."""

COSTS_OF_ONE = ("f_evals", "grad_evals")
"""Columns of what an estimate evaluates."""


class Estimate(NamedTuple):
    """A cell's value of a metric."""

    interval: Interval
    jackknifed: Jackknifed | None
    """The same batch by batch, where that is known."""
    factor: Interval = ONE
    """What multiplies it and has an error of its own."""
    heavy: bool = False


class Metric(NamedTuple):
    """Something of which ratios are taken."""

    title: str
    of: Callable[[Any], Estimate | None]
    """A row's estimate, or None where the metric means nothing there."""
    of_noise: bool = False
    """Whether it is zero where the variance is."""


def variance_of(row: Any) -> Estimate:
    """The variance of an estimate, s²."""
    whole = Interval(row.variance, row.variance_low, row.variance_high)
    return Estimate(whole, row.jackknifed, heavy=row.kurtosis > HEAVY_TAIL)


def scaled(variance: Estimate, factor: float) -> Estimate:
    """A variance times a number."""
    ends = Interval(*(factor * end for end in variance.interval))
    known = variance.jackknifed
    statistic = known and Jackknifed(factor * known.value, factor * known.without)
    return Estimate(ends, statistic, heavy=variance.heavy)


def work_of(row: Any) -> Estimate | None:
    """The variance of an estimate times its seconds; None where it was not timed."""
    if not row.seconds > 0:
        return None
    seconds = Interval(row.seconds, row.seconds_low, row.seconds_high)
    return variance_of(row)._replace(factor=seconds)


def bias_of(row: Any) -> Estimate | None:
    """‖bias‖, where one was found."""
    if row.bias_finding != "biased":
        return None
    squared = Interval(row.bias_squared, row.bias_squared_low, row.bias_squared_high)
    whole = Interval(*(math.sqrt(max(bound, 0.0)) for bound in squared))
    return Estimate(whole, row.jackknifed_bias and combine(root, row.jackknifed_bias))


def root(values: Any) -> Any:
    """The square root; not a number where there is none."""
    return np.sqrt(np.where(np.asarray(values) > 0, values, np.nan))


def squared_error_of(row: Any) -> Estimate | None:
    """The mean squared error of an estimate, where there is a truth.

    A run of 0.3 has no columns of it: there it is made of the batches, and without them of the ends
    of both intervals, which makes one that is too wide.
    """
    heavy = row.kurtosis > HEAVY_TAIL
    error = squared_error(row)
    if math.isfinite(row.mse):
        return Estimate(Interval(row.mse, row.mse_low, row.mse_high), error, heavy=heavy)
    if error is not None:
        return Estimate(interval(error, heavy=heavy), error, heavy=heavy)
    variance = (row.variance, row.variance_low, row.variance_high)
    squared_bias = (row.bias_squared, row.bias_squared_low, row.bias_squared_high)
    if not all(map(math.isfinite, (*variance, *squared_bias))):
        return None
    ends = [not_negative_sum(*both) for both in zip(variance, squared_bias, strict=True)]
    return Estimate(Interval(*map(float, ends)), None, heavy=heavy)


def squared_error(row: Any) -> Jackknifed | None:
    """A row's mean squared error batch by batch, where its variance and bias are known so."""
    if row.jackknifed is None or row.jackknifed_bias is None:
        return None
    return combine(not_negative_sum, row.jackknifed, row.jackknifed_bias)


def not_negative_sum(variance: Any, squared_bias: Any) -> Any:
    """Their sum: less noise, a squared bias may lie below zero, but no error does."""
    return np.maximum(variance + squared_bias, 0)


def of_nothing(bias: Jackknifed | None) -> Jackknifed | None:
    """A squared bias that is 0, of as many batches."""
    return bias and Jackknifed(np.float64(0.0), np.zeros_like(bias.without))


def averaging(rows: pd.DataFrame, estimates: pd.Series) -> pd.DataFrame:
    """Rows of the means of independent estimates: their variance is divided, their bias is not.

    It is so of every estimator, whatever its variance along L. Of a mean the noise of a squared
    bias may be all: it is 0 where none is claimed and none was found, or where it came out below 0.
    What has no variance stays one estimate.

    Args:
        rows: of one estimate each, with `jackknifed`.
        estimates: of how many each row becomes the mean.

    Returns:
        The rows with `estimates`; those of one estimate as they were.
    """
    changed = rows.assign(estimates=estimates.where(rows.variance > 0, 1))
    several = changed[changed.estimates > 1]
    if several.empty:
        return changed
    count = several.estimates
    means: dict[str, Any] = dict.fromkeys(
        (name for name in several if name.startswith(UNKNOWN_THERE)), math.nan
    )
    for name in (*VARIANCE, *SUMMED):
        means[name] = several[name] / count
    for name in (*COSTS_OF_ONE, *TIMES, *ENDS_OF_TIMES):
        means[name] = several[name] * count
    variances = [scaled(variance_of(row), 1 / row.estimates) for row in several.itertuples()]
    known = [variance.jackknifed for variance in variances]
    means["jackknifed"] = pd.Series(known, index=several.index, dtype=object)
    has_none = (several.unbiased == True) & (several.bias_finding != "biased")  # noqa: E712
    has_none |= several.bias_squared < 0
    for name in ("bias_squared", "bias_squared_low", "bias_squared_high"):
        means[name] = several[name].mask(has_none, 0.0)
    biases = zip(several.jackknifed_bias, has_none, strict=True)
    known = [of_nothing(bias) if is_none else bias for bias, is_none in biases]
    means["jackknifed_bias"] = pd.Series(known, index=several.index, dtype=object)
    if "paid_samples" in several:
        means["paid_samples"] = math.nan
    parts = [changed[changed.estimates == 1], several.assign(**means)]
    return pd.concat([part for part in parts if len(part)]).loc[rows.index]


METRICS = {
    "variance": Metric("variance", variance_of, of_noise=True),
    "work": Metric("work-normalised variance", work_of, of_noise=True),
    "bias": Metric("‖bias‖", bias_of),
    "mse": Metric("mean squared error", squared_error_of),
}
