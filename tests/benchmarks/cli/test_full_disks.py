"""A disk that is full at any write: one line, status 2, and the same command goes on."""

import builtins
import errno
import itertools
import os
import resource
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from gradest.benchmarks.cli import plans, runs
from gradest.benchmarks.cli.main import KEPT
from gradest.problems.registry import own_faults
from tests.support import undrawn as support
from tests.support.same_numbers import differences

SWEEP = """
schema = 1
name = "tiny"
replicates = 40
samples = [1]
problem = [{ name = "gaussian_square" }]
estimator = [{ name = "pathwise" }, { name = "score_function" }]
"""

REASONS = ("No space left on device", "File too large", "disk I/O error", "disk is full")


@pytest.fixture
def measured(run_command, tmp_path):
    """Measures and draws a tiny sweep into a folder; what was wrong, in one line, or nothing."""
    (tmp_path / "tiny.toml").write_text(SWEEP)

    def measure(folder: str) -> str:
        with pytest.MonkeyPatch.context() as patch:  # what tests raise is the system's fault here
            patch.setattr(own_faults, "is_their_frame", lambda frame: False)
            status, _, err = run_command("run", "tiny.toml", "-o", folder)
        said = [line for line in err.splitlines() if line.startswith("gradest:")]
        said = [line for line in said if not line.startswith("gradest: cache ")]
        assert "Traceback" not in err
        assert len(said) == (status != 0)
        assert status in {0, 2}
        assert all(any(reason in line for reason in REASONS) for line in said)
        assert all(folder in line for line in said)
        return "".join(said)

    return measure


@pytest.fixture
def right(measured, tmp_path):
    """A run that went well."""
    assert measured("right") == ""
    return tmp_path / "right"


@pytest.fixture
def undrawn(monkeypatch):
    """Nothing is drawn."""
    monkeypatch.setattr(runs, "draw", support.undrawn)


def file_of(arguments: tuple) -> str:
    """The file that a call is about, where it is named."""
    return os.fsdecode(arguments[0]) if isinstance(arguments[0], str | os.PathLike) else "a file"


def writes(name: str, arguments: tuple) -> bool:
    """Whether a call changes what is on the disk."""
    if name == "open":
        how = arguments[1] if len(arguments) > 1 else "r"
        return bool(how & (os.O_WRONLY | os.O_RDWR)) if isinstance(how, int) else how[0] in "wax"
    return True


@contextmanager
def full_at(number: int) -> Iterator[list[str]]:
    """The disk is full at this write, counted from 0, and has room before and after.

    Yields:
        The calls that write, as they come.
    """
    seen: list[str] = []

    def failing(name, function):
        def call(*arguments, **named):
            if writes(name, arguments):
                seen.append(f"{name} {file_of(arguments)}")
                if len(seen) == number + 1:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), *arguments[:1])
            return function(*arguments, **named)

        return call

    with pytest.MonkeyPatch.context() as patch:
        for name in ("open", "fsync", "replace", "mkdir", "truncate"):
            patch.setattr(os, name, failing(name, getattr(os, name)))
        patch.setattr(builtins, "open", failing("open", open))
        yield seen


def fail_everywhere(measured, right, step: int) -> int:
    """Measures with a disk that is full at each so many-th write; how many runs ended so.

    A run ends well where what could not be written is not needed, as a file of the cache.
    """
    ended = 0
    for number in itertools.count(0, step):
        folder = f"full-{number}"
        with full_at(number) as seen:
            ended += measured(folder) != ""
        assert measured(folder) == ""
        assert differences(right, right.with_name(folder)) == []
        if len(seen) <= number:
            return ended
    return 0


def test_a_full_disk_at_any_write_of_a_measurement(undrawn, measured, right):
    assert fail_everywhere(measured, right, step=4) >= 3


@pytest.mark.slow
def test_a_full_disk_at_any_write_of_a_run(measured, right):
    assert fail_everywhere(measured, right, step=7) >= 5


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """No file may grow beyond this size, whoever writes it: SQLite too."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


@pytest.mark.parametrize("size", [0, 100, 5000, 14_000, 22_000])
def test_files_that_may_not_grow(undrawn, measured, right, size):
    with largest_file(size):
        assert measured("small") != ""
    assert measured("small") == ""
    assert differences(right, right.with_name("small")) == []


@pytest.mark.parametrize(
    ("fault", "line"),
    [
        (PermissionError(errno.EACCES, "Permission denied", "a/file"), "a/file: Permission denied"),
        (MemoryError(), "memory does not suffice: the system gives no more"),
        (MemoryError("8 GiB"), "memory does not suffice: 8 GiB"),
        (sqlite3.OperationalError("locked"), "the run's store: locked"),
    ],
)
def test_what_the_machine_does_not_give_is_one_line(run_command, monkeypatch, fault, line):
    def fail(**_: object) -> None:
        raise fault

    monkeypatch.setattr(own_faults, "is_their_frame", lambda frame: False)
    monkeypatch.setattr(plans, "show_plan", fail)
    assert run_command("plan", "tiny.toml") == (2, "", f"gradest: {line}\n")
    monkeypatch.setattr(runs, "run", fail)
    assert run_command("run", "tiny.toml") == (2, "", f"gradest: {line}; {KEPT}\n")
