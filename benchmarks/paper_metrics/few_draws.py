"""What the mean of n draws shows on average: noise makes its size larger."""

import math

import numpy as np
from scipy.special import ndtr

from gradest.benchmarks.statistics.intervals import Vector
from gradest.benchmarks.statistics.moments import Sample


def mean_signal(sample: Sample, draws: int | None) -> Vector:
    """The mean over coordinates of E|mean of n|/σ; there is none without variance."""
    deviation = np.sqrt(sample.variance)
    size = expected_size(sample.mean, deviation, draws)
    ratio = np.divide(size, deviation, out=np.full_like(size, np.nan), where=deviation > 0)
    return ratio.mean(-1)


def mean_size(sample: Sample, draws: int | None) -> Vector:
    """The mean over coordinates of E|mean of n|."""
    return expected_size(sample.mean, np.sqrt(sample.variance), draws).mean(-1)


def expected_size(mean: Vector, deviation: Vector, draws: int | None) -> Vector:
    r"""E|m + (σ/√n) ε|, ε normal: $2 s \phi(m/s) + m (2 \Phi(m/s) - 1)$ with s = σ/√n.

    >>> float(expected_size(np.array(0.0), np.array(1.0), 4).round(6))  # ½ √(2/π)
    0.398942
    """
    if draws is None:
        return np.abs(mean)
    s = deviation / math.sqrt(draws)
    ratio = np.divide(mean, s, out=np.zeros_like(mean), where=s > 0)
    density = np.exp(-(ratio**2) / 2) / math.sqrt(2 * math.pi)
    folded = 2 * s * density + mean * (2 * ndtr(ratio) - 1)
    return np.where(s > 0, folded, np.abs(mean))
