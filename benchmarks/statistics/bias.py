"""Whether an estimator is biased, by how much, what could have been seen, and what error is left.

NumPy in float64, no JAX.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.special import stdtr, stdtrit

from gradest.benchmarks.statistics.intervals import (
    CONFIDENCE,
    LINEAR,
    UNKNOWN,
    Interval,
    Jackknifed,
    Vector,
    combine,
    cosine,
    interval,
    jackknife,
    noise_of_squared_norm,
    relative_bias,
    score_interval,
    squared_bias,
    t_quantile,
    total_variance,
)
from gradest.benchmarks.statistics.moments import LeftOut, Moments, leave_out, pool
from gradest.benchmarks.statistics.products import widened
from gradest.benchmarks.statistics.tails import is_heavy

RULE_OF_THREE = 3.0
"""What has not happened in R independent replicates has, at 95 %, a probability of at most 3/R
(Hanley and Lippman-Hand, 1983)."""

POWER = 0.8
"""The probability with which a detectable bias is detected."""


class Truth(NamedTuple):
    """A gradient to compare with, in one group of θ."""

    gradient: Float[np.ndarray, " P"]
    error: Float[np.ndarray, " P"]
    """Its standard error, 0 where it is exact."""
    along: float
    """The standard error of its length: of its component along itself."""


def exactly(gradient: Float[np.ndarray, " P"]) -> Truth:
    """A truth without an error."""
    return Truth(gradient, np.zeros_like(gradient), 0.0)


class Deviation(NamedTuple):
    """How far the mean of the replicates lies from the truth in each coordinate.

    And how much of that noise explains.
    """

    distance: Float[np.ndarray, " P"]
    error: Float[np.ndarray, " P"]
    """The standard error of the distance: of the mean, of the truth, of rounding, and of what no
    replicate may have shown."""
    fixed: Float[np.ndarray, " P"]
    """The part of it that more replicates would not lessen: of the truth, and of rounding."""
    skewness: Float[np.ndarray, " P"]
    """$\\kappa_3/\\kappa_2^{3/2}$ of the distance itself: about 1/√R of that of a replicate."""
    freedom: int
    """R − 1."""

    def z(self, hypothesis: Vector | float = 0.0) -> Vector:
        r"""The studentized distance from a hypothesis, rid of its skewness.

        By Hall's (1992) cubic transformation: $z = T + a(2T^2 + 1)/6 + a^2 T^3/27$ with a the
        skewness of the mean. It is monotone in T, and normal to within O(1/R) where T itself is to
        within O(1/√R).

        Args:
            hypothesis: a bias in each coordinate.
        """
        distance = self.distance - hypothesis
        # a coordinate without any noise is a million standard errors from what it is not
        least = np.maximum(np.abs(distance) * 1e-6, np.finfo(float).tiny)
        t = distance / np.maximum(self.error, least)
        a = self.skewness
        return t + a * (2 * t**2 + 1) / 6 + a**2 * t**3 / 27

    def p(self) -> Vector:
        """The two-sided p-value of no bias, in each coordinate."""
        return np.minimum(1, 2 * stdtr(self.freedom, -np.abs(self.z())))


def deviation(
    moments: Moments, truth: Truth, resolution: float, rounded: Vector | float = 0.0
) -> Deviation:
    """The deviation of the mean of the replicates from the truth.

    Args:
        moments: the replicates'.
        truth: what they estimate.
        resolution: the relative precision of the arithmetic: a deviation that rounding explains is
            no bias.
        rounded: the size of rounding errors in each coordinate of an estimate, where it was
            measured: of terms that cancel they are larger than the estimate tells.
    """
    whole = pool(moments)
    count = whole.size
    mean = whole.mean[0]
    spread = whole.second[0] / (count - 1)
    # a coordinate is a sum that others share terms with, and rounds as they do
    size = np.abs(truth.gradient).max(initial=0.0) + np.sqrt(mean**2 + spread)
    rounding = np.maximum(8 * resolution * size, 2 * np.asarray(rounded))
    fixed = np.hypot(truth.error, rounding)
    error = np.sqrt(spread / count + fixed**2 + missable(whole) ** 2)
    third = whole.third[0] / count**3
    skewness = np.divide(third, error**3, out=np.zeros_like(mean), where=error > 0)
    return Deviation(mean - truth.gradient, error, fixed, skewness, count - 1)


def missable(whole: Moments) -> Vector:
    r"""How far off each coordinate's mean may be for an event that no replicate showed.

    Its probability is up to 3/R, by the rule of three. It is taken to be as large as events are in
    other coordinates, $\kappa_3 / \kappa_2$ there, which is the size of a rare one. Where the
    coordinate shows such events, or its own noise would drown them, nothing is missing: 0.

    Args:
        whole: the summaries of all replicates as one batch.
    """
    count = whole.size
    second = whole.second[0]
    sizes = np.divide(np.abs(whole.third[0]), second, out=np.zeros_like(second), where=second > 0)
    sizes = np.maximum(sizes, np.sqrt(second / count))
    largest = sizes.max(initial=0.0)
    possible = RULE_OF_THREE * largest / count
    drowned = np.sqrt(second) > largest / 2  # seen once, it would not make the variance fivefold
    return np.where(drowned | (sizes > largest / 2), 0.0, possible)


def holm(p: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """Holm's (1979) adjusted p-values.

    Those below α keep the chance of any false one below α, dependent or not.
    """
    order = np.argsort(p, kind="stable")
    adjusted = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    return np.minimum(1, adjusted[np.argsort(order, kind="stable")])


class Bias(NamedTuple):
    """What is known of the bias in one group of θ."""

    squared: Interval
    r"""The squared bias $\|E g - \nabla\|^2$, less what noise adds to it: may be below zero."""
    squared_without: Float[np.ndarray, " B"]
    """The same over all replicates but those of each batch in turn."""
    relative: Interval
    r"""The bias along the gradient, $\langle E g - \nabla, \nabla \rangle / \|\nabla\|^2$."""
    cosine: Interval
    r"""The cosine of the angle between E g and ∇."""
    p: float
    """Holm's adjusted p-value of the most deviant coordinate, over all coordinates of the cell."""
    detectable: float
    """The bias that, in any one coordinate, would have been detected with 80 % probability."""
    equivalence_p: float
    """That some coordinate's bias exceeds the margin: small means that none does."""
    squared_error: Interval
    r"""The mean squared error $E \|g - \nabla\|^2 = s^2 + \|E g - \nabla\|^2$ of one estimate."""
    relative_error: Interval
    """Its root over ‖∇‖."""

    @property
    def norm(self) -> float:
        """‖bias‖, 0 where noise explains it all."""
        return float(np.sqrt(max(self.squared.value, 0.0)))


def untested(batches: int) -> Bias:
    """What is known of a bias where nothing can be."""
    nan = float("nan")
    nothing = np.full(batches, nan)
    return Bias(UNKNOWN, nothing, UNKNOWN, UNKNOWN, nan, nan, nan, UNKNOWN, UNKNOWN)


def biases(
    moments: dict[str, Moments],
    truths: dict[str, Truth],
    resolution: float,
    margin: float = 0.05,
    rounded: Mapping[str, Vector] | None = None,
) -> dict[str, Bias]:
    """The bias in each group of a cell, tested over all coordinates of the cell together.

    A bias is claimed by Holm's test over every coordinate. That there is none is claimed by two
    one-sided tests (Schuirmann, 1987) in every coordinate: all must pass, so none is adjusted
    (Berger, 1982). The detectable bias is that of the noisiest coordinate at Holm's first step.

    Args:
        moments: the replicates' of each group.
        truths: what they estimate.
        resolution: the relative precision of the arithmetic.
        margin: of the tests that there is no bias, as a fraction of the group's ‖∇‖.
        rounded: the size of rounding errors in each coordinate of an estimate, of each group.
    """
    errors = rounded or {}
    deviations = {
        group: deviation(moments[group], truths[group], resolution, errors.get(group, 0.0))
        for group in truths
    }
    p = {group: each.p() for group, each in deviations.items()}
    ends = np.cumsum([len(part) for part in p.values()])
    adjusted = np.split(holm(np.concatenate(list(p.values()))), ends[:-1])
    freedom = next(iter(deviations.values())).freedom
    # the distance, in standard errors, that Holm's first step and the power ask for
    reach = float(stdtrit(freedom, 1 - (1 - CONFIDENCE) / 2 / ends[-1]) + stdtrit(freedom, POWER))
    biases_of = {}
    for (group, each), holms in zip(deviations.items(), adjusted, strict=True):
        truth = truths[group]
        samples = leave_out(moments[group])
        heavy = is_heavy(moments[group])
        squared = jackknife(squared_bias(truth.gradient, each.fixed), samples)
        truth_error = 2 * float(np.linalg.norm(each.distance * each.fixed))
        squared_error = squared_error_interval(samples, squared, truth_error, heavy=heavy)
        biases_of[group] = Bias(
            squared=score_interval(
                squared,
                length=float(each.distance @ each.distance),
                noise=noise_of_squared_norm(samples, each.fixed),
                truth_error=truth_error,
            ),
            squared_without=squared.without,
            relative=relative_interval(samples, truth, each.fixed, heavy=heavy),
            cosine=cosine_interval(samples, truth, each.fixed),
            p=float(holms.min()),
            detectable=reach * float(each.error.max()),
            equivalence_p=equivalence_p(each, margin * float(np.linalg.norm(truth.gradient))),
            squared_error=squared_error,
            relative_error=relative_error_interval(squared_error, truth),
        )
    return biases_of


def squared_error_interval(
    samples: LeftOut, squared: Jackknifed, truth_error: float, *, heavy: bool
) -> Interval:
    """The mean squared error of one estimate: its variance and its squared bias.

    The squared bias is rid of noise, and that noise is a small part of the variance, so that the
    sum is as close to normal on the log scale as the variance is.

    Args:
        samples: the replicates'.
        squared: their squared bias.
        truth_error: the standard error of the squared bias that the truth brings in.
        heavy: whether tails are so heavy that the interval is bootstrapped.
    """
    total = jackknife(total_variance, samples)
    error = combine(np.add, total, squared)
    if error.value > 0:
        return widened(interval(error, heavy=heavy), truth_error / float(error.value))
    # nothing varies, and rounding explains the bias
    return Interval(0.0, 0.0, t_quantile(samples.whole.size) * truth_error)


def relative_error_interval(squared_error: Interval, truth: Truth) -> Interval:
    """The root mean square error of one estimate over ‖∇‖; unknown where ‖∇‖ is 0."""
    length = float(np.linalg.norm(truth.gradient))
    if length == 0:
        return UNKNOWN
    relative = Interval(*(float(np.sqrt(bound)) / length for bound in squared_error))
    return widened(relative, truth.along / length) if relative.value > 0 else relative


def relative_interval(samples: LeftOut, truth: Truth, fixed: Vector, *, heavy: bool) -> Interval:
    """The relative bias; the truth's error widens it, and rounding, one way in all coordinates.

    Args:
        samples: the replicates'.
        truth: what they estimate.
        fixed: the error in each coordinate that more replicates would not lessen.
        heavy: whether tails are so heavy that the interval is bootstrapped.
    """
    size = truth.gradient @ truth.gradient
    if size == 0:
        return UNKNOWN
    value, low, high = interval(
        jackknife(relative_bias(truth.gradient), samples), LINEAR, heavy=heavy
    )
    truth_error = t_quantile(samples.whole.size) * float(truth.along) / float(np.sqrt(size))
    rounding = np.sqrt(np.maximum(fixed**2 - truth.error**2, 0.0))
    rounded = float(rounding @ np.abs(truth.gradient) / size)
    down = float(np.hypot(value - low, truth_error)) + rounded
    up = float(np.hypot(value - high, truth_error)) + rounded
    return Interval(value, value - down, value + up)


def cosine_interval(samples: LeftOut, truth: Truth, fixed: Vector) -> Interval:
    """The cosine of the angle between E g and the truth.

    1 − cos is half the squared distance between the two directions, so its interval is that of a
    squared distance. The arguments are those of `relative_interval`.
    """
    size = float(np.linalg.norm(truth.gradient))
    length = float(np.linalg.norm(samples.whole.mean))
    if size == 0 or length == 0:
        return UNKNOWN
    direction = truth.gradient / size
    difference = samples.whole.mean / length - direction
    across = LeftOut(*(part._replace(mean=_across(part.mean, direction)) for part in samples))
    statistic = jackknife(cosine(truth.gradient, fixed), samples)
    distance = score_interval(
        Jackknifed(1 - statistic.value, 1 - statistic.without),
        length=float(difference @ difference) / 2,
        noise=noise_of_squared_norm(across, fixed) / (2 * size**2),
        truth_error=float(np.linalg.norm(difference * fixed)) / size,
    )
    cosines = (1 - distance.value, 1 - distance.high, 1 - distance.low)
    return Interval(*(float(np.clip(bound, -1, 1)) for bound in cosines))


def _across(means: Vector, direction: Vector) -> Vector:
    return means - (means @ direction)[..., None] * direction


def bias(moments: Moments, exact: Float[np.ndarray, " P"], resolution: float) -> Bias:
    """The bias of a cell with one group of θ and an exact gradient.

    Args:
        moments: the replicates'.
        exact: the gradient.
        resolution: the relative precision of the arithmetic.
    """
    return biases({"": moments}, {"": exactly(exact)}, resolution)[""]


def equivalence_p(each: Deviation, margin: float) -> float:
    """The p-value of two one-sided tests in every coordinate that |bias| < `margin`.

    It is 1 where there is no margin to be within.
    """
    if margin == 0:
        return 1.0
    above = stdtr(each.freedom, -each.z(-margin))
    below = stdtr(each.freedom, each.z(margin))
    return float(np.maximum(above, below).max())
