"""A finished run, read back: its measurements and their statistics without each batch.

What is made of several cells, a ratio or a slope or a crossover, needs the statistics without each
batch of replicates, which are in leave_one_out.csv. Without that file such numbers are left out,
never guessed.
"""

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from gradest.benchmarks.analysis.labels import POINT_ARGUMENT, estimator_label, without
from gradest.benchmarks.analysis.tables import read_table
from gradest.benchmarks.errors import BadInput
from gradest.benchmarks.folders.columns import LeftOutRow, Row
from gradest.benchmarks.folders.differences import CHANGED, Difference
from gradest.benchmarks.folders.manifest import (
    Manifest,
    is_earlier,
    is_whole,
    read_file,
    read_manifest,
)
from gradest.benchmarks.folders.record import TABLES
from gradest.benchmarks.folders.training_columns import (
    TRAINING,
    TRAINING_TABLES,
    TRAJECTORY,
    TrainingRow,
    TrajectoryRow,
)
from gradest.benchmarks.outcomes import Outcome
from gradest.benchmarks.statistics.intervals import LINEAR, Interval, Jackknifed, interval
from gradest.benchmarks.statistics.trends import log_log_slope
from gradest.benchmarks.sweeps.schema import Sweep, is_file
from gradest.problems.arguments import nearest, shown

MEASUREMENTS, LEFT_OUT = TABLES

ROWS = {
    MEASUREMENTS: Row,
    LEFT_OUT: LeftOutRow,
    TRAINING: TrainingRow,
    TRAJECTORY: TrajectoryRow,
}
"""The tables of a run, by their names."""

ZERO = "variance zero"
"""Begins the reason of a row whose variance is zero, if only to rounding."""

PLACE = ["problem", "problem_args", "point", "group"]
ESTIMATOR = ["estimator", "estimator_args"]


class Run(NamedTuple):
    """What a folder holds of a run."""

    folder: Path
    measurements: pd.DataFrame
    """measurements.csv, with `jackknifed` and `jackknifed_bias`: each row's variance and squared
    bias as a Jackknifed, or None."""
    manifest: Manifest | None
    jackknifed: bool
    """Whether leave_one_out.csv is there."""
    changed: tuple[Difference, ...] = ()
    """Files that are not as the run wrote them, where that was asked and they are used anyhow."""
    doubt: str = ""
    """Why nothing can be said of that; empty where something can."""
    training: pd.DataFrame | None = None
    """training.csv; None where the run trained nothing."""
    trajectory: pd.DataFrame | None = None
    """trajectory.csv, likewise."""


def find_run(name: str) -> Path:
    """The folder of a run.

    Args:
        name: a folder, or the name of one in results/.

    Raises:
        BadInput: there is no measurements.csv in either.
    """
    for folder in folders_called(name):
        if is_file(folder / MEASUREMENTS):
            return folder
    known = run_names()
    names = f" ({', '.join(known)})" if known else ""
    raise BadInput(
        f"run {shown(name)}: its measurements.csv is not there: expected the folder of a run, "
        f"or the name of one in results/{names}{nearest(name, known)}"
    )


def is_run(name: str) -> bool:
    """Whether a name is that of a run: see `find_run`."""
    return any(is_file(folder / MEASUREMENTS) for folder in folders_called(name))


def folders_called(name: str) -> tuple[Path, Path]:
    """Where a run of that name may be."""
    return Path(name), Path("results") / name


def run_names() -> list[str]:
    """The names of the runs in results/."""
    return sorted(path.parent.name for path in Path("results").glob("*/measurements.csv"))


def read_run(folder: Path) -> Run:
    """Everything that the folder of a run holds, whether or not it is as the run wrote it.

    Raises:
        BadInput: measurements.csv is not there, or a file is not what a run writes.
    """
    refuse_no_run(folder)
    manifest = read_manifest(folder)
    contents = {name: read_file(folder / name) for name in tables_of(manifest)}
    return run_of(folder, contents, manifest)


def tables_of(manifest: Manifest | None) -> tuple[str, ...]:
    """The tables that a run writes: more where its sweep trains."""
    sweep = (manifest or {}).get("sweep")
    trains = isinstance(sweep, dict) and sweep.get("training")
    return (*TABLES, *TRAINING_TABLES) if trains else TABLES


def refuse_no_run(folder: Path) -> None:
    """Refuses a folder without measurements.csv.

    Raises:
        BadInput: it is not there.
    """
    path = folder / MEASUREMENTS
    if not path.exists():
        raise BadInput(
            f"{path} is not there: expected the folder of a run; `gradest run` makes one"
        )


def run_of(
    folder: Path,
    contents: Mapping[str, bytes | None],
    manifest: Manifest | None,
    vouched: Collection[str] = (),
) -> Run:
    """The run that files hold.

    Args:
        folder: theirs.
        contents: the bytes of its tables by name, None for one that is not there.
        manifest: the run's, where it has one.
        vouched: those of them that are known to be what a run wrote.

    Raises:
        BadInput: they are not what a run writes.
    """
    tables = {}
    for name, row in ROWS.items():
        content = contents.get(name)
        if content is not None:
            tables[name] = read_table(folder / name, content, row, vouched=name in vouched)
    measurements, left_out = tables[MEASUREMENTS], tables.get(LEFT_OUT)
    if left_out is not None and LEFT_OUT not in vouched:
        refuse_other_batches(folder / LEFT_OUT, measurements, left_out)
    return Run(
        folder,
        measurements=attach(measurements, left_out),
        manifest=manifest,
        jackknifed=left_out is not None,
        training=tables.get(TRAINING),
        trajectory=tables.get(TRAJECTORY),
    )


def refuse_other_batches(path: Path, measurements: pd.DataFrame, left_out: pd.DataFrame) -> None:
    """Refuses statistics without each batch that lack some.

    Raises:
        BadInput: with the cell and group that they lack some of.
    """
    counts = left_out.groupby(["cell", "group"], dropna=False).batch.agg(["size", "max"])
    batches = measurements.set_index(["cell", "group"]).batches
    for (cell, group), (size, last) in zip(counts.index, counts.to_numpy(), strict=True):
        expected = batches.get((cell, group))
        if not size == last + 1 == expected:
            raise BadInput(
                f"{path}: cell {cell}, group {group}: expected a row for each of the "
                f"{expected} batches in {MEASUREMENTS}; got {size}"
            )


def recorded_sweep(folder: Path) -> Sweep:
    """The sweep that a folder's manifest records.

    Raises:
        BadInput: there is none that can be read, or it was changed after the run.
    """
    path = folder / "manifest.json"
    manifest = read_manifest(folder)
    if manifest is None:
        raise BadInput(
            f"{path} is not there: expected the folder of a finished run; `gradest run` makes one"
        )
    if not (is_earlier(manifest) or is_whole(manifest)):
        raise BadInput(
            f"{path} {CHANGED}: expected it as the run wrote it; `gradest run` writes it anew"
        )
    try:
        return Sweep.model_validate(manifest["sweep"])
    except (ValueError, KeyError, TypeError) as error:
        raise BadInput(f"{path}: cannot be read as a run's record: {error}") from error


def recorded_outcomes(folder: Path) -> dict[str, Outcome]:
    """What became of the cells of a run that has no store, by their ids; none where it has no
    table either."""
    if not is_file(folder / MEASUREMENTS):
        return {}
    table = read_run(folder).measurements
    tried = table[table.status != "skipped"]
    worst_first = tried.sort_values("status", key=lambda texts: texts == "ok", kind="stable")
    rows = worst_first.drop_duplicates("cell").itertuples()
    return {row.cell: Outcome(row.status, str(row.reason), [], {}, "") for row in rows}


def attach(measurements: pd.DataFrame, left_out: pd.DataFrame | None) -> pd.DataFrame:
    """The measurements with the statistics without each batch.

    Args:
        measurements: a run's.
        left_out: its leave_one_out.csv, or None.

    Returns:
        The measurements with the columns `jackknifed` and `jackknifed_bias`, None where the batches
        are not known.
    """
    rows_of: dict[tuple[str, str], pd.DataFrame] = {}
    if left_out is not None:
        rows_of = dict(list(left_out.sort_values("batch").groupby(["cell", "group"], sort=False)))

    def jackknifed(column: str, statistic: str) -> pd.Series:
        values = []
        for cell, group, value in measurements[["cell", "group", column]].itertuples(index=False):
            rows = rows_of.get((cell, group))
            others = np.array([np.nan]) if rows is None else rows[statistic].to_numpy(float)
            known = np.isfinite(value) and np.isfinite(others).all()
            values.append(Jackknifed(value, others) if known else None)
        return pd.Series(values, index=measurements.index, dtype=object)

    return measurements.assign(
        jackknifed=jackknifed("variance", "variance"),
        jackknifed_bias=jackknifed("bias_squared", "squared_bias"),
    )


def is_sure(rows: pd.DataFrame) -> pd.Series:
    """Which rows may go into a slope or a crossover: reliable, not zero, known batch by batch."""
    positive = ~called_zero(rows) & (rows.variance > 0)
    return (rows.status == "ok") & positive & rows.jackknifed.notna()


def is_zero(row: Any) -> bool:
    """Whether one row's variance is zero, if only to rounding."""
    return str(row.reason).startswith(ZERO) or row.variance == 0


def called_zero(rows: pd.DataFrame) -> pd.Series:
    """Which rows' variance the run found to be zero, if only to rounding."""
    return rows.reason.fillna("").str.startswith(ZERO)


def slope_of(rows: pd.DataFrame, tests: int = 1) -> Interval | None:
    """The slope of ln variance on ln L.

    Args:
        rows: one estimator's measurements of one group, one for each L.
        tests: of how many intervals, which hold at once, this is one.

    Returns:
        The slope with its interval; None where fewer than two L are sure.
    """
    sure = rows[is_sure(rows)]
    if sure.empty:
        return None
    slope = log_log_slope(sure.num_samples.to_numpy(float), list(sure.jackknifed))
    return None if slope is None else interval(slope, LINEAR, tests=tests)


def labelled(measurements: pd.DataFrame) -> pd.DataFrame:
    """The measurements with their estimators in words.

    Args:
        measurements: a run's.

    Returns:
        The measurements, numbered anew, with the columns `label`, the estimator in words, and
        `setting`, the problem's arguments without θ's.
    """
    estimators = list(zip(measurements.estimator, measurements.estimator_args, strict=True))
    values: dict[tuple[str, str], set[str]] = {}
    for name, text in set(estimators):
        for key, value in json.loads(text).items():
            values.setdefault((name, key), set()).add(json.dumps(value))
    labels = {}
    for name, text in set(estimators):
        swept = [key for key in json.loads(text) if len(values[name, key]) > 1]
        labels[name, text] = estimator_label(name, text, swept)
    return measurements.reset_index(drop=True).assign(
        label=[labels[estimator] for estimator in estimators],
        setting=[without(args, POINT_ARGUMENT) for args in measurements.problem_args],
    )
