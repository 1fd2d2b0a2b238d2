"""The tables and the manifest of a run, from what became of its cells."""

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from gradest.benchmarks.cells.cell import Cell
from gradest.benchmarks.cells.judged import judged
from gradest.benchmarks.cells.minibatches import minibatch_variance
from gradest.benchmarks.cells.rows import BESIDE, bounds
from gradest.benchmarks.folders.columns import COLUMNS, LEFT_OUT_COLUMNS, SORTED_BY, WHOLE, Row
from gradest.benchmarks.folders.published_columns import FILE as PUBLISHED
from gradest.benchmarks.folders.record import write_run
from gradest.benchmarks.folders.training_columns import TRAINING_TABLES
from gradest.benchmarks.outcomes import Outcome
from gradest.benchmarks.published.rows import Kept, nothing_kept, published_table
from gradest.benchmarks.published.trained import Trained
from gradest.benchmarks.runtime.configure import MATMUL_PRECISION
from gradest.benchmarks.runtime.environment import hardware
from gradest.benchmarks.runtime.source_code import git_state
from gradest.benchmarks.statistics import intervals
from gradest.benchmarks.statistics.intervals import Interval
from gradest.benchmarks.statistics.products import product
from gradest.benchmarks.statistics.times import over_processes
from gradest.benchmarks.sweeps.plan import Plan
from gradest.benchmarks.sweeps.store import Store
from gradest.benchmarks.training.runs import seeds_in
from gradest.benchmarks.training.tables import (
    counts_of_trainings,
    training_table,
    trajectory_table,
)

STATUSES = ("ok", "unreliable", "skipped", "failed", "pending")
"""What may become of a cell, the worse the further behind."""

Timings = Mapping[str, Sequence[float]]
"""The seconds of an estimate in several processes: of a measurement's by its cell's id, of one
gradient alone by `alone_name`."""


def alone_name(cell: str) -> str:
    """Under which the times of one gradient alone are kept, of a cell by its id."""
    return f"{cell} alone"


def write_results(
    plan: Plan,
    outcomes: Mapping[str, Outcome],
    timings: Timings,
    folder: Path,
    codes: Mapping[str, Mapping[str, str]],
    about: Mapping[str, Any] | None = None,
    kept: Kept = nothing_kept,
    *,
    trained: Mapping[str, Outcome] | None = None,
) -> dict[str, int]:
    """Writes measurements.csv, leave_one_out.csv and manifest.json into a folder.

    And training.csv and trajectory.csv, where the sweep trains; published.csv, where it has
    published numbers.

    Args:
        plan: what was to be measured.
        outcomes: what became of the cells, by id.
        timings: from `gradest time`.
        folder: must be there.
        codes: for each digest of code the digests of its modules, as far as they are known.
        about: what else the manifest says.
        kept: what some metrics of papers need of the replicates.
        trained: what became of the trainings, by id.

    Returns:
        How many cells have each status.
    """
    table = measurements(plan, outcomes, timings)
    left_out = leave_one_out(table, outcomes)
    texts = {
        "measurements.csv": table.to_csv(index=False),
        "leave_one_out.csv": left_out.to_csv(index=False, float_format="%.10g"),
    }
    counts = counts_of(plan, table)
    manifest = manifest_of(plan, outcomes, counts, codes) | dict(about or {})
    tables = None
    if plan.sweep.training:
        tables = training_tables(plan, trained or {})
        texts |= training_texts(tables)
        manifest["trainings"] = counts_of_trainings(seeds_in(plan), trained or {})
    if plan.published:
        alone = [entry for entry in plan.sweep.published or [] if entry.cell is None]
        published = published_table(plan.sweep.name, plan.published, table, kept, tables, alone)
        texts[PUBLISHED] = published.to_csv(index=False)
    write_run(folder, manifest, texts)
    return counts


def training_texts(tables: Trained) -> dict[str, str]:
    """The tables of a sweep that trains as CSV, by the names of their files."""
    texts = [table.to_csv(index=False) for table in tables]
    return dict(zip(TRAINING_TABLES, texts, strict=True))


def training_tables(plan: Plan, trained: Mapping[str, Outcome]) -> Trained:
    """The tables of a sweep that trains."""

    def made(cell: Cell, outcome: Outcome, measured: dict[str, Any]) -> Row:
        return row_of(cell, outcome, of_minibatches(measured, cell, plan))

    seeds = seeds_in(plan)
    return Trained(training_table(seeds, trained), trajectory_table(seeds, trained, made, judged))


def measurements(
    plan: Plan, outcomes: Mapping[str, Outcome], timings: Timings | None = None
) -> pd.DataFrame:
    """The table of a run, with the columns of measurements.csv: a row for each cell and group of θ.

    Args:
        plan: what was to be measured.
        outcomes: what became of the cells, by id; a cell that has none has no row.
        timings: from `gradest time`, where there are some.
    """
    rows = []
    for cell in plan.cells:
        outcome = outcomes.get(cell.id)
        if cell.id in plan.reasons:
            outcome = Outcome("skipped", plan.reasons[cell.id], [], {}, "")
        if outcome:
            batched, alone = (
                (timings or {}).get(name, ()) for name in (cell.id, alone_name(cell.id))
            )
            for measured in outcome.rows or [{}]:
                numbers = timed_alone(retimed(measured, batched), alone)
                rows.append(row_of(cell, outcome, of_minibatches(numbers, cell, plan)))
    table = pd.DataFrame(map(vars, rows), columns=list(COLUMNS))
    table = table.astype(dict.fromkeys(WHOLE, "Int64"))
    return judged(table.sort_values(list(SORTED_BY), kind="stable", na_position="first"))


def row_of(cell: Cell, outcome: Outcome, measured: dict[str, Any]) -> Row:
    """A row of one cell, of one group of θ or, where it was not measured, of none."""
    shared: dict[str, Any] = {
        "cell": cell.id,
        "problem": cell.problem.name,
        "problem_args": cell.problem.json,
        "estimator": cell.estimator.name,
        "estimator_args": cell.estimator.json,
        "point": cell.point,
        "num_samples": cell.num_samples,
        "replicates": cell.replicates,
        "seed": cell.seed,
        "dtype": cell.dtype,
        "status": outcome.status,
        "reason": outcome.reason,
        "theta": outcome.theta,
        "minibatch": cell.minibatch,
    }
    columns = shared | {key: value for key, value in measured.items() if key not in BESIDE}
    return Row(**columns)


def retimed(row: dict[str, Any], seconds: Sequence[float]) -> dict[str, Any]:
    """A row with the times of `gradest time` in place of its own.

    It is as it was where there are not two processes' times yet.
    """
    if len(seconds) < 2 or "variance" not in row:
        return row
    median = over_processes(seconds)
    variance = Interval(row["variance"], row["variance_low"], row["variance_high"])
    return {
        **row,
        "timing_processes": len(seconds),
        **bounds("seconds", median),
        **bounds("work_normalised_variance", product(variance, median)),
    }


def timed_alone(row: dict[str, Any], seconds: Sequence[float]) -> dict[str, Any]:
    """A row with the times of one gradient alone, where there are two processes' of it."""
    if len(seconds) < 2 or "variance" not in row:
        return row
    return row | bounds("seconds_alone", over_processes(seconds))


def of_minibatches(row: dict[str, Any], cell: Cell, plan: Plan) -> dict[str, Any]:
    """A row with what minibatches add to its group's noise.

    The row has how far the data points' gradients lie apart, whatever the size is.
    """
    columns = {key: value for key, value in row.items() if key != "data"}
    size = plan.minibatch_sizes.get(cell.problem)
    if size is None or "data" not in row:
        return columns
    points, spread = row["data"]["points"], row["data"]["spread"]
    variance = math.nan if spread is None else minibatch_variance(spread, points, size)
    columns |= {"minibatch_size": size, "minibatch_variance": variance}
    return apart(columns) if row.get("minibatch", cell.minibatch) else columns


def apart(row: dict[str, Any]) -> dict[str, Any]:
    """A row of estimates on fresh minibatches with the estimator's own part of their variance.

    Of an unbiased one it is what is left of the variance less the minibatches', which is exact. The
    mean of a biased one is another in each minibatch than the gradient: nothing is known of it.
    """
    if "variance" not in row or not row["unbiased"]:
        return row
    ends = (row[f"variance{end}"] - row["minibatch_variance"] for end in ("", "_low", "_high"))
    return row | bounds("own_variance", Interval(*ends))


def leave_one_out(table: pd.DataFrame, outcomes: Mapping[str, Outcome]) -> pd.DataFrame:
    """The rows of leave_one_out.csv, in the order of a run's table.

    Args:
        table: from `measurements`.
        outcomes: that it was made of.
    """
    parts = [pd.DataFrame(columns=list(LEFT_OUT_COLUMNS))]
    without = {
        (cell, row["group"]): row["without"]
        for cell, outcome in outcomes.items()
        for row in outcome.rows
        if "without" in row
    }
    for cell, group, batches in table[["cell", "group", "batches"]].itertuples(index=False):
        if statistics := without.get((cell, group)):
            keys = {"cell": cell, "group": group, "batch": range(int(batches))}
            parts.append(pd.DataFrame(keys | statistics))
    return pd.concat(parts, ignore_index=True)


def counts_of(plan: Plan, table: pd.DataFrame) -> dict[str, int]:
    """How many cells have each status, each the worst of its rows'."""
    counts = dict.fromkeys(STATUSES, 0)
    counts["pending"] = len(plan.cells) - table.cell.nunique()
    worst = table.groupby("cell").status.agg(lambda each: max(each, key=STATUSES.index))
    return counts | worst.value_counts().to_dict()


def manifest_of(
    plan: Plan,
    outcomes: Mapping[str, Outcome],
    counts: dict[str, int],
    codes: Mapping[str, Mapping[str, str]],
) -> dict[str, Any]:
    """What manifest.json says of a run, but for its files.

    Args:
        plan: what was to be measured.
        outcomes: what became of the cells, by id.
        counts: how many cells have each status.
        codes: for each digest of code the digests of its modules, as far as they are known.
    """
    measured = {cell: outcomes[cell.id] for cell in plan.measurable if cell.id in outcomes}
    theta = {
        f"{cell.problem.label} {cell.point}": outcome.theta
        for cell, outcome in measured.items()
        if outcome.theta
    }
    revisions: dict[str, int] = {}
    for choice in plan.problems:
        revisions[choice.name] = max(choice.revision, revisions.get(choice.name, 1))
    return {
        "schema": 1,
        "sweep": plan.sweep.model_dump(by_alias=True, exclude_none=True),
        "cells": counts,
        "git": git_state(),
        "hardware": hardware(),
        "environments": environments_of(list(measured.values()), codes),
        "precision": plan.sweep.dtype,
        "matmul_precision": MATMUL_PRECISION,
        "confidence": intervals.CONFIDENCE,
        "theta": theta,
        "problem_revisions": revisions,
    }


def environments_of(
    outcomes: Sequence[Outcome], codes: Mapping[str, Mapping[str, str]]
) -> list[dict[str, Any]]:
    """What the cells of a run were measured with, an entry for all that agree in it.

    Each has versions and hardware; the commit of our code then, and whether it had been changed
    since; a digest of each module of a user's own; for each digest of code, and in all, how many
    cells there are.

    Args:
        outcomes: of the cells that were measured.
        codes: for each digest of code the digests of its modules, as far as they are known.
    """
    alike: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        known = codes.get(outcome.code, {})
        own = {f"source {m}": d for m, d in known.items() if not m.startswith("gradest.")}
        about = outcome.environment | {"commit": outcome.commit, "dirty": outcome.dirty} | own
        alike.setdefault(json.dumps(about), []).append(outcome)
    return [
        json.loads(about)
        | {"code": Counter(each.code or "unknown" for each in cells), "cells": len(cells)}
        for about, cells in alike.items()
    ]


def timings_of(store: Store, outcomes: Mapping[str, Outcome]) -> dict[str, list[float]]:
    """The times in a store of each cell in several processes, of the cell's own origin."""
    timings = {}
    origins = [outcome.origin for outcome in outcomes.values()]
    for origin in {(json.dumps(o.environment), o.code): o for o in origins}.values():
        for cell, times in store.timings(origin).items():
            measured = cell.removesuffix(alone_name(""))
            if measured in outcomes and outcomes[measured].origin == origin:
                timings[cell] = [timing.seconds for timing in times]
    return timings
