"""What a run has of one cell and group, and the statistics of it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from gradest.benchmarks.statistics import intervals
from gradest.benchmarks.statistics.intervals import UNKNOWN, Interval, Vector, jackknife
from gradest.benchmarks.statistics.moments import LeftOut, Moments, Sample, leave_out
from gradest.benchmarks.statistics.tails import HEAVY_TAIL


class Measured(NamedTuple):
    """What a run has of one cell and group."""

    row: Mapping[str, Any]
    """Of measurements.csv."""
    moments: Moments | None = None
    """Of the replicates, where they were kept."""
    draws: int | None = None
    """n, from how many the authors estimated; None: from so many that it is exact."""
    coordinate: int | None = None
    """The only one that is meant."""
    expectation: Sequence[float] | None = None
    """E g, where it is known."""

    @property
    def samples(self) -> LeftOut | None:
        """What a statistic is a function of; None where no moments were kept.

        Where E g is known it stands for the mean of our replicates, whose noise would add to its
        size.
        """
        if self.moments is None:
            return None
        samples = leave_out(self.moments)
        if self.expectation is not None:
            samples = LeftOut(*(about(each, np.array(self.expectation)) for each in samples))
        if self.coordinate is None:
            return samples
        return LeftOut(*(only(each, self.coordinate) for each in samples))

    @property
    def relative_variance(self) -> float:
        """v, that of a variance of n draws."""
        if self.draws is None:
            return 0.0
        n = self.draws
        return max(float(self.row["kurtosis"]) - (n - 3) / (n - 1), 0.0) / n


def about(sample: Sample, mean: Vector) -> Sample:
    """The sample with a mean that is known."""
    return sample._replace(mean=np.broadcast_to(mean, sample.variance.shape))


def only(sample: Sample, coordinate: int) -> Sample:
    """The sample of one coordinate."""
    part = slice(coordinate, coordinate + 1)
    return Sample(sample.size, sample.mean[..., part], sample.variance[..., part])


def of_row(measured: Measured, column: str) -> Interval:
    """A number of measurements.csv with its interval."""
    return Interval(*(float(measured.row[column + end]) for end in ("", "_low", "_high")))


def of_moments(
    measured: Measured,
    statistic: Callable[[Sample], Vector],
    scale: intervals.Scale = intervals.LOG,
) -> Interval:
    """A statistic with its interval; unknown where no moments were kept."""
    samples = measured.samples
    if samples is None:
        return UNKNOWN
    heavy = float(measured.row["kurtosis"]) > HEAVY_TAIL
    return intervals.interval(jackknife(statistic, samples), scale, heavy=heavy)


def positive(estimate: Interval) -> Interval:
    """An interval of which there are logarithms: unknown where it reaches 0."""
    return estimate if estimate.low > 0 else UNKNOWN
