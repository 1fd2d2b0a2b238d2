"""Cells measured, and θ trained, by workers: which is sent what, and what is made up for."""

import itertools
import pickle
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from gradest.benchmarks.cells.cell import Cell
from gradest.benchmarks.cells.tasks import CellResult, Setting, Task, on_host
from gradest.benchmarks.distributing.orders import (
    Answer,
    Ended,
    MakeSetting,
    Order,
    Perform,
    Pool,
    Refusal,
    packed,
)
from gradest.benchmarks.distributing.own_modules import own_modules
from gradest.benchmarks.errors import BadInput
from gradest.benchmarks.sweeps.executors import Jobs
from gradest.benchmarks.sweeps.plan import Plan
from gradest.benchmarks.sweeps.run import MEASURES, codes_of
from gradest.benchmarks.training.runs import TRAINS
from gradest.benchmarks.training.seeds import Seed, TrainingResult, TrainingTask, train
from gradest.problems.registry.instances import Choice

MOST_DEATHS = 2
"""So many workers a cell, or a training, may end; then it fails."""


@dataclass
class Unit:
    """What one order is for."""

    cells: list[Cell]
    seed: Seed | None = None
    """The training with one of these cells, where that is what the order is for."""
    is_setting: bool = False
    """Whether it is for θ of their problem."""
    deaths: int = 0
    """How many workers have ended over it."""

    @property
    def problems(self) -> set[Choice]:
        """Of its cells."""
        return {cell.problem for cell in self.cells}


@dataclass(frozen=True)
class Distributed:
    """Has cells measured, and θ trained, by a pool of workers.

    Cells that share a program are measured by the same worker. θ of a problem, and the gradient
    there, are made once, by a worker. A training with one seed is a worker's by itself.
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
        yield from CellShift(self.pool, jobs.plan, function, jobs).results()

    def train(self, plan: Plan, tasks: list[TrainingTask]) -> Iterator[TrainingResult]:
        """What comes of trainings, as they end.

        Raises:
            BadInput: as for cells.
        """
        for task in tasks:
            if task.fault:
                yield train(task)
        sound = {task.seed.id: task for task in tasks if not task.fault}
        yield from TrainingShift(self.pool, plan, sound).results()


@dataclass
class Shift(ABC):
    """The work of a pool at the cells or the trainings of a plan."""

    pool: Pool
    plan: Plan

    @abstractmethod
    def units(self) -> Iterable[Unit]:
        """What can be sent at the beginning."""

    @abstractmethod
    def content_for(self, unit: Unit) -> MakeSetting | Perform:
        """What a worker is to do of a unit."""

    @abstractmethod
    def environment_of(self, unit: Unit) -> dict[str, str]:
        """Versions and hardware that a unit is to be done with."""

    @abstractmethod
    def given_up(self, unit: Unit, reason: str) -> Iterator[Any]:
        """The results of a unit, of one cell or training, that ended too many workers."""

    def results(self) -> Iterator[Any]:
        """The results, as they come."""
        self.modules = own_modules(self.plan.problems, self.plan.estimators)
        self.waiting = deque(self.units())
        out: dict[int, Unit] = {}
        numbers = itertools.count()
        while self.waiting or out:
            while self.waiting and len(out) < self.pool.capacity:
                number, unit = next(numbers), self.waiting.popleft()
                out[number] = unit
                self.pool.send(number, self.order_for(unit))
            for ended in self.pool.wait():
                yield from self.ended(out.pop(ended.number), ended)

    def ended(self, unit: Unit, ended: Ended) -> Iterator[Any]:
        """What comes of an order, and what can be done since."""
        if ended.answer is None:
            return self.died(unit, ended)
        return self.taken(unit, pickle.loads(ended.answer))

    def order_for(self, unit: Unit) -> bytes:
        """The order to do a unit."""
        content = packed(self.content_for(unit))
        known = self.environment_of(unit)
        generator = unit.cells[0].generator
        return packed(Order(known, generator, self.pool.threads, self.modules, content))

    def taken(self, unit: Unit, answer: Answer) -> Iterator[Any]:
        """What an answer gives, and what can be done since.

        Raises:
            BadInput: it is a refusal.
        """
        if isinstance(answer, Refusal):
            raise BadInput(answer.reason)
        assert isinstance(answer, list)
        yield from answer

    def died(self, unit: Unit, ended: Ended) -> Iterator[Any]:
        """What comes of a unit whose worker ended: it is tried again, cell by cell in the end."""
        unit.deaths += int(ended.is_fault)
        if unit.deaths < MOST_DEATHS:
            self.waiting.appendleft(unit)
        elif len(unit.cells) > 1 and not unit.is_setting:
            self.waiting.extendleft(Unit([cell]) for cell in unit.cells)
        else:
            what = "θ of its problem" if unit.is_setting else "it"
            reason = f"{unit.deaths} workers ended over {what}, the last {ended.death}"
            yield from self.given_up(unit, reason)


@dataclass
class CellShift(Shift):
    """The measurement of some jobs by a pool."""

    function: Callable[[Task], CellResult]
    jobs: Jobs
    settings: dict[Choice, Setting | str] = field(default_factory=dict)
    held: list[Unit] = field(default_factory=list)
    """What waits for settings of its problems."""

    def units(self) -> Iterable[Unit]:
        """θ of each problem; the cells are held until it is there."""
        self.codes = codes_of(self.plan, MEASURES)
        self.held = units_of(self.jobs)
        firsts = {cell.problem: cell for unit in reversed(self.held) for cell in unit.cells}
        return [Unit([cell], is_setting=True) for cell in firsts.values()]

    def content_for(self, unit: Unit) -> MakeSetting | Perform:
        """A problem's θ is to be made, or the cells measured."""
        first = unit.cells[0]
        if unit.is_setting:
            return MakeSetting(on_host(self.plan.problems[first.problem]), first)
        tasks = [self.jobs.task(cell, self.settings[cell.problem]) for cell in unit.cells]
        codes = [self.codes[cell.id] for cell in unit.cells]
        return Perform(self.function, tuple(tasks), tuple(codes), MEASURES)

    def environment_of(self, unit: Unit) -> dict[str, str]:
        """That of its first cell."""
        return self.jobs.origins[unit.cells[0].id].environment

    def taken(self, unit: Unit, answer: Answer) -> Iterator[CellResult]:
        """The results of cells; or with a setting what waited for it can be sent."""
        if not unit.is_setting or isinstance(answer, Refusal):
            yield from super().taken(unit, answer)
            return
        assert isinstance(answer, Setting | str)
        self.settings[unit.cells[0].problem] = answer
        held, self.held = self.held, []
        for each in held:
            is_ready = each.problems <= self.settings.keys()
            (self.waiting if is_ready else self.held).append(each)

    def given_up(self, unit: Unit, reason: str) -> Iterator[CellResult]:
        """The cell fails, or without θ all of its problem."""
        if unit.is_setting:
            yield from self.taken(unit, reason)
        else:
            yield self.function(self.jobs.task(unit.cells[0], reason))


@dataclass
class TrainingShift(Shift):
    """The trainings of a plan, made by a pool."""

    tasks: dict[str, TrainingTask]
    """By the ids of their seeds."""

    def units(self) -> Iterable[Unit]:
        """Each training by itself."""
        self.codes = codes_of(self.plan, TRAINS)
        return [Unit([task.seed.cell], task.seed) for task in self.tasks.values()]

    def task(self, unit: Unit) -> TrainingTask:
        """The training of a unit."""
        assert unit.seed is not None
        return self.tasks[unit.seed.id]

    def content_for(self, unit: Unit) -> Perform:
        """It is to be made."""
        codes = (self.codes[unit.cells[0].id],)
        return Perform(train, (self.task(unit),), codes, TRAINS)

    def environment_of(self, unit: Unit) -> dict[str, str]:
        """That of its task."""
        return self.task(unit).environment

    def given_up(self, unit: Unit, reason: str) -> Iterator[TrainingResult]:
        """It fails."""
        yield train(replace(self.task(unit), fault=reason))


def units_of(jobs: Jobs) -> list[Unit]:
    """What is to be measured, the most draws first: what takes long is not begun last."""
    groups = [[cell for cell in group if not jobs.fault_of(cell)] for group in jobs.groups]
    return sorted((Unit(group) for group in groups if group), key=draws_of, reverse=True)


def draws_of(unit: Unit) -> int:
    """How many draws a unit makes."""
    return sum(cell.replicates * cell.num_samples for cell in unit.cells)
