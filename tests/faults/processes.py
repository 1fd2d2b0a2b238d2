"""Commands in processes of their own, forked from one that has imported everything."""

import contextlib
import io
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

SWEEP = """
schema = 1
name = "faults"
replicates = 400
samples = [2]

[[problem]]
name = "gaussian_square"

[[estimator]]
name = "pathwise"

[[estimator]]
name = "score_function"
baseline = ["none", "leave_one_out"]
"""
"""Three cells, measured in a moment once their programs are in the cache."""


PRELOADED = [f"gradest.benchmarks.cli.{name}" for name in ("main", "runs", "plans", "results")]
"""What commands import, before they are forked."""


class Ended(NamedTuple):
    """How a command ended."""

    status: int
    """Its exit status, or less than 0 where a signal ended it."""
    said: str
    """What it printed, to stdout and stderr."""
    seconds: float


def forkserver() -> multiprocessing.context.ForkServerContext:
    """Where processes are forked from; JAX starts its threads only in them."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__, *PRELOADED])
    return context


def command(words: list[str], log: Path, prepare: Callable[[], None] | None) -> None:
    """What runs in such a process: `gradest WORD …`, everything that it prints into a file."""
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    for name in ("stdout", "stderr"):
        file = io.FileIO(descriptor, "w", closefd=False)
        setattr(sys, name, io.TextIOWrapper(file, "utf-8", line_buffering=True, write_through=True))
    from gradest.benchmarks.cli.main import main

    if prepare:
        prepare()
    main(words)


def run(
    words: list[str],
    log: Path,
    *,
    kill_after: float | None = None,
    prepare: Callable[[], None] | None = None,
) -> Ended:
    """Runs one command to its end, or kills it.

    Args:
        words: after `gradest`.
        log: a file, made anew, for what it prints.
        kill_after: seconds after which it is killed, if it has not ended.
        prepare: called in its process before it.
    """
    log.unlink(missing_ok=True)
    started = time.perf_counter()
    process = forkserver().Process(target=command, args=(words, log, prepare))
    process.start()
    process.join(kill_after)
    if process.is_alive() and kill_after is not None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)
    process.join()
    said = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
    status = process.exitcode
    process.close()
    return Ended(status, said, time.perf_counter() - started)
