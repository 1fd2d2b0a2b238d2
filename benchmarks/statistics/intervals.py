"""From batch summaries to numbers with intervals: NumPy in float64, no JAX.

A statistic is a function of a `Sample`. It is evaluated on all batches and on all but each one
(`jackknife`); whatever is made from statistics, a ratio of two cells or a slope over many, is
evaluated on the same left-out batches (`combine`), so that what the cells share cancels. One
function turns any of them into an interval (`interval`). The batches are the independent units:
nothing is assumed on how a gradient is distributed, except that its fourth moment exists, which
`tails` looks into.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.special import stdtrit

from gradest.benchmarks.statistics.moments import LeftOut, Moments, Sample, leave_out
from gradest.benchmarks.statistics.tails import is_heavy

CONFIDENCE = 0.95
"""The level of every interval."""

RESAMPLES = 2_000
"""Of the bootstrap."""

Vector = Float[np.ndarray, "..."]


class Jackknifed(NamedTuple):
    """A statistic of all batches, and of all but each one: a number, or one for each coordinate."""

    value: Vector
    without: Float[np.ndarray, "B ..."]


class Interval(NamedTuple):
    """An estimate with its confidence interval: numbers, or arrays with one for each coordinate."""

    value: Any
    low: Any
    high: Any


UNKNOWN = Interval(float("nan"), float("nan"), float("nan"))
"""Where there is nothing to estimate."""


def total_variance(sample: Sample) -> Vector:
    r"""The variance of a gradient, $s^2 = \sum_i s_i^2$: the trace of the covariance."""
    return sample.variance.sum(-1)


def coordinate_variances(sample: Sample) -> Vector:
    """The variance of each coordinate."""
    return sample.variance


def mean_deviation(sample: Sample) -> Vector:
    """The mean over coordinates of the standard deviation."""
    return np.sqrt(sample.variance).mean(-1)


def squared_norm(sample: Sample) -> Vector:
    r"""The squared norm of E g: that of the mean, less $s^2/R$, which is what noise adds to it."""
    return (sample.mean**2).sum(-1) - total_variance(sample) / sample.size


def squared_signal_to_noise(sample: Sample) -> Vector:
    r"""$\|E g\|^2 / \mathrm{tr}\,\mathrm{Cov}\,g$ of one estimate, without its upward bias.

    The square of Rainforth et al.'s (2018) signal-to-noise ratio.
    """
    total = total_variance(sample)
    return np.divide(squared_norm(sample), total, out=np.full_like(total, np.nan), where=total > 0)


def squared_bias(exact: Vector, error: Vector | float = 0.0) -> Callable[[Sample], Vector]:
    r"""The statistic $\|E g - \nabla\|^2$, less what noise adds to it.

    Args:
        exact: the gradient ∇.
        error: its own standard error in each coordinate.
    """

    def statistic(sample: Sample) -> Vector:
        noise = sample.variance / sample.size + np.square(error)
        return ((sample.mean - exact) ** 2 - noise).sum(-1)

    return statistic


def relative_bias(exact: Vector) -> Callable[[Sample], Vector]:
    r"""The statistic $\langle E g - \nabla, \nabla \rangle / \|\nabla\|^2$.

    It is the error along the gradient ∇, `exact`, as a fraction of it.
    """
    return lambda sample: sample.mean @ exact / (exact @ exact) - 1


def cosine(exact: Vector, error: Vector | float = 0.0) -> Callable[[Sample], Vector]:
    r"""The statistic $\langle E g, \nabla \rangle / (\|E g\| \|\nabla\|)$.

    Both norms are rid of what noise adds to them.

    Args:
        exact: the gradient ∇.
        error: its own standard error in each coordinate.
    """
    length = exact @ exact - np.broadcast_to(np.square(error), exact.shape).sum()

    def statistic(sample: Sample) -> Vector:
        squares = np.asarray(squared_norm(sample)) * length
        positive = np.where((squares > 0) & (length > 0), squares, np.nan)
        return sample.mean @ exact / np.sqrt(positive)

    return statistic


def jackknife(statistic: Callable[[Sample], Vector], samples: LeftOut) -> Jackknifed:
    """A statistic of all batches, and of all but each one."""
    return Jackknifed(statistic(samples.whole), statistic(samples.without))


def largest_share(total: Jackknifed) -> float:
    """The largest share of a batch in a statistic that is a mean over them; 0 where it is zero."""
    if not total.value > 0:
        return 0.0
    others = 1 - 1 / len(total.without)
    return 1 - others * float(np.min(total.without)) / float(total.value)


def combine(function: Callable[..., Vector], *parts: Jackknifed) -> Jackknifed:
    """A function of statistics, the same batch left out of each of them.

    Args:
        function: of as many values as there are statistics.
        parts: the statistics, of equally many batches.

    Where cells share their random numbers what they share cancels; where they do not, the cross
    terms average to nothing.
    """
    value = function(*(part.value for part in parts))
    return Jackknifed(value, function(*(part.without for part in parts)))


class Scale(NamedTuple):
    """Where a statistic is closest to normal, and the way back."""

    to: Callable[[Vector], Vector]
    back: Callable[[Vector], Vector]
    derivative: Callable[[Vector], Vector]
    """That of `to`."""


def _log(values: Vector) -> Vector:
    return np.log(np.where(np.asarray(values) > 0, values, np.nan))


def _same(values: Vector) -> Vector:
    return np.asarray(values, float)


LOG = Scale(_log, np.exp, np.reciprocal)
"""For what is positive: not a number where it is not."""
LINEAR = Scale(_same, _same, np.ones_like)


def interval(
    estimate: Jackknifed, scale: Scale = LOG, *, heavy: bool = False, tests: int = 1
) -> Interval:
    r"""The confidence interval of anything that was jackknifed, in each coordinate.

    $\theta \pm t_{B-1} se$ on the scale, transformed back (Student's t on B − 1 after Tukey, 1958).
    It stays right for heavy tails where the chi-square interval, which assumes kurtosis 3, does
    not.

    Args:
        estimate: the statistic, of one number or of one for each coordinate.
        scale: where it is closest to normal.
        heavy: whether tails are so heavy that the bootstrap-t takes the place of Student's t.
        tests: how many intervals are to hold at once (Bonferroni).

    Returns:
        The interval: degenerate where nothing varies, not a number where the scale does not apply.
    """
    value = np.asarray(estimate.value, float)
    error = standard_error(estimate, scale)
    down = up = t_quantile(len(estimate.without) - 1, tests)
    if heavy and value.ndim == 0 and error > 0:
        down, up = bootstrap_t(estimate, scale, tests)
    center = scale.to(value)
    nothing = (value == 0) & np.all(np.asarray(estimate.without) == 0, axis=0)
    with np.errstate(over="ignore"):  # an end may be infinite
        low = np.where(nothing, value, scale.back(center - down * error))
        high = np.where(nothing, value, scale.back(center + up * error))
    return Interval(*(float(x) if np.ndim(x) == 0 else x for x in (value, low, high)))


def standard_error(estimate: Jackknifed, scale: Scale = LOG) -> Vector:
    r"""The jackknifed standard error on the scale (Efron and Stein, 1981).

    $se^2 = \frac{B-1}{B} \sum_b (\theta_{(b)} - \bar\theta)^2$ with $\theta_{(b)}$ the statistic
    without batch b.
    """
    without = scale.to(np.asarray(estimate.without, float))
    batches = len(without)
    return np.sqrt((batches - 1) / batches * ((without - without.mean(0)) ** 2).sum(0))


def score_interval(
    estimate: Jackknifed, length: float, noise: float, truth_error: float = 0.0
) -> Interval:
    r"""The interval of a squared distance rid of its noise, good down to zero.

    It is a score test inverted (Wilson, 1927). A squared distance has no slope at zero, where its
    jackknife is as small as the distance happened to come out: $\hat\theta \pm t\,se$ misses in up
    to 16 % of studies. But its variance is known to be $v_0^2 + c\,\theta$, so the interval is
    every θ with $(\hat\theta - \theta)^2 \le t^2 (v_0^2 + c\,\theta)$.

    Args:
        estimate: the squared distance $\hat\theta$.
        length: the same with its noise; c is the jackknifed variance over it.
        noise: $v_0$, the standard error where the distance is zero.
        truth_error: the standard error that the truth brings in, which adds to the jackknifed one.
    """
    value = float(estimate.value)
    t = t_quantile(len(estimate.without) - 1)
    c = 0.0
    if length > 0:
        c = float(standard_error(estimate, LINEAR) ** 2 + truth_error**2) / length
    center = value + t**2 * c / 2
    half = t * np.sqrt(max(c * value + t**2 * c**2 / 4 + noise**2, 0.0))
    return Interval(value, float(center - half), float(center + half))


def noise_of_squared_norm(samples: LeftOut, error: Vector | float = 0.0) -> float:
    r"""The standard deviation of $\|\bar g - E g\|^2$.

    It is $\sqrt{2\,\mathrm{tr}\,C^2}$, with C the covariance of $\bar g$. $\mathrm{tr}\,C^2$ is
    estimated from the batches' means, without the bias of the plain trace (Bai and Saranadasa,
    1996).

    Args:
        samples: those of a gradient.
        error: the standard error of a truth in each coordinate, which adds to C.
    """
    batches = len(samples.without.mean)
    freedom = batches - 1
    # of the batches' means from the mean of all
    deviations = (samples.without.mean - samples.whole.mean) * freedom
    products = deviations @ deviations.T / freedom
    trace = np.trace(products)
    unbiased = freedom**2 / ((freedom + 2) * (freedom - 1))
    square = unbiased * ((products**2).sum() - trace**2 / freedom)
    of_truth = np.broadcast_to(np.square(error), samples.whole.mean.shape)
    cross = (samples.whole.variance * of_truth).sum() / samples.whole.size
    return float(np.sqrt(2 * (max(square, 0.0) / batches**2 + 2 * cross + of_truth @ of_truth)))


def bootstrap_t(estimate: Jackknifed, scale: Scale = LOG, tests: int = 1) -> tuple[float, float]:
    r"""How many standard errors an interval reaches down and up.

    By the bootstrap-t (Efron, 1981; Hall, 1988): the pseudo-values $B\theta - (B-1)\theta_{(b)}$
    are nearly independent with mean θ (Tukey, 1958). They are drawn with replacement, their mean is
    studentized on the scale, and its quantiles stand for Student's. The draws are the same every
    time. Where the scale does not apply to most of them, it is Student's after all. Of several
    intervals that are to hold at once, `tests`, each is one of a higher level (Bonferroni).
    """
    without = np.asarray(estimate.without, float)
    value = float(estimate.value)
    batches = len(without)
    pseudo = batches * value - (batches - 1) * without
    drawn = pseudo[np.random.default_rng(0).integers(0, batches, (RESAMPLES, batches))]
    mean = drawn.mean(1)
    error = drawn.std(1, ddof=1) / np.sqrt(batches)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = (scale.to(mean) - scale.to(pseudo.mean())) / (error * scale.derivative(mean))
    t = t[np.isfinite(t)]
    if len(t) < RESAMPLES / 2:
        student = t_quantile(batches - 1, tests)
        return student, student
    outside = (1 - CONFIDENCE) / 2 / tests
    low, high = np.quantile(t, [outside, 1 - outside])
    return float(high), float(-low)


def variance(moments: Moments) -> Interval:
    """The variance of a gradient, the trace of its covariance, with its interval."""
    return interval(jackknife(total_variance, leave_out(moments)), heavy=is_heavy(moments))


def largest_variance(samples: LeftOut) -> Interval:
    """The largest coordinate's variance.

    The interval holds for all coordinates at once, so also for the largest.
    """
    each = jackknife(coordinate_variances, samples)
    at_once = interval(each, tests=np.size(each.value))
    return Interval(*(float(np.max(bound)) for bound in at_once))


def signal_to_noise(samples: LeftOut) -> Interval:
    """‖E g‖/√variance of one estimate; the lower end is 0 where noise may be all."""
    total = float(total_variance(samples.whole))
    if not total > 0:
        return UNKNOWN
    length = float((samples.whole.mean**2).sum())
    noise = noise_of_squared_norm(samples)
    statistic = jackknife(squared_signal_to_noise, samples)
    squared = score_interval(statistic, length / total, noise / total)
    return Interval(*(float(np.sqrt(np.maximum(bound, 0))) for bound in squared))


def replicates_for(precision: float, kurtosis: float) -> float:
    r"""R at which the interval of a variance reaches ± `precision` of it.

    It is $(1.96/\epsilon)^2 (\kappa - 1)$, with ε the precision and κ the kurtosis.
    """
    return (t_quantile(10**9) / precision) ** 2 * max(kurtosis - 1, 0.0)


def t_quantile(freedom: int, tests: int = 1) -> float:
    """Student's two-sided quantile at the confidence level, for so many intervals at once."""
    return float(stdtrit(freedom, 1 - (1 - CONFIDENCE) / 2 / tests))
