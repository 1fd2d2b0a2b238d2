"""A finished run, read back: its measurements and their statistics without each batch.

What is made of several cells, a ratio or a slope or a crossover, needs the statistics without each
batch of replicates, which are in leave_one_out.csv. Without that file such numbers are left out,
never guessed.
"""

import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from gradest.benchmarks.analysis.labels import POINT_ARGUMENT, estimator_label, without
from gradest.benchmarks.errors import BadInput
from gradest.benchmarks.statistics.intervals import LINEAR, Interval, Jackknifed, interval
from gradest.benchmarks.statistics.trends import log_log_slope
from gradest.benchmarks.sweeps.columns import (
    COLUMNS,
    LEFT_OUT_COLUMNS,
    LeftOutRow,
    Row,
    dtypes_of,
)
from gradest.benchmarks.sweeps.schema import Sweep, is_file
from gradest.problems.arguments import nearest, shown

LEFT_OUT = "leave_one_out.csv"

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
    manifest: dict[str, Any] | None
    jackknifed: bool
    """Whether leave_one_out.csv is there."""


def find_run(name: str) -> Path:
    """The folder of a run.

    Args:
        name: a folder, or the name of one in results/.

    Raises:
        BadInput: there is no measurements.csv in either.
    """
    for folder in (Path(name), Path("results") / name):
        if is_file(folder / "measurements.csv"):
            return folder
    known = run_names()
    names = f" ({', '.join(known)})" if known else ""
    raise BadInput(
        f"run {shown(name)}: its measurements.csv is not there: expected the folder of a run, "
        f"or the name of one in results/{names}{nearest(name, known)}"
    )


def run_names() -> list[str]:
    """The names of the runs in results/."""
    return sorted(path.parent.name for path in Path("results").glob("*/measurements.csv"))


def read_run(folder: Path) -> Run:
    """Everything that the folder of a run holds.

    Raises:
        BadInput: measurements.csv is not there, or a file is not what a run writes.
    """
    left_out = read_left_out(folder)
    return Run(
        folder,
        measurements=attach(read_measurements(folder), left_out),
        manifest=read_manifest(folder),
        jackknifed=left_out is not None,
    )


def read_measurements(folder: Path) -> pd.DataFrame:
    """The folder's measurements.csv.

    Raises:
        BadInput: it is not there, is not CSV, or lacks a column.
    """
    path = folder / "measurements.csv"
    table = read_table(path, [*COLUMNS], dtypes_of(Row))
    if table is None:
        raise BadInput(
            f"{path} is not there: expected the folder of a run; `gradest run` makes one"
        )
    # a group may have an empty name; what was not measured has no group
    measured = table.status.isin(["ok", "unreliable"])
    return table.assign(group=table.group.mask(measured & table.group.isna(), ""))


def read_left_out(folder: Path) -> pd.DataFrame | None:
    """The folder's leave_one_out.csv; None where there is none.

    Raises:
        BadInput: it is not CSV, or lacks a column.
    """
    table = read_table(folder / LEFT_OUT, [*LEFT_OUT_COLUMNS], dtypes_of(LeftOutRow))
    return None if table is None else table.assign(group=table.group.fillna(""))


def read_manifest(folder: Path) -> dict[str, Any] | None:
    """The folder's manifest.json; None where there is none.

    Raises:
        BadInput: it is not JSON.
    """
    path = folder / "manifest.json"
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise BadInput(f"{path} cannot be read: {error}") from error


def recorded_sweep(folder: Path) -> Sweep:
    """The sweep that a folder's manifest records.

    Raises:
        BadInput: there is none that can be read.
    """
    path = folder / "manifest.json"
    manifest = read_manifest(folder)
    if manifest is None:
        raise BadInput(
            f"{path} is not there: expected the folder of a finished run; `gradest run` makes one"
        )
    try:
        return Sweep.model_validate(manifest["sweep"])
    except (ValueError, KeyError, TypeError) as error:
        raise BadInput(f"{path}: cannot be read as a run's record: {error}") from error


def read_table(path: Path, columns: list[str], types: dict[str, Any]) -> pd.DataFrame | None:
    """A CSV file of a run; None where it is not there.

    Args:
        path: the file.
        columns: what it must have.
        types: of some of its columns.

    Raises:
        BadInput: it is not CSV, or lacks a column.
    """
    try:
        # a group of θ may be called "NA" or "null"
        table = pd.read_csv(
            path, dtype=types, keep_default_na=False, na_values=absent(columns, types)
        )
    except FileNotFoundError:
        return None
    except (ValueError, OSError) as error:  # pandas' own and those of the encoding are ValueErrors
        raise BadInput(f"{path} cannot be read: {error}") from error
    missing = [column for column in columns if column not in table]
    if missing:
        raise BadInput(f"{path}: expected the columns of a run; missing: {', '.join(missing)}")
    return table


ABSENT = ("", "NA", "NaN", "nan")
"""How a number that is not there may be written, by us or by who edits the file."""


def absent(columns: list[str], types: dict[str, Any]) -> dict[str, tuple[str, ...]]:
    """What stands for nothing in each column: in one of texts, only that there is none."""
    return {name: ("",) if types.get(name) == "str" else ABSENT for name in columns}


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
