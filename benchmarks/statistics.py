"""From batch summaries to numbers with intervals: numpy in float64, no JAX.

R replicates of a gradient in P coordinates arrive as B equal batches, each summarised by its mean, its centred second
moment per coordinate, and the sum of the fourth powers of the distances to its mean. Every interval treats the batches
as the independent units, so it needs no assumption on how a gradient is distributed.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.special import ndtr, stdtrit

CONFIDENCE = 0.95
"""The level of every interval."""


class Moments(NamedTuple):
    """Summaries of equal batches, one row a batch."""

    size: int
    """Replicates in each batch."""
    mean: Float[np.ndarray, "B P"]
    second: Float[np.ndarray, "B P"]
    """Sum over replicates of (g − mean)², per coordinate."""
    fourth: Float[np.ndarray, " B"]
    """Sum over replicates of ‖g − c‖⁴, with c a centre common to all batches, close to the mean."""

    @property
    def replicates(self) -> int:
        """R, over all batches."""
        return self.size * len(self.mean)


class Interval(NamedTuple):
    """An estimate with its confidence interval."""

    value: float
    low: float
    high: float


def merge(chunks: list[Moments]) -> Moments:
    """The summaries of all chunks' replicates, batch by batch, as if in one chunk (Chan, Golub and LeVeque, 1979)."""
    total = chunks[0]
    for chunk in chunks[1:]:
        count = total.size + chunk.size
        apart = chunk.mean - total.mean
        total = Moments(
            count,
            total.mean + apart * (chunk.size / count),
            total.second + chunk.second + apart**2 * (total.size * chunk.size / count),
            total.fourth + chunk.fourth,
        )
    return total


def pool(moments: Moments) -> Moments:
    """All batches as one batch."""
    rows = (moments.mean[:, None], moments.second[:, None], moments.fourth[:, None])
    return merge([Moments(moments.size, *row) for row in zip(*rows, strict=True)])


def variances(moments: Moments) -> Float[np.ndarray, " P"]:
    """The unbiased variance of each coordinate over all replicates."""
    return pool(moments).second[0] / (moments.replicates - 1)


def variance(moments: Moments) -> Interval:
    r"""The trace of the covariance, $s^2 = \sum_i s_i^2$, with the jackknife interval of ln s².

    With $s^2_{(b)}$ the value without batch b, $se^2 = \frac{B-1}{B} \sum_b (\ln s^2_{(b)} - \overline{\ln s^2})^2$,
    and the interval is $s^2 \exp(\pm t_{B-1} se)$ (Efron and Stein, 1981; Student's t on B − 1 after Tukey, 1958). It
    stays right for heavy tails where the chi-square interval, which assumes kurtosis 3, does not.
    """
    whole = pool(moments)
    batches, rest = len(moments.mean), whole.size - moments.size
    mean_without = (whole.size * whole.mean - moments.size * moments.mean) / rest
    apart = mean_without - moments.mean
    second_without = whole.second - moments.second - apart**2 * (rest * moments.size / whole.size)
    total = float(whole.second.sum() / (whole.size - 1))
    without = np.maximum(second_without.sum(1) / (rest - 1), 0)
    if total == 0 or np.any(without == 0):
        return Interval(total, total, total)
    logs = np.log(without)
    half = t_quantile(batches - 1) * np.sqrt((batches - 1) / batches * ((logs - logs.mean()) ** 2).sum())
    return Interval(total, total * float(np.exp(-half)), total * float(np.exp(half)))


def kurtosis(moments: Moments) -> float:
    r"""$E\|g - \bar g\|^4 / (E\|g - \bar g\|^2)^2$: in one coordinate the usual kurtosis (3 for a Gaussian).

    The relative variance of s² is (kurtosis − 1)/R, so this says how many replicates an interval needs. The centre of
    the fourth powers is a pilot's mean over one batch of n, not the mean itself: an error of a factor 1 + O(1/n).
    """
    whole = pool(moments)
    second = whole.second.sum() / whole.size
    return float(moments.fourth.sum() / whole.size / second**2) if second > 0 else float("nan")


class Bias(NamedTuple):
    """How far the mean of the replicates lies from the exact gradient."""

    norm: float
    r"""$\|E g - \nabla\|$, less what noise adds to its square (0 where that is all)."""
    p: float
    """Holm's adjusted p-value of the most deviant coordinate: small means biased."""
    relative: Interval
    r"""$\langle E g - \nabla, \nabla \rangle / \|\nabla\|^2$: the error along the gradient, as a fraction of it."""


def bias(moments: Moments, exact: Float[np.ndarray, " P"], resolution: float) -> Bias:
    """Tests the mean of the replicates against the exact gradient.

    Each coordinate has z = (mean − exact)/se; the smallest two-sided p times P is Holm's (1979) adjusted value for the
    most deviant one, and holds whatever the dependence between coordinates. `resolution` is the relative precision of
    the arithmetic: a deviation that rounding explains is no bias.
    """
    whole = pool(moments)
    mean, spread = whole.mean[0], variances(moments)
    rounding = 8 * resolution * (np.abs(exact) + np.sqrt(mean**2 + spread))
    error = np.sqrt(spread / moments.replicates + rounding**2)
    z = np.divide(mean - exact, error, out=np.zeros_like(mean), where=error > 0)
    p = min(1.0, len(z) * 2 * float(ndtr(-np.abs(z).max())))
    squared = ((mean - exact) ** 2).sum() - (error**2).sum()
    return Bias(float(np.sqrt(max(squared, 0.0))), p, relative_error(moments, exact, resolution))


def relative_error(moments: Moments, exact: Float[np.ndarray, " P"], resolution: float) -> Interval:
    """The error along the exact gradient as a fraction of it, with Student's interval over the batches."""
    size = (exact**2).sum()
    if size == 0:
        return Interval(float("nan"), float("nan"), float("nan"))
    errors = moments.mean @ exact / size - 1
    half = t_quantile(len(errors) - 1) * errors.std(ddof=1) / np.sqrt(len(errors)) + 8 * resolution
    return Interval(float(errors.mean()), float(errors.mean() - half), float(errors.mean() + half))


def log_log_slope(samples: Float[np.ndarray, " n"], measured: list[Interval], batches: int) -> Interval | None:
    """The slope of ln(variance) on ln(L) by least squares, weighted by the measured precision; None for one L.

    Each ln(variance) has the standard error that its interval implies; the cells at different L are independent.
    """
    value = np.array([interval.value for interval in measured])
    width = np.array([np.log(i.high / i.low) if i.low > 0 else np.nan for i in measured])
    quantile = t_quantile(batches - 1)
    error = width / (2 * quantile)
    usable = (value > 0) & (error > 0) & np.isfinite(error)
    if len(np.unique(samples[usable])) < 2:
        return None
    x, y, weight = np.log(samples[usable]), np.log(value[usable]), error[usable] ** -2
    x = x - np.average(x, weights=weight)
    precision = (weight * x**2).sum()
    slope = float((weight * x * y).sum() / precision)
    half = float(quantile / np.sqrt(precision))
    return Interval(slope, slope - half, slope + half)


def t_quantile(freedom: int) -> float:
    """Student's two-sided quantile at the confidence level."""
    return float(stdtrit(freedom, (1 + CONFIDENCE) / 2))
