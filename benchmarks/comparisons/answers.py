"""The answer of a run: at each place who has the least error at equal cost, and by how much."""

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import pandas as pd

from gradest.benchmarks.analysis.places import Place
from gradest.benchmarks.analysis.results import ESTIMATOR, PLACE
from gradest.benchmarks.comparisons.budgets import Budget
from gradest.benchmarks.comparisons.leaderboard import leaderboard, may_be_one
from gradest.benchmarks.comparisons.metrics import METRICS
from gradest.benchmarks.comparisons.pairing import same_draws
from gradest.benchmarks.comparisons.ratios import ratio_of
from gradest.benchmarks.statistics.intervals import Interval


class Leader(NamedTuple):
    """Who has the least error at a place."""

    row: Any
    """Its row of the leaderboard."""
    ties: tuple[str, ...]
    """The labels of others whose error may be as small."""
    next: str
    """The label of the first that is surely worse; empty where there is none."""
    factor: Interval | None
    """The next one's error over this one's; None where there is no next, or this has none."""

    @property
    def is_exact(self) -> bool:
        """Whether it has no error at all."""
        return bool(self.row.relative_rmse == 0)


class Answer(NamedTuple):
    """Who is best at a place, each at the largest L that one and the same budget pays for."""

    place: Place
    budget: int
    """Evaluations of f and its gradient."""
    best: Leader
    """Of all, biased or not; where an unbiased one is as good, that one."""
    unbiased: Leader | None
    """Of the unbiased; the same where that is the best of all, None where there is none."""
    lead: Interval | None
    """The best unbiased one's error over a biased best one's."""


def at_equal_cost(table: pd.DataFrame, *, only_unbiased: bool) -> pd.DataFrame:
    """The leaderboard of each place at twice its largest L in evaluations.

    Args:
        table: a run's measurements.
        only_unbiased: leaves out what is biased.
    """
    boards = []
    for _, rows in table.groupby(PLACE, sort=False):
        board = leaderboard(rows, budget_of(rows), only_unbiased=only_unbiased)
        boards.append(board)
    board = pd.concat(boards, ignore_index=True)
    return board[board.relative_rmse >= 0]


def budget_of(rows: pd.DataFrame) -> Budget:
    """What the largest L of a place costs with f and its gradient at each draw."""
    return Budget(evaluations=2 * int(rows.num_samples.max()))


def answers(table: pd.DataFrame) -> list[Answer]:
    """The answer at each place where two estimators can be ranked, in the order of the table.

    Args:
        table: a run's measurements, with `jackknifed` and `jackknifed_bias`.
    """
    return list(found_answers(table[table.status.isin(["ok", "unreliable"])]))


def found_answers(table: pd.DataFrame) -> Iterator[Answer]:
    """The answers, one by one."""
    for place, rows in table.groupby(PLACE, sort=False):
        budget = budget_of(rows)
        board = leaderboard(rows, budget)
        board = board[board.relative_rmse >= 0]
        if len(board) < 2:
            continue
        measured = {key_of(row): row for row in rows.itertuples()}
        ranked = [*board.itertuples()]
        of_unbiased = [row for row in ranked if not row.biased]
        best = leader(ranked, measured)
        unbiased = leader(of_unbiased, measured) if of_unbiased else None
        lead = None
        if best.row.biased and unbiased:
            lead = error_ratio(best.row, unbiased.row, measured)
        yield Answer(place, budget.evaluations or 0, best, unbiased, lead)


def leader(ranked: Sequence[Any], measured: dict[Any, Any]) -> Leader:
    """The first of some rows, or the first unbiased one that ties with it.

    Args:
        ranked: rows of a leaderboard, the best first.
        measured: the same rows of the run's measurements, by `key_of`.
    """
    exact = [row for row in ranked if row.relative_rmse == 0]
    if exact:
        return exact_leader(exact, ranked[len(exact) :])
    over_first = [error_ratio(ranked[0], row, measured) for row in ranked[1:]]
    tied = [row for row, over in zip(ranked[1:], over_first, strict=True) if may_be_one(over)]
    equals = [ranked[0], *tied]
    row = next((each for each in equals if not each.biased), ranked[0])
    others = [each for each in ranked if not any(each is one for one in equals)]
    names = tuple(each.label for each in equals if each is not row)
    if not others:
        return Leader(row, names, "", None)
    return Leader(row, names, others[0].label, error_ratio(row, others[0], measured))


def exact_leader(exact: Sequence[Any], others: Sequence[Any]) -> Leader:
    """The first of those without any error, before the first that has one."""
    ties = tuple(row.label for row in exact[1:])
    return Leader(exact[0], ties, others[0].label if others else "", None)


def error_ratio(one: Any, other: Any, measured: dict[Any, Any]) -> Interval | None:
    """The second row's error over the first's; None where it is not known.

    Paired where both have the same random numbers.
    """
    below, above = measured[key_of(one)], measured[key_of(other)]
    found = ratio_of(METRICS["mse"], below, above, same_draws(below, above))
    if found is None:
        if not (one.relative_rmse > 0 and other.relative_rmse > 0):
            return None
        apart = other.relative_rmse / one.relative_rmse
        return Interval(apart, math.nan, math.nan)
    return Interval(*(math.sqrt(max(end, 0.0)) for end in found.interval))


def key_of(row: Any) -> tuple[str, str, int]:
    """What tells the rows of a place apart: estimator, its arguments and L."""
    return (*(getattr(row, name) for name in ESTIMATOR), int(row.num_samples))
