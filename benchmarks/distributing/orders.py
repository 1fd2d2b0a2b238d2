"""What a worker is sent, and what it answers: bytes, which whoever carries them need not read."""

import pickle
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, TypeAlias

from gradest.benchmarks.cells.cell import Cell
from gradest.benchmarks.cells.tasks import CellResult, Setting, Task
from gradest.benchmarks.distributing.own_modules import OwnModules
from gradest.benchmarks.training.seeds import TrainingResult, TrainingTask
from gradest.problems.base import Problem

PROTOCOL = 5
"""Of pickle: the same bytes on every Python that gradest runs on."""


class Refusal(NamedTuple):
    """Why a worker does nothing of what it was sent."""

    reason: str


@dataclass(frozen=True)
class MakeSetting:
    """θ of a problem is to be made, and what is known exactly there."""

    problem: Problem
    """With NumPy's arrays in place of JAX's."""
    cell: Cell
    """One of the problem's."""


@dataclass(frozen=True)
class Perform:
    """Cells that run one program are to be measured, or trainings made."""

    function: Callable[[Any], CellResult | TrainingResult]
    """Does one."""
    tasks: tuple[Task, ...] | tuple[TrainingTask, ...]
    codes: tuple[dict[str, str], ...]
    """Of each task, the digests of the modules that it is to be done with."""
    through: str
    """The module that all their numbers come through."""


class Order(NamedTuple):
    """What a worker is sent."""

    environment: dict[str, str]
    """Versions and hardware that it is to have."""
    generator: str
    """Of random numbers."""
    threads: int
    """That XLA is to have."""
    modules: OwnModules
    """A user's own, which must be there before what follows can be read."""
    content: bytes
    """A pickled `MakeSetting` or `Perform`."""


Answer: TypeAlias = Setting | str | list[CellResult | TrainingResult] | Refusal
"""A setting or why there is none, the results of tasks, or a refusal of either."""


def packed(thing: object) -> bytes:
    """A thing as bytes."""
    return pickle.dumps(thing, protocol=PROTOCOL)


class Ended(NamedTuple):
    """How an order ended."""

    number: int
    """Of the order."""
    answer: bytes | None
    """A pickled `Answer`; None where the worker ended before it."""
    death: str = ""
    """How the worker ended, in words."""
    is_fault: bool = True
    """Whether that may be the order's fault; not where the worker was told to leave."""


class Pool(Protocol):
    """Workers, wherever they are."""

    @property
    def capacity(self) -> int:
        """How many orders may be out."""

    @property
    def threads(self) -> int:
        """How many XLA has in each worker."""

    def environment(self, generator: str) -> dict[str, str]:
        """Versions and hardware of all workers.

        Raises:
            BadInput: they are not the same, or the versions not those of this process.
        """

    def send(self, number: int, order: bytes) -> None:
        """Has an order obeyed, under a number that no other has had."""

    def wait(self) -> list[Ended]:
        """The orders that ended since, once there is one, or after a second or so none."""
