r"""Which estimator is best: by the relative root mean square error of one estimate.

$\sqrt{\mathrm{tr}\,\mathrm{Cov}\,g + \|\mathrm{bias}\|^2} / \|\nabla\|$, from a run's measurements
and their statistics without each batch.
"""

import math
from typing import Any

import pandas as pd

from gradest.benchmarks.analysis.labels import estimator_label
from gradest.benchmarks.analysis.results import ESTIMATOR, PLACE
from gradest.benchmarks.comparisons.budgets import Budget
from gradest.benchmarks.comparisons.metrics import METRICS, squared_error_of
from gradest.benchmarks.comparisons.pairing import same_draws
from gradest.benchmarks.comparisons.ratios import ratio_of
from gradest.benchmarks.errors import BadInput
from gradest.benchmarks.statistics.intervals import UNKNOWN, Interval
from gradest.problems.arguments import nearest

ROUNDING = 1e-6
"""How far from 1 a ratio may be for the rounding of single precision alone."""


def relative_error(row: Any) -> Interval:
    """The relative root mean square error of one row; of a run of 0.3 from its batches."""
    if math.isfinite(row.relative_rmse):
        return Interval(row.relative_rmse, row.relative_rmse_low, row.relative_rmse_high)
    squared = squared_error_of(row)
    if squared is None or not row.exact_norm > 0:
        return UNKNOWN
    return Interval(*(math.sqrt(bound) / row.exact_norm for bound in squared.interval))


def with_errors(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with `label`, the estimator in words, and `relative_rmse` with its interval."""
    errors = [relative_error(row) for row in rows.itertuples()]
    return rows.assign(
        label=[estimator_label(row.estimator, row.estimator_args) for row in rows.itertuples()],
        relative_rmse=[error.value for error in errors],
        relative_rmse_low=[error.low for error in errors],
        relative_rmse_high=[error.high for error in errors],
    )


def may_be_one(ratio: Interval | None) -> bool:
    """Whether two errors may be equal, as far as their ratio is known."""
    return ratio is not None and ratio.low <= 1 + ROUNDING and ratio.high >= 1 - ROUNDING


def leaderboard(
    measurements: pd.DataFrame,
    budget: Budget | None = None,
    *,
    only_unbiased: bool = False,
    group: str | None = None,
) -> pd.DataFrame:
    """The estimators in order at each place: at the largest L of each that the budget pays for.

    Args:
        measurements: a run's, with `jackknifed` and `jackknifed_bias`.
        budget: what a gradient may cost; without one, the largest L of each.
        only_unbiased: leaves out what claims to be biased, and what was found to be.
        group: of θ, the only one; all where it is None.

    Returns:
        A row for each estimator and place: the columns `rank`, `relative_rmse` with `_low` and
        `_high`, `biased` and `tie` (its error may be the best one's) are new.

    Raises:
        BadInput: no such group.
    """
    rows = measurements[measurements.status.isin(["ok", "unreliable"]) & measurements.group.notna()]
    if group is not None:
        if group not in set(rows.group):
            known = ", ".join(sorted(set(rows.group)))
            raise BadInput(
                f"group {group!r}: expected one of {known}{nearest(group, set(rows.group))}"
            )
        rows = rows[rows.group == group]
    rows = rows.assign(biased=is_biased(rows))
    rows = rows[(budget or Budget()).pays_for(rows).fillna(False)]
    if only_unbiased:
        rows = rows[~rows.biased]
    parts = [ranked(place) for _, place in rows.groupby(PLACE, sort=False)]
    return pd.concat(parts, ignore_index=True) if parts else ranked(rows)


def is_biased(rows: pd.DataFrame) -> pd.Series:
    """Which rows are not called unbiased: they do not claim it, or were found to be biased."""
    claims = rows.unbiased.map(lambda value: value is True or value == True)  # noqa: E712
    return ~claims.astype(bool) | (rows.bias_finding == "biased")


def ranked(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of one place, each estimator's at its largest L, the smallest error first."""
    largest = rows.groupby(ESTIMATOR).num_samples.transform("max")
    rows = rows[rows.num_samples == largest]
    table = with_errors(rows).sort_values("relative_rmse", kind="stable", na_position="last")
    in_order = list(table.itertuples())
    table = table.assign(
        rank=range(1, len(table) + 1), tie=[is_tie(in_order[0], row) for row in in_order]
    )
    return table[[column for column in SHOWN if column in table]]


SHOWN = (
    *PLACE,
    "rank",
    "estimator",
    "estimator_args",
    "label",
    "num_samples",
    "relative_rmse",
    "relative_rmse_low",
    "relative_rmse_high",
    "biased",
    "tie",
    "variance",
    "bias_relative",
    "bias_relative_low",
    "bias_relative_high",
    "bias_finding",
    "exact_norm",
    "seconds",
    "f_evals",
    "grad_evals",
    "status",
)
"""The columns of a leaderboard."""


def is_tie(best: Any, row: Any) -> bool:
    """Whether a row's error may be the best one's: the interval of their ratio holds 1."""
    if row.estimator == best.estimator and row.estimator_args == best.estimator_args:
        return True
    if not (best.relative_rmse > 0 and row.relative_rmse > 0):
        return bool(best.relative_rmse == row.relative_rmse)
    found = ratio_of(METRICS["mse"], best, row, same_draws(best, row))
    return may_be_one(None if found is None else found.interval)


def leaderboards(measurements: pd.DataFrame) -> pd.DataFrame:
    """The leaderboards of a whole run, at budgets of evaluations, among all and among the unbiased.

    Every L of a place makes a budget: 2 L evaluations, those that L draws with f's gradient at
    each need.

    Args:
        measurements: a run's, with `jackknifed` and `jackknifed_bias`.

    Returns:
        The columns of leaderboard.csv.
    """
    parts = []
    for _, rows in measurements.groupby([*PLACE], sort=True):
        for level in sorted(rows.num_samples.unique()):
            budget = Budget(evaluations=2 * int(level))
            for among in AMONG:
                board = leaderboard(rows, budget, only_unbiased=among == "unbiased")
                parts.append(board.assign(budget=budget.evaluations, among=among))
    if not parts:
        return pd.DataFrame(columns=[*FILED])
    return pd.concat(parts, ignore_index=True)[[*FILED]]


AMONG = ("all", "unbiased")
"""Among whom estimators are ranked."""

FILED = (
    *PLACE,
    "budget",
    "among",
    "rank",
    "tie",
    *ESTIMATOR,
    "num_samples",
    "relative_rmse",
    "relative_rmse_low",
    "relative_rmse_high",
    "biased",
    "bias_relative",
    "f_evals",
    "grad_evals",
    "status",
)
"""The columns of leaderboard.csv."""
