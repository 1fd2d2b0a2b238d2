"""What two cells are compared in: variance, work, bias and error, each batch by batch."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from gradest.benchmarks.statistics.intervals import Interval, Jackknifed, combine, interval
from gradest.benchmarks.statistics.tails import HEAVY_TAIL

ONE = Interval(1.0, 1.0, 1.0)


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


def work_of(row: Any) -> Estimate:
    """The variance of an estimate times its seconds."""
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


METRICS = {
    "variance": Metric("variance", variance_of, of_noise=True),
    "work": Metric("work-normalised variance", work_of, of_noise=True),
    "bias": Metric("‖bias‖", bias_of),
    "mse": Metric("mean squared error", squared_error_of),
}
