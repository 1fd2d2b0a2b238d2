"""Cells measured by workers: which is sent what, and what is made up for."""

import itertools
import pickle
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from gradest.benchmarks.cells.cell import Cell
from gradest.benchmarks.cells.tasks import CellResult, Setting, Task, on_host
from gradest.benchmarks.distributing.orders import (
    Answer,
    Ended,
    MakeSetting,
    Measure,
    Order,
    Pool,
    Refusal,
    packed,
)
from gradest.benchmarks.distributing.own_modules import OwnModules, own_modules
from gradest.benchmarks.errors import BadInput
from gradest.benchmarks.sweeps.executors import Jobs
from gradest.benchmarks.sweeps.run import codes_of
from gradest.problems.registry.instances import Choice

MOST_DEATHS = 2
"""So many workers a cell may end; then it fails."""


@dataclass
class Unit:
    """What one order is for."""

    cells: list[Cell]
    is_setting: bool = False
    """Whether it is for θ of their problem; else the cells are measured."""
    deaths: int = 0
    """How many workers have ended over it."""

    @property
    def problems(self) -> set[Choice]:
        """Of its cells."""
        return {cell.problem for cell in self.cells}


@dataclass(frozen=True)
class Distributed:
    """Has cells measured by a pool of workers, those that share a program by the same.

    θ of a problem, and the gradient there, are made once, by a worker.
    """

    pool: Pool

    def environment(self, generator: str) -> dict[str, str]:
        """Versions and hardware of the workers."""
        return self.pool.environment(generator)

    def map(self, function: Callable[[Task], CellResult], jobs: Jobs) -> Iterator[CellResult]:
        """The function's results, as they come.

        Raises:
            BadInput: a worker has other versions or other code, or cannot import a user's class.
        """
        faulty = [cell for cell in itertools.chain(*jobs.groups) if jobs.fault_of(cell)]
        for cell in faulty:
            yield function(jobs.task(cell, jobs.fault_of(cell)))
        yield from Shift(self.pool, function, jobs).results()


@dataclass
class Shift:
    """The measurement of some jobs by a pool."""

    pool: Pool
    function: Callable[[Task], CellResult]
    jobs: Jobs
    settings: dict[Choice, Setting | str] = field(default_factory=dict)
    held: list[Unit] = field(default_factory=list)
    """What waits for settings of its problems."""
    waiting: deque[Unit] = field(default_factory=deque)
    out: dict[int, Unit] = field(default_factory=dict)

    def results(self) -> Iterator[CellResult]:
        """The results of all cells but those with a fault of their own."""
        self.codes = codes_of(self.jobs.plan)
        plan = self.jobs.plan
        self.modules: OwnModules = own_modules(plan.problems, plan.estimators)
        self.held = units_of(self.jobs)
        firsts = {cell.problem: cell for unit in reversed(self.held) for cell in unit.cells}
        self.waiting.extend(Unit([cell], is_setting=True) for cell in firsts.values())
        numbers = itertools.count()
        while self.waiting or self.out:
            while self.waiting and len(self.out) < self.pool.capacity:
                number, unit = next(numbers), self.waiting.popleft()
                self.out[number] = unit
                self.pool.send(number, self.order_for(unit))
            for ended in self.pool.wait():
                yield from self.ended(self.out.pop(ended.number), ended)

    def ended(self, unit: Unit, ended: Ended) -> Iterator[CellResult]:
        """What comes of an order, and what can be done since."""
        if ended.answer is None:
            return self.died(unit, ended)
        return self.taken(unit, pickle.loads(ended.answer))

    def order_for(self, unit: Unit) -> bytes:
        """The order to do a unit."""
        plan = self.jobs.plan
        first = unit.cells[0]
        content: MakeSetting | Measure
        if unit.is_setting:
            content = MakeSetting(on_host(plan.problems[first.problem]), first)
        else:
            tasks = [self.jobs.task(cell, self.settings[cell.problem]) for cell in unit.cells]
            codes = [self.codes[cell.id] for cell in unit.cells]
            content = Measure(self.function, tuple(tasks), tuple(codes))
        known = self.jobs.origins[first.id].environment
        return packed(
            Order(known, first.generator, self.pool.threads, self.modules, packed(content))
        )

    def taken(self, unit: Unit, answer: Answer) -> Iterator[CellResult]:
        """What an answer gives, and what can be done since.

        Raises:
            BadInput: it is a refusal.
        """
        if isinstance(answer, Refusal):
            raise BadInput(answer.reason)
        if isinstance(answer, list):
            yield from answer
            return
        self.settings[unit.cells[0].problem] = answer
        held, self.held = self.held, []
        for each in held:
            is_ready = each.problems <= self.settings.keys()
            (self.waiting if is_ready else self.held).append(each)

    def died(self, unit: Unit, ended: Ended) -> Iterator[CellResult]:
        """What comes of a unit whose worker ended: it is tried again, cell by cell in the end."""
        unit.deaths += int(ended.is_fault)
        if unit.deaths < MOST_DEATHS:
            self.waiting.appendleft(unit)
        elif len(unit.cells) > 1 and not unit.is_setting:
            self.waiting.extendleft(Unit([cell]) for cell in unit.cells)
        else:
            what = "θ of its problem" if unit.is_setting else "it"
            reason = f"{unit.deaths} workers ended over {what}, the last {ended.death}"
            if unit.is_setting:
                yield from self.taken(unit, reason)
            else:
                yield self.function(self.jobs.task(unit.cells[0], reason))


def units_of(jobs: Jobs) -> list[Unit]:
    """What is to be measured, the most draws first: what takes long is not begun last."""
    groups = [[cell for cell in group if not jobs.fault_of(cell)] for group in jobs.groups]
    return sorted((Unit(group) for group in groups if group), key=draws_of, reverse=True)


def draws_of(unit: Unit) -> int:
    """How many draws a unit makes."""
    return sum(cell.replicates * cell.num_samples for cell in unit.cells)
