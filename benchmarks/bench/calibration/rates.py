"""How often something happened in so many independent studies, with an interval of its own."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy.stats import binomtest

from gradest.benchmarks.statistics.intervals import CONFIDENCE, Interval

ALPHA = 1 - CONFIDENCE
"""The level of the tests."""


class Rate(NamedTuple):
    """One line of calibration.csv."""

    part: str
    """A key of PARTS."""
    case: str
    """What was simulated."""
    method: str
    dim: int
    replicates: int
    kurtosis: float
    """The true one; for a real cell that of all its replicates; empty where it means nothing."""
    nominal: float
    """What the rate should be."""
    studies: int
    rate: float
    rate_low: float
    """Of the rate's own 95 % interval."""
    rate_high: float
    truth_below: float = np.nan
    """How often the truth was below the interval."""
    truth_above: float = np.nan
    width: float = np.nan
    """The interval's median width: high/low − 1 for what is positive, else high − low."""
    flagged: float = np.nan
    """How often the tail index said that there is no fourth moment."""
    rate_unflagged: float = np.nan
    """The rate among the others."""
    misled: float = np.nan
    """How often the interval missed the truth and nothing warned of it."""


def proportion(hits: int, studies: int) -> dict[str, Any]:
    """A rate with its 95 % interval (Wilson, 1927), as columns of a Rate.

    >>> proportion(95, 100)["rate"]
    0.95
    """
    low, high = binomtest(hits, studies).proportion_ci(CONFIDENCE, method="wilson")
    return {
        "studies": studies,
        "rate": hits / studies,
        "rate_low": float(low),
        "rate_high": float(high),
    }


def holding(
    intervals: Sequence[Interval], truth: float, flags: Sequence[bool] | None = None
) -> dict[str, Any]:
    """How often nominal 95 % intervals hold the truth, as columns of a Rate.

    Args:
        intervals: one for each study; one that is not a number holds nothing.
        truth: what they are intervals of.
        flags: whether each study warned that it has no fourth moment.
    """
    value, low, high = np.array(intervals, float).T
    holds = (low <= truth) & (truth <= high)
    is_positive = (low > 0).all() and (value > 0).all()
    width = high / low - 1 if is_positive else high - low
    columns = proportion(int(holds.sum()), len(holds)) | {
        "nominal": CONFIDENCE,
        "truth_below": float((truth < low).mean()),
        "truth_above": float((truth > high).mean()),
        "width": float(np.median(width)),
    }
    if flags is not None:
        flagged = np.array(flags)
        columns["flagged"] = float(flagged.mean())
        columns["rate_unflagged"] = np.nan if flagged.all() else float(holds[~flagged].mean())
        columns["misled"] = float((~holds & ~flagged).mean())
    return columns
