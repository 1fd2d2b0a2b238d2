"""The trainings of a sweep: every seed that is not there yet, one after the other, in this process.

Each is kept as soon as it ends. Nothing goes on beside it, so that its seconds are its own.
"""

from collections.abc import Collection, Mapping
from typing import Any, Protocol

from gradest.benchmarks.cells.cell import Cell
from gradest.benchmarks.measurement.replicates import forget_programs
from gradest.benchmarks.outcomes import Origin, Outcome
from gradest.benchmarks.runtime.source_code import git_state
from gradest.benchmarks.training.kept import KeptTrainings
from gradest.benchmarks.training.loop import advanced_leaves
from gradest.benchmarks.training.objective import forget_objectives
from gradest.benchmarks.training.seeds import Seed, seeds_of, train
from gradest.estimators.base import Estimator
from gradest.problems.base import Problem

TRAINS = "gradest.benchmarks.training.seeds"
"""The module that every number of a training comes through."""


class Planned(Protocol):
    """A plan of cells, with the objects to measure."""

    @property
    def sweep(self) -> Any:
        """With its table [training]."""

    @property
    def measurable(self) -> list[Cell]:
        """The cells that are trained with."""

    @property
    def faults(self) -> dict[str, str]:
        """Why a cell fails before anything of it is measured, or "", by its id."""

    def parts(self, cell: Cell) -> tuple[Problem, Estimator]:
        """The problem and the estimator of a cell."""


class Told(Protocol):
    """Who is told of each training."""

    def __call__(self, cell: Seed, status: str, seconds: float) -> None:
        """After each."""


def seeds_in(plan: Planned, cells: Collection[str] | None = None) -> list[Seed]:
    """The trainings of a plan.

    Args:
        plan: of which they are.
        cells: the ids of those that are trained with; all where nothing is said.
    """
    chosen = [cell for cell in plan.measurable if cells is None or cell.id in cells]
    return seeds_of(plan.sweep.training, chosen, plan.sweep.replicates or 0)


def valid_trainings(
    seeds: Collection[Seed], outcomes: Mapping[str, Outcome], here: Mapping[str, Origin]
) -> dict[str, Outcome]:
    """Those outcomes of trainings that are not made again.

    Args:
        seeds: that are asked for.
        outcomes: by their ids.
        here: what the trainings of each cell would be made with.
    """
    found = [(seed, outcomes[seed.id]) for seed in seeds if seed.id in outcomes]
    return {
        seed.id: outcome
        for seed, outcome in found
        if outcome.status != "failed" and outcome.origin == here.get(seed.cell.id)
    }


def train_plan(
    plan: Planned,
    told: Told,
    here: Mapping[str, Origin],
    kept: KeptTrainings | None = None,
    cells: Collection[str] | None = None,
) -> dict[str, Outcome]:
    """Makes the trainings of a plan that are not there yet.

    Args:
        plan: what to train.
        told: of each.
        here: what the trainings of each cell are made with, by its id.
        kept: where they are kept as they end; nowhere where there is nothing.
        cells: the ids of those that are trained with; all where nothing is said.

    Returns:
        What became of every training of the plan that is there, by its id.
    """
    outcomes = valid_trainings(seeds_in(plan), kept.outcomes(), here) if kept else {}
    state: Any = git_state()
    before: Cell | None = None
    for seed in seeds_in(plan, cells):
        if seed.id in outcomes:
            continue
        if seed.cell != before:
            forget_trainings()
        before = seed.cell
        origin = here[seed.cell.id]
        fault = plan.faults.get(seed.cell.id, "")
        ended = train(seed, *plan.parts(seed.cell), origin.environment, fault)
        outcome = ended.outcome._replace(code=origin.code, **state)
        if kept:
            kept.keep(seed.id, outcome)
        outcomes[seed.id] = outcome
        told(seed, outcome.status, ended.seconds)
    forget_trainings()
    return outcomes


def forget_trainings() -> None:
    """Frees the compiled programs: each holds tens of megabytes."""
    forget_programs()
    advanced_leaves.forget()
    forget_objectives()
