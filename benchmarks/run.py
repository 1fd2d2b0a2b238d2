"""Running a sweep: every cell that is not there yet, kept as soon as it ends."""

import json
import math
import time
from collections.abc import Hashable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol

import jax
import numpy as np
import pandas as pd

from benchmarks import statistics
from benchmarks.environment import environment, git_state, sources
from benchmarks.exact import exact_variance
from benchmarks.measure import Measurement, cell_key, exact_gradient, forget_programs, measure, program
from benchmarks.statistics import Interval, Moments
from benchmarks.store import Outcome, Store, open_store
from benchmarks.sweep import Cell, Choice, Plan
from benchmarks.training import checksum, params_at
from estimators.base import Estimator
from problems.base import Params, Problem
from problems.data import cache_folder

COLUMNS = (
    "cell", "problem", "problem_args", "estimator", "estimator_args", "point", "group", "dim", "num_samples",
    "replicates", "seed", "dtype", "status", "reason", "mean_norm", "variance", "variance_low", "variance_high",
    "variance_per_dim", "variance_max", "exact_variance", "kurtosis", "snr", "unbiased", "exact", "exact_norm",
    "bias_norm", "bias_p", "bias_relative", "bias_relative_low", "bias_relative_high", "f_evals", "grad_evals",
    "adapt_steps", "adapt_f_evals", "adapt_grad_evals", "seconds", "compile_seconds", "work_normalised_variance",
)  # fmt: skip
"""Of measurements.csv, in this order."""

WHOLE = ("dim", "f_evals", "grad_evals", "adapt_steps", "adapt_f_evals", "adapt_grad_evals")
"""Columns of whole numbers, empty where a cell was not measured."""

SORTED_BY = ["problem", "problem_args", "point", "estimator", "estimator_args", "group", "num_samples"]

HEAVY_TAIL = 10.0
"""Kurtosis above which an interval is known to be somewhat too narrow: measured, and said."""


@dataclass
class Setting:
    """A problem at one θ, with what is known about it exactly: made once for all its cells."""

    problem: Problem
    params: Params
    truth: dict[str, np.ndarray] | None


@dataclass(frozen=True)
class Summary:
    """How a run ended."""

    folder: Path
    counts: dict[str, int]
    reused: int
    seconds: float


class Progress(Protocol):
    """Who is told how a run goes."""

    def start(self, missing: int) -> None:
        """Before the first cell: how many are to be measured."""

    def __call__(self, cell: Cell, status: str, seconds: float) -> None:
        """After each cell."""


def run_sweep(plan: Plan, folder: Path, progress: Progress) -> Summary:
    """Measures what is missing in the folder's store, then writes measurements.csv and manifest.json.

    Interrupted, every finished cell is kept and the next run goes on from there.
    """
    started = time.perf_counter()
    settings: dict[Choice, Setting] = {}
    with jax.enable_x64(plan.sweep.dtype == "float64"), open_store(folder) as store:
        versions = environment()
        here = {cell.id: versions | sources_of(cell, plan) for cell in plan.measurable}
        kept = {
            cell: outcome
            for cell, outcome in store.outcomes().items()
            if outcome.environment == here.get(cell) and outcome.status != "failed"
        }
        missing = [cell for cell in plan.measurable if cell.id not in kept]
        progress.start(len(missing))
        for cells in by_program(plan, missing):
            for cell in cells:
                begun = time.perf_counter()
                outcome = measure_cell(cell, plan, settings, here[cell.id])
                store.keep(cell.id, outcome)
                progress(cell, outcome.status, time.perf_counter() - begun)
            forget_programs()
        counts = write_results(plan, store, folder)
    return Summary(folder, counts, len(plan.measurable) - len(missing), time.perf_counter() - started)


def sources_of(cell: Cell, plan: Plan) -> dict[str, str]:
    """A user's own files that the cell is measured with: where one was changed, the cell is measured again."""
    return sources(plan.problems[cell.problem], plan.estimators[cell.estimator])


def by_program(plan: Plan, cells: list[Cell]) -> list[list[Cell]]:
    """The cells, those that run the same compiled program next to each other."""
    groups: dict[Hashable, list[Cell]] = {}
    for cell in cells:
        key = program(plan.problems[cell.problem], plan.estimators[cell.estimator], cell.num_samples)
        groups.setdefault((key, cell.replicates), []).append(cell)
    return list(groups.values())


def measure_cell(cell: Cell, plan: Plan, settings: dict[Choice, Setting], here: dict[str, str]) -> Outcome:
    """Measures one cell; what goes wrong in it is its own outcome, not the run's."""
    try:
        setting = settings.get(cell.problem)
        if setting is None:
            setting = settings[cell.problem] = make_setting(plan.problems[cell.problem], cell)
        estimator = plan.estimators[cell.estimator]
        key = cell_key(cell.seed, cell.problem.label, cell.point, cell.num_samples)
        measurement = measure(
            setting.problem, estimator, setting.params, num_samples=cell.num_samples, replicates=cell.replicates,
            key=key, adapt_steps=cell.adapt_steps,
        )  # fmt: skip
        rows = rows_of(cell, estimator, setting, measurement)
    except (FloatingPointError, MemoryError, RuntimeError, ValueError) as error:
        return Outcome("failed", " ".join(str(error).split())[:300], [], here, "")
    reasons = dict.fromkeys(row["reason"] for row in rows if row["reason"])
    status = "unreliable" if any(row["status"] == "unreliable" for row in rows) else "ok"
    return Outcome(status, "; ".join(reasons), rows, here, checksum(setting.params))


def make_setting(problem: Problem, cell: Cell) -> Setting:
    """θ for the cell's problem, and the exact gradient there."""
    params = params_at(problem, cell.problem.label, cell.seed)
    return Setting(problem, params, exact_gradient(problem, params))


def rows_of(cell: Cell, estimator: Estimator, setting: Setting, measurement: Measurement) -> list[dict[str, Any]]:
    """The measured columns, a row for each group of θ."""
    cost = estimator.cost(setting.problem, cell.num_samples)
    variances = exact_variance(setting.problem, estimator, setting.params, cell.num_samples) or {}
    shared = {
        "unbiased": estimator.claims_unbiased(setting.problem),
        "exact": setting.truth is not None,
        "f_evals": cost.f,
        "grad_evals": cost.grad,
        "adapt_steps": measurement.adapt_steps,
        "adapt_f_evals": measurement.adapt_steps * cost.f,
        "adapt_grad_evals": measurement.adapt_steps * cost.grad,
        "seconds": measurement.seconds,
        "compile_seconds": measurement.compile_seconds,
    }
    size = max(scale_of(moments) for moments in measurement.moments.values())
    return [
        shared | row_of(group, moments, setting, variances.get(group, math.nan), measurement.seconds, size, cell.dtype)
        for group, moments in measurement.moments.items()
    ]


def scale_of(moments: Moments) -> float:
    """The root mean square of an estimate's norm: what rounding errors are proportional to."""
    return math.sqrt((statistics.pool(moments).mean ** 2).sum() + statistics.variances(moments).sum())


def row_of(
    group: str, moments: Moments, setting: Setting, exact_variance: float, seconds: float, size: float, dtype: str
) -> dict[str, Any]:
    """One group's numbers."""
    whole = statistics.pool(moments)
    spread = statistics.variances(moments)
    variance = statistics.variance(moments)
    kurtosis = statistics.kurtosis(moments)
    mean_norm = float(np.linalg.norm(whole.mean[0]))
    status, reason = reliability(moments, variance, kurtosis, size * float(np.finfo(dtype).eps))
    row = {
        "group": group,
        "dim": len(spread),
        "status": status,
        "reason": reason,
        "mean_norm": mean_norm,
        "variance": variance.value,
        "variance_low": variance.low,
        "variance_high": variance.high,
        "variance_per_dim": variance.value / len(spread),
        "variance_max": float(spread.max()),
        "exact_variance": exact_variance,
        "kurtosis": kurtosis,
        "snr": mean_norm / math.sqrt(variance.value) if variance.value > 0 else math.nan,
        "work_normalised_variance": variance.value * seconds,
    }
    if setting.truth is not None:
        bias = statistics.bias(moments, setting.truth[group], float(np.finfo(dtype).eps))
        row |= {
            "exact_norm": float(np.linalg.norm(setting.truth[group])),
            "bias_norm": bias.norm,
            "bias_p": bias.p,
            "bias_relative": bias.relative.value,
            "bias_relative_low": bias.relative.low,
            "bias_relative_high": bias.relative.high,
        }
    return row


def reliability(moments: Moments, variance: Interval, kurtosis: float, rounding: float) -> tuple[str, str]:
    """A row's status and the reason for doubt, if any."""
    if variance.value == 0:
        return "ok", "variance zero"
    if math.sqrt(variance.value) < 8 * rounding:
        return "ok", "variance zero to rounding"
    # a replicate that holds the share p of the sum of squares makes the kurtosis at least p²R: here about a half
    if kurtosis > moments.replicates / 4:
        return "unreliable", f"kurtosis {kurtosis:.0f}: one replicate carries the variance, which may be infinite"
    if kurtosis > HEAVY_TAIL:
        return "ok", f"kurtosis {kurtosis:.0f} is above {HEAVY_TAIL:.0f}: the interval may be too narrow"
    return "ok", ""


def write_results(plan: Plan, store: Store, folder: Path) -> dict[str, int]:
    """measurements.csv and manifest.json from the store; returns how many cells have each status."""
    outcomes = store.outcomes()
    records, counts = [], dict.fromkeys(("ok", "unreliable", "skipped", "failed", "pending"), 0)
    for cell in plan.cells:
        if cell.id in plan.reasons:
            outcome = Outcome("skipped", plan.reasons[cell.id], [], {}, "")
        elif cell.id in outcomes:
            outcome = outcomes[cell.id]
        else:
            counts["pending"] += 1
            continue
        counts[outcome.status] += 1
        shared = identity(cell) | {"status": outcome.status, "reason": outcome.reason}
        records += [shared | row for row in outcome.rows or [{}]]
    table = pd.DataFrame(records, columns=list(COLUMNS)).astype(dict.fromkeys(WHOLE, "Int64"))
    table = table.sort_values(SORTED_BY, kind="stable", na_position="first")
    write_atomically(folder / "measurements.csv", table.to_csv(index=False))
    manifest = {
        "schema": 1,
        "sweep": plan.sweep.model_dump(by_alias=True, exclude_none=True),
        "cells": counts,
        "git": git_state(),
        "environments": distinct([outcomes[c.id].environment for c in plan.measurable if c.id in outcomes]),
        "precision": plan.sweep.dtype,
        "confidence": statistics.CONFIDENCE,
        "theta": {
            f"{cell.problem.label} {cell.point}": outcomes[cell.id].theta
            for cell in plan.measurable
            if cell.id in outcomes and outcomes[cell.id].theta
        },
        "checksums": {"measurements.csv": sha256((folder / "measurements.csv").read_bytes()).hexdigest()},
    }
    write_atomically(folder / "manifest.json", json.dumps(manifest, indent=2, ensure_ascii=False) + "\n")
    return counts


def identity(cell: Cell) -> dict[str, Any]:
    """The columns that say which cell a row belongs to."""
    return {
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
    }


def distinct(items: list[dict[str, str]]) -> list[dict[str, str]]:
    """Without repetitions, in order."""
    return [json.loads(text) for text in dict.fromkeys(json.dumps(item) for item in items)]


def write_atomically(path: Path, text: str) -> None:
    """So that a killed run leaves the old file or the new one, never half of one."""
    part = path.with_name(f".{path.name}.part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)


def use_compilation_cache() -> None:
    """Compiled programs are kept in the user's cache folder: a second run compiles nothing."""
    jax.config.update("jax_compilation_cache_dir", str(cache_folder() / "xla"))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.05)
