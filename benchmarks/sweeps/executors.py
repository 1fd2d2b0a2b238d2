"""Where cells are measured and θ is trained, and until when: an executor does their tasks."""

import itertools
import math
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import jax

from gradest.benchmarks.cells.begun import Begun, warning
from gradest.benchmarks.cells.cell import Cell
from gradest.benchmarks.cells.tasks import CellResult, Setting, Task, setting_or_reason
from gradest.benchmarks.measurement.replicates import compile_cell, forget_programs
from gradest.benchmarks.outcomes import Origin, Outcome, Summaries
from gradest.benchmarks.runtime.configure import in_full_precision
from gradest.benchmarks.runtime.devices import refuse_devices
from gradest.benchmarks.runtime.environment import environment
from gradest.benchmarks.sweeps.plan import Choice, Plan
from gradest.benchmarks.training.runs import one_by_one
from gradest.benchmarks.training.seeds import TrainingResult, TrainingTask
from gradest.problems.registry.own_faults import failures_of

AHEAD = 16
"""How many programs are compiled at a time."""

TIMES = (
    *("seconds", "seconds_low", "seconds_high", "timing_processes", "compile_seconds"),
    *(f"work_normalised_variance{end}" for end in ("", "_low", "_high")),
)
"""The columns of rows that depend on what else the machine did."""


def nothing_noted(cells: Sequence[Cell]) -> None:
    """Notes nowhere which cells are begun."""


@dataclass(frozen=True)
class Jobs:
    """Cells that are to be measured, and what their tasks are made of."""

    plan: Plan
    """That they are of."""
    groups: list[list[Cell]]
    """The cells; those of a group run the same compiled program."""
    origins: Mapping[str, Origin]
    """What each is measured with, by its id."""
    earlier: Callable[[Cell], tuple[Summaries, ...]]
    """The shorter runs of a cell that it may be gone on from."""
    begins: Callable[[Sequence[Cell]], None] = nothing_noted
    """Told of the cells that this process compiles or measures from now on."""

    def fault_of(self, cell: Cell) -> str:
        """Why a cell fails before anything of it is measured, or ""."""
        return self.plan.faults.get(cell.id, "")

    def task(self, cell: Cell, setting: Setting | str) -> Task:
        """The task of a cell.

        Args:
            cell: one of these.
            setting: of its problem, or why there is none.
        """
        problem, estimator = self.plan.parts(cell)
        known = self.origins[cell.id].environment
        return Task(cell, problem, estimator, setting, known, self.earlier(cell))


class Executor(Protocol):
    """Measures cells and trains, wherever it does, and all of it unless it has an end."""

    def environment(self, generator: str) -> dict[str, str]:
        """Versions and hardware that cells are measured with.

        Args:
            generator: of random numbers.

        Raises:
            BadInput: the generator cannot be used there.
        """

    def map(self, function: Callable[[Task], CellResult], jobs: Jobs) -> Iterator[CellResult]:
        """The function's results for the tasks of all cells, in whatever order, as they come."""

    def train(self, plan: Plan, tasks: list[TrainingTask]) -> Iterator[TrainingResult]:
        """What comes of trainings of a plan, in whatever order, as they end."""


class Local:
    """Measures in this process, one cell at a time: nothing goes on beside what is timed."""

    def environment(self, generator: str) -> dict[str, str]:
        """Versions and hardware here."""
        refuse_devices(generator)
        return environment(generator)

    def map(self, function: Callable[[Task], CellResult], jobs: Jobs) -> Iterator[CellResult]:
        """The results in order; a task is made when the result of the one before is there."""
        yield from map(function, self.tasks(jobs))
        forget_programs()

    def train(self, plan: Plan, tasks: list[TrainingTask]) -> Iterator[TrainingResult]:
        """The results in order."""
        return one_by_one(tasks)

    def tasks(self, jobs: Jobs) -> Iterator[Task]:
        """The tasks, made one after the other as they are asked for.

        Programs are compiled before the first cell that runs them is measured. θ of a problem, and
        the gradient there, are made for the first of its tasks.
        """
        settings: dict[Choice, Setting | str] = {}
        for groups in self.together(jobs.groups):
            forget_programs()
            jobs.begins([group[0] for group in groups])
            compile_ahead(jobs.plan, [group[0] for group in groups])
            for cell in itertools.chain(*groups):
                jobs.begins([cell])
                fault = jobs.fault_of(cell)
                if not fault and cell.problem not in settings:
                    settings[cell.problem] = setting_or_reason(jobs.plan.parts(cell)[0], cell)
                yield jobs.task(cell, fault or settings[cell.problem])

    def together(self, groups: list[list[Cell]]) -> Iterator[list[list[Cell]]]:
        """The groups whose programs are compiled, and kept in memory, at the same time."""
        return (groups[start : start + AHEAD] for start in range(0, len(groups), AHEAD))


@dataclass(frozen=True)
class Untimed:
    """Measures where another executor does, whose times do not count.

    They were taken beside other work, or on a machine that another part of the run was not on.
    """

    executor: Executor

    def environment(self, generator: str) -> dict[str, str]:
        """The other's."""
        return self.executor.environment(generator)

    def map(self, function: Callable[[Task], CellResult], jobs: Jobs) -> Iterator[CellResult]:
        """The other's results without their times."""
        for result in self.executor.map(function, jobs):
            yield result._replace(outcome=without_times(result.outcome))

    def train(self, plan: Plan, tasks: list[TrainingTask]) -> Iterator[TrainingResult]:
        """The other's results without their times."""
        for result in self.executor.train(plan, tasks):
            yield result._replace(outcome=without_times(result.outcome))


@dataclass(frozen=True)
class Noted:
    """Measures where another executor does, and notes which cells this process has begun.

    Where an earlier process left such a note, it ended at those cells, and that is said.
    """

    executor: Executor
    folder: Path
    """Of the run."""
    tell: Callable[[list[str]], None]

    def environment(self, generator: str) -> dict[str, str]:
        """The other's."""
        return self.executor.environment(generator)

    def map(self, function: Callable[[Task], CellResult], jobs: Jobs) -> Iterator[CellResult]:
        """The other's results; while they are asked for, the run's store is held."""
        begun = Begun(self.folder)
        if left := begun.left:
            self.tell([warning(left)])
        try:
            yield from self.executor.map(function, replace(jobs, begins=begun.note))
        finally:
            begun.forget()

    def train(self, plan: Plan, tasks: list[TrainingTask]) -> Iterator[TrainingResult]:
        """The other's results."""
        return self.executor.train(plan, tasks)


def without_times(outcome: Outcome) -> Outcome:
    """An outcome whose rows have no times: of cells, `gradest time` takes them."""
    return outcome._replace(rows=[untimed(row) for row in outcome.rows])


def untimed(row: Mapping[str, object]) -> dict[str, object]:
    """A row without its times."""
    return {name: value for name, value in row.items() if name not in TIMES}


@dataclass(frozen=True)
class Deadline:
    """The time after which no other estimator is begun."""

    end: float = math.inf
    clock: Callable[[], float] = time.monotonic

    @classmethod
    def after(cls, seconds: float, clock: Callable[[], float] = time.monotonic) -> "Deadline":
        """The one in so many seconds from now."""
        return cls(clock() + seconds, clock)

    @property
    def is_past(self) -> bool:
        """Whether the time is spent."""
        return self.clock() >= self.end

    def part(self, share: float) -> "Deadline":
        """The one at which a share of the time that is left is spent."""
        now = self.clock()
        return replace(self, end=now + share * (self.end - now))


NEVER = Deadline()
"""Measuring ends by itself."""


class UntilPast(Local):
    """Measures until a deadline; the cells that are left have no result.

    What has to be compiled is compiled for as many groups as there are cores, and once the time is
    spent for one at a time, so that no more than that is in the way of the end.
    """

    def __init__(self, deadline: Deadline, least: int) -> None:
        """Measures `least` estimators at least.

        Args:
            deadline: after which no other estimator is begun.
            least: how many are measured whatever the time; those that fail do not count.
        """
        self.deadline = deadline
        self.least = least
        self.begun: set[Choice] = set()
        self.measured: set[Choice] = set()

    def map(self, function: Callable[[Task], CellResult], jobs: Jobs) -> Iterator[CellResult]:
        """The results in order, until the time is spent."""
        for task in self.tasks(jobs):
            if self.ends_before(task.cell):
                break
            self.begun.add(task.cell.estimator)
            result = function(task)
            if result.outcome.status != "failed":
                self.measured.add(task.cell.estimator)
            yield result
        forget_programs()

    def ends_before(self, cell: Cell) -> bool:
        """Whether the cell is another estimator's, enough are measured and the time is spent."""
        is_enough = len(self.measured) >= self.least
        return cell.estimator not in self.begun and is_enough and self.deadline.is_past

    def together(self, groups: list[list[Cell]]) -> Iterator[list[list[Cell]]]:
        """As many groups as there are cores; one at a time once the time is spent."""
        while groups and not self.ends_before(groups[0][0]):
            count = 1 if self.deadline.is_past else os.cpu_count() or 1
            yield groups[:count]
            groups = groups[count:]


def compile_ahead(plan: Plan, cells: list[Cell]) -> None:
    """Compiles what the cells run, one on each core: before any is measured, which is timed.

    What cannot be compiled fails where it is measured. A cell whose R a pilot chooses is compiled
    there too.
    """

    @in_full_precision
    def compile_one(cell: Cell) -> None:
        problem, estimator = plan.parts(cell)
        # the precision is a setting of the thread
        failures = failures_of(problem, estimator)
        with jax.enable_x64(cell.dtype == "float64"), suppress(*failures):
            compile_cell(
                problem,
                estimator,
                problem.init_params(cell.key),
                key=cell.key,
                num_samples=cell.num_samples,
                replicates=cell.replicates,
                adapt_steps=cell.adapt_steps,
            )

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(compile_one, [cell for cell in cells if cell.precision is None]))
