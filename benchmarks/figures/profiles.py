r"""Estimators over many places: how often each is near the best, and by how much it misses it.

A performance profile (Dolan and Moré, 2002) is the share of places at which an estimator's relative
root mean square error is at most c times the best one's, as a function of c. Where it was not
measured, or the budget pays for no estimate, it is never near. Beside one that is exact, all others
are infinitely far from the best.
"""

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float

from gradest.benchmarks.analysis.results import ESTIMATOR, PLACE
from gradest.benchmarks.comparisons.metrics import ONE, squared_error
from gradest.benchmarks.statistics.intervals import (
    CONFIDENCE,
    RESAMPLES,
    UNKNOWN,
    Interval,
    Jackknifed,
)

FAR = Interval(np.inf, np.inf, np.inf)
"""The factor of what has an error beside what has none."""


class Overall(NamedTuple):
    """One estimator over all places."""

    estimator: str
    estimator_args: str
    factors: Float[np.ndarray, " places"]
    """Its error over the best one's, at each place: infinite where it has none."""
    mean: Interval
    """The geometric mean of its finite factors, over the places where nothing is exact; where there
    is no such place, 1 for what is exact somewhere and infinite for others."""

    @property
    def places(self) -> int:
        """At how many places it was measured."""
        return int(np.isfinite(self.factors).sum())

    def share(self, factor: float) -> float:
        """The share of all places at which its error is at most `factor` times the best one's."""
        return float((self.factors <= factor).mean())


def overall(board: pd.DataFrame) -> list[Overall]:
    """Each estimator over all places, the one that is most often within twice the best first.

    Args:
        board: a leaderboard, of one budget at each place.
    """
    board = board[board.relative_rmse >= 0]
    errors = board.pivot_table(index=ESTIMATOR, columns=PLACE, values="relative_rmse", sort=False)
    factors = (errors / errors.min()).mask(errors == errors.min(), 1.0).fillna(np.inf)
    compared = set(errors.columns[errors.min() > 0])
    drawn = resampled(board)
    found = []
    for (name, arguments), row in factors.iterrows():
        names = (name, arguments)
        own = [place for place in factors.columns if place in compared and np.isfinite(row[place])]
        mean = ONE if (row == 1.0).any() else FAR
        if own:
            best = {place: errors[place].idxmin() for place in own}
            pairs = [(drawn[place, names], drawn[place, best[place]]) for place in own]
            value = float(np.exp(np.mean([np.log(row[place]) for place in own])))
            mean = bootstrapped(pairs)._replace(value=value)
        found.append(Overall(name, arguments, row.to_numpy(float), mean))
    return sorted(found, key=lambda each: (-each.share(2.0), each.mean.value))


def resampled(board: pd.DataFrame) -> dict[Any, Any]:
    """The squared errors at each place and of each estimator, over resampled batches.

    The places are the strata (Agarwal et al., 2021): within each the same batches are drawn for
    all estimators, which share their random numbers.
    """
    drawn = {}
    for stratum, (place, ranked) in enumerate(board.groupby(PLACE, sort=False)):
        for row in ranked.itertuples():
            names = (row.estimator, row.estimator_args)
            drawn[place, names] = over_batches(squared_error(row), stratum)
    return drawn


def over_batches(error: Jackknifed | None, stratum: int) -> Float[np.ndarray, " resamples"] | None:
    """A squared error of batches drawn with replacement, the same for all of a stratum.

    By the pseudo-values, which are nearly independent with the error for their mean (Tukey, 1958).
    """
    if error is None:
        return None
    batches = len(error.without)
    pseudo = batches * error.value - (batches - 1) * error.without
    draw = np.random.default_rng([0, stratum]).integers(0, batches, (RESAMPLES, batches))
    # a squared bias, less noise, may lie below zero, but no error does
    return np.maximum(pseudo[draw].mean(1), 0)


def bootstrapped(pairs: list[tuple[Any, Any]]) -> Interval:
    """The interval of a geometric mean of root ratios, each of resampled squared errors."""
    if any(error is None or best is None for error, best in pairs):
        return UNKNOWN
    with np.errstate(divide="ignore", invalid="ignore"):  # where an error is zero
        logs = np.mean([np.log(error / best) / 2 for error, best in pairs], axis=0)
    low, high = np.quantile(np.exp(logs), [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Interval(float("nan"), float(low), float(high))
