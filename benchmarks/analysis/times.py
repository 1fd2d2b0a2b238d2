"""How long estimates take: τ(L) = a + b L, for each problem and estimator of a run."""

import json

import pandas as pd

from gradest.benchmarks.analysis.labels import (
    POINT_ARGUMENT,
    estimator_label,
    problem_label,
    without,
)
from gradest.benchmarks.analysis.results import ESTIMATOR
from gradest.benchmarks.statistics.times import fit_time

HEADER = ["problem", "estimator", "a, µs", "b, µs per sample"]


def how_timed(table: pd.DataFrame) -> str:
    """How many processes the times were taken in."""
    counts = sorted(table.timing_processes.dropna().unique())
    if counts == [1]:
        return "timed in one process; `gradest time` repeats it in several, estimators interleaved"
    return f"timed in {' or '.join(map(str, counts))} processes, estimators interleaved"


def time_rows(table: pd.DataFrame) -> list[list[str]]:
    """a and b for each problem and estimator; problems that differ in numbers only share a row."""
    timed = table[table.seconds > 0].drop_duplicates("cell")
    timed = timed.assign(shape=timed.problem_args.map(sizes))
    rows = []
    for key, cells in timed.groupby(["problem", "shape", *ESTIMATOR], sort=True):
        problem, shape, name, args = key
        line = fit_time(cells.num_samples.to_numpy(float), cells.seconds.to_numpy(float))
        if line:
            rows.append(
                [
                    problem_label(problem, shape),
                    estimator_label(name, args),
                    f"{1e6 * line.fixed:.3g}",
                    f"{1e6 * line.per_sample:.3g}",
                ]
            )
    return rows


def sizes(args_json: str) -> str:
    """A problem's arguments without the plain numbers: what the time of an estimate depends on."""
    args = json.loads(without(args_json, POINT_ARGUMENT))
    shape = {key: value for key, value in args.items() if not isinstance(value, float)}
    return json.dumps(shape, sort_keys=True)


def time_table(table: pd.DataFrame) -> tuple[str, list[str], list[list[str]]] | None:
    """A title, a header and a line for each problem and estimator; None where nothing was timed.

    Args:
        table: a run's measurements.
    """
    rows = time_rows(table)
    if not rows:
        return None
    return f"Time of an estimate: τ(L) = a + b L, fitted; {how_timed(table)}", HEADER, rows
