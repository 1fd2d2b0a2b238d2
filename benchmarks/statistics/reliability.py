"""Whether a variance and its interval are to be trusted, by its tails and its batches."""

import math
import re

import numpy as np

from gradest.benchmarks.statistics.bias import RULE_OF_THREE, Truth
from gradest.benchmarks.statistics.intervals import Interval
from gradest.benchmarks.statistics.moments import Moments, pool
from gradest.benchmarks.statistics.tails import HEAVY_TAIL, Tail

MOST_OF_A_BATCH = 0.25
"""The share of the variance in one batch, of 20 to 32, above which their spread says nothing."""


def may_be_infinite(reason: str) -> bool:
    """Whether a row's reason for doubt is that its variance may be infinite.

    >>> may_be_infinite("tail index 1.2: the variance may be infinite")
    True
    >>> may_be_infinite("tail index 2.8: the fourth moment may be infinite, so no interval is sure")
    False
    """
    return re.search("variance(, which)? may be infinite", reason) is not None


def is_unseen(moments: Moments, truth: Truth, rounding: float) -> bool:
    """Whether replicates of a random estimate show no variance where there may be some.

    All are equal in every coordinate; or in one of them to rounding, and there not to an exact
    truth, as they would be on average.

    Args:
        moments: of one group of θ.
        truth: what the replicates estimate.
        rounding: the size of rounding errors in the estimates.
    """
    equal = (moments.second == 0).all(0) & (moments.mean == moments.mean[0]).all(0)
    if equal.all():
        return True
    whole = pool(moments)
    still = np.sqrt(whole.second[0] / whole.size) < 8 * rounding
    distance = np.abs(whole.mean[0] - truth.gradient)
    return bool((still & (truth.error == 0) & (distance > 8 * rounding)).any())


def reliability(
    replicates: int,
    variance: Interval,
    kurtosis: float,
    tail: Tail,
    rounding: float,
    share: float,
    *,
    unseen: bool = False,
) -> tuple[str, str]:
    """A row's status and the reason for doubt, if any.

    Args:
        replicates: R.
        variance: of an estimate, with its interval.
        kurtosis: of its distance from the mean.
        tail: of that distance.
        rounding: the size of rounding errors in the estimates.
        share: the largest of a batch in the variance.
        unseen: whether replicates that all are equal need not be so: see `is_unseen`.
    """
    if unseen:
        return "unreliable", (
            f"no two values in R = {replicates:,} replicates: an event of a probability up to "
            f"{RULE_OF_THREE / replicates:.1g} may be missing"
        )
    if variance.value == 0:
        return "ok", "variance zero"
    if math.sqrt(variance.value) < 8 * rounding:
        return "ok", "variance zero to rounding"
    doubt = doubt_of(replicates, kurtosis, tail, share)
    if doubt:
        return "unreliable", doubt
    if kurtosis > HEAVY_TAIL:
        return "ok", f"kurtosis {kurtosis:.0f}: bootstrapped interval"
    return "ok", ""


def doubt_of(replicates: int, kurtosis: float, tail: Tail, share: float) -> str:
    """Why a variance's interval is not to be trusted; empty where it is.

    Args:
        replicates: R.
        kurtosis: of an estimate's distance from the mean.
        tail: of that distance.
        share: the largest of a batch in the variance.
    """
    # a replicate that holds the share p of the sum of squares makes the kurtosis at least p²R: here
    # about a half
    if kurtosis > replicates / 4 or not math.isfinite(kurtosis):
        return f"kurtosis {kurtosis:.0f}: one replicate carries the variance, which may be infinite"
    index = f"tail index {tail.alpha:.1f}"
    if tail.lacks_moment(2):
        return f"{index}: the variance may be infinite"
    if tail.lacks_moment(4):
        return f"{index}: the fourth moment may be infinite, so no interval is sure"
    if share > MOST_OF_A_BATCH:
        return (
            f"one batch of replicates carries {share:.0%} of the variance, "
            "perhaps by what it learned"
        )
    return ""
