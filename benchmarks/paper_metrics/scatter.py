r"""How far what authors estimate from n draws scatters.

A variance by $v = (\kappa - \frac{n-3}{n-1})/n$ of it squared, κ the kurtosis, taken from ours.
"""

import math
from collections.abc import Callable

import numpy as np

from gradest.benchmarks.paper_metrics.measured import Measured
from gradest.benchmarks.statistics.intervals import mean_deviation


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
