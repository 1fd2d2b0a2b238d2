"""The rule of equal cost: at which L each estimator is taken where a gradient may cost so much.

An estimator whose variance is exactly proportional to 1/L is known at every L from one that was
measured; one that is a mean over pairs of draws, as with a leave-one-out baseline, from two: its
variance is $a / L + b / (L(L - 1))$. Rows of such estimators are there too at L that double from
each measured L to the next, and beyond the largest up to MOST_SAMPLES. Every board takes, of all
these rows, the one with the largest L that the budget pays for; where it pays for two estimates of
an estimator's largest L, the mean of as many independent ones as it pays for (see `averaging`).
"""

import functools
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from gradest.benchmarks.analysis.results import ESTIMATOR, PLACE
from gradest.benchmarks.comparisons.budgets import Budget, exact_line, refuse_untimed, time_line
from gradest.benchmarks.comparisons.metrics import (
    SUMMED,
    TIMES,
    UNKNOWN_THERE,
    VARIANCE,
    Estimate,
    averaging,
    scaled,
    variance_of,
)
from gradest.benchmarks.statistics.intervals import (
    UNKNOWN,
    Interval,
    combine,
    interval,
)
from gradest.estimators import ESTIMATORS, Estimator
from gradest.estimators.minibatched import Minibatched
from gradest.problems.registry.lookup import build

MOST_SAMPLES = 1024
"""The largest L that is tried, or that rows are added at."""

RULE = (
    "Each estimator takes the largest L that the budget pays for, measured or, where its variance "
    "there follows exactly from those at measured ones, doubled from one of them; where it pays "
    f"for several estimates at the largest such L (at most {MOST_SAMPLES}), their mean."
)
"""The rule in one sentence, wherever there is equal cost."""

BUDGET = (
    "as many evaluations of f and ∇f as the largest measured L, twice as many where some "
    "estimator costs more, and at least those of two"
)
"""The largest budget of a place, in words; see `budgets_of`."""

MORE = "+: the budget pays for more than the L that was measured."
"""What the sign after an L says."""


class Levels(NamedTuple):
    """The rows of a run by the rule."""

    rows: pd.DataFrame
    """Those measured and those added, with `measured_samples`: the L that an added row is from, not
    a number in one that was measured."""
    beyond: pd.DataFrame
    """Rows at L of which the cost is known and the variance is not."""

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
    weights: dict[int, float]
    """What the variances of measured rows are multiplied by, by their numbers, to give the one at
    this L as their sum; none where it does not follow from them."""


def with_levels(rows: pd.DataFrame, most: int = MOST_SAMPLES) -> Levels:
    """The rows with those added at L that double from each measured one.

    An added row has the variance that follows from one or two measured L, that below and one beside
    it, and the bias of the one below; its evaluations and seconds are those of the lines through
    the measured ones, and proportional to L where one L alone was measured. Rows are added only
    where the line of the evaluations is exact, and at L that the estimator takes.

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
    measured = rows.assign(measured_samples=math.nan)
    added = at_levels(measured, found)
    known = added[added.variance_low >= 0]
    parts = [measured, *([known] if len(known) else [])]
    return Levels(pd.concat(parts, ignore_index=True), added.drop(known.index))


def levels_added(cells: pd.DataFrame, name: str, arguments: str, most: int) -> Iterator[Added]:
    """The L between and beyond the measured ones of an estimator at one place.

    Args:
        cells: its rows, one for each L, the smallest first.
        name: its name.
        arguments: its arguments as JSON.
        most: the largest L.
    """
    each, minibatch = estimator_of(name, arguments), cells.minibatch.iloc[0]
    if each is not None and not pd.isna(minibatch):
        each = Minibatched(each, int(minibatch))
    levels = [int(level) for level in cells.num_samples]
    f_evals, grad_evals = (exact_line(levels, cells[name]) for name in ("f_evals", "grad_evals"))
    if f_evals is None or grad_evals is None:
        return
    seconds, alone = (time_line(levels, cells[name].to_numpy(float)) for name in TIMES)
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
            weights={cells.index[i]: w for i, w in weights_of(each, levels, place, level).items()},
        )


def weights_of(
    each: Estimator | None, levels: Sequence[int], place: int, level: int
) -> dict[int, float]:
    """What variances at measured L are multiplied by, so that their sum is the one at another L.

    With one term, 1/L, that is L_measured/L of the one below. With two it is of that one and of the
    next, or of the one before where there is no next, the solution of a linear equation.

    Args:
        each: the estimator; None where its class is not known here.
        levels: the measured L, the smallest first.
        place: in `levels`, of the nearest below.
        level: the other L.

    >>> from gradest.estimators import estimator
    >>> weights_of(estimator("pathwise"), [4, 16], 1, 64)
    {1: 0.25}
    """
    beside = place + 1 if place + 1 < len(levels) else place - 1
    terms = each.variance_terms(level) if each is not None else ()
    places = [place, beside][: len(terms)]
    if each is None or not terms or min(places) < 0:
        return {}
    measured = [each.variance_terms(levels[number]) for number in places]
    if any(len(of_level) < len(terms) for of_level in measured):
        return {}
    weights = np.linalg.solve(np.transpose(measured), terms)
    return dict(zip(places, weights.tolist(), strict=True))


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
    changed: dict[str, Any] = dict.fromkeys(
        (name for name in base if name.startswith(UNKNOWN_THERE)), math.nan
    )
    for name in SUMMED:
        changed[name] = [weighted_sum(rows[name], each.weights) for each in added]
    for name in TIMES:
        longer = costs[name] / base[name]
        changed |= {f"{name}{end}": base[f"{name}{end}"] * longer for end in ("_low", "_high")}
    for name in ("num_samples", "f_evals", "grad_evals", *TIMES):
        changed[name] = costs[name]
    measured = list(rows.itertuples())
    variances = [variance_at(measured, each.weights) for each in added]
    for name, end in zip(VARIANCE, Interval._fields, strict=True):
        changed[name] = [getattr(variance.interval, end) for variance in variances]
    changed["jackknifed"] = pd.Series([each.jackknifed for each in variances], dtype=object)
    return base.assign(**changed, measured_samples=base.num_samples.astype(float))


def weighted_sum(column: pd.Series, weights: Mapping[int, float]) -> float:
    """The sum of some rows' numbers, each times its weight; not a number of none."""
    if not weights:
        return math.nan
    return float(sum(weight * column[number] for number, weight in weights.items()))


def variance_at(rows: Sequence[Any], weights: Mapping[int, float]) -> Estimate:
    """The variance that is a sum of measured ones, each times its weight.

    Of several the interval is jackknifed: where their batches are not kept nothing is known.

    Args:
        rows: those measured, by their numbers.
        weights: by the numbers of rows.
    """
    parts = [scaled(variance_of(rows[number]), weight) for number, weight in weights.items()]
    if len(parts) == 1:
        return parts[0]
    statistics = [part.jackknifed for part in parts if part.jackknifed is not None]
    if not parts or len(statistics) < len(parts):
        return Estimate(UNKNOWN, None)
    heavy = any(part.heavy for part in parts)
    total = combine(lambda *terms: sum(terms), *statistics)
    return Estimate(interval(total, heavy=heavy), total)


def paid_for(levels: Levels, budget: Budget) -> pd.DataFrame:
    """The row of each estimator at each place with the largest L that a budget pays for.

    Args:
        levels: the rows by the rule.
        budget: what a gradient may cost; of one without a limit the largest measured L.

    Returns:
        The rows, with `paid_samples`: where it pays for an L that was not measured, and of which
        the variance is not known, the largest such L; else not a number. And with `estimates`, of
        how many independent ones the numbers of a row are the mean.

    Raises:
        BadInput: the budget is of seconds, and none was timed.
    """
    keys = [*PLACE, *ESTIMATOR]
    if budget == Budget():
        levels = Levels(levels.measured, levels.beyond.iloc[:0])
    budget = budget.settled(levels.measured)
    refuse_untimed(budget, levels.measured)
    rows, beyond = (part[budget.pays_for(part).fillna(False)] for part in levels)
    largest = rows.groupby(keys).num_samples.transform("max")
    most = beyond.groupby(keys).num_samples.max().rename("paid_samples").astype(float)
    chosen = rows[rows.num_samples == largest].join(most, on=keys)
    more = chosen.paid_samples > chosen.num_samples
    paid = chosen.assign(paid_samples=chosen.paid_samples.where(more))
    every = pd.concat([*levels], ignore_index=True)
    top = every[every.num_samples == every.groupby(keys).num_samples.transform("max")]
    twice = top.assign(of_top=budget.estimates(top)).query("of_top > 1").set_index(keys).index
    is_top = paid.set_index(keys).index.isin(twice)
    return averaging(paid, budget.estimates(paid).where(is_top, 1))


def level_text(row: Any) -> str:
    """A row's L, and where its numbers come from: "32, from 16"; "16+" where more is paid for.

    "97 × 1024" is the mean of 97 estimates.
    """
    times = f"{row.estimates} × " if row.estimates > 1 else ""
    if not math.isnan(row.measured_samples):
        return f"{times}{row.num_samples}, from {int(row.measured_samples)}"
    return f"{times}{row.num_samples}{'' if math.isnan(row.paid_samples) else '+'}"


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

    Twice the largest is one more where some estimator's least L costs more than the largest. Those
    that pay for fewer than two estimators are left out; where none is left, it is the least that
    pays for two, or for the only one. None where no cost is known.

    Args:
        rows: of one place, those with numbers.
    """
    prices = (rows.f_evals + rows.grad_evals).groupby([rows[name] for name in ESTIMATOR]).min()
    known = sorted(int(price) for price in prices.dropna())
    if not known:
        return []
    least = known[min(1, len(known) - 1)]
    levels = sorted({int(level) for level in rows.num_samples})
    if known[-1] > levels[-1]:
        levels.append(2 * levels[-1])
    return [level for level in levels if level >= least] or [least]
