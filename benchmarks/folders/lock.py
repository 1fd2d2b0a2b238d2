"""One process at a time writes what a results folder holds beside its store."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from gradest.benchmarks.errors import StoreInUse

FILE = ".files.lock"
"""Not the store's lock: a run holds that while it measures, and may be drawn meanwhile."""

WAIT = 120.0
"""Seconds to wait for another process: few runs take longer to draw."""


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Keeps other processes from writing tables and figures into a folder while the body runs.

    Args:
        folder: must be there.

    Raises:
        StoreInUse: another process writes there, and has not ended after WAIT seconds.
    """
    lock = FileLock(folder / FILE)
    try:
        lock.acquire(timeout=WAIT)
    except Timeout as error:
        raise StoreInUse(
            f"folder {folder}: in use: another process writes its tables or figures; "
            "wait until it has ended"
        ) from error
    try:
        yield
    finally:
        lock.release()
