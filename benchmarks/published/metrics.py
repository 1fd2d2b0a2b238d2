r"""The metrics of papers: what each is of a gradient estimate, and how far n draws of it scatter.

gradest's variance is the trace of the covariance; papers have others. Each is made of the mean and
the variance of the coordinates, as the replicates of a cell have them, with the interval of the
same jackknife. What authors estimate from n draws scatters: a variance by
$v = (\kappa - \frac{n-3}{n-1})/n$ of it squared, κ the kurtosis, taken from ours.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple

import numpy as np
from scipy.special import ndtr

from gradest.benchmarks.statistics import intervals
from gradest.benchmarks.statistics.intervals import (
    LINEAR,
    UNKNOWN,
    Interval,
    Vector,
    jackknife,
    mean_deviation,
)
from gradest.benchmarks.statistics.moments import LeftOut, Moments, Sample, leave_out
from gradest.benchmarks.statistics.tails import HEAVY_TAIL

OBJECTIVE = "objective"
"""The metric that is not of the gradient: a column of training.csv."""

STD_MEAN = "std_mean"
"""A metric that is a column of trajectory.csv, where no moments are kept."""

Scale = Literal["positive", "logarithm", "linear"]
"""Where errors add up: in the logarithm of a metric, in a metric that is one, or as it is."""


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

    @property
    def samples(self) -> LeftOut | None:
        """What a statistic is a function of; None where no moments were kept."""
        if self.moments is None:
            return None
        samples = leave_out(self.moments)
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


def only(sample: Sample, coordinate: int) -> Sample:
    """The sample of one coordinate."""
    part = slice(coordinate, coordinate + 1)
    return Sample(sample.size, sample.mean[..., part], sample.variance[..., part])


class Metric(NamedTuple):
    """What a paper may have measured of an estimator."""

    words: str
    """The formula in words."""
    latex: str
    ours: Callable[[Measured], Interval]
    scale: Scale
    scatter: Callable[[Measured], float]
    """The standard error of n draws on the scale."""
    skewed: float = 0.0
    """By how many v the mean of the logarithm lies below the logarithm of the mean; 0 where ours is
    what n draws show on average."""
    shared: bool = False
    """Whether the error of ours is that of draws which all seeds of training have in common."""


def variance(measured: Measured) -> Interval:
    """The trace of the covariance, or the variance of the only coordinate."""
    if measured.coordinate is None:
        return of_row(measured, "variance")
    return of_moments(measured, intervals.total_variance)


def variance_mean(measured: Measured) -> Interval:
    """The mean over coordinates of the variance."""
    dim = float(measured.row["dim"])
    return Interval(*(end / dim for end in of_row(measured, "variance")))


def std_mean(measured: Measured) -> Interval:
    """The mean over coordinates of the standard deviation: along training without an interval."""
    if measured.moments is None and STD_MEAN in measured.row:
        return Interval(*(float(measured.row[STD_MEAN]),) * 3)
    return of_moments(measured, mean_deviation)


def log_variance_of_mean_std(measured: Measured) -> Interval:
    """2 ln of it, as n draws show it: to the first order, -v/2 is the mean error of ln s².

    NumPy's standard deviation, which papers take, divides by n: ln(1 - 1/n) comes to it.
    """
    shift = math.log1p(measured.relative_variance) / 2
    if measured.draws is not None:
        shift -= math.log1p(-1 / measured.draws)
    return Interval(*(2 * math.log(end) - shift for end in positive(std_mean(measured))))


def snr_mean(measured: Measured) -> Interval:
    """The mean over coordinates of |mean| over standard deviation, as n draws show it."""
    return of_moments(measured, lambda each: mean_signal(each, measured.draws), LINEAR)


def mean_abs(measured: Measured) -> Interval:
    """The mean over coordinates of |mean|, as n draws show it."""
    return of_moments(measured, lambda each: mean_size(each, measured.draws), LINEAR)


def relative_bias(measured: Measured) -> Interval:
    """‖E g − ∇‖/‖∇‖, as n draws show it: the noise of their mean is in it."""
    noise = 0.0 if measured.draws is None else measured.row["variance"] / measured.draws
    length = measured.row["exact_norm"]
    ends = of_row(measured, "bias_squared")
    return Interval(*(math.sqrt(max(end, 0.0) + noise) / length for end in ends))


def objective(measured: Measured) -> Interval:
    """E[f] at the θ that training came to, of one seed."""
    return of_row(measured, OBJECTIVE)


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


def power(base: Callable[[Measured], Interval], exponent: float) -> Callable[[Measured], Interval]:
    """A power of a metric that is not negative."""
    return lambda measured: Interval(*(end**exponent for end in base(measured)))


def ln(base: Callable[[Measured], Interval]) -> Callable[[Measured], Interval]:
    """The natural logarithm of a metric that is positive."""
    return lambda measured: Interval(*map(math.log, positive(base(measured))))


def positive(estimate: Interval) -> Interval:
    """An interval of which there are logarithms: unknown where it reaches 0."""
    return estimate if estimate.low > 0 else UNKNOWN


def scatter_of_variance(exponent: float) -> Callable[[Measured], float]:
    """Of the logarithm of a variance's power: a variance of n draws taken as log-normal."""
    return lambda measured: exponent * math.sqrt(math.log1p(measured.relative_variance))


def scatter_of_mean(measured: Measured) -> float:
    """Of a mean of coordinates' sizes: as if all of them erred together, which is the most."""
    samples = measured.samples
    if samples is None or measured.draws is None:
        return 0.0
    return float(mean_deviation(samples.whole)) / math.sqrt(measured.draws)


def scatter_of_signal(measured: Measured) -> float:
    """Of a mean of ratios of mean and deviation, likewise."""
    samples = measured.samples
    if samples is None or measured.draws is None:
        return 0.0
    ratio = samples.whole.mean / np.sqrt(samples.whole.variance)
    of_deviation = ratio**2 * measured.relative_variance / 4
    return float(np.sqrt(1 / measured.draws + of_deviation).mean())


def scatter_of_bias(measured: Measured) -> float:
    """Of the relative bias: the error of the mean, as if all of it lay along the bias."""
    if measured.draws is None:
        return 0.0
    return math.sqrt(measured.row["variance"] / measured.draws) / float(measured.row["exact_norm"])


def no_scatter(measured: Measured) -> float:
    """Of what no draws are stated of."""
    del measured
    return 0.0


OF_VARIANCE, OF_DEVIATION = scatter_of_variance(1.0), scatter_of_variance(0.5)

METRICS: dict[str, Metric] = {
    "variance": Metric(
        "the variance: the trace of the covariance, or of one coordinate",
        r"\mathrm{tr}\,\mathrm{Cov}(g)",
        variance,
        "positive",
        OF_VARIANCE,
        skewed=0.5,
    ),
    "variance_mean": Metric(
        "the mean over coordinates of the variance",
        r"\frac{1}{P} \sum_i \mathrm{Var}(g_i)",
        variance_mean,
        "positive",
        OF_VARIANCE,
        skewed=0.5,
    ),
    "ln_variance": Metric(
        "the natural logarithm of the variance",
        r"\ln \mathrm{tr}\,\mathrm{Cov}(g)",
        ln(variance),
        "logarithm",
        OF_VARIANCE,
        skewed=0.5,
    ),
    "ln_variance_mean": Metric(
        "the natural logarithm of the mean over coordinates of the variance",
        r"\ln \frac{1}{P} \sum_i \mathrm{Var}(g_i)",
        ln(variance_mean),
        "logarithm",
        OF_VARIANCE,
        skewed=0.5,
    ),
    "std": Metric(
        "the standard deviation: the root of the variance",
        r"\sqrt{\mathrm{tr}\,\mathrm{Cov}(g)}",
        power(variance, 0.5),
        "positive",
        OF_DEVIATION,
        skewed=0.25,
    ),
    "std_mean": Metric(
        "the mean over coordinates of the standard deviation",
        r"\frac{1}{P} \sum_i \sqrt{\mathrm{Var}(g_i)}",
        std_mean,
        "positive",
        OF_DEVIATION,
        skewed=0.25,
    ),
    "log_variance_of_mean_std": Metric(
        "twice the logarithm of the mean over coordinates of the standard deviation of n draws, "
        "divided by n, with the error that so few make on average",
        r"2 \ln \frac{1}{P} \sum_i s_i",
        log_variance_of_mean_std,
        "logarithm",
        OF_VARIANCE,
    ),
    "snr_mean": Metric(
        "the mean over coordinates of |mean of n draws| over their standard deviation",
        r"\frac{1}{P} \sum_i |\bar g_i| / s_i",
        snr_mean,
        "linear",
        scatter_of_signal,
    ),
    "mean_abs": Metric(
        "the mean over coordinates of |mean of n draws|",
        r"\frac{1}{P} \sum_i |\bar g_i|",
        mean_abs,
        "linear",
        scatter_of_mean,
    ),
    "relative_bias": Metric(
        "the length of the bias over that of the gradient, the noise of n draws in it",
        r"\|\bar g - \nabla\| / \|\nabla\|",
        relative_bias,
        "linear",
        scatter_of_bias,
    ),
    OBJECTIVE: Metric(
        "the objective after some steps of training: in VAEs the mean over data points",
        r"\mathbb{E}[f]",
        objective,
        "linear",
        no_scatter,
        shared=True,
    ),
}
"""Each under the name that a sweep has for it."""

OF_ONE_COORDINATE = ("variance", "ln_variance", "std", "mean_abs")
"""The metrics that one coordinate has too."""

OF_MOMENTS = ("snr_mean", "mean_abs")
"""The metrics that are made of the mean of every coordinate, which is kept at the start alone."""

ALONG_TRAINING = tuple(name for name in METRICS if name not in OF_MOMENTS)
"""The metrics that are known after some steps of training."""
