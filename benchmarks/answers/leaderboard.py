r"""Which estimator is best: by the relative root mean square error of one estimate.

$\sqrt{\mathrm{tr}\,\mathrm{Cov}\,g + \|\mathrm{bias}\|^2} / \|\nabla\|$, from a run's measurements
and their statistics without each batch.
"""

from collections.abc import Iterator
from numbers import Real
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from gradest.benchmarks.analysis.labels import estimator_label
from gradest.benchmarks.analysis.results import PLACE
from gradest.benchmarks.errors import BadInput
from gradest.benchmarks.statistics.intervals import (
    UNKNOWN,
    Interval,
    Jackknifed,
    combine,
    interval,
)
from gradest.benchmarks.statistics.tails import HEAVY_TAIL
from gradest.problems.arguments import nearest

UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0}
"""Seconds in each unit of time."""


class Budget(NamedTuple):
    """What one gradient may cost; at most one of them is given."""

    seconds: float | None = None
    evaluations: int | None = None
    """Of f and of its gradient together."""
    samples: int | None = None
    """L."""

    @property
    def text(self) -> str:
        """The budget in words."""
        if self.seconds is not None:
            return f"{self.seconds:.3g} s a gradient"
        if self.evaluations is not None:
            return f"{self.evaluations} evaluations of f and its gradient"
        return f"L = {self.samples}" if self.samples is not None else "the largest L measured"

    def pays_for(self, rows: pd.DataFrame) -> pd.Series:
        """Which measured cells it pays for."""
        if self.seconds is not None:
            return rows.seconds <= self.seconds
        if self.evaluations is not None:
            return rows.f_evals + rows.grad_evals <= self.evaluations
        if self.samples is not None:
            return rows.num_samples <= self.samples
        return pd.Series(data=True, index=rows.index)


def budget_of(budget: str | float | None, evaluations: int | None, samples: int | None) -> Budget:
    """The budget that was asked for.

    Args:
        budget: seconds a gradient, as a number or with a unit: "1ms".
        evaluations: of f and of its gradient together.
        samples: L.

    Raises:
        BadInput: more than one is given, or one is no number above 0.

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
            raise BadInput(f"{name} = {given[name]!r}: expected a number above 0")
    return Budget(seconds, evaluations, samples)


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


def mean_squared_error(row: Any) -> Jackknifed | None:
    """Variance and squared bias of one row together, with and without each batch."""
    if row.jackknifed is None or row.jackknifed_bias is None:
        return None
    return combine(
        lambda variance, bias: np.maximum(variance + bias, 0), row.jackknifed, row.jackknifed_bias
    )


def relative_error(row: Any) -> Interval:
    """The relative root mean square error of one row with its interval."""
    length = float(row.exact_norm)
    squared = mean_squared_error(row)
    if squared is None or not length > 0:
        return UNKNOWN
    found = interval(squared, heavy=float(row.kurtosis) > HEAVY_TAIL)
    return Interval(*(float(np.sqrt(value)) / length for value in found))


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
    largest = rows.groupby(["estimator", "estimator_args"]).num_samples.transform("max")
    rows = rows[rows.num_samples == largest]
    errors = [relative_error(row) for row in rows.itertuples()]
    squares = [mean_squared_error(row) for row in rows.itertuples()]
    sizes = [np.inf if square is None else float(square.value) for square in squares]
    order = np.argsort(sizes, kind="stable")
    table = rows.iloc[order].assign(
        label=[estimator_label(*pair) for pair in pairs_of(rows.iloc[order])],
        relative_rmse=[errors[i].value for i in order],
        relative_rmse_low=[errors[i].low for i in order],
        relative_rmse_high=[errors[i].high for i in order],
        rank=range(1, len(rows) + 1),
        tie=list(ties([squares[i] for i in order])),
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


def pairs_of(rows: pd.DataFrame) -> Iterator[tuple[str, str]]:
    """Each row's estimator, by name and arguments."""
    return zip(rows.estimator, rows.estimator_args, strict=True)


def ties(squares: list[Jackknifed | None]) -> Iterator[bool]:
    """Whether each error may be the first one's: the interval of their paired ratio holds 1."""
    for square in squares:
        yield square is squares[0] or may_be_equal(square, squares[0])


def may_be_equal(one: Jackknifed | None, other: Jackknifed | None) -> bool:
    """Whether the interval of the ratio of two errors, on the same left-out batches, holds 1."""
    if one is None or other is None or len(one.without) != len(other.without):
        return False
    if not (one.value > 0 and other.value > 0):
        return bool(one.value == other.value)
    ratio = interval(combine(np.divide, one, other))
    return bool(ratio.low <= 1 <= ratio.high)
