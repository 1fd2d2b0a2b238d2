"""A disk that is full at each write of a run in turn."""

import builtins
import errno
import functools
import io
import os
import shutil
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests.faults.kills import WORKERS, Bench
from tests.faults.processes import run
from tests.faults.tally import HARMLESS, INTERNAL, TOLD, WRONG, Tally
from tests.support.same_numbers import differences

NAMES = ("write", "fsync", "replace", "rename", "mkdir")
"""Functions of `os` by which something is written."""

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


class FullDisk:
    """Fails one call that writes, and all that come after it."""

    def __init__(self, first: int, counter: int | None) -> None:
        self.first = first
        self.counter = counter
        self.calls = 0

    def __call__(self) -> None:
        self.calls += 1
        if self.counter:
            os.pwrite(self.counter, str(self.calls).encode(), 0)
        if self.calls >= self.first:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def fill_disk(first: int, count_into: str | None = None) -> None:
    """From the write of this number on, every write of this process fails.

    Args:
        first: its number, from 1 on.
        count_into: a file for how many there were.
    """
    disk = FullDisk(first, count_into and os.open(count_into, os.O_WRONLY | os.O_CREAT))
    for name in NAMES:
        setattr(os, name, failing(getattr(os, name), disk))
    os.open = failing_open(os.open, disk)
    builtins.open = io.open = failing_text_open(builtins.open, disk)


def failing(function: Any, disk: FullDisk) -> Any:
    """The function, which fails once the disk is full; what is printed is on no disk."""

    @functools.wraps(function)
    def write(*given: Any, **named: Any) -> Any:
        if not (given and given[0] in (1, 2)):
            disk()
        return function(*given, **named)

    return write


def failing_open(function: Any, disk: FullDisk) -> Any:
    """The same of `os.open`, where it opens to write."""

    @functools.wraps(function)
    def open_file(path: Any, flags: int, *given: Any, **named: Any) -> Any:
        if flags & WRITING:
            disk()
        return function(path, flags, *given, **named)

    return open_file


def failing_text_open(function: Any, disk: FullDisk) -> Any:
    """The same of `open`."""

    @functools.wraps(function)
    def open_file(file: Any, mode: str = "r", *given: Any, **named: Any) -> Any:
        if set(mode) & set("wax+") and not isinstance(file, int):
            disk()
        return function(file, mode, *given, **named)

    return open_file


def number_of_writes(bench: Bench) -> int:
    """How often a whole run writes, by these functions; SQLite writes by itself."""
    folder, counted = bench.folder / "counted", bench.folder / "writes"
    never = functools.partial(fill_disk, 10**9, str(counted))
    run(words_of(bench, folder), bench.folder / "counted.log", prepare=never)
    shutil.rmtree(folder)
    return int(counted.read_text())


def words_of(bench: Bench, folder: Path) -> list[str]:
    """The command that runs the sweep into a folder."""
    return ["run", str(bench.sweep), "-o", str(folder)]


def full_at(bench: Bench, first: int) -> str:
    """What comes of a run on a disk that is full from one write on, and then of another."""
    folder = bench.folder / f"full_{first}"
    log = folder.with_suffix(".log")
    ended = run(words_of(bench, folder), log, prepare=functools.partial(fill_disk, first))
    if ended.status not in (0, 2) or "internal error" in ended.said:
        return INTERNAL
    again = run(words_of(bench, folder), log)
    if again.status or "internal error" in again.said:
        return INTERNAL
    if differences(bench.whole, folder):
        return WRONG
    shutil.rmtree(folder)
    return TOLD if ended.status else HARMLESS


def tally(bench: Bench, trials: int) -> Tally:
    """So many moments, spread over all writes."""
    writes = number_of_writes(bench)
    step = max(1, writes // trials)
    with ThreadPoolExecutor(WORKERS) as pool:
        fates = Counter(pool.map(lambda first: full_at(bench, first), range(1, writes + 1, step)))
    return Tally("a full disk from one write on", fates, f"of {writes} writes of a run")
