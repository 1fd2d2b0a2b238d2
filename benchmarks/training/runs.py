"""The trainings of a sweep: every seed that is not there yet, kept as soon as it ends."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any, Protocol

from gradest.benchmarks.cells.cell import Cell
from gradest.benchmarks.measurement.replicates import forget_programs
from gradest.benchmarks.outcomes import Origin, Outcome
from gradest.benchmarks.runtime.source_code import git_state
from gradest.benchmarks.training.kept import KeptTrainings
from gradest.benchmarks.training.loop import advanced_leaves
from gradest.benchmarks.training.objective import forget_objectives
from gradest.benchmarks.training.seeds import (
    Seed,
    TrainingResult,
    TrainingTask,
    seeds_of,
    train,
)
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


Make = Callable[[list[TrainingTask]], Iterator[TrainingResult]]
"""What makes trainings, wherever it does, and gives what came of each, in whatever order."""


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


def one_by_one(tasks: Iterable[TrainingTask]) -> Iterator[TrainingResult]:
    """Trains in this process, in order: nothing goes on beside a training that is timed."""
    before: Cell | None = None
    for task in tasks:
        if task.seed.cell != before:
            forget_trainings()
        before = task.seed.cell
        yield train(task)
    forget_trainings()


def train_plan(
    plan: Planned,
    told: Told,
    here: Mapping[str, Origin],
    kept: KeptTrainings | None = None,
    cells: Collection[str] | None = None,
    make: Make = one_by_one,
) -> dict[str, Outcome]:
    """Makes the trainings of a plan that are not there yet.

    Args:
        plan: what to train.
        told: of each.
        here: what the trainings of each cell are made with, by its id.
        kept: where they are kept as they end; nowhere where there is nothing.
        cells: the ids of those that are trained with; all where nothing is said.
        make: makes them; in this process, one after the other, where nothing is said.

    Returns:
        What became of every training of the plan that is there, by its id.
    """
    outcomes = valid_trainings(seeds_in(plan), kept.outcomes(), here) if kept else {}
    state: Any = git_state()
    missing = [seed for seed in seeds_in(plan, cells) if seed.id not in outcomes]
    for seed, made, seconds in make([task_of(plan, seed, here) for seed in missing]):
        outcome = made._replace(code=here[seed.cell.id].code, **state)
        if kept:
            kept.keep(seed.id, outcome)
        outcomes[seed.id] = outcome
        told(seed, outcome.status, seconds)
    return outcomes


def task_of(plan: Planned, seed: Seed, here: Mapping[str, Origin]) -> TrainingTask:
    """The task of a training.

    Args:
        plan: that it is of.
        seed: which it is.
        here: what the trainings of each cell are made with.
    """
    name = seed.cell.id
    fault = plan.faults.get(name, "")
    return TrainingTask(seed, *plan.parts(seed.cell), here[name].environment, fault)


def forget_trainings() -> None:
    """Frees the compiled programs: each holds tens of megabytes."""
    forget_programs()
    advanced_leaves.forget()
    forget_objectives()
