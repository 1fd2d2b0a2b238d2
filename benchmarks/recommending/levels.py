"""The largest L that a budget pays for: of an estimator that can be asked, or of measured ones."""

import math

import numpy as np
import pandas as pd

from gradest.benchmarks.comparisons.budgets import COSTS, Budget
from gradest.benchmarks.comparisons.crossovers import samples_below
from gradest.benchmarks.comparisons.levels import MOST_SAMPLES
from gradest.benchmarks.comparisons.metrics import averaging
from gradest.benchmarks.statistics.times import TimeLine, fit_time
from gradest.estimators import Estimator
from gradest.problems.base import Problem


def most_within(evaluations: int, problem: Problem, each: Estimator) -> int:
    """The largest L of which one estimate makes no more evaluations; 0 where there is none."""
    low, high = 0, MOST_SAMPLES
    while low < high:
        middle = (low + high + 1) // 2
        if sum(each.evaluations(problem, middle)) <= evaluations:
            low = middle
        else:
            high = middle - 1
    return low


def allowed(each: Estimator, most: int) -> int:
    """The largest L up to `most` that the estimator takes; 0 where there is none."""
    fitting = range(min(most, MOST_SAMPLES), 0, -1)
    return next((level for level in fitting if each.refuses_samples(level) is None), 0)


def costs_of(limit: Budget, rows: pd.DataFrame) -> tuple[np.ndarray, TimeLine | None]:
    """What an estimate costs at each measured L, in the budget's unit, and its line along L.

    Seconds are those of the line, τ(L) = a + bL: one time by itself errs too much. Evaluations and
    samples are what they are.

    Args:
        limit: the budget, settled, which says the unit and how it is told.
        rows: of one estimator at one place, one for each L.
    """
    levels = rows.num_samples.to_numpy(float)
    if limit.seconds is not None:
        costs = COSTS[limit.cost or "batched"].prices(rows).to_numpy(float)
    elif limit.evaluations is not None:
        costs = (rows.f_evals + rows.grad_evals).to_numpy(float)
    else:
        costs = levels
    known = np.isfinite(costs) & (costs > 0)
    line = fit_time(levels[known], costs[known])
    if line is not None and limit.seconds is not None:
        costs = line.fixed + line.per_sample * levels
    return costs, line


def most_along(line: TimeLine, amount: float) -> int:
    """The largest L that costs no more, along a line; at most MOST_SAMPLES.

    >>> most_along(TimeLine(1.0, 2.0), 9.0)
    4
    """
    if line.fixed > amount:
        return 0
    if line.per_sample <= 0:
        return MOST_SAMPLES
    # what is exactly paid for is, whatever the rounding
    return min(math.floor((amount - line.fixed) / line.per_sample * (1 + 1e-9)), MOST_SAMPLES)


def mean_of(row: pd.DataFrame, most: int, limit: Budget) -> pd.DataFrame:
    """A candidate's row, of the mean of as many estimates as a budget pays for.

    That is of one where the budget pays for no more than its L, which is below the largest.

    Args:
        row: as it was measured.
        most: the largest L that it takes.
        limit: what a gradient may cost.
    """
    return averaging(row, limit.estimates(row).where(row.num_samples == most, 1))


def noise_below(rows: pd.DataFrame, *, one_over_samples: bool) -> float:
    """The L from which on an estimator's noise is below that of minibatches; NaN if none is known.

    Args:
        rows: of the estimator at one place, one for each L.
        one_over_samples: whether its variance is proportional to 1/L in theory, on all data
            points.
    """
    variance_of_minibatches = float(rows.minibatch_variance.iloc[0])
    if not variance_of_minibatches > 0:
        return math.nan
    own = rows.variance.where(rows.minibatch.isna(), rows.own_variance)
    variances, levels = own.tolist(), rows.num_samples.tolist()
    if one_over_samples and variances[-1] >= 0:
        return math.floor(variances[-1] * levels[-1] / variance_of_minibatches) + 1.0
    found = samples_below(variance_of_minibatches, variances, levels)
    return math.nan if found is None else float(found)
