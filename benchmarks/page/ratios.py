"""The ratios of errors that a reader may ask for: of what one budget pays for, at one place.

As the budget grows each estimator's largest L grows. Only pairs of rows that some budget has
together are compared: a few for each pair of estimators, not all of them.
"""

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from gradest.benchmarks.comparisons.metrics import Estimate, squared_error_of
from gradest.benchmarks.comparisons.pairing import same_draws
from gradest.benchmarks.comparisons.ratios import ratio
from gradest.benchmarks.statistics.intervals import Interval, combine, interval


class Measured(NamedTuple):
    """A row with what it is chosen and compared by."""

    row: Any
    error: Estimate | None
    """Its mean squared error."""

    @property
    def number(self) -> int:
        """The row's number."""
        return int(self.row.Index)

    def price(self, cost: str) -> float:
        """What it costs, by a model's name."""
        return float(getattr(self.row, cost))


def ratios_at(rows: Iterable[Any], costs: Sequence[str]) -> Iterator[tuple[int, int, Interval]]:
    """The number of a row, that of another, and the first's error over the second's.

    Args:
        rows: of one place, with their prices, the smallest L first.
        costs: the names of the prices.
    """
    by_estimator: dict[tuple, list[Measured]] = {}
    for row in rows:
        measured = by_estimator.setdefault((row.estimator, row.estimator_args), [])
        measured.append(Measured(row, squared_error_of(row)))
    for first, second in itertools.combinations(by_estimator.values(), 2):
        for one, other in met(first, second, costs):
            found = error_ratio(one, other)
            if found is not None:
                yield one.number, other.number, found


def met(
    first: list[Measured], second: list[Measured], costs: Sequence[str]
) -> Iterator[tuple[Measured, Measured]]:
    """The pairs of two estimators' rows that some budget chooses, by growing budget."""
    found: dict[tuple[int, int], tuple[Measured, Measured]] = {}
    for cost in costs:
        budgets = sorted({each.price(cost) for each in (*first, *second)})
        pairs = [(chosen(first, cost, most), chosen(second, cost, most)) for most in budgets]
        found |= {(one.number, other.number): (one, other) for one, other in pairs if one and other}
    yield from found.values()


def chosen(rows: list[Measured], cost: str, budget: float) -> Measured | None:
    """The row with the largest L that a budget pays for; None where it pays for none."""
    paid = [each for each in rows if each.price(cost) <= budget]
    return paid[-1] if paid else None


def error_ratio(one: Measured, other: Measured) -> Interval | None:
    """One row's root mean square error over another's, as `compare` has it of their squares.

    None where one of them has no error, or none above zero.
    """
    above, below = one.error, other.error
    if above is None or below is None or not min(above.interval.value, below.interval.value) > 0:
        return None
    squared = squared_ratio(above, below, paired=same_draws(other.row, one.row))
    return Interval(*map(math.sqrt, squared)) if min(squared) >= 0 else None


def squared_ratio(above: Estimate, below: Estimate, *, paired: bool) -> Interval:
    """The ratio of two mean squared errors, jackknifed together where they are paired."""
    if paired and above.jackknifed and below.jackknifed:
        both = combine(np.divide, above.jackknifed, below.jackknifed)
        return interval(both, heavy=above.heavy or below.heavy)
    return ratio(below, above, paired=False).interval
