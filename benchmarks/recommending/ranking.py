"""The order of the estimators at one place, and which of them may be recommended."""

import math
from collections.abc import Collection
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from gradest.benchmarks.analysis.results import is_zero
from gradest.benchmarks.comparisons.budgets import COSTS, EVALUATIONS
from gradest.benchmarks.comparisons.leaderboard import (
    ROUNDING,
    is_biased,
    may_be_one,
    points_away,
    with_errors,
)
from gradest.benchmarks.comparisons.levels import may_catch_up
from gradest.benchmarks.comparisons.metrics import METRICS, ONE
from gradest.benchmarks.comparisons.pairing import same_draws
from gradest.benchmarks.comparisons.ratios import ratio_of
from gradest.benchmarks.statistics.intervals import CONFIDENCE, UNKNOWN, Interval
from gradest.benchmarks.statistics.products import product, quotient

FREE = ""
"""An estimator that nothing bars from being recommended."""

UNRELIABLE = "unreliable"
BIASED = "biased"
BACKWARDS = "backwards"
"""What bars one: no interval of it is to be trusted; it may not be biased; or its mean has nothing
of the gradient's direction, which no number of samples mends."""

ORDER = {FREE: 0, UNRELIABLE: 1, BIASED: 2, BACKWARDS: 2}
"""Who comes first, before errors are looked at."""


class Rules(NamedTuple):
    """How estimators are judged."""

    only_unbiased: bool = False
    tests: int = 1
    """Of how many intervals of a pair, which hold at once, the one of their ratio is one."""
    strict: bool = False
    """Whether a bias that is not claimed has to be sure among all rows and looks."""
    cost: str = EVALUATIONS
    """By which model compute is told. Where it tells seconds each L was chosen by a time: what that
    errs by is then in the ratios too."""


def ranking(
    rows: pd.DataFrame, rules: Rules | None = None, lost: Collection[Any] = ()
) -> pd.DataFrame:
    """The estimators of one place in order: those that may be recommended, then the others.

    The first has the smallest error; where that one is biased and an unbiased one may be as good,
    it is the unbiased one. What would be as good at an L that is paid for, and was not measured, is
    a tie and not the first.

    Args:
        rows: a measurement of each, with `jackknifed` and `jackknifed_bias`; with `estimates` where
            some are of the mean of several.
        rules: how they are judged.
        lost: names and arguments of those that were found to be worse than the best before.

    Returns:
        The rows, with `label`, `relative_rmse` and its interval, `biased`, `barred` (FREE, or what
        keeps the row from being recommended), `rank`, `ratio` with its interval (of the mean
        squared error to the first row's), `compute` (that times the ratio of their costs) and `tie`
        (it may be as good as the first).
    """
    rules = rules or Rules()
    rows = rows if "estimates" in rows else rows.assign(estimates=1)
    biased = surely_biased(rows, rules) if rules.strict else is_biased(rows)
    rows = with_errors(rows).assign(biased=biased)
    rows = rows.assign(barred=[barred(row, rules) for row in rows.itertuples()])
    if not (rows.barred == FREE).any():  # of what is unreliable one may be the best all the same
        rows = rows.assign(barred=rows.barred.replace(UNRELIABLE, FREE))
    order = pd.DataFrame({"bar": rows.barred.map(ORDER), "error": rows.relative_rmse})
    order["lost"] = [(row.estimator, row.estimator_args) in lost for row in rows.itertuples()]
    table = rows.loc[order.sort_values(["bar", "error"], kind="stable").index]
    board = compared(first_of_the_winners(table, order), order.lost, rules)
    is_unbiased = ~board.biased.astype(bool)
    as_good = board.index[board.tie & is_unbiased & (board.ratio_low <= 1 + ROUNDING)]
    if len(as_good) and not is_unbiased.iloc[0]:
        board = compared(with_first(board, as_good[0]), order.lost, rules)
    return board


def with_first(table: pd.DataFrame, first: Any) -> pd.DataFrame:
    """The rows with one of them, by its index, before the others."""
    return table.loc[[first, *(place for place in table.index if place != first)]]


def first_of_the_winners(table: pd.DataFrame, order: pd.DataFrame) -> pd.DataFrame:
    """The rows in order, with the first that has not lost at the top.

    One that has lost may seem better later, where the winner's tail is heavy.
    """
    ahead = order.reindex(table.index)
    winners = table.index[~ahead.lost & (ahead.bar == 0)]
    if winners.empty:
        return table
    return with_first(table, winners[0])


def compared(table: pd.DataFrame, lost: pd.Series, rules: Rules) -> pd.DataFrame:
    """The rows in order with their ratios to the first, ties and ranks."""
    in_order = list(table.itertuples())
    ratios = [ratio_to(in_order[0], row, rules) for row in in_order] if in_order else []
    may_be = [
        row.barred == FREE and (may_be_one(ratio) or may_catch_up(in_order[0], row))
        for row, ratio in zip(in_order, ratios, strict=True)
    ]
    return table.assign(
        ratio=[ratio.value for ratio in ratios],
        ratio_low=[ratio.low for ratio in ratios],
        ratio_high=[ratio.high for ratio in ratios],
        tie=np.array(may_be, bool) & ~lost.reindex(table.index).to_numpy(bool),
        compute=[ratio.value for ratio in ratios] * over_the_first(COSTS[rules.cost].prices(table)),
        rank=range(1, len(table) + 1),
    )


def over_the_first(prices: pd.Series) -> pd.Series:
    """Each price over the first one; not a number where it costs nothing."""
    return prices / prices.where(prices > 0).iloc[0] if len(prices) else prices


def barred(row: Any, rules: Rules) -> str:
    """What keeps a row from being recommended, or FREE."""
    if row.biased and points_away(row):
        return BACKWARDS
    if row.biased and rules.only_unbiased:
        return BIASED
    if row.status == "unreliable" or not math.isfinite(row.relative_rmse):
        return UNRELIABLE
    return FREE


def surely_biased(rows: pd.DataFrame, rules: Rules) -> pd.Series:
    """Which rows are not called unbiased: they do not claim it, or are surely biased.

    That is at 95 % among all rows and all looks at them (Bonferroni): a run reports discoveries,
    here one would cost an unbiased estimator its place.
    """
    found = rows.bias_p * len(rows) * rules.tests < 1 - CONFIDENCE
    return is_biased(rows.assign(bias_finding=np.where(found, "biased", "none found")))


def ratio_to(first: Any, row: Any, rules: Rules) -> Interval:
    """The mean squared error of a row over the first's, with its paired interval.

    Where an L is what a time paid for, the squared error is proportional to that time, more or
    less, and errs as it does.
    """
    if (row.estimator, row.estimator_args) == (first.estimator, first.estimator_args):
        return ONE
    if is_exact(first):  # what is left of it is rounding
        return ONE if is_exact(row) else NEVER
    if not (first.relative_rmse > 0 and row.relative_rmse > 0):
        return UNKNOWN
    found = ratio_of(METRICS["mse"], first, row, same_draws(first, row), rules.tests)
    if found is None:
        return UNKNOWN
    if rules.cost == EVALUATIONS:
        return found.interval
    return product(found.interval, quotient(error_of_time(row), error_of_time(first)))


def error_of_time(row: Any) -> Interval:
    """The factor by which the time of an estimate may err."""
    if not row.seconds_low > 0:
        return ONE
    return Interval(1.0, row.seconds_low / row.seconds, row.seconds_high / row.seconds)


def is_exact(row: Any) -> bool:
    """Whether a row's estimates are the gradient itself, if only to rounding."""
    return is_zero(row) and not row.biased


NEVER = Interval(math.inf, math.inf, math.inf)
"""The ratio of an error to none."""
