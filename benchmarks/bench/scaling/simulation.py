"""A run by any number of workers, simulated from what its cells took one after the other."""

import heapq
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from gradest.benchmarks.cells.cell import Cell
from gradest.benchmarks.distributing.executor import Unit, draws_of
from gradest.benchmarks.plans.forecast import key_of, times_in
from gradest.benchmarks.sweeps.plan import resolve
from gradest.benchmarks.sweeps.run import by_program
from gradest.benchmarks.sweeps.schema import load_sweep

PRESETS = {
    "default": Path("results/reference"),
    **{
        name: Path("results/reference", name)
        for name in ("continuous", "discrete", "multisample", "temperature")
    },
}
"""The reference run of each preset, which says what its cells took."""

WORKERS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000)


class Load(NamedTuple):
    """What one order keeps a worker busy with."""

    seconds: float
    label: str
    """Of its longest cell."""


def loads_of(preset: str, folder: Path) -> list[Load]:
    """The orders of a preset, in the order in which they are sent: the most draws first.

    A group is one order: its programs are compiled once. θ and exact gradients are not among them.

    Args:
        preset: its name.
        folder: of its reference run.
    """
    plan = resolve(load_sweep(preset))
    times = times_in([folder])

    def seconds(cell: Cell) -> float:
        known = times.get(key_of(cell))
        return known.compiling + cell.replicates * known.estimate if known else 0.0

    units = [Unit(group) for group in by_program(plan, plan.measurable)]
    groups = [unit.cells for unit in sorted(units, key=draws_of, reverse=True)]
    return [
        Load(sum(map(seconds, group)), max(group, key=seconds).label)
        for group in groups
        if any(map(seconds, group))
    ]


def makespan(seconds: Sequence[float], workers: int, overhead: float) -> float:
    """How long a run takes by list scheduling: who is free takes the next.

    Args:
        seconds: what each order takes.
        workers: how many there are.
        overhead: seconds of one order on the side that sends it, which sends one at a time.

    >>> makespan([3.0, 2.0, 1.0], 2, 0.0)
    3.0
    >>> makespan([0.0, 0.0], 10, 0.5)
    1.0
    """
    free = [0.0] * workers
    sender = 0.0
    for each in seconds:
        sender = max(sender, heapq.heappop(free)) + overhead
        heapq.heappush(free, sender + each)
    return max(free)


def simulated(overhead: float) -> Iterator[dict[str, object]]:
    """A row for each preset, and for all at once, and each number of workers."""
    loads = {name: loads_of(name, folder) for name, folder in PRESETS.items()}
    together = [load for each in loads.values() for load in each]
    for name, each in (loads | {"all": together}).items():
        seconds = [load.seconds for load in each]
        longest = max(each)
        for workers in WORKERS:
            took = makespan(seconds, workers, overhead)
            yield {
                "preset": name,
                "orders": len(each),
                "workers": workers,
                "seconds": took,
                "speedup": makespan(seconds, 1, overhead) / took,
                "longest_seconds": longest.seconds,
                "longest": longest.label,
            }


def table_of(overhead: float) -> pd.DataFrame:
    """The rows of scaling.csv."""
    return pd.DataFrame(simulated(overhead))
