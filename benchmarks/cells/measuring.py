"""Measuring one cell: nothing here reads or writes a file of the run."""

import math
import time
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import numpy as np

from gradest.benchmarks.cells.cell import Cell
from gradest.benchmarks.cells.rows import rows_of
from gradest.benchmarks.cells.tasks import CellResult, Setting, Task
from gradest.benchmarks.measurement.batching import STEP, extends
from gradest.benchmarks.measurement.replicates import Measurement, measure, stable_hash
from gradest.benchmarks.outcomes import Outcome, Summaries
from gradest.benchmarks.runtime.arrays import fingerprint
from gradest.benchmarks.runtime.configure import in_full_precision
from gradest.benchmarks.statistics import intervals, tails
from gradest.estimators.base import Estimator, State
from gradest.estimators.conformance import expect_estimate
from gradest.problems.base import Problem
from gradest.problems.registry.own_faults import failures_of, fault_of

PILOT_REPLICATES = 2_000
"""Of the pilot that chooses R for a precision."""


class Budget(NamedTuple):
    """How many replicates a cell gets."""

    replicates: int
    shortfall: str = ""
    """Why these are fewer than the precision needs, or ""."""


def run_task(task: Task) -> CellResult:
    """Measures the cell of a task, in its precision."""
    with jax.enable_x64(task.cell.dtype == "float64"):
        if task.packed:
            task = task.unpacked()
        if isinstance(task.setting, str):
            outcome = Outcome("failed", task.setting, [], task.environment, "")
            return CellResult(task.cell, outcome, None, 0.0)
        return measure_cell(
            task.cell,
            task.problem,
            task.estimator,
            task.setting,
            task.environment,
            task.earlier,
        )


@in_full_precision
def measure_cell(
    cell: Cell,
    problem: Problem,
    estimator: Estimator,
    setting: Setting,
    environment: dict[str, str],
    earlier: tuple[Summaries, ...] = (),
    trained: State | None = None,
) -> CellResult:
    """Measures one cell, in the precision in force; what goes wrong in it is its outcome.

    Args:
        cell: what is measured.
        problem: the cell's.
        estimator: the cell's.
        setting: θ, and the gradient to compare with.
        environment: versions and hardware, which the outcome records.
        earlier: shorter runs of the cell's series; the first that can be gone on from is.
        trained: a state that is measured as it is; None where one is warmed up, if there is any.
    """
    begun = time.perf_counter()
    run = partial(
        measure,
        problem,
        estimator,
        setting.params,
        num_samples=cell.num_samples,
        adapt_steps=cell.adapt_steps,
        trained=trained,
    )
    try:
        expect_estimate(problem, estimator, setting.params, cell.num_samples)
        budget = Budget(cell.replicates)
        if cell.precision is not None:
            budget = choose_replicates(cell, run)
        fitting = [run.moments for run in earlier if extends(run.replicates, budget.replicates)]
        shorter = fitting[0] if fitting else None
        measurement = run(replicates=budget.replicates, key=cell.key, earlier=shorter)
        rows = rows_of(cell, problem, estimator, setting, measurement)
    except failures_of(problem, estimator) as error:
        fault = fault_of(error, problem, estimator)
        failed = Outcome("failed", fault, [], environment, "")
        return CellResult(cell, failed, None, time.perf_counter() - begun)

    unlearned = learning_remark(measurement)
    for row in rows:
        remarks = (row["reason"], budget.shortfall, measurement.shortage, unlearned)
        row["reason"] = "; ".join(filter(None, remarks))
        row["replicates"] = budget.replicates
    reasons = dict.fromkeys(row["reason"] for row in rows if row["reason"])
    status = "unreliable" if any(row["status"] == "unreliable" for row in rows) else "ok"
    theta = fingerprint(setting.params)
    return CellResult(
        cell,
        Outcome(status, "; ".join(reasons), rows, environment, theta),
        Summaries(cell.series, budget.replicates, measurement.moments),
        time.perf_counter() - begun,
    )


def learning_remark(measurement: Measurement) -> str:
    """What is to be said of steps of learning that were left out; mostly nothing."""
    count = measurement.steps_left_out
    if not count:
        return ""
    batches = len(next(iter(measurement.moments.values())).mean)
    steps = batches * measurement.adapt_steps
    return f"{count} of {steps} steps of its learning were left out: their gradient is not finite"


def choose_replicates(cell: Cell, run: Callable[..., Measurement]) -> Budget:
    """R for the cell's precision, from a pilot.

    The pilot is on keys of its own: when to stop then does not depend on what is measured. The
    noisiest group decides. R is at most the cell's, and at most what its timeout allows at the
    pilot's speed.

    Args:
        cell: with a precision.
        run: measures it, given replicates and a key.
    """
    assert cell.precision is not None
    pilot_key = jax.random.fold_in(cell.key, stable_hash("pilot"))
    pilot = run(replicates=PILOT_REPLICATES, key=pilot_key)
    kurtosis = max(
        np.nan_to_num(tails.kurtosis(moments), nan=1.0) for moments in pilot.moments.values()
    )
    needed = min(intervals.replicates_for(cell.precision, kurtosis), 1e15)
    wanted = math.ceil(needed / STEP) * STEP
    limits = {"max_replicates": cell.replicates}
    if cell.timeout is not None:
        limits["cell_timeout"] = int(cell.timeout / pilot.seconds.value) // STEP * STEP
    limit = min(limits, key=limits.__getitem__)
    if wanted <= limits[limit]:
        return Budget(max(wanted, STEP))
    most = max(limits[limit], STEP)
    reached = cell.precision * math.sqrt(wanted / most)
    shortfall = (
        f"R = {most} by {limit}: ±{reached:.2g} of the variance to be expected, "
        f"not ±{cell.precision:g}"
    )
    return Budget(most, shortfall)
