"""Simulations in which the truth is known: how often an interval holds it, how often a test finds
what is not there."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import pandas as pd

from gradest.benchmarks.bench.calibration.bias_tests import (
    study_discoveries,
    study_equivalence,
    study_false_alarms,
    study_power,
)
from gradest.benchmarks.bench.calibration.laws import LAWS
from gradest.benchmarks.bench.calibration.rates import Rate
from gradest.benchmarks.bench.calibration.summaries import (
    BIASES,
    TRENDS,
    study_statistics,
    study_trends,
)
from gradest.benchmarks.bench.calibration.variances import KNOWN_CELLS, study_cell, study_variance


class Study(NamedTuple):
    """A simulation, and how many independent repetitions of it."""

    run: Callable[..., Iterator[Rate]]
    arguments: tuple[Any, ...]
    studies: int

    def rates(self, share: float = 1.0) -> Iterator[Rate]:
        """What comes of a share of its repetitions."""
        return self.run(*self.arguments, max(2, round(share * self.studies)))


FEW, MANY = 1_000, 20_000
"""The replicates of a quick cell, and of an ordinary one."""

BOTH = (FEW, MANY)
VECTORS = ("normal", "chi-square(1)", "lognormal(1)")
"""Laws that are tried in ten coordinates too."""
SKEWED = ("exponential", "lognormal(1)")

STUDIES = (
    *(Study(study_variance, (law, 1, size), 4_000) for law in LAWS for size in BOTH),
    *(Study(study_variance, (law, 10, FEW), 2_000) for law in VECTORS),
    *(Study(study_variance, (law, 10, MANY), 1_500) for law in VECTORS),
    *(Study(study_cell, (cell, MANY), 600) for cell in KNOWN_CELLS),
    *(Study(study_statistics, (bias, size), 2_000) for bias in BIASES for size in BOTH),
    *(Study(study_trends, (trend, FEW), 2_000) for trend in TRENDS),
    *(Study(study_trends, (trend, MANY), 1_000) for trend in TRENDS),
    *(Study(study_false_alarms, (law, 100, FEW), 2_000) for law in SKEWED),
    *(Study(study_false_alarms, (law, 100, MANY), 800) for law in SKEWED),
    *(Study(study_discoveries, ("exponential", share, FEW), 2_000) for share in (0.0, 0.2)),
    *(Study(study_equivalence, ("exponential", 3, size), 2_000) for size in BOTH),
    *(Study(study_power, ("exponential", 10, size), 2_000) for size in BOTH),
)


def simulate(studies: Sequence[Study], share: float = 1.0) -> pd.DataFrame:
    """The table of all studies' rates, each from a share of its repetitions."""
    rates = [rate for study in studies for rate in study.rates(share)]
    return pd.DataFrame(rates, columns=Rate._fields)
