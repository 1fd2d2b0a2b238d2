"""What `make bench` is to reach, as data, and whether what was measured does. On two cores."""

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


FLOOR_MEAN, FLOOR_LEAST, FLOOR_MEAN_SCALAR = 0.6, 0.35, 0.5
"""Shares of the floor: in the geometric mean and at least at D ≥ 10, and in the mean at D = 1."""

LARGEST, SMALLEST = 10_000_000, 100_000
"""R of the memory's targets: below the smaller, calls are not yet of their full size."""


def geometric_mean(values: pd.Series) -> float:
    """Of what is there; not a number of nothing.

    >>> geometric_mean(pd.Series([0.5, 2.0, math.nan]))
    1.0
    """
    there = values.dropna()
    return float(np.exp(np.log(there).mean())) if len(there) else math.nan


def many(table: pd.DataFrame, column: str) -> pd.Series:
    """A share of the cells with D ≥ 10."""
    return share(table, column)[table.dim >= 10]


def one(table: pd.DataFrame, column: str) -> pd.Series:
    """A share of the cells with D = 1."""
    return share(table, column)[table.dim == 1]


def share(table: pd.DataFrame, column: str) -> pd.Series:
    """A column, or nothing where no such cell was timed."""
    return table[column] if column in table else pd.Series(math.nan, table.index)


def peak(table: pd.DataFrame, replicates: int) -> float:
    """The most memory of a run of so many replicates, in MiB."""
    return float(table.peak_mib[table.replicates == replicates].max())


def farthest(table: pd.DataFrame, axis: str) -> float:
    """The exponent along an axis that is farthest from 1."""
    found = table.exponent[table.axis == axis]
    return float(found.loc[(found - 1).abs().idxmax()]) if len(found) else math.nan


def slowest(table: pd.DataFrame, cache: str) -> float:
    """Seconds of the slowest run."""
    return float(table.seconds[table.cache == cache].max())


def of_floor(column: str, what: str) -> tuple[Target, ...]:
    """The targets of a share of the floor."""
    return (
        Target(
            "throughput",
            f"D ≥ 10: at least {FLOOR_MEAN} of {what}, geometric mean",
            lambda t: geometric_mean(many(t, column)),
            low=FLOOR_MEAN,
        ),
        Target(
            "throughput",
            f"D ≥ 10: no cell under {FLOOR_LEAST} of {what}",
            lambda t: float(many(t, column).min()),
            low=FLOOR_LEAST,
        ),
        Target(
            "throughput",
            f"D = 1: at least {FLOOR_MEAN_SCALAR} of {what}, mean",
            lambda t: float(one(t, column).mean()),
            low=FLOOR_MEAN_SCALAR,
        ),
    )


TARGETS = (
    *of_floor("of_floor", "the floor"),
    *of_floor("of_floor_with_f", "the floor with f counted"),
    Target(
        "compile",
        "compilation: at most 0.6 s a cell, median",
        lambda t: float(t.seconds.median()),
        high=0.6,
        unit=" s",
    ),
    Target(
        "recompilations",
        "nothing compiled where only numbers change",
        lambda t: float(t.compilations.sum()),
        high=0,
    ),
    Target(
        "default",
        "`default` with an empty cache: at most 90 s",
        lambda t: slowest(t, "cold"),
        high=90,
        unit=" s",
    ),
    Target(
        "default", "`default` again: at most 30 s", lambda t: slowest(t, "warm"), high=30, unit=" s"
    ),
    Target(
        "default",
        "`default`: under 2 GiB",
        lambda t: float(t.peak_mib.max()),
        high=2048,
        unit=" MiB",
    ),
    Target(
        "memory",
        f"R = {LARGEST:,} at D = 10: under 1 GiB",
        lambda t: peak(t, LARGEST),
        high=1024,
        unit=" MiB",
    ),
    Target(
        "memory",
        f"flat in R: R = {LARGEST:,} takes at most 1.1 times the memory of R = {SMALLEST:,}",
        lambda t: peak(t, LARGEST) / peak(t, SMALLEST),
        high=1.1,
    ),
    Target(
        "memory",
        "the other presets: under 2 GiB",
        lambda t: float(t.peak_mib[t.replicates.isna()].max()),
        high=2048,
        unit=" MiB",
    ),
    Target(
        "growth",
        "time ∝ R past a million samples: exponent 1.00 ± 0.05",
        lambda t: farthest(t, "R"),
        0.95,
        1.05,
    ),
    Target(
        "growth",
        "time ∝ R·L past a million samples: exponent 1.00 ± 0.05",
        lambda t: farthest(t, "R·L"),
        0.95,
        1.05,
    ),
    Target(
        "growth",
        "time in the number of cells: exponent at most 1.05 (a sweep's start is below 1)",
        lambda t: farthest(t, "cells"),
        high=1.05,
    ),
)


def verdicts(
    tables: Mapping[str, pd.DataFrame], targets: tuple[Target, ...] = TARGETS
) -> list[Verdict]:
    """A verdict on each target: what is not in the tables was not measured."""
    found = []
    for target in targets:
        value = target.value(tables[target.table]) if target.table in tables else math.nan
        if math.isnan(value):
            found.append(Verdict(target.text, "–", "not measured"))
        else:
            verdict = "met" if target.low <= value <= target.high else "missed"
            shown = f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
            found.append(Verdict(target.text, shown + target.unit, verdict))
    return found
