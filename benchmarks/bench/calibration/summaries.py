"""Intervals on whatever else is made of batch summaries: of one cell, and of several."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from gradest.benchmarks.bench.calibration.laws import generator
from gradest.benchmarks.bench.calibration.rates import Rate, holding
from gradest.benchmarks.measurement.batching import number_of_batches
from gradest.benchmarks.statistics.bias import Truth, biases, exactly
from gradest.benchmarks.statistics.intervals import (
    LINEAR,
    LOG,
    Interval,
    Jackknifed,
    combine,
    interval,
    jackknife,
    largest_variance,
    signal_to_noise,
    total_variance,
    variance,
)
from gradest.benchmarks.statistics.moments import leave_out, summarise
from gradest.benchmarks.statistics.products import product
from gradest.benchmarks.statistics.times import median
from gradest.benchmarks.statistics.trends import crossovers, log_log_slope

RESOLUTION = float(np.finfo(np.float64).eps)
"""Of the numbers that a study tests for bias."""

# One cell

MIXING = np.array(
    [
        [2.0, 0, 0, 0, 0],
        [1, 1, 0, 0, 0],
        [0, -1, 1.5, 0, 0],
        [0.5, 0, 0, 1, 0],
        [0, 0.3, 0, -0.7, 0.4],
    ]
)
"""Makes correlated coordinates of different variance from independent exponential ones."""

EXACT = np.array([1.0, -2.0, 0.5, 0.0, 1.5])
"""The exact gradient."""

COVARIANCE = MIXING @ MIXING.T

BIASES = {
    "none": np.zeros(5),
    "of the size of the noise": np.array([0.0, 0.02, 0.0, 0.01, 0.0]),
    "large": np.array([0.5, 0.3, 0.0, 0.0, -0.2]),
}


def skewed_gradients(
    rng: np.random.Generator, replicates: int, mean: Float[np.ndarray, " 5"]
) -> Float[np.ndarray, "replicates 5"]:
    """Skewed replicates with that mean and the covariance COVARIANCE."""
    return mean + (rng.standard_exponential((replicates, 5)) - 1) @ MIXING.T


def true_statistics(bias: Float[np.ndarray, " 5"]) -> dict[str, float]:
    """What is reported of a cell with this bias, without Monte Carlo error."""
    mean = EXACT + bias
    size = float(np.linalg.norm(EXACT))
    squared = float(bias @ bias)
    relative = float(bias @ EXACT / size**2)
    cosine = float(mean @ EXACT / np.linalg.norm(mean) / size)
    total = float(np.trace(COVARIANCE))
    return {
        "‖bias‖²": squared,
        "relative bias": relative,
        "cosine": cosine,
        "‖bias‖², against a reference run": squared,
        "relative bias, against a reference run": relative,
        "cosine, against a reference run": cosine,
        "total variance": total,
        "largest coordinate's variance": float(np.diag(COVARIANCE).max()),
        "signal-to-noise ratio": float(np.linalg.norm(mean) / np.sqrt(total)),
        "work-normalised variance": total,
        "mean squared error": total + squared,
        "relative RMSE": float(np.sqrt(total + squared)) / size,
        "mean squared error, against a reference run": total + squared,
        "relative RMSE, against a reference run": float(np.sqrt(total + squared)) / size,
    }


def measured_statistics(
    gradients: Float[np.ndarray, "replicates 5"], rng: np.random.Generator
) -> tuple[Interval, ...]:
    """Their intervals from replicates, in the same order."""
    replicates = len(gradients)
    moments = summarise(gradients, number_of_batches(replicates))
    batches_left_out = leave_out(moments)
    spread = variance(moments)
    against_truth = biases({"": moments}, {"": exactly(EXACT)}, RESOLUTION)[""]
    against_run = biases({"": moments}, {"": reference_run(replicates, rng)}, RESOLUTION)[""]
    seconds = median(np.exp(0.1 * rng.standard_normal(15)))
    return (
        against_truth.squared,
        against_truth.relative,
        against_truth.cosine,
        against_run.squared,
        against_run.relative,
        against_run.cosine,
        spread,
        largest_variance(batches_left_out),
        signal_to_noise(batches_left_out),
        product(spread, seconds),
        against_truth.squared_error,
        against_truth.relative_error,
        against_run.squared_error,
        against_run.relative_error,
    )


def reference_run(replicates: int, rng: np.random.Generator) -> Truth:
    """What a run of four times the replicates finds the gradient to be."""
    error = np.sqrt(np.diag(COVARIANCE) / (4 * replicates))
    along = float(np.linalg.norm(error * EXACT) / float(np.linalg.norm(EXACT)))
    return Truth(EXACT + error * rng.standard_normal(5), error, along)


def study_statistics(bias: str, replicates: int, studies: int) -> Iterator[Rate]:
    """Intervals on what is reported of one cell."""
    rng = generator(bias, replicates)
    mean = EXACT + BIASES[bias]
    rounds = [
        measured_statistics(skewed_gradients(rng, replicates, mean), rng) for _ in range(studies)
    ]
    truths = true_statistics(BIASES[bias])
    for place, (statistic, truth) in enumerate(truths.items()):
        intervals = [statistics[place] for statistics in rounds]
        yield Rate(
            part="statistics",
            case=f"bias {bias}",
            method=statistic,
            dim=5,
            replicates=replicates,
            kurtosis=np.nan,
            **holding(intervals, truth),
        )


# Several cells


class Trend(NamedTuple):
    """Two estimators whose variances at each L are known: the first's c/L, the second's 1/L²."""

    crossing: float
    """1/c, the L from which on the second is lower."""
    common: bool
    """Whether they share their random numbers."""


TRENDS = {
    "crossing at L = 6": Trend(6.0, False),
    "crossing at L = 6, common random numbers": Trend(6.0, True),
    "crossing at L = 4.2": Trend(4.2, False),
}

LEVELS = np.array([1.0, 4.0, 16.0, 64.0])
"""L."""


def noise(
    level: float, replicates: int, rng: np.random.Generator
) -> Float[np.ndarray, "replicates 1"]:
    """Skewed replicates of variance 1, less so the larger L is."""
    return rng.gamma(level, size=(replicates, 1)) / np.sqrt(level)


def draw_pair(
    trend: Trend, replicates: int, rng: np.random.Generator
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Replicates of variance 1 of both estimators at each L."""
    first = [noise(level, replicates, rng) for level in LEVELS]
    second = first
    if not trend.common:
        second = [noise(level, replicates, rng) for level in LEVELS]
    # the same numbers seen through another estimator, half of them its own
    mixed = [
        (shared + noise(level, replicates, rng)) / np.sqrt(2)
        for shared, level in zip(second, LEVELS, strict=True)
    ]
    return first, mixed


def jackknifed_variances(
    values: list[np.ndarray], variances: Float[np.ndarray, " levels"]
) -> list[Jackknifed]:
    """The jackknifed variance at each L, of values of variance 1 that are scaled to these."""
    return [
        jackknife(
            total_variance,
            leave_out(summarise(value * np.sqrt(scale), number_of_batches(len(value)))),
        )
        for value, scale in zip(values, variances, strict=True)
    ]


def study_trends(name: str, replicates: int, studies: int) -> Iterator[Rate]:
    """Intervals on what is made of several cells: a ratio of variances, a slope, a crossover."""
    trend = TRENDS[name]
    rng = generator(name, replicates)
    ratios: list[Interval] = []
    slopes: list[Interval] = []
    crossings: list[Interval] = []
    for _ in range(studies):
        drawn, others = draw_pair(trend, replicates, rng)
        first = jackknifed_variances(drawn, 1 / LEVELS / trend.crossing)
        second = jackknifed_variances(others, 1 / LEVELS**2)
        slope = log_log_slope(LEVELS, first)
        if slope is None:
            raise ArithmeticError("expected a slope from four levels")
        ratios.append(interval(combine(np.divide, first[0], second[0])))
        slopes.append(interval(slope, LINEAR))
        crossings += [crossover.at for crossover in crossovers(LEVELS, first, second, LOG)]
    for statistic, intervals, truth in (
        ("ratio of variances", ratios, 1 / trend.crossing),
        ("slope on L", slopes, -1.0),
        ("crossover", crossings, trend.crossing),
    ):
        yield Rate(
            part="trends",
            case=name,
            method=statistic,
            dim=1,
            replicates=replicates,
            kurtosis=np.nan,
            **holding(intervals, truth),
        )
