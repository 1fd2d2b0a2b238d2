"""The rule of equal cost: at which L each estimator is taken where a gradient may cost so much.

An estimator whose variance is exactly proportional to 1/L is known at every L from one that was
measured: its rows are there too at L that double from each measured L to the next, and beyond the
largest up to MOST_SAMPLES. Every board takes, of all these rows, the one with the largest L that
the budget pays for.
"""

import functools
import json
import math
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from gradest.benchmarks.analysis.results import ESTIMATOR, PLACE
from gradest.benchmarks.comparisons.budgets import Budget
from gradest.benchmarks.statistics.intervals import Jackknifed
from gradest.benchmarks.statistics.times import TimeLine, fit_time
from gradest.estimators import ESTIMATORS, Estimator
from gradest.problems.registry.lookup import build

MOST_SAMPLES = 1024
"""The largest L that is tried, or that rows are added at."""

RULE = (
    "Each estimator takes the largest L that the budget pays for, measured or, where its variance "
    "is exactly proportional to 1/L, doubled from a measured one."
)
"""The rule in one sentence, wherever there is equal cost."""

BUDGET = (
    "as many evaluations of f and ∇f as the largest measured L, and at least those of two "
    "estimators"
)
"""The largest budget of a place, in words; see `budgets_of`."""

MORE = "+: the budget pays for more than the L that was measured."
"""What the sign after an L says."""

FALLING = (
    "variance",
    "variance_low",
    "variance_high",
    "variance_per_dim",
    "variance_max",
    "variance_max_low",
    "variance_max_high",
    "exact_variance",
)
"""Columns that are proportional to 1/L where the draws of an estimate are independent terms."""

UNKNOWN_THERE = ("mse", "relative_rmse", "snr", "cosine", "work_normalised")
"""What the names of columns begin with that are made anew, or are not known, at an added L."""

TIMES = ("seconds", "seconds_alone")
"""Columns of times, each with an interval."""


class Levels(NamedTuple):
    """The rows of a run by the rule."""

    rows: pd.DataFrame
    """Those measured and those added, with `measured_samples`: the L that an added row is from, not
    a number in one that was measured."""
    beyond: pd.DataFrame
    """Of estimators whose variance is not proportional to 1/L the rows at L of which only the cost
    is known."""

    @property
    def measured(self) -> pd.DataFrame:
        """The rows that were measured."""
        return self.rows[self.rows.measured_samples.isna()]


class Added(NamedTuple):
    """An L that was not measured, and what an estimate costs at it."""

    base: int
    """The number of the row with the nearest L below that was measured."""
    num_samples: int
    f_evals: int
    grad_evals: int
    seconds: float
    seconds_alone: float
    is_known: bool
    """Whether the variance is proportional to 1/L."""


def with_levels(rows: pd.DataFrame, most: int = MOST_SAMPLES) -> Levels:
    """The rows with those added at L that double from each measured one.

    An added row has the variance of the nearest measured L below, times that L over its own, and
    the same bias; its evaluations and seconds are those of the lines through the measured ones, and
    proportional to L where one L alone was measured. Rows are added only where the line of the
    evaluations is exact, and at L that the estimator takes.

    Args:
        rows: of a run, those with numbers, with `jackknifed` and `jackknifed_bias`.
        most: the largest L.
    """
    rows = rows.reset_index(drop=True)
    found = [
        each
        for (*_, name, arguments), cells in rows.groupby([*PLACE, *ESTIMATOR], sort=False)
        for each in levels_added(cells.sort_values("num_samples"), name, arguments, most)
    ]
    known = [each for each in found if each.is_known]
    beyond = [each for each in found if not each.is_known]
    measured = rows.assign(measured_samples=math.nan)
    parts = [measured, *([at_levels(measured, known)] if known else [])]
    return Levels(pd.concat(parts, ignore_index=True), at_levels(measured, beyond))


def levels_added(cells: pd.DataFrame, name: str, arguments: str, most: int) -> Iterator[Added]:
    """The L between and beyond the measured ones of an estimator at one place.

    Args:
        cells: its rows, one for each L, the smallest first.
        name: its name.
        arguments: its arguments as JSON.
        most: the largest L.
    """
    each = estimator_of(name, arguments)
    levels = [int(level) for level in cells.num_samples]
    f_evals, grad_evals = (exact_line(levels, cells[name]) for name in ("f_evals", "grad_evals"))
    if f_evals is None or grad_evals is None:
        return
    seconds, alone = (time_line(levels, cells[name].to_numpy(float)) for name in TIMES)
    is_known = each is not None and each.claims_one_over_samples()
    for place, level in doubled(levels, most):
        calls, gradients = f_evals.at(level), grad_evals.at(level)
        if calls.denominator > 1 or gradients.denominator > 1:
            continue
        if each is not None and each.refuses_samples(level) is not None:
            continue
        yield Added(
            base=cells.index[place],
            num_samples=level,
            f_evals=int(calls),
            grad_evals=int(gradients),
            seconds=seconds.fixed + seconds.per_sample * level,
            seconds_alone=alone.fixed + alone.per_sample * level,
            is_known=is_known,
        )


@functools.cache
def estimator_of(name: str, arguments: str) -> Estimator | None:
    """A registered estimator; None for one of a user's own, or with arguments of another version.

    Args:
        name: its name.
        arguments: its arguments as JSON.
    """
    if name not in ESTIMATORS:
        return None
    try:
        made: Estimator = build("estimator", ESTIMATORS, name, json.loads(arguments))
    except ValueError:
        return None
    return made


def falls_as_one_over_samples(name: str, arguments: str) -> bool:
    """Whether an estimator's variance is proportional to 1/L, as far as its class is known here."""
    each = estimator_of(name, arguments)
    return each is not None and each.claims_one_over_samples()


def doubled(levels: Sequence[int], most: int) -> Iterator[tuple[int, int]]:
    """Each L that doubles from a measured one to the next, with the measured one's number.

    >>> list(doubled([1, 8, 12], 50))
    [(0, 2), (0, 4), (2, 24), (2, 48)]
    """
    for place, (level, following) in enumerate(zip(levels, [*levels[1:], most + 1], strict=True)):
        larger = 2 * level
        while larger < following:
            yield place, larger
            larger *= 2


class ExactLine(NamedTuple):
    """Evaluations along L, a + b L."""

    fixed: Fraction
    per_sample: Fraction

    def at(self, level: int) -> Fraction:
        """Their number at an L."""
        return self.fixed + self.per_sample * level


def exact_line(levels: Sequence[int], counts: pd.Series) -> ExactLine | None:
    """The line that goes through all counts; None where there is none.

    Through one count it goes by 0, and has whole numbers only where L divides it.
    """
    if counts.isna().any():
        return None
    known = [int(count) for count in counts]
    if len(levels) == 1:
        line = ExactLine(Fraction(0), Fraction(known[0], levels[0]))
        return line if line.per_sample.denominator == 1 else None
    per_sample = Fraction(known[-1] - known[0], levels[-1] - levels[0])
    line = ExactLine(known[0] - per_sample * levels[0], per_sample)
    fits = all(line.at(level) == count for level, count in zip(levels, known, strict=True))
    return line if fits else None


def time_line(levels: Sequence[int], seconds: np.ndarray) -> TimeLine:
    """The line of times along L; not a number where there is none."""
    if len(levels) == 1:
        return TimeLine(0.0, float(seconds[0]) / levels[0])
    known = np.isfinite(seconds) & (seconds > 0)
    line = fit_time(np.asarray(levels, float)[known], seconds[known])
    return line or TimeLine(math.nan, math.nan)


def at_levels(rows: pd.DataFrame, added: Sequence[Added]) -> pd.DataFrame:
    """Rows at other L than they were measured at.

    Args:
        rows: those measured, by their numbers.
        added: the L.
    """
    base = rows.loc[[each.base for each in added]].reset_index(drop=True)
    if not added:
        return base
    costs = pd.DataFrame(added)
    factor = base.num_samples / costs.num_samples
    changed: dict[str, Any] = {name: base[name] * factor for name in FALLING}
    for name in TIMES:
        longer = costs[name] / base[name]
        changed |= {f"{name}{end}": base[f"{name}{end}"] * longer for end in ("_low", "_high")}
    for name in ("num_samples", "f_evals", "grad_evals", *TIMES):
        changed[name] = costs[name]
    changed |= dict.fromkeys((c for c in base if c.startswith(UNKNOWN_THERE)), math.nan)
    statistics = [scaled(*each) for each in zip(base.jackknifed, factor, strict=True)]
    changed["jackknifed"] = pd.Series(statistics, dtype=object)
    return base.assign(**changed, measured_samples=base.num_samples.astype(float))


def scaled(statistic: Jackknifed | None, factor: float) -> Jackknifed | None:
    """A statistic times a number, where it is known."""
    if statistic is None:
        return None
    return Jackknifed(statistic.value * factor, statistic.without * factor)


def paid_for(levels: Levels, budget: Budget) -> pd.DataFrame:
    """The row of each estimator at each place with the largest L that a budget pays for.

    Args:
        levels: the rows by the rule.
        budget: what a gradient may cost; of one without a limit the largest measured L.

    Returns:
        The rows, with `paid_samples`: where it pays for an L that was not measured, and of which
        the variance is not known, the largest such L; else not a number.
    """
    keys = [*PLACE, *ESTIMATOR]
    if budget == Budget():
        levels = Levels(levels.measured, levels.beyond.iloc[:0])
    budget = budget.settled(levels.measured)
    rows, beyond = (part[budget.pays_for(part).fillna(False)] for part in levels)
    largest = rows.groupby(keys).num_samples.transform("max")
    most = beyond.groupby(keys).num_samples.max().rename("paid_samples").astype(float)
    chosen = rows[rows.num_samples == largest].join(most, on=keys)
    more = chosen.paid_samples > chosen.num_samples
    return chosen.assign(paid_samples=chosen.paid_samples.where(more))


def level_text(row: Any) -> str:
    """A row's L, and where its numbers come from: "32, from 16"; "16+" where more is paid for."""
    if not math.isnan(row.measured_samples):
        return f"{row.num_samples}, from {int(row.measured_samples)}"
    return f"{row.num_samples}{'' if math.isnan(row.paid_samples) else '+'}"


def may_catch_up(best: Any, row: Any) -> bool:
    """Whether a row would have at most the best one's error at the L that is paid for.

    That is if its error fell as √(1/L) from the largest L measured.
    """
    paid = getattr(row, "paid_samples", math.nan)
    if math.isnan(paid):
        return False
    return bool(row.relative_rmse * math.sqrt(row.num_samples / paid) <= best.relative_rmse)


def budgets_of(rows: pd.DataFrame) -> list[int]:
    """The budgets that a place is ranked at: each measured L as evaluations, the smallest first.

    Those that pay for fewer than two estimators are left out; where none is left, it is the least
    that pays for two, or for the only one. None where no cost is known.

    Args:
        rows: of one place, those with numbers.
    """
    prices = (rows.f_evals + rows.grad_evals).groupby([rows[name] for name in ESTIMATOR]).min()
    known = sorted(int(price) for price in prices.dropna())
    if not known:
        return []
    least = known[min(1, len(known) - 1)]
    levels = sorted({int(level) for level in rows.num_samples})
    return [level for level in levels if level >= least] or [least]
