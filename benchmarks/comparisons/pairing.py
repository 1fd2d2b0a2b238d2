"""What two runs have in common: whether they may be compared, whether they share random numbers."""

import math
from typing import Any

import numpy as np
import pandas as pd

from gradest.benchmarks.analysis.results import LEFT_OUT, Run
from gradest.benchmarks.errors import BadInput
from gradest.benchmarks.folders.differences import texts_of
from gradest.problems import PROBLEMS

PAIRED_BY = {
    "seed": "seed",
    "dtype": "precision",
    "theta": "θ",
    "replicates": "R",
    "batches": "number of batches",
    "minibatch": "minibatch",
}
"""The columns in which two cells must agree to share their random numbers, with their names."""

HARDWARE = ("machine", "device")
GENERATOR = "prng"
ORIGIN = ("commit", "dirty", "code", "cells")
"""Keys of a run's environment; all others are versions."""

MOST_APART = 1e-4
"""Standard deviations of an estimate by which a network's numbers may differ between devices."""

ROUNDINGS = 2**8
"""Times the arithmetic's precision that any numbers may, relative to an estimate's size."""

EVERYWHERE = ["problem", "problem_args", "point", "num_samples"]
"""What a cell is a measurement of, but for the estimator."""

CellRows = dict[str | None, Any]
"""A cell's rows by group, None for one that failed."""


def cells_of(table: pd.DataFrame, key: list[str]) -> dict[tuple, CellRows]:
    """The cells that were tried, by the columns in `key`."""
    cells: dict[tuple, CellRows] = {}
    for row in table[table.status != "skipped"].itertuples(index=False):
        group = row.group if isinstance(row.group, str) else None
        cell = tuple(getattr(row, name) for name in key)
        cells.setdefault(cell, {})[group] = row
    return cells


def groups_of(first: CellRows, second: CellRows) -> list[str]:
    """The groups that were measured in both cells, by name."""
    return sorted(group for group in first.keys() & second.keys() if group is not None)


def same_draws(first: Any, second: Any) -> bool:
    """Whether two cells of one problem, θ and L used the same random numbers, batch by batch.

    Args:
        first: a row of measurements.
        second: another.

    Returns:
        Whether they did as far as the rows tell: the runs must have used one generator too.
    """
    known = first.jackknifed is not None and second.jackknifed is not None
    return known and all(value_in(first, key) == value_in(second, key) for key in PAIRED_BY)


def value_in(row: Any, column: str) -> Any:
    """What a row has in a column; None where that is empty, which equals itself."""
    value = getattr(row, column)
    return None if pd.isna(value) else value


def agree_on_devices(first: Any, second: Any) -> bool:
    """Whether two devices made the same numbers of the same draws.

    That is to rounding where no network is, as in the toys, and to MOST_APART elsewhere.

    Args:
        first: a row of measurements.
        second: that of the same cell on another device.
    """
    deviation = math.sqrt(first.variance)
    size = math.hypot(deviation, 0.0 if math.isnan(first.mean_norm) else first.mean_norm)
    allowed = ROUNDINGS * float(np.finfo(first.dtype).eps) * size
    if not is_toy(first.problem):
        allowed += MOST_APART * deviation
    return difference(first, second) <= allowed


def difference(first: Any, second: Any) -> float:
    """How far two cells' numbers are from one another, in the unit of an estimate.

    It is the largest of the differences of the mean's length, the bias's, and the standard
    deviation, with all batches and without each.
    """
    pairs = []
    for row in (first, second):
        variances = [row.variance, *row.jackknifed.without]
        pairs.append(np.array([row.mean_norm, row.bias_norm, *np.sqrt(variances)], float))
    here, there = pairs
    apart = np.abs(here - there)
    unknown = np.isnan(here) & np.isnan(there)
    return float(np.where(unknown, 0.0, np.nan_to_num(apart, nan=np.inf)).max())


def is_toy(problem: str) -> bool:
    """Whether a problem of this name is ours, and has no network."""
    cls = PROBLEMS.get(problem)
    return cls is not None and cls.__module__.startswith("gradest.problems.toys.")


def refuse_revisions(first: Run, second: Run) -> None:
    """Refuses two runs of different revisions of a problem.

    Raises:
        BadInput: a problem that both runs measured was another problem in one of them.
    """
    here = revisions(first)
    there = revisions(second)
    faults = [
        f"problem {place[0]}: revision {here[place]} in {first.folder}, "
        f"{there[place]} in {second.folder}: their numbers are those of different problems; "
        "expected runs of one revision: measure the older one again"
        for place in sorted(here.keys() & there.keys())
        if here[place] != there[place]
    ]
    if faults:
        raise BadInput("\n".join(dict.fromkeys(faults)))


def revisions(run: Run) -> dict[tuple[str, str], str]:
    """The revisions of each problem, with its arguments, that a run measured, where it says."""
    known = run.measurements.dropna(subset="problem_revision")
    texts = {}
    for (problem, arguments), rows in known.groupby(["problem", "problem_args"]):
        numbers = sorted({int(number) for number in rows.problem_revision})
        texts[str(problem), str(arguments)] = ", ".join(map(str, numbers))
    return texts


def generators(run: Run) -> set[str]:
    """The random number generators that a run used; none where it does not say."""
    return {environment.get(GENERATOR, "") for environment in environments(run)}


def same_generator(first: Run, second: Run) -> bool:
    """Whether two runs used one and the same random number generator, and no other."""
    used = generators(first)
    return len(used) == 1 and used == generators(second)


def environments(run: Run) -> list[dict[str, Any]]:
    """Versions and hardware that a run was measured with, and the origin of our code."""
    return (run.manifest or {}).get("environments", [])


def differing(first: Run, second: Run, keys: tuple[str, ...]) -> list[str]:
    """What differs in these keys of the environments, in words."""
    texts = []
    for key in keys:
        here = values_of(first, key)
        there = values_of(second, key)
        if here != there:
            texts.append(f"{key} {here or 'unknown'} in A, {there or 'unknown'} in B")
    return texts


def values_of(run: Run, key: str) -> str:
    """The values of a key in a run's environments; empty where there are none."""
    values = {environment.get(key, "unknown") for environment in environments(run)}
    return ", ".join(sorted(values))


def changed_lines(*runs: tuple[Run, str]) -> list[str]:
    """What is to be said of files that are not as a run wrote them.

    Args:
        runs: each with its name.
    """
    return [
        f"{name}: not as measured: {texts_of(run.changed)}" for run, name in runs if run.changed
    ]


def warn_of_files(*runs: tuple[Run, str]) -> list[str]:
    """Warnings of what the runs' folders lack.

    Args:
        runs: each with its name.
    """
    warnings = changed_lines(*runs)
    for run, name in runs:
        if run.manifest is None:
            warnings.append(
                f"{name}: manifest.json is not there: its hardware and versions are unknown; "
                "not paired"
            )
        if not run.jackknifed:
            warnings.append(f"{name}: {LEFT_OUT} is not there: not paired")
    return warnings


def warn_of_environments(first: Run, second: Run) -> list[str]:
    """Warnings that runs differ in hardware, versions or the generator, a line each."""
    both = [*environments(first), *environments(second)]
    keys = dict.fromkeys(key for environment in both for key in environment)
    versions = tuple(key for key in keys if key not in (*HARDWARE, GENERATOR, *ORIGIN))
    warnings = []
    for kind, compared, consequence in (
        ("different hardware", HARDWARE, "times do not compare"),
        ("different versions", versions, "numbers may differ for that"),
        ("different random number generators", (GENERATOR,), "not paired"),
    ):
        texts = differing(first, second, compared)
        if texts:
            warnings.append(f"{kind}: {'; '.join(texts)}: {consequence}")
    return warnings


def warn_of_devices(cells: list[tuple[CellRows, CellRows]]) -> list[str]:
    """What is to be said of cells on the same draws that two devices measured, a line each.

    Args:
        cells: pairs of cells, each cell's rows by group.
    """
    agreeing: dict[str, list[float]] = {"toys": [], "other problems": []}
    disagreeing: list[float] = []
    for first, second in cells:
        for group in groups_of(first, second):
            rows = first[group], second[group]
            if not same_draws(*rows) or not first[group].variance > 0:
                continue
            apart = difference(*rows) / math.sqrt(first[group].variance)
            kind = "toys" if is_toy(first[group].problem) else "other problems"
            (agreeing[kind] if agree_on_devices(*rows) else disagreeing).append(apart)
    lines = [
        f"numbers agree between the devices to {max(found):.2g} of the standard deviation "
        f"in {len(found)} rows of {kind}: paired"
        for kind, found in agreeing.items()
        if found
    ]
    if disagreeing:
        lines.append(
            f"numbers differ between the devices by up to {max(disagreeing):.2g} of the standard "
            f"deviation in {len(disagreeing)} rows: not paired"
        )
    return lines


def warn_of_cells(cells: list[tuple[CellRows, CellRows]]) -> list[str]:
    """Warnings of what differs between matched cells so that they are not paired.

    Args:
        cells: pairs of cells, each cell's rows by group.
    """
    rows = []
    for first, second in cells:
        rows += [(first[group], second[group]) for group in groups_of(first, second)]
    warnings = []
    for column, name in PAIRED_BY.items():
        pairs = [(value_in(here, column), value_in(there, column)) for here, there in rows]
        different = [pair for pair in pairs if pair[0] != pair[1]]
        if different:
            here, there = ("none" if value is None else value for value in different[0])
            warnings.append(
                f"different {name}: {here} in A, {there} in B, in {len(different)} of {len(rows)} "
                "rows: not paired"
            )
    return warnings
