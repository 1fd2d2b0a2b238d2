"""Parts of a run, each measured by a job that knows nothing of the others."""

import re
from typing import NamedTuple

from gradest.benchmarks.errors import BadInput
from gradest.benchmarks.runtime.environment import xla_threads
from gradest.benchmarks.sweeps.plan import Plan
from gradest.benchmarks.sweeps.run import Part, by_program

MOST = 100_000
"""Shards of a run."""


class Shard(NamedTuple):
    """The `number`-th of `of` parts, counted from 1."""

    number: int
    of: int

    @property
    def name(self) -> str:
        """As the command line has it."""
        return f"{self.number}/{self.of}"


def shard_of(text: str, what: str = "--shard") -> Shard:
    """The shard that a text names.

    Args:
        text: i/n.
        what: errors begin with it.

    Raises:
        BadInput: it is no such text.

    >>> shard_of("2/8")
    Shard(number=2, of=8)
    """
    match = re.fullmatch(r"([0-9]{1,6})/([0-9]{1,6})", text.strip(), flags=re.ASCII)
    shard = Shard(*map(int, match.groups())) if match else Shard(0, 0)
    if not 1 <= shard.number <= shard.of <= MOST:
        raise BadInput(
            f"{what} {text}: expected i/n, the i-th of n parts counted from 1, as in 2/8"
        )
    return shard


def part_of(plan: Plan, shard: Shard) -> Part:
    """The cells of a shard: those that run one program are in one shard, dealt out in turn."""
    groups = by_program(plan, plan.measurable)[shard.number - 1 :: shard.of]
    return Part(shard.name, xla_threads(), frozenset(cell.id for group in groups for cell in group))


def missing(shards: list[Shard]) -> list[str]:
    """The names of those that others of as many parts lack.

    >>> missing([Shard(1, 3), Shard(3, 3)])
    ['2/3']
    """
    return [
        Shard(number, of).name
        for of in sorted({shard.of for shard in shards})
        for number in range(1, of + 1)
        if Shard(number, of) not in shards
    ]
