"""Where tasks are run, and until when: an executor maps a function over them."""

import math
import os
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Protocol

import jax

from gradest.benchmarks.cells.cell import Cell
from gradest.benchmarks.cells.tasks import CellResult, Task
from gradest.benchmarks.measurement.replicates import compile_cell, forget_programs
from gradest.benchmarks.runtime.configure import in_full_precision
from gradest.benchmarks.sweeps.plan import Plan
from gradest.problems.registry.own_faults import failures_of


class Executor(Protocol):
    """Runs tasks, wherever it does, and all of them unless it has an end."""

    def prepare(self, plan: Plan, cells: list[Cell]) -> None:
        """Told before the next tasks which programs they run: those of these cells, no others."""

    def map(
        self, function: Callable[[Task], CellResult], tasks: Iterable[Task]
    ) -> Iterator[CellResult]:
        """The function's results for all tasks, in whatever order, as they come."""


class Local:
    """Runs tasks in this process, one at a time: nothing goes on beside what is timed."""

    def prepare(self, plan: Plan, cells: list[Cell]) -> None:
        """Compiles what the cells run, in place of what was compiled before."""
        forget_programs()
        compile_ahead(plan, cells)

    def map(
        self, function: Callable[[Task], CellResult], tasks: Iterable[Task]
    ) -> Iterator[CellResult]:
        """The results in order; a task is taken when the result of the one before is there."""
        yield from map(function, tasks)
        forget_programs()


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
    """Runs tasks until a deadline; those that are left have no result.

    What has to be compiled is compiled for as many cells as there are cores, and once the time is
    spent for one at a time, so that no more than that is in the way of the end.
    """

    def __init__(self, deadline: Deadline, least: int) -> None:
        """Runs the tasks of `least` estimators at least.

        Args:
            deadline: after which no other estimator is begun.
            least: how many are measured whatever the time; those that fail do not count.
        """
        self.deadline = deadline
        self.least = least
        self.plan: Plan | None = None
        self.waiting: list[Cell] = []

    def prepare(self, plan: Plan, cells: list[Cell]) -> None:
        """Notes what is to be compiled, in place of what was compiled before."""
        forget_programs()
        self.plan, self.waiting = plan, list(cells)

    def map(
        self, function: Callable[[Task], CellResult], tasks: Iterable[Task]
    ) -> Iterator[CellResult]:
        """The results in order, until the time is spent."""
        measured: set[Any] = set()
        begun: set[Any] = set()
        for task in tasks:
            estimator = task.cell.estimator
            is_other = estimator not in begun
            if is_other and len(measured) >= self.least and self.deadline.is_past:
                break
            begun.add(estimator)
            self.compile_for(task.cell)
            result = function(task)
            if result.outcome.status != "failed":
                measured.add(estimator)
            yield result
        forget_programs()

    def compile_for(self, cell: Cell) -> None:
        """Compiles what a cell runs, unless it was, and what is run after it."""
        if not self.waiting or cell.id != self.waiting[0].id:
            return
        assert self.plan is not None
        count = 1 if self.deadline.is_past else os.cpu_count() or 1
        compile_ahead(self.plan, self.waiting[:count])
        self.waiting = self.waiting[count:]


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
