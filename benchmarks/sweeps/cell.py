"""One cell: from everything that its measurement needs to everything that is kept of it.

What a cell needs is a `Task`, which can be sent to another process. Nothing here reads or writes a
file of the run.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from gradest.benchmarks.measurement.batching import STEP, extends
from gradest.benchmarks.measurement.checkpoints import params_at
from gradest.benchmarks.measurement.exact_gradient import exact_gradient
from gradest.benchmarks.measurement.exact_variances import exact_variance
from gradest.benchmarks.measurement.reference import REFERENCE_SAMPLES, reference_gradient
from gradest.benchmarks.measurement.replicates import Measurement, cell_key, measure, stable_hash
from gradest.benchmarks.outcomes import Outcome, Summaries
from gradest.benchmarks.runtime.arrays import checksum
from gradest.benchmarks.statistics import intervals, tails
from gradest.benchmarks.statistics.bias import Bias, Truth, biases, exactly
from gradest.benchmarks.statistics.intervals import Interval
from gradest.benchmarks.statistics.moments import Moments, leave_out, scale_of
from gradest.benchmarks.statistics.reliability import reliability
from gradest.benchmarks.sweeps.plan import Cell
from gradest.estimators.base import Estimator
from gradest.estimators.conformance import expect_estimate, expect_problem
from gradest.problems.base import Params, Problem
from gradest.problems.registry.own_faults import failures_of, fault_of

PILOT_REPLICATES = 2_000
"""Of the pilot that chooses R for a precision."""


@dataclass(frozen=True)
class Setting:
    """θ of a problem and what is known exactly there: made once for all cells of the problem."""

    params: Params
    truths: dict[str, Truth]
    """The gradient to compare with, for each group of θ."""
    truth: str
    """Where the truths are from."""


@dataclass(frozen=True)
class Task:
    """Everything that the measurement of one cell needs, in this process or in another."""

    cell: Cell
    problem: Problem
    estimator: Estimator
    setting: Setting | str
    """Or why there is none."""
    environment: dict[str, str]
    """Versions and hardware, which the outcome records."""
    earlier: tuple[Summaries, ...] = ()
    """Shorter runs of the same series, the longest first."""
    packed: bool = False
    """Whether it came from another process, with NumPy's arrays in place of JAX's."""

    def __reduce__(self) -> tuple:
        # where double precision is off, JAX would read its own arrays back in single precision
        packed = self.with_arrays(on_host, packed=True)
        return Task, tuple(vars(packed).values())

    def unpacked(self) -> "Task":
        """The task with JAX's arrays, in the precision in force."""
        return self.with_arrays(on_device, packed=False)

    def with_arrays(self, convert: Callable[[Any], Any], *, packed: bool) -> "Task":
        """The task with the arrays of its problem, estimator and θ converted."""
        setting = self.setting
        if isinstance(setting, Setting):
            # group by group: in a tree JAX would sort them
            params = {group: convert(leaves) for group, leaves in setting.params.items()}
            setting = replace(setting, params=params)
        return replace(
            self,
            problem=convert(self.problem),
            estimator=convert(self.estimator),
            setting=setting,
            packed=packed,
        )


class CellResult(NamedTuple):
    """What came of a task."""

    cell: Cell
    outcome: Outcome
    summaries: Summaries | None
    """What a longer run goes on from; None where the cell failed."""
    seconds: float
    """What the measurement took."""


class Budget(NamedTuple):
    """How many replicates a cell gets."""

    replicates: int
    shortfall: str = ""
    """Why these are fewer than the precision needs, or ""."""


def on_host(tree: Any) -> Any:
    """The same with NumPy's arrays in place of JAX's."""
    return jax.tree.map(
        lambda leaf: np.asarray(leaf) if isinstance(leaf, jax.Array) else leaf, tree
    )


def on_device(tree: Any) -> Any:
    """The same with JAX's arrays in place of NumPy's."""
    return jax.tree.map(
        lambda leaf: jnp.asarray(leaf) if isinstance(leaf, np.ndarray) else leaf, tree
    )


def make_setting(problem: Problem, cell: Cell) -> Setting:
    """θ for the cell's problem, and the gradient there: exact, or from a reference run."""
    params = params_at(problem, cell.problem.label, cell.seed)
    expect_problem(problem, params)
    exact = exact_gradient(problem, params)
    if exact is not None:
        truths = {group: exactly(gradient) for group, gradient in exact.items()}
        return Setting(params, truths, problem.truth)
    key = cell_key(cell.seed, f"reference {cell.problem.label}", cell.point, REFERENCE_SAMPLES)
    truths = reference_gradient(problem, params, key, cell.reference_replicates)
    return Setting(params, truths, f"{cell.reference_replicates} × {REFERENCE_SAMPLES} draws")


def setting_or_reason(problem: Problem, cell: Cell) -> Setting | str:
    """The setting of the cell's problem, or why it cannot be made."""
    try:
        return make_setting(problem, cell)
    except failures_of(problem) as error:
        return fault_of(error, problem)


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


def measure_cell(
    cell: Cell,
    problem: Problem,
    estimator: Estimator,
    setting: Setting,
    environment: dict[str, str],
    earlier: tuple[Summaries, ...] = (),
) -> CellResult:
    """Measures one cell, in the precision in force; what goes wrong in it is its outcome.

    Args:
        cell: what is measured.
        problem: the cell's.
        estimator: the cell's.
        setting: θ, and the gradient to compare with.
        environment: versions and hardware, which the outcome records.
        earlier: shorter runs of the cell's series; the first that can be gone on from is.
    """
    begun = time.perf_counter()
    run = partial(
        measure,
        problem,
        estimator,
        setting.params,
        num_samples=cell.num_samples,
        adapt_steps=cell.adapt_steps,
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

    for row in rows:
        remarks = (row["reason"], budget.shortfall, measurement.shortage)
        row["reason"] = "; ".join(filter(None, remarks))
        row["replicates"] = budget.replicates
    reasons = dict.fromkeys(row["reason"] for row in rows if row["reason"])
    status = "unreliable" if any(row["status"] == "unreliable" for row in rows) else "ok"
    theta = checksum(setting.params)
    return CellResult(
        cell,
        Outcome(status, "; ".join(reasons), rows, environment, theta),
        Summaries(cell.series, budget.replicates, measurement.moments),
        time.perf_counter() - begun,
    )


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


def rows_of(
    cell: Cell,
    problem: Problem,
    estimator: Estimator,
    setting: Setting,
    measurement: Measurement,
) -> list[dict[str, Any]]:
    """The measured columns, a row for each group of θ.

    Under "without" is what leave_one_out.csv has of it: statistics without each batch.
    """
    cost = estimator.evaluations(problem, cell.num_samples)
    variances = exact_variance(problem, estimator, setting.params, cell.num_samples) or {}
    shared = {
        "problem_revision": problem.revision,
        "unbiased": estimator.claims_unbiased(problem),
        "exact": not any(truth.error.any() for truth in setting.truths.values()),
        "truth": setting.truth,
        "equivalence_margin": cell.equivalence_margin,
        "f_evals": cost.f,
        "grad_evals": cost.grad,
        "adapt_steps": measurement.adapt_steps,
        "adapt_f_evals": measurement.adapt_steps * cost.f,
        "adapt_grad_evals": measurement.adapt_steps * cost.grad,
        "timing_processes": 1,
        "compile_seconds": measurement.compile_seconds,
        **bounds("seconds", measurement.seconds),
    }
    resolution = float(np.finfo(cell.dtype).eps)
    rounding = max(map(scale_of, measurement.moments.values())) * resolution
    deviations = biases(measurement.moments, setting.truths, resolution, cell.equivalence_margin)
    rows = []
    for group, moments in measurement.moments.items():
        spread = spread_columns(moments, measurement.seconds, rounding)
        deviation = deviations[group]
        spread["without"]["squared_bias"] = deviation.squared_without.tolist()
        own = {
            "group": group,
            "exact_variance": variances.get(group, math.nan),
            "exact_norm": float(np.linalg.norm(setting.truths[group].gradient)),
        }
        rows.append(shared | own | spread | bias_columns(deviation))
    return rows


def bounds(name: str, interval: Interval) -> dict[str, float]:
    """Three columns: a number and the ends of its interval."""
    return {name: interval.value, f"{name}_low": interval.low, f"{name}_high": interval.high}


def spread_columns(moments: Moments, seconds: Interval, rounding: float) -> dict[str, Any]:
    """The columns on variance, tails and signal of one group.

    Args:
        moments: of the group.
        seconds: of one estimate.
        rounding: the size of rounding errors in the cell's estimates.
    """
    samples = leave_out(moments)
    total = intervals.jackknife(intervals.total_variance, samples)
    kurtosis = tails.kurtosis(moments)
    tail = tails.tail_index(moments)
    variance = intervals.interval(total, heavy=kurtosis > tails.HEAVY_TAIL)
    share = intervals.largest_share(total)
    status, reason = reliability(moments.replicates, variance, kurtosis, tail, rounding, share)
    return {
        "dim": moments.mean.shape[1],
        "batches": len(moments.mean),
        "status": status,
        "reason": reason,
        "mean_norm": float(np.linalg.norm(samples.whole.mean)),
        "variance_per_dim": variance.value / moments.mean.shape[1],
        "kurtosis": kurtosis,
        "without": {"variance": total.without.tolist()},
        **bounds("tail_index", Interval(tail.alpha, *tail.interval)),
        **bounds("variance", variance),
        **bounds("variance_max", intervals.largest_variance(samples)),
        **bounds("snr", intervals.signal_to_noise(samples)),
        **bounds("work_normalised_variance", intervals.product(variance, seconds)),
    }


def bias_columns(bias: Bias) -> dict[str, Any]:
    """The columns on the bias of one group."""
    return {
        "bias_norm": bias.norm,
        "bias_p": bias.p,
        "bias_detectable": bias.detectable,
        "equivalence_p": bias.equivalence_p,
        **bounds("bias_squared", bias.squared),
        **bounds("bias_relative", bias.relative),
        **bounds("cosine", bias.cosine),
    }
