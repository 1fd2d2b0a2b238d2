"""How a command ends: the errors that a user meets, each with one clear line, and exit statuses."""

from collections.abc import Iterable
from enum import IntEnum
from typing import ClassVar

from gradest.benchmarks.limits import LONGEST_COMPLAINT, MOST_COMPLAINTS


class ExitStatus(IntEnum):
    """What a command says by its exit status."""

    OK = 0
    """All is there."""
    OUR_FAULT = 1
    BAD_INPUT = 2
    """What the user asked for cannot be."""
    CELLS_FAILED = 3
    """Some cells failed; the others are measured."""
    GATE_FAILED = 4
    """A check, or a gate that the user set, failed."""
    STORE_DAMAGED = 5
    STORE_IN_USE = 6
    INTERRUPTED = 130
    """By Ctrl-C, as shells count signals."""
    NOBODY_READS = 141
    """Stdout is a pipe that was closed, as by `| head`; shells count it so too."""


class GradestError(Exception):
    """Ends a command with one line on stderr and a status; a traceback only under --debug."""

    status: ClassVar[ExitStatus] = ExitStatus.OUR_FAULT


class BadInput(GradestError, ValueError):
    """What the user asked for cannot be: a name, a value, a file."""

    status: ClassVar[ExitStatus] = ExitStatus.BAD_INPUT


class StoreDamaged(GradestError):
    """The store is there and is not one that we can read."""

    status: ClassVar[ExitStatus] = ExitStatus.STORE_DAMAGED


class StoreInUse(GradestError):
    """Another run holds the store."""

    status: ClassVar[ExitStatus] = ExitStatus.STORE_IN_USE


class NobodyReads(GradestError):
    """Stdout is a pipe that was closed. Nothing is said of it: who closed it knows."""

    status: ClassVar[ExitStatus] = ExitStatus.NOBODY_READS


def listed(complaints: Iterable[str]) -> str:
    """All that is wrong as one text, a line for each thing; of very many only the first.

    >>> listed(["a is missing", "b is\\nmissing"])
    'a is missing\\nb is missing'
    """
    lines = [one_line(complaint) for complaint in dict.fromkeys(complaints)]
    more = len(lines) - MOST_COMPLAINTS
    if more > 0:
        lines = [*lines[:MOST_COMPLAINTS], f"… and {more} more"]
    return "\n".join(lines)


def one_line(text: str) -> str:
    """A text without line breaks, and without what a terminal would obey.

    >>> one_line("a\\n b\\x1b[2J")
    'a b\\\\x1b[2J'
    """
    joined = " ".join(line.strip() for line in text.splitlines())
    short = joined if len(joined) <= LONGEST_COMPLAINT else f"{joined[:LONGEST_COMPLAINT]}…"
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in short)
