"""One training with one seed: what it is named by, and what comes of it."""

import hashlib
import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import jax
from jaxtyping import Array

from gradest.benchmarks.cells.cell import Cell
from gradest.benchmarks.cells.measuring import measure_cell
from gradest.benchmarks.cells.tasks import setting_at
from gradest.benchmarks.measurement.checkpoints import params_at
from gradest.benchmarks.measurement.replicates import cell_key
from gradest.benchmarks.outcomes import Outcome
from gradest.benchmarks.runtime.arrays import fingerprint
from gradest.benchmarks.statistics.intervals import mean_deviation
from gradest.benchmarks.statistics.moments import Moments, leave_out
from gradest.benchmarks.training.loop import Loop, Moment
from gradest.benchmarks.training.objective import objective_at
from gradest.benchmarks.training.settings import Training
from gradest.estimators.base import Estimator
from gradest.estimators.conformance import expect_estimate, expect_problem
from gradest.problems.base import Problem
from gradest.problems.registry.instances import Choice
from gradest.problems.registry.own_faults import failures_of, fault_of

DIVERGED = "diverged"
"""The status of a training whose θ is no longer finite."""


@dataclass(frozen=True)
class Seed:
    """A training with one seed, by everything that its numbers depend on."""

    cell: Cell
    """Whose problem, estimator and L are trained, from its θ."""
    how: Training
    seed: int
    replicates: int
    """R at checkpoints."""

    @property
    def id(self) -> str:
        """A name made from everything that the result depends on, the same on every machine."""
        how = self.how.model_dump(exclude={"seeds", "replicates", "target"}, exclude_none=True)
        spec = [self.cell.series, sorted(how.items()), self.seed, self.replicates]
        return hashlib.sha256(json.dumps(spec).encode()).hexdigest()[:12]

    @property
    def key(self) -> Array:
        """Of training's random numbers: the same for all estimators at a place."""
        cell = self.cell
        label = f"training {cell.problem.label}"
        return jax.random.fold_in(
            cell_key(cell.seed, label, cell.point, cell.num_samples), self.seed
        )

    @property
    def problem(self) -> Choice:
        """The cell's."""
        return self.cell.problem

    @property
    def estimator(self) -> Choice:
        """The cell's."""
        return self.cell.estimator

    @property
    def num_samples(self) -> int:
        """L."""
        return self.cell.num_samples

    @property
    def label(self) -> str:
        """What a person is shown while it runs."""
        return f"training {self.cell.label} seed {self.seed}"

    def at(self, step: int) -> Cell:
        """The cell that is measured after some steps: its random numbers are its own."""
        point = f"{self.cell.point} seed {self.seed} step {step}"
        cell = replace(self.cell, point=point, replicates=self.replicates)
        return replace(cell, precision=None, timeout=None)


class Ended(NamedTuple):
    """What came of a training with one seed."""

    seed: Seed
    outcome: Outcome
    """Its rows are those of training.csv, then those of trajectory.csv, which have a group."""
    seconds: float
    """All that it took."""


def seeds_of(how: Training | None, cells: Iterable[Cell], replicates: int) -> list[Seed]:
    """The trainings of a sweep: every cell with every seed; none where nothing is trained.

    Args:
        how: the sweep's [training].
        cells: that are measured.
        replicates: R at checkpoints, where [training] does not say.
    """
    if how is None:
        return []
    measured = how.replicates or replicates
    return [Seed(cell, how, seed, measured) for cell in cells for seed in range(how.seeds)]


def train(
    seed: Seed,
    problem: Problem,
    estimator: Estimator,
    environment: dict[str, str],
    fault: str = "",
) -> Ended:
    """Trains with one seed; what goes wrong in it is its outcome.

    Args:
        seed: what is trained.
        problem: the cell's.
        estimator: the cell's.
        environment: versions and hardware, which the outcome records.
        fault: why it fails before anything is trained, or "".
    """
    begun = time.perf_counter()
    with jax.enable_x64(seed.cell.dtype == "float64"):
        try:
            outcome = outcome_of(seed, problem, estimator, environment, fault)
        except failures_of(problem, estimator) as error:
            outcome = Outcome("failed", fault_of(error, problem, estimator), [], environment, "")
    return Ended(seed, outcome, time.perf_counter() - begun)


def outcome_of(
    seed: Seed, problem: Problem, estimator: Estimator, environment: dict[str, str], fault: str
) -> Outcome:
    """What becomes of a training, where nothing is raised; the arguments are those of `train`."""
    if fault:
        return Outcome("failed", fault, [], environment, "")
    start = params_at(problem, seed.cell.seed)
    expect_problem(problem, start)
    expect_estimate(problem, estimator, start, seed.num_samples)
    loop = Loop(problem, estimator, seed.how.recipe, seed.num_samples)
    held_out = problem.held_out()
    curve: list[dict[str, Any]] = []
    gradients: list[dict[str, Any]] = []
    for moment in loop.followed(start, seed.key, seed.how.recorded):
        values = values_at(seed, problem, held_out, moment)
        curve.append(counted_at(seed, problem, estimator, moment) | values)
        if moment.step in seed.how.measured and moment.carried.is_finite:
            gradients += gradients_at(seed, problem, estimator, moment, environment)
    last = curve[-1]
    theta = "" if last["status"] == DIVERGED else fingerprint(moment.carried.params)
    return Outcome(last["status"], last["reason"], [*curve, *gradients], environment, theta)


def counted_at(
    seed: Seed, problem: Problem, estimator: Estimator, moment: Moment
) -> dict[str, Any]:
    """The columns of training.csv that count what was done up to a moment."""
    cost = estimator.evaluations(problem, seed.num_samples)
    return {
        "step": moment.step,
        "seconds": moment.seconds,
        "f_evals": moment.step * cost.f,
        "grad_evals": moment.step * cost.grad,
    }


def values_at(
    seed: Seed, problem: Problem, held_out: Problem | None, moment: Moment
) -> dict[str, Any]:
    """The objective at θ, and that of held-out data, where θ is finite.

    The draws are the same for all estimators, seeds and steps.

    Args:
        seed: what is trained.
        problem: the cell's.
        held_out: the same on held-out data; None where there are none.
        moment: where training is.
    """
    params = moment.carried.params
    if not moment.carried.is_finite:
        return {"status": DIVERGED, "reason": f"θ is not finite at step {moment.step}"}
    draws = seed.how.evaluate_samples
    cell = seed.cell
    key = cell_key(cell.seed, f"objective {cell.problem.label}", cell.point, draws)
    value = objective_at(problem, params, key, draws)
    columns: dict[str, Any] = {"objective_kind": value.kind, **value.columns("objective")}
    if held_out is not None:
        columns |= objective_at(held_out, params, key, draws).columns("held_out")
    return columns | {"status": "ok", "reason": ""}


def gradients_at(
    seed: Seed,
    problem: Problem,
    estimator: Estimator,
    moment: Moment,
    environment: dict[str, str],
) -> list[dict[str, Any]]:
    """The columns of trajectory.csv that were made at one moment, a row for each group of θ.

    θ and the estimator's state are as training has them there, in every batch.
    """
    cell = seed.at(moment.step)
    params, _, state = moment.carried
    kept: Mapping[str, Moments] = {}
    try:
        # a reference run at the start is that of the measured cells
        setting = setting_at(problem, cell if moment.step else seed.cell, params)
    except failures_of(problem) as error:
        measured = Outcome("failed", fault_of(error, problem), [], environment, "")
    else:
        result = measure_cell(cell, problem, estimator, setting, environment, trained=state)
        measured = result.outcome
        kept = result.summaries.moments if result.summaries else {}
    shared = {"step": moment.step, "group": None, "theta": measured.theta}
    shared |= {"status": measured.status, "reason": measured.reason}
    rows: list[dict[str, Any]] = measured.rows or [{}]
    return [shared | with_deviation(row, kept) for row in rows]


def with_deviation(row: Mapping[str, Any], kept: Mapping[str, Moments]) -> dict[str, Any]:
    """A measured row as trajectory.csv has it: moments of coordinates are kept nowhere else."""
    columns = {name: value for name, value in row.items() if name != "without"}
    moments = kept.get(row.get("group", ""))
    if moments is not None:
        columns["std_mean"] = float(mean_deviation(leave_out(moments).whole))
    return columns
