"""What `make bench` is to reach on two cores, as data, and whether what was measured does."""

import math
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd


class Target(NamedTuple):
    """A number made from one of the tables, and the bounds that it is to keep."""

    table: str
    text: str
    value: Callable[[pd.DataFrame], float]
    low: float = -math.inf
    high: float = math.inf
    unit: str = ""


class Verdict(NamedTuple):
    """How a target did."""

    text: str
    measured: str
    verdict: str
    """met, missed, or not measured."""


MEAN_SHARE, LEAST_SHARE, MEAN_SHARE_SCALAR = 0.6, 0.35, 0.5
"""Of the roofline: the geometric mean and the least at D ≥ 10, and the mean at D = 1."""

LARGEST, SMALLEST = 10_000_000, 100_000
"""R of the memory's targets: below the smaller, calls are not yet of their full size."""


def geometric_mean(values: pd.Series) -> float:
    """The geometric mean of those that are numbers; not a number of nothing.

    >>> geometric_mean(pd.Series([0.5, 2.0, math.nan]))
    1.0
    """
    known = values.dropna()
    return float(np.exp(np.log(known).mean())) if len(known) else math.nan


def share(table: pd.DataFrame, column: str) -> pd.Series:
    """A column of shares, or nothing where no such cell was timed."""
    return table[column] if column in table else pd.Series(math.nan, table.index)


def vector_share(table: pd.DataFrame, column: str) -> pd.Series:
    """The shares of the cells with D ≥ 10."""
    return share(table, column)[table.dim >= 10]


def scalar_share(table: pd.DataFrame, column: str) -> pd.Series:
    """The shares of the cells with D = 1."""
    return share(table, column)[table.dim == 1]


def peak(table: pd.DataFrame, replicates: int) -> float:
    """The most memory of a run of so many replicates, in MiB."""
    return float(table.peak_mib[table.replicates == replicates].max())


def worst_exponent(table: pd.DataFrame, axis: str) -> float:
    """The exponent along an axis that is farthest from 1."""
    exponents = table.exponent[table.axis == axis]
    if exponents.empty:
        return math.nan
    return float(exponents.loc[(exponents - 1).abs().idxmax()])


def slowest(table: pd.DataFrame, cache: str) -> float:
    """The seconds of the slowest run with a cold or a warm cache."""
    return float(table.seconds[table.cache == cache].max())


def roofline_targets(column: str, what: str) -> tuple[Target, ...]:
    """The targets of one share of the roofline."""
    return (
        Target(
            "throughput",
            f"D ≥ 10: at least {MEAN_SHARE} of {what}, geometric mean",
            lambda table: geometric_mean(vector_share(table, column)),
            low=MEAN_SHARE,
        ),
        Target(
            "throughput",
            f"D ≥ 10: no cell under {LEAST_SHARE} of {what}",
            lambda table: float(vector_share(table, column).min()),
            low=LEAST_SHARE,
        ),
        Target(
            "throughput",
            f"D = 1: at least {MEAN_SHARE_SCALAR} of {what}, mean",
            lambda table: float(scalar_share(table, column).mean()),
            low=MEAN_SHARE_SCALAR,
        ),
    )


COMPILATION_TARGETS = (
    Target(
        "compile",
        "compilation: at most 0.6 s a cell, median",
        lambda table: float(table.seconds.median()),
        high=0.6,
        unit=" s",
    ),
    Target(
        "recompilations",
        "nothing compiled where only numbers change",
        lambda table: float(table.compilations.sum()),
        high=0,
    ),
)

DEFAULT_TARGETS = (
    Target(
        "default",
        "`default` with an empty cache: at most 90 s",
        lambda table: slowest(table, "cold"),
        high=90,
        unit=" s",
    ),
    Target(
        "default",
        "`default` again: at most 30 s",
        lambda table: slowest(table, "warm"),
        high=30,
        unit=" s",
    ),
    Target(
        "default",
        "`default`: under 2 GiB",
        lambda table: float(table.peak_mib.max()),
        high=2048,
        unit=" MiB",
    ),
)

MEMORY_TARGETS = (
    Target(
        "memory",
        f"R = {LARGEST:,} at D = 10: under 1 GiB",
        lambda table: peak(table, LARGEST),
        high=1024,
        unit=" MiB",
    ),
    Target(
        "memory",
        f"flat in R: R = {LARGEST:,} takes at most 1.1 times the memory of R = {SMALLEST:,}",
        lambda table: peak(table, LARGEST) / peak(table, SMALLEST),
        high=1.1,
    ),
    Target(
        "memory",
        "the short presets: under 2 GiB",
        lambda table: float(table.peak_mib[table.replicates.isna()].max()),
        high=2048,
        unit=" MiB",
    ),
)

GROWTH_TARGETS = (
    Target(
        "growth",
        "time ∝ R past a million samples: exponent 1.00 ± 0.05",
        lambda table: worst_exponent(table, "R"),
        low=0.95,
        high=1.05,
    ),
    Target(
        "growth",
        "time ∝ R·L past a million samples: exponent 1.00 ± 0.05",
        lambda table: worst_exponent(table, "R·L"),
        low=0.95,
        high=1.05,
    ),
    Target(
        "growth",
        "time in the number of cells: exponent at most 1.05 (a sweep's start is below 1)",
        lambda table: worst_exponent(table, "cells"),
        high=1.05,
    ),
)

TARGETS = (
    *roofline_targets("of_floor", "the roofline"),
    *roofline_targets("of_floor_with_f", "the roofline with f counted"),
    *COMPILATION_TARGETS,
    *DEFAULT_TARGETS,
    *MEMORY_TARGETS,
    *GROWTH_TARGETS,
)


def verdicts(
    tables: Mapping[str, pd.DataFrame], targets: tuple[Target, ...] = TARGETS
) -> list[Verdict]:
    """A verdict on each target; what is not in the tables was not measured."""
    return [verdict(target, tables) for target in targets]


def verdict(target: Target, tables: Mapping[str, pd.DataFrame]) -> Verdict:
    """Whether one target is met."""
    value = target.value(tables[target.table]) if target.table in tables else math.nan
    if math.isnan(value):
        return Verdict(target.text, "–", "not measured")
    measured = f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
    is_met = target.low <= value <= target.high
    return Verdict(target.text, measured + target.unit, "met" if is_met else "missed")
