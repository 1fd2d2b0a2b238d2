"""Where tasks are run: an executor maps a function over them."""

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Protocol

import jax

from gradest.benchmarks.cells.cell import Cell
from gradest.benchmarks.cells.tasks import CellResult, Task
from gradest.benchmarks.measurement.replicates import compile_cell, forget_programs
from gradest.benchmarks.runtime.configure import in_full_precision
from gradest.benchmarks.sweeps.plan import Plan
from gradest.problems.registry.own_faults import failures_of


class Executor(Protocol):
    """Runs tasks, wherever it does."""

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
