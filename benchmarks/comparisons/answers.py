"""The answer of a run: at each place who has the least error at equal cost, and by how much."""

import math
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from gradest.benchmarks.analysis.places import Place
from gradest.benchmarks.comparisons.leaderboard import (
    ALL,
    Board,
    is_tie,
    may_be_equal,
)
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
    """Who is best at a place, at equal cost."""

    place: Place
    budget: int
    """Evaluations of f and its gradient."""
    best: Leader
    """Of all, biased or not; where an unbiased one is as good, that one."""
    unbiased: Leader | None
    """Of the unbiased; the same where that is the best of all, None where there is none."""
    lead: Interval | None
    """The best unbiased one's error over a biased best one's."""


def at_equal_cost(boards: Iterable[Board], among: str = ALL) -> list[Board]:
    """The leaderboard of each place at the largest of its budgets, of those whose error is known.

    Args:
        boards: a run's, at each place the smallest budget first.
        among: whom they rank, one of AMONG.
    """
    largest = {board.place: board for board in boards if board.among == among}
    return [
        board._replace(rows=board.rows[board.rows.relative_rmse >= 0]) for board in largest.values()
    ]


def answers(boards: Iterable[Board]) -> list[Answer]:
    """The answer at each place where two estimators can be ranked, in the order of the boards.

    Args:
        boards: a run's.
    """
    return [answer_of(board) for board in at_equal_cost(boards) if len(board.rows) > 1]


def answer_of(board: Board) -> Answer:
    """The answer at one place, of two estimators or more."""
    ranked = [*board.rows.itertuples()]
    of_unbiased = [row for row in ranked if not row.biased]
    best = leader(ranked)
    unbiased = leader(of_unbiased) if of_unbiased else None
    lead = None
    if best.row.biased and unbiased:
        lead = error_ratio(best.row, unbiased.row)
    return Answer(board.place, board.budget, best, unbiased, lead)


def leader(ranked: Sequence[Any]) -> Leader:
    """The first of some rows, or the first unbiased one whose error may be as small.

    Args:
        ranked: rows of a leaderboard, the best first.
    """
    exact = [row for row in ranked if row.relative_rmse == 0]
    if exact:
        return exact_leader(exact, ranked[len(exact) :])
    first, *others = ranked
    equals = [first, *(each for each in others if may_be_equal(first, each))]
    row = next((each for each in equals if not each.biased), first)
    tied = [each for each in ranked if is_tie(first, each)]
    names = tuple(each.label for each in tied if each is not row)
    worse = [each for each in ranked if not any(each is one for one in tied)]
    if not worse:
        return Leader(row, names, "", None)
    return Leader(row, names, worse[0].label, error_ratio(row, worse[0]))


def exact_leader(exact: Sequence[Any], others: Sequence[Any]) -> Leader:
    """The first of those without any error, before the first that has one."""
    ties = tuple(row.label for row in exact[1:])
    return Leader(exact[0], ties, others[0].label if others else "", None)


def error_ratio(one: Any, other: Any) -> Interval | None:
    """The second row's error over the first's; None where it is not known.

    Paired where both have the same random numbers.
    """
    found = ratio_of(METRICS["mse"], one, other, same_draws(one, other))
    if found is None:
        if not (one.relative_rmse > 0 and other.relative_rmse > 0):
            return None
        apart = other.relative_rmse / one.relative_rmse
        return Interval(apart, math.nan, math.nan)
    return Interval(*(math.sqrt(max(end, 0.0)) for end in found.interval))
