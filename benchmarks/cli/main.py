"""`gradest`: one command is run, and every error becomes one clear line and an exit status."""

import contextlib
import functools
import signal
import sqlite3
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NoReturn

import click

from gradest.benchmarks.cli.commands import cli
from gradest.benchmarks.cli.output import standard_streams, tell
from gradest.benchmarks.errors import BadInput, ExitStatus, GradestError, NobodyReads
from gradest.benchmarks.runtime.files import cause_of
from gradest.benchmarks.runtime.processes import collect_rarely, limit_threads

ANYWHERE = ("--debug", "--no-color")
"""Options of every command, written before or after its own."""

KEEPING = ("run", "extend", "time")
"""The commands that keep each cell as it ends."""

KEPT = "every finished cell is kept, and the same command goes on from there"
"""What an interrupted user of those is told, where the command says nothing else."""

NOTHING = "nothing was changed"
"""What an interrupted user of the others is told."""

MACHINE = (OSError, MemoryError, sqlite3.OperationalError)
"""What is raised where the machine gives no more: a full disk, a file that cannot be written."""


def main(args: Sequence[str] | None = None) -> NoReturn:
    """Runs one command and exits with its status.

    Args:
        args: the words after `gradest`; without them, those that this process was started with.
    """
    words = list(sys.argv[1:] if args is None else args)
    own = [word for word in words if word not in ANYWHERE]
    collect_rarely()
    limit_threads()
    command = functools.partial(
        cli.main,
        own,
        prog_name="gradest",
        standalone_mode=False,
        color=False if "--no-color" in words else None,
    )
    explained = () if "--debug" in words else (Exception,)
    kept = KEPT if own and own[0] in KEEPING else NOTHING
    sys.exit(exit_status_of(command, explained=explained, kept=kept))


def exit_status_of(
    command: Callable[[], Any], *, explained: tuple[type[Exception], ...], kept: str
) -> int:
    """The exit status of a command.

    Args:
        command: returns its status, or None where all is well.
        explained: errors that become a line on stderr for each thing that is wrong; others go on.
        kept: what an interrupted user is told to be there.
    """
    faults: tuple[type[BaseException], ...] = (*explained, SystemExit)
    with standard_streams():
        try:
            with terminable():
                status = command() or ExitStatus.OK
                sys.stdout.flush()
                return status
        except (KeyboardInterrupt, click.Abort) as interrupt:
            reason = str(interrupt.__cause__ or interrupt)  # click raises its own from ours
            tell([f"gradest: interrupted; {reason or kept}"])
            return ExitStatus.INTERRUPTED
        except NobodyReads as end:
            return end.status
        except faults as error:
            return complain(error, kept)


@contextlib.contextmanager
def terminable() -> Iterator[None]:
    """SIGTERM ends a run as Ctrl-C does: what is finished is kept."""

    def interrupt(*_: object) -> NoReturn:
        raise KeyboardInterrupt

    previous = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)


def complain(error: BaseException, kept: str = NOTHING) -> ExitStatus:
    """Says on stderr what is wrong, a line for each thing, and returns the exit status.

    Args:
        error: what is wrong.
        kept: what is there all the same, where that may be in doubt.
    """
    lines, status = in_words(error)
    if isinstance(error, MACHINE) and kept != NOTHING:
        lines = [f"{line}; {kept}" for line in lines]
    tell(f"gradest: {line}" for line in lines)
    return status


def in_words(error: BaseException) -> tuple[list[str], ExitStatus]:
    """What is wrong in words, and the exit status."""
    if isinstance(error, click.ClickException):
        return [error.format_message()], BadInput.status
    if isinstance(error, GradestError):
        return str(error).splitlines(), error.status
    if theirs := place_of_theirs(error):
        return [theirs], BadInput.status
    if isinstance(error, OSError):
        return [cause_of(error)], BadInput.status
    if isinstance(error, MemoryError):
        reason = str(error) or "the system gives no more"
        return [f"memory does not suffice: {reason}"], BadInput.status
    if isinstance(error, sqlite3.OperationalError):
        return [f"the run's store: {error}"], BadInput.status
    lines = [
        f"internal error: {type(error).__name__}: {error}; --debug shows where",
        "please report it: it is our fault",
    ]
    return lines, ExitStatus.OUR_FAULT


def place_of_theirs(error: BaseException) -> str:
    """An error with the file and line of a user's in which it arose; "" where none did.

    What tells is imported when it is asked for, and only where a user's class can have run: JAX
    comes with it.
    """
    if "gradest.problems" not in sys.modules:
        return ""
    from gradest.problems.registry.own_faults import located, place_of

    place = place_of(error)
    return located(error, place) if place else ""


def run_and_exit(command: click.Command, words: list[str] | None, name: str, kept: str) -> NoReturn:
    """Runs the command of a bench and exits with its status; bad input is one clear line.

    Args:
        command: what is run.
        words: its arguments; None for those of the process.
        name: what its help calls it.
        kept: what is there when it is interrupted, for the line that says so.
    """
    run = functools.partial(command.main, words, prog_name=name, standalone_mode=False)
    explained = (click.ClickException, GradestError, *MACHINE)
    sys.exit(exit_status_of(run, explained=explained, kept=kept))
