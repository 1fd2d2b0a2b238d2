r"""The metrics of papers: what each is of a gradient estimate, and how far n draws of it scatter.

gradest's variance is the trace of the covariance; papers have others. Each is made of the mean and
the variance of the coordinates, as the replicates of a cell have them, with the interval of the
same jackknife.
"""

import math
from collections.abc import Callable
from typing import Literal, NamedTuple

from gradest.benchmarks.paper_metrics.few_draws import mean_signal, mean_size
from gradest.benchmarks.paper_metrics.measured import Measured, of_moments, of_row, positive
from gradest.benchmarks.paper_metrics.scatter import (
    no_scatter,
    scatter_of_bias,
    scatter_of_mean,
    scatter_of_signal,
    scatter_of_variance,
)
from gradest.benchmarks.statistics import intervals
from gradest.benchmarks.statistics.intervals import LINEAR, Interval, mean_deviation

OBJECTIVE = "objective"
"""The metric that is not of the gradient: a column of training.csv."""

HELD_OUT = "held_out"
"""The same on data that were held out."""

OF_TRAINING = (OBJECTIVE, HELD_OUT)

STD_MEAN = "std_mean"
"""A metric that is a column of trajectory.csv, where no moments are kept."""

Scale = Literal["positive", "logarithm", "linear"]
"""Where errors add up: in the logarithm of a metric, in a metric that is one, or as it is."""


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


def snr(measured: Measured) -> Interval:
    """‖E g‖/√tr Cov g; ‖E g‖ is that of the gradient where none but noise lies between them."""
    row = measured.row
    if not (row["exact"] and row["unbiased"] and row["bias_finding"] != "biased"):
        return of_row(measured, "snr")
    ends = (row["variance"], row["variance_high"], row["variance_low"])
    return Interval(*(row["exact_norm"] / math.sqrt(end) for end in ends))


def mean_abs(measured: Measured) -> Interval:
    """The mean over coordinates of |mean|, as n draws show it."""
    return of_moments(measured, lambda each: mean_size(each, measured.draws), LINEAR)


def relative_bias(measured: Measured) -> Interval:
    """‖E g − ∇‖/‖∇‖, as n draws show it: the noise of their mean is in it."""
    noise = 0.0 if measured.draws is None else measured.row["variance"] / measured.draws
    length = measured.row["exact_norm"]
    ends = of_row(measured, "bias_squared")
    return Interval(*(math.sqrt(max(end, 0.0) + noise) / length for end in ends))


def relative_std(measured: Measured) -> Interval:
    """The root of the variance over ‖E g‖: what the signal-to-noise ratio is the inverse of."""
    ratio, low, high = of_row(measured, "snr")
    return Interval(*(1 / end if end > 0 else math.inf for end in (ratio, high, low)))


def objective(measured: Measured) -> Interval:
    """E[f] at the θ that training came to, of one seed."""
    return of_row(measured, OBJECTIVE)


def held_out(measured: Measured) -> Interval:
    """The same on data that were held out."""
    return of_row(measured, HELD_OUT)


def power(base: Callable[[Measured], Interval], exponent: float) -> Callable[[Measured], Interval]:
    """A power of a metric that is not negative."""
    return lambda measured: Interval(*(end**exponent for end in base(measured)))


def ln(base: Callable[[Measured], Interval]) -> Callable[[Measured], Interval]:
    """The natural logarithm of a metric that is positive."""
    return lambda measured: Interval(*map(math.log, positive(base(measured))))


def scatter_of_snr(measured: Measured) -> float:
    """Of its logarithm: the deviation's, and the error of the mean along itself."""
    if measured.draws is None:
        return 0.0
    of_mean = 1 / (snr(measured).value * math.sqrt(measured.draws))
    return math.hypot(scatter_of_variance(0.5)(measured), of_mean)


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
    "snr": Metric(
        "the length of the mean over the standard deviation",
        r"\|E g\| / \sqrt{\mathrm{tr}\,\mathrm{Cov}(g)}",
        snr,
        "positive",
        scatter_of_snr,
        skewed=-0.25,
    ),
    "mean_abs": Metric(
        "the mean over coordinates of |mean of n draws|",
        r"\frac{1}{P} \sum_i |\bar g_i|",
        mean_abs,
        "linear",
        scatter_of_mean,
    ),
    "relative_std": Metric(
        "the root of the variance over the length of the mean",
        r"(\mathrm{tr}\,\mathrm{Cov}(g))^{1/2} / \|\mathbb{E} g\|",
        relative_std,
        "positive",
        OF_DEVIATION,
        skewed=0.25,
    ),
    "relative_bias": Metric(
        "the length of the bias over that of the gradient, the noise of n draws in it",
        r"\|\bar g - \nabla\| / \|\nabla\|",
        relative_bias,
        "linear",
        scatter_of_bias,
    ),
    OBJECTIVE: Metric(
        "the objective after some steps of training, summed over data points",
        r"\mathbb{E}[f]",
        objective,
        "linear",
        no_scatter,
        shared=True,
    ),
    HELD_OUT: Metric(
        "the objective on data that were held out, after some steps of training",
        r"\mathbb{E}[f]",
        held_out,
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
