"""Whether measured variances are those that are known exactly: a check of ourselves.

Each row is tested alone, by Student's t of the logarithm of measured over exact, and so is each
estimator, by the mean of these logarithms over its rows. Rows of a run may share their draws, which
is why their number outside their intervals is no binomial one. The mean is jackknifed with the same
batch left out of every row, so that what rows share is counted; and Bonferroni's correction holds
whatever the tests share.
"""

import math
from collections.abc import Hashable, Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import stdtr

from gradest.benchmarks.statistics.intervals import LINEAR, Jackknifed, combine, standard_error

FALSE_ALARMS = 0.001
"""The probability that chance makes a run speak, were t exact so far out.

Simulated it is below 1 %: `tests/benchmarks/statistics/test_known_variances.py`.
"""

MOST_NOISE = 0.002
"""The largest (κ − 1)/R, the squared relative error of a variance, of a row that is tested.

With heavier tails or fewer replicates t is far from Student's where it is rare.
"""


class Known(NamedTuple):
    """A row whose variance is known."""

    estimator: Hashable
    measured: Jackknifed
    exact: float


class Miss(NamedTuple):
    """Rows that miss their exact variances by more than chance: one, or all of an estimator."""

    rows: tuple[int, ...]
    """Their places."""
    excess: float
    """By how much the measured variance is larger, relatively and on average."""
    p: float
    """After Bonferroni's correction."""


def is_precise(replicates: int, kurtosis: float) -> bool:
    """Whether Student's t is to be trusted at small p."""
    return (kurtosis - 1) / replicates <= MOST_NOISE


def misses(rows: Sequence[Known]) -> list[Miss]:
    """What misses by more than chance over all rows, the surest first.

    Args:
        rows: of one run; those of an estimator with as many batches are tested together too.
    """
    ratios = [combine(lambda v, row=row: np.log(v / row.exact), row.measured) for row in rows]
    together: dict[Hashable, list[int]] = {}
    for place, row in enumerate(rows):
        together.setdefault((row.estimator, len(row.measured.without)), []).append(place)
    tests: list[tuple[int, ...]] = [(place,) for place in range(len(rows))]
    tests += [tuple(places) for places in together.values() if len(places) > 1]
    found = []
    for places in tests:
        mean = combine(lambda *values: sum(values) / len(values), *(ratios[i] for i in places))
        p = min(1.0, p_value(mean) * len(tests))
        if p < FALSE_ALARMS:
            found.append(Miss(places, math.expm1(float(mean.value)), p))
    return sorted(found, key=lambda miss: miss.p)


def p_value(ratio: Jackknifed) -> float:
    """Of a logarithm that is 0 where all is well."""
    error = float(standard_error(ratio, LINEAR))
    if not error > 0:
        return float(ratio.value == 0)
    return 2 * float(stdtr(len(ratio.without) - 1, -abs(float(ratio.value)) / error))
