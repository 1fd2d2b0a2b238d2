"""What a plan will take, in minutes and bytes: by times taken here, or else by stated rates."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import jax
import pandas as pd

from gradest.benchmarks.analysis.labels import short_label
from gradest.benchmarks.analysis.numerals import several
from gradest.benchmarks.cells.cell import Cell
from gradest.benchmarks.errors import BadInput
from gradest.benchmarks.folders.manifest import read_manifest
from gradest.benchmarks.sweeps.plan import Plan
from gradest.problems.base import Problem

COMPILING, DRAWING = 0.4, 4e-7
"""Seconds to compile a cell, and for each draw of x, where nothing was timed: those with which
`default` comes to what README says that it takes, on two cores."""

SUMMARY_BYTES = 24 * 32
"""In the store, for each coordinate of θ and cell: three numbers for each of 32 batches."""

ROW_BYTES, PAGE_BYTES = 2_400, 5_000_000
"""Of both tables, for each cell and group; of the page, figures and what else is drawn."""

TIMED_BY = ["problem", "problem_args", "estimator", "estimator_args", "num_samples"]


class Timed(NamedTuple):
    """The seconds of one cell as they were taken here."""

    compiling: float
    estimate: float
    run: str


class Forecast(NamedTuple):
    """What it takes to measure a plan from the beginning. With a precision it is the most."""

    seconds: float
    cells: int
    timed: int
    """How many of the cells were timed here."""
    where: str
    """In which runs they were timed, on what hardware; empty where none was."""
    disk: int
    """Bytes of everything that is written."""

    @property
    def text(self) -> str:
        """Both in a line, and how they are known."""
        if self.timed:
            known = f"timed here: {self.timed} of {several(self.cells, 'cell')}, in {self.where}"
        else:
            rates = f"{COMPILING:g} s to compile each cell and {1e6 * DRAWING:g} µs a draw"
            known = f"not timed here: {rates} assumed"
        return f"about {duration(self.seconds)} ({known}); about {size(self.disk)} of disk"

    @property
    def as_json(self) -> dict[str, Any]:
        """The same."""
        return {
            "seconds": round(self.seconds, 1),
            "timed_cells": self.timed,
            "timed_in": self.where,
            "disk_bytes": self.disk,
        }


def forecast(plan: Plan, folder: Path) -> Forecast:
    """What measuring a plan takes.

    Args:
        plan: what is to be measured.
        folder: where; its own times count first, then those of the runs beside it.
    """
    cells = [cell for cell in plan.measurable if not plan.faults.get(cell.id)]
    times = times_in([folder, *sorted(folder.parent.glob("*")), Path("results/reference")])
    found = [times.get(key_of(cell)) for cell in cells]
    known = [each for each in found if each]
    pairs = list(zip(cells, found, strict=True))
    rates = [each.estimate / cell.num_samples for cell, each in pairs if each]
    rate = median(rates) if rates else DRAWING
    compiling = median(each.compiling for each in known) if known else COMPILING
    seconds = 0.0
    for cell, each in pairs:
        one = each.estimate if each else rate * cell.num_samples
        seconds += cell.replicates * one + (each.compiling if each else compiling)
    return Forecast(seconds, len(cells), len(known), where_of(known), disk_of(plan, cells))


def key_of(cell: Cell) -> tuple[Any, ...]:
    """What the time of a cell is known by."""
    problem, estimator = cell.problem, cell.estimator
    return (problem.name, problem.json, estimator.name, estimator.json, cell.num_samples)


def times_in(folders: Iterable[Path]) -> dict[tuple[Any, ...], Timed]:
    """The times of all cells that the runs in these folders took; the first has the word."""
    times: dict[tuple[Any, ...], Timed] = {}
    for folder in folders:
        for row in rows_of(folder):
            key = tuple(getattr(row, name) for name in TIMED_BY)
            times.setdefault(key, Timed(row.compile_seconds, row.seconds, str(folder)))
    return times


def rows_of(folder: Path) -> list[Any]:
    """The timed rows of a folder's table; none where there is no table, or another's."""
    try:
        columns = [*TIMED_BY, "seconds", "compile_seconds"]
        table = pd.read_csv(folder / "measurements.csv", usecols=columns)
    except (OSError, ValueError):
        return []
    return list(table.dropna().drop_duplicates(TIMED_BY).itertuples())


def where_of(known: Sequence[Timed]) -> str:
    """The runs that times are from, and their hardware."""
    runs = dict.fromkeys(each.run for each in known)
    return "; ".join(f"{run} ({hardware_of(Path(run))})" for run in runs)


def hardware_of(folder: Path) -> str:
    """What a run was measured on, by its manifest."""
    try:
        environments = (read_manifest(folder) or {}).get("environments") or []
        texts = {f"{each['machine']}, {each['device']}" for each in environments}
    except (BadInput, KeyError, TypeError):
        texts = set()
    return "; ".join(sorted(texts)) or "unknown hardware"


def disk_of(plan: Plan, cells: Sequence[Cell]) -> int:
    """About how many bytes a run of these cells writes."""
    total = PAGE_BYTES
    sizes = {choice: sizes_of_groups(problem) for choice, problem in plan.problems.items()}
    for cell in cells:
        groups = sizes[cell.problem]
        total += SUMMARY_BYTES * sum(groups) + ROW_BYTES * len(groups)
    return total


def sizes_of_groups(problem: Problem) -> list[int]:
    """How many coordinates each group of θ has."""
    shapes = jax.eval_shape(problem.init_params, jax.random.key(0))
    return [sum(leaf.size for leaf in jax.tree.leaves(group)) for group in shapes.values()]


def places_of(plan: Plan) -> dict[str, int]:
    """Where estimators are measured, as problem and point, and how many cells there."""
    return dict(
        Counter(
            f"{short_label(cell.problem.name, cell.problem.json)}, {cell.point}"
            for cell in plan.measurable
        )
    )


def duration(seconds: float) -> str:
    """A time in words.

    >>> duration(42), duration(200), duration(20_000)
    ('42 seconds', '3 minutes', '6 hours')
    """
    if seconds < 90:
        return several(max(1, rounded(seconds)), "second")
    if seconds < 5_400:
        return f"{rounded(seconds / 60)} minutes"
    return f"{rounded(seconds / 3600)} hours"


def rounded(number: float) -> int:
    """A whole number, of two digits that count.

    >>> rounded(3.3), rounded(14.2), rounded(42), rounded(123)
    (3, 14, 42, 120)
    """
    digits = 1 - math.floor(math.log10(max(number, 1)))
    return int(round(number, min(digits, 0)))


def size(count: int) -> str:
    """Bytes in words.

    >>> size(4_200_000), size(3 * 10**9)
    ('4 MB', '3 GB')
    """
    if count < 10**9:
        return f"{rounded(count / 10**6)} MB"
    return f"{rounded(count / 10**9)} GB"
