"""Whether a variance and its interval are to be trusted, by its tails and its batches."""

import math

from gradest.benchmarks.statistics.intervals import Interval
from gradest.benchmarks.statistics.tails import HEAVY_TAIL, Tail

MOST_OF_A_BATCH = 0.25
"""The share of the variance in one batch, of 20 to 32, above which their spread says nothing."""


def reliability(
    replicates: int,
    variance: Interval,
    kurtosis: float,
    tail: Tail,
    rounding: float,
    share: float,
) -> tuple[str, str]:
    """A row's status and the reason for doubt, if any.

    Args:
        replicates: R.
        variance: of an estimate, with its interval.
        kurtosis: of its distance from the mean.
        tail: of that distance.
        rounding: the size of rounding errors in the estimates.
        share: the largest of a batch in the variance.
    """
    if variance.value == 0:
        return "ok", "variance zero"
    if math.sqrt(variance.value) < 8 * rounding:
        return "ok", "variance zero to rounding"
    if doubt := doubt_of(replicates, kurtosis, tail, share):
        return "unreliable", doubt
    if kurtosis > HEAVY_TAIL:
        return "ok", f"kurtosis {kurtosis:.0f}: bootstrapped interval"
    return "ok", ""


def doubt_of(replicates: int, kurtosis: float, tail: Tail, share: float) -> str:
    """Why a variance that is not zero cannot be trusted, or nothing."""
    # a replicate that holds the share p of the sum of squares makes the kurtosis at least p²R: here
    # about a half
    if kurtosis > replicates / 4 or not math.isfinite(kurtosis):
        return f"kurtosis {kurtosis:.0f}: one replicate carries the variance, which may be infinite"
    if tail.lacks_moment(2):
        return f"tail index {tail.alpha:.1f}: the variance may be infinite"
    if tail.lacks_moment(4):
        return (
            f"tail index {tail.alpha:.1f}: the fourth moment may be infinite, "
            "so no interval is sure"
        )
    if share > MOST_OF_A_BATCH:
        return (
            f"one batch of replicates carries {share:.0%} of the variance, "
            "perhaps by what it learned"
        )
    return ""
