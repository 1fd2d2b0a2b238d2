"""When measuring is to end: candidates are measured one after the other until the time is spent."""

import math
import os
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from gradest.benchmarks.cells.cell import Cell
from gradest.benchmarks.cells.tasks import CellResult, Task
from gradest.benchmarks.measurement.replicates import forget_programs
from gradest.benchmarks.sweeps.executors import Local, compile_ahead
from gradest.benchmarks.sweeps.plan import Plan

TIME_SPENT = "the time was spent"
"""Why a candidate was not measured."""

LEAST = 2
"""Candidates that are measured whatever the time: one alone is no ranking."""


@dataclass(frozen=True)
class Deadline:
    """The time at which no other candidate is begun."""

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
        """Runs the tasks of `least` candidates at least.

        Args:
            deadline: after which no other candidate is begun.
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
            candidate = task.cell.estimator
            is_other = candidate not in begun
            if is_other and len(measured) >= self.least and self.deadline.is_past:
                break
            begun.add(candidate)
            self.compile_for(task.cell)
            result = function(task)
            if result.outcome.status != "failed":
                measured.add(candidate)
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
