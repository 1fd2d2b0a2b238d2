r"""What one gradient may cost, and by which model its cost is told.

A model gives each row a price. Evaluations depend on no machine. The seconds of one gradient alone
are a line, $\tau(L) = a + b L$, through the L at which they were measured. The seconds of one of
many, run batched, are those of the cell itself.
"""

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from numbers import Real
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from gradest.benchmarks.analysis.numerals import several
from gradest.benchmarks.analysis.results import ESTIMATOR
from gradest.benchmarks.errors import BadInput
from gradest.benchmarks.statistics.times import TimeLine, fit_time
from gradest.problems.arguments import nearest

UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0}
"""Seconds in each unit of time."""

SCALES = {"s": 1.0, "ms": 1e-3, "µs": 1e-6, "ns": 1e-9}
"""The units that times are written in."""

LINE = ["problem", "problem_args", "point", *ESTIMATOR]
"""What all rows of one line of times agree in."""


class CostModel(NamedTuple):
    """A way to tell what a gradient costs."""

    title: str
    """Of an axis."""
    short: str
    """Of a menu."""
    note: str
    """How seconds are told by it, in words; empty where it tells none."""
    prices: Callable[[pd.DataFrame], pd.Series]
    """The cost of each row; not a number where it is not known."""


def evaluations_of(rows: pd.DataFrame) -> pd.Series:
    """Evaluations of f and of its gradient together."""
    return (rows.f_evals + rows.grad_evals).astype("Float64").astype(float)


def seconds_alone_of(rows: pd.DataFrame) -> pd.Series:
    """The seconds of one gradient alone: of the line through the L at which it was timed.

    Where it was timed at one L alone, they are known there.
    """
    timed = rows[rows.seconds_alone.notna()].drop_duplicates([*LINE, "num_samples"])
    lines = {
        key: fit_time(known.num_samples.to_numpy(float), known.seconds_alone.to_numpy(float))
        for key, known in timed.groupby(LINE)
    }
    keys = rows[LINE].itertuples(index=False, name=None)
    prices = [
        seconds_on(lines.get(key), row) for key, row in zip(keys, rows.itertuples(), strict=True)
    ]
    return pd.Series(prices, index=rows.index, dtype=float)


def seconds_on(line: TimeLine | None, row: Any) -> float:
    """The seconds of a row on its line; those that were measured where there is none."""
    if line is None:
        return float(row.seconds_alone)
    return line.fixed + line.per_sample * float(row.num_samples)


def seconds_batched_of(rows: pd.DataFrame) -> pd.Series:
    """The seconds of one estimate among many, run batched."""
    return rows.seconds.astype(float)


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


EVALUATIONS = "evaluations"
"""The model that depends on no machine."""

COSTS = {
    EVALUATIONS: CostModel("evaluations of f and its gradient", "evaluations", "", evaluations_of),
    "alone": CostModel(
        "seconds of one gradient, alone", "seconds, one alone", "one alone", seconds_alone_of
    ),
    "batched": CostModel(
        "seconds of one estimate, batched", "seconds, batched", "batched", seconds_batched_of
    ),
}
"""The models of cost, by name."""


def has_prices(rows: pd.DataFrame, cost: str) -> bool:
    """Whether a model knows the price of every row that was measured.

    Args:
        rows: of a run.
        cost: the name of the model.
    """
    measured = rows[rows.status.isin(["ok", "unreliable"])]
    return len(measured) > 0 and bool(COSTS[cost].prices(measured).notna().all())


class Budget(NamedTuple):
    """What one gradient may cost; at most one of the first three is given."""

    seconds: float | None = None
    evaluations: int | None = None
    """Of f and of its gradient together."""
    samples: int | None = None
    """L."""
    cost: str | None = None
    """By which model seconds are told, "alone" or "batched"; None: alone where all rows have it."""

    @property
    def text(self) -> str:
        """The budget in words."""
        if self.seconds is not None:
            note = f", {COSTS[self.cost].note}" if self.cost else ""
            return f"{seconds_text(self.seconds)} a gradient{note}"
        if self.evaluations is not None:
            return f"{several(self.evaluations, 'evaluation')} of f and its gradient"
        return f"L = {self.samples}" if self.samples is not None else "the largest L measured"

    def settled(self, rows: pd.DataFrame) -> "Budget":
        """The budget with the model by which it pays for these rows."""
        if self.seconds is None or self.cost is not None:
            return self
        return self._replace(cost="alone" if has_prices(rows, "alone") else "batched")

    def share_of(self, rows: pd.DataFrame) -> pd.Series:
        """The part of it that one estimate of each row costs; 0 of one without a limit."""
        if self.seconds is not None:
            cost = self.settled(rows).cost
            assert cost is not None
            return COSTS[cost].prices(rows) / self.seconds
        if self.evaluations is not None:
            return evaluations_of(rows) / self.evaluations
        if self.samples is not None:
            return rows.num_samples / self.samples
        return pd.Series(0.0, index=rows.index)

    def pays_for(self, rows: pd.DataFrame) -> pd.Series:
        """Which measured cells it pays for."""
        return self.share_of(rows) <= 1

    def estimates(self, rows: pd.DataFrame) -> pd.Series:
        """How many estimates of each row it pays for, one at least; one where it has no limit."""
        share = self.share_of(rows)
        # what is exactly paid for is, whatever the rounding
        counts = np.floor((1 + 1e-9) / share.where(share > 0))
        return counts.clip(lower=1).fillna(1).astype(int)


EXPECTED = {
    "budget": "a time above 0 such as 1ms",
    "evaluations": "a number above 0",
    "samples": "a number above 0",
}
"""What each of the three may be."""


def refuse_untimed(budget: Budget, rows: pd.DataFrame) -> None:
    """Refuses a budget of seconds where cells were measured and none was timed.

    Args:
        budget: settled.
        rows: of a run.

    Raises:
        BadInput: with what times them.
    """
    if budget.seconds is None or not rows.status.isin(["ok", "unreliable"]).any():
        return
    assert budget.cost is not None
    if COSTS[budget.cost].prices(rows).isna().all():
        raise BadInput(
            f"{budget.text}: none of these cells was timed, as where several processes measure: "
            "run `gradest time RUN`, or give a budget of evaluations or samples"
        )


def budget_of(
    budget: str | float | None,
    evaluations: int | None,
    samples: int | None,
    cost: str | None = None,
) -> Budget:
    """The budget that was asked for.

    Args:
        budget: seconds a gradient, as a number or with a unit: "1ms".
        evaluations: of f and of its gradient together.
        samples: L.
        cost: by which model seconds are told, "alone" or "batched"; alone where every row has it,
            where nothing is said.

    Raises:
        BadInput: more than one is given, or one is no number above 0, or no such model.

    >>> budget_of("1ms", None, None).seconds
    0.001
    """
    asked = {"budget": budget, "evaluations": evaluations, "samples": samples}
    given = {name: value for name, value in asked.items() if value is not None}
    if len(given) > 1:
        raise BadInput(f"{', '.join(given)}: expected one of them")
    seconds = seconds_of(budget) if isinstance(budget, str) else budget
    for name, value in (given | {"budget": seconds} if "budget" in given else given).items():
        if not isinstance(value, Real) or not value > 0:
            raise BadInput(f"{name} = {given[name]!r}: expected {EXPECTED[name]}")
    refuse_cost(cost, given)
    return Budget(seconds, evaluations, samples, cost)


def refuse_cost(cost: str | None, given: dict) -> None:
    """Refuses a model of cost that tells no seconds, or where no seconds are given.

    Raises:
        BadInput: with what was expected.
    """
    known = [name for name, model in COSTS.items() if model.note]
    if cost is not None and cost not in known:
        raise BadInput(f"cost {cost!r}: expected one of {', '.join(known)}{nearest(cost, known)}")
    if cost is not None and "budget" not in given:
        raise BadInput(f"cost {cost!r}: expected only with a budget of seconds")


def seconds_of(text: str) -> float:
    """Seconds, from a number with a unit or without.

    Raises:
        BadInput: it is neither.
    """
    number = text.strip()
    unit = number.lstrip("0123456789.eE+-").strip()
    try:
        return float(number.removesuffix(unit)) * UNITS[unit or "s"]
    except (KeyError, ValueError):
        raise BadInput(f"budget {text!r}: expected a time such as 1ms") from None


def seconds_text(seconds: float) -> str:
    """A time with its unit, to three digits; empty where there is none.

    >>> seconds_text(2.5e-5)
    '25 µs'
    """
    if not seconds > 0:
        return ""
    unit = next((unit for unit, scale in SCALES.items() if seconds >= 0.9995 * scale), "ns")
    return f"{seconds / SCALES[unit]:.3g} {unit}"
