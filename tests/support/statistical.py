"""Tests of what is measured against exact values: statistics, and how large they may be."""

import math

from scipy.special import stdtrit

from gradest.benchmarks.measurement.batching import number_of_batches
from gradest.benchmarks.statistics import intervals
from gradest.benchmarks.statistics.moments import Moments

REPLICATES = 20_000


def deviation(moments: Moments, exact: float) -> float:
    """(ln s² − ln exact) in its jackknife standard errors."""
    value, low, high = intervals.variance(moments)
    half = math.log(high / low) / 2
    return (
        (math.log(value) - math.log(exact))
        / half
        * intervals.t_quantile(number_of_batches(REPLICATES) - 1)
    )


def threshold(tests: int) -> float:
    """Student's quantile at which one of so many tests fails by chance once in a hundred runs."""
    return float(stdtrit(number_of_batches(REPLICATES) - 1, 1 - 0.01 / tests / 2))
