r"""Which estimator is best: by the relative root mean square error of one estimate.

$\sqrt{\mathrm{tr}\,\mathrm{Cov}\,g + \|\mathrm{bias}\|^2} / \|\nabla\|$, from a run's measurements
and their statistics without each batch. Where ∇ is 0 nothing is relative to it, and errors are
absolute: they are not divided.
"""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import pandas as pd

from gradest.benchmarks.analysis.labels import estimator_label
from gradest.benchmarks.analysis.places import Place
from gradest.benchmarks.analysis.results import ESTIMATOR, PLACE
from gradest.benchmarks.comparisons.budgets import Budget
from gradest.benchmarks.comparisons.levels import (
    Levels,
    budgets_of,
    may_catch_up,
    paid_for,
    with_levels,
)
from gradest.benchmarks.comparisons.metrics import METRICS, squared_error_of
from gradest.benchmarks.comparisons.pairing import same_draws
from gradest.benchmarks.comparisons.ratios import ratio_of
from gradest.benchmarks.errors import BadInput
from gradest.benchmarks.folders.columns import RankedRow, columns_of
from gradest.benchmarks.statistics.intervals import UNKNOWN, Interval
from gradest.problems.arguments import nearest

ROUNDING = 1e-6
"""How far from 1 a ratio may be for the rounding of single precision alone."""


NO_GRADIENT = -1.0
"""The bias along the gradient, over its length, of an estimator that is zero on average."""


def relative_error(row: Any) -> Interval:
    """The relative root mean square error of one row; of a run of 0.3 from its batches.

    Where the gradient is 0 it is the error itself.
    """
    if math.isfinite(row.relative_rmse):
        return Interval(row.relative_rmse, row.relative_rmse_low, row.relative_rmse_high)
    squared = squared_error_of(row)
    if squared is None or not row.exact_norm >= 0:
        return UNKNOWN
    length = row.exact_norm or 1.0
    return Interval(*(math.sqrt(bound) / length for bound in squared.interval))


ABSOLUTE = "The gradient is 0 here: errors are absolute."
"""What is said of a place where nothing is relative to the gradient."""


def is_absolute(row: Any) -> bool:
    """Whether a row's error is absolute, for the gradient is 0."""
    return bool(row.exact_norm == 0)


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
    """The estimators in order at each place: each at the L that the rule of equal cost gives it.

    Args:
        measurements: a run's, with `jackknifed` and `jackknifed_bias`.
        budget: what a gradient may cost; without one, the largest measured L of each.
        only_unbiased: leaves out what claims to be biased, and what was found to be.
        group: of θ, the only one; all where it is None.

    Returns:
        A row for each estimator and place: the columns `rank`, `relative_rmse` with `_low` and
        `_high`, `biased`, `tie` (its error may be the best one's), `measured_samples`,
        `paid_samples` and `estimates` are new.

    Raises:
        BadInput: no such group.
    """
    rows = usable(measurements)
    if group is not None:
        if group not in set(rows.group):
            known = ", ".join(sorted(set(rows.group)))
            raise BadInput(
                f"group {group!r}: expected one of {known}{nearest(group, set(rows.group))}"
            )
        rows = rows[rows.group == group]
    return board_of(with_levels(rows), budget or Budget(), only_unbiased=only_unbiased)


def levels_of(measurements: pd.DataFrame) -> Levels:
    """A run's rows by the rule of equal cost.

    Args:
        measurements: its own, with `jackknifed` and `jackknifed_bias`.
    """
    return with_levels(usable(measurements))


def usable(measurements: pd.DataFrame) -> pd.DataFrame:
    """The rows with numbers."""
    has_numbers = measurements.status.isin(["ok", "unreliable"])
    return measurements[has_numbers & measurements.group.notna()]


def board_of(levels: Levels, budget: Budget, *, only_unbiased: bool = False) -> pd.DataFrame:
    """The leaderboard of rows by the rule of equal cost.

    Args:
        levels: the rows.
        budget: what a gradient may cost.
        only_unbiased: leaves out what is biased.
    """
    return ranking_of(paid_for(levels, budget), only_unbiased=only_unbiased)


def ranking_of(rows: pd.DataFrame, *, only_unbiased: bool) -> pd.DataFrame:
    """The leaderboard of rows that a budget pays for: one for each estimator and place."""
    rows = rows.assign(biased=is_biased(rows))
    if only_unbiased:
        rows = rows[~rows.biased]
    parts = [ranked(place) for _, place in rows.groupby(PLACE, sort=False)]
    return pd.concat(parts, ignore_index=True) if parts else ranked(rows)


def is_biased(rows: pd.DataFrame) -> pd.Series:
    """Which rows are not called unbiased: they do not claim it, or were found to be biased."""
    claims = rows.unbiased.map(lambda value: value is True or value == True)  # noqa: E712
    return ~claims.astype(bool) | (rows.bias_finding == "biased")


def ranked(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of one place, one for each estimator, the smallest error first.

    What points away from the gradient comes last, and ties with none: an estimator that is zero on
    average has a smaller error than one that is noisy.
    """
    rows = with_errors(rows.sort_values(ESTIMATOR))  # of equal errors
    rows = rows.assign(away=[points_away(row) for row in rows.itertuples()])
    table = rows.sort_values(["away", "relative_rmse"], kind="stable", na_position="last")
    in_order = list(table.itertuples())
    return table.assign(
        rank=range(1, len(table) + 1),
        tie=[is_tie(in_order[0], row) and row.away == in_order[0].away for row in in_order],
    )


def points_away(row: Any) -> bool:
    """Whether a row's mean was found to have nothing of the gradient's direction."""
    return row.bias_finding == "biased" and row.bias_relative <= NO_GRADIENT + ROUNDING


SHOWN = (
    *PLACE,
    "rank",
    "estimator",
    "estimator_args",
    "label",
    "num_samples",
    "measured_samples",
    "paid_samples",
    "estimates",
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
"""The columns of a leaderboard that are shown."""


def shown(board: pd.DataFrame) -> pd.DataFrame:
    """The columns of a leaderboard that are shown."""
    return board[[name for name in SHOWN if name in board]]


def is_tie(best: Any, row: Any) -> bool:
    """Whether a row's error may be the best one's, or would be at the L that is paid for."""
    return may_be_equal(best, row) or may_catch_up(best, row)


def may_be_equal(best: Any, row: Any) -> bool:
    """Whether a row's error may be the best one's: the interval of their ratio holds 1."""
    if row.estimator == best.estimator and row.estimator_args == best.estimator_args:
        return True
    if not (best.relative_rmse > 0 and row.relative_rmse > 0):
        return bool(best.relative_rmse == row.relative_rmse)
    found = ratio_of(METRICS["mse"], best, row, same_draws(best, row))
    return may_be_one(None if found is None else found.interval)


class Board(NamedTuple):
    """A leaderboard of one place."""

    place: Place
    budget: int
    """Evaluations of f and its gradient that a gradient may cost."""
    among: str
    """One of AMONG."""
    rows: pd.DataFrame
    """See `board_of`."""


def boards_of(levels: Levels) -> list[Board]:
    """The leaderboards of a whole run, at budgets of evaluations, among all and among the unbiased.

    Args:
        levels: its rows by the rule of equal cost.

    Returns:
        Place by place in the order of the rows, and at each place the smallest budget first.
    """
    boards = []
    beyond = dict(list(levels.beyond.groupby(PLACE)))
    for place, rows in levels.rows.groupby(PLACE, sort=False):
        there = Levels(rows, beyond.get(place, levels.beyond.iloc[:0]))
        for budget in budgets_of(there.measured):
            paid = paid_for(there, Budget(evaluations=budget))
            for among in AMONG:
                ranking = ranking_of(paid, only_unbiased=among == UNBIASED)
                boards.append(Board(place, budget, among, ranking))
    return boards


def filed(boards: Sequence[Board]) -> pd.DataFrame:
    """The columns of leaderboard.csv, the places in order of their names."""
    if not boards:
        return pd.DataFrame(columns=[*FILED])
    in_order = sorted(boards, key=lambda board: board.place)
    parts = [each.rows.assign(budget=each.budget, among=each.among) for each in in_order]
    rows = pd.concat(parts, ignore_index=True)[[*FILED]]
    return rows.astype({"measured_samples": "Int64", "paid_samples": "Int64"})


ALL, UNBIASED = AMONG = ("all", "unbiased")
"""Among whom estimators are ranked."""

FILED = columns_of(RankedRow)
"""The columns of leaderboard.csv."""
