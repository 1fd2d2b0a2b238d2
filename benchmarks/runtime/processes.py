"""Processes that run a module of ours, each a fresh interpreter, and what is on their stdout.

A fork of a process that has started JAX may hang.
"""

import gc
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from typing import IO, Any

from gradest.benchmarks.errors import BadInput, GradestError
from gradest.benchmarks.runtime.source_code import package_root

GIB = 2**30
"""Bytes."""

_diverted: list[tuple[Any, int | None]] = []
"""Stdout, and the descriptor under which it is kept, while it is diverted."""


def start(
    module: str, *words: str, settings: dict[str, str] | None = None, **streams: Any
) -> subprocess.Popen:
    """Starts `python -m module words…`, of the same code as this, wherever it was started.

    Args:
        module: the full name of the module; a module that starts itself passes its `__name__`.
        words: its command line.
        settings: variables added to the environment.
        streams: what else `subprocess.Popen` takes: stdin, stdout, stderr, text, bufsize.
    """
    folders = [str(package_root().parent), os.environ.get("PYTHONPATH", "")]
    path = os.pathsep.join(filter(None, folders))
    return subprocess.Popen(
        [sys.executable, "-P", "-m", module, *words],
        env=os.environ | {"PYTHONPATH": path} | (settings or {}),
        **streams,
    )


def failed(what: str, status: int, stderr: IO[str], kept: str = "") -> GradestError:
    """The error for a process that ended with a status, with the last line that it wrote.

    Args:
        what: names the process.
        status: its exit status.
        stderr: the file that it wrote its errors into.
        kept: a clause on what is not lost, to end the message with.
    """
    stderr.seek(0)
    lines = stderr.read().strip().splitlines() or ["it said nothing"]
    error = GradestError(f"{what} ended with status {status}: {lines[-1]}{kept}")
    error.add_note("\n".join(lines))  # for --debug
    return error


def limit_threads() -> None:
    """NumPy's matrix products keep to one thread, unless OPENBLAS_NUM_THREADS says otherwise.

    Those of the statistics are small: several threads would wait for each other, up to twenty times
    as long.
    """
    if "OPENBLAS_NUM_THREADS" in os.environ:
        return
    if "numpy" in sys.modules:  # which has read the variable
        from threadpoolctl import threadpool_limits

        threadpool_limits(1, user_api="blas")
    else:
        os.environ["OPENBLAS_NUM_THREADS"] = "1"


def collect_rarely() -> None:
    """Sets when to look for garbage: tracing and fontTools make many objects and little of it."""
    gc.set_threshold(200_000, 20, 20)


def refuse_little_address_space(*, with_jax: bool) -> None:
    """Refuses to start where `ulimit -v` leaves less than the libraries reserve.

    They reserve memory for each thread that they start, which is one and more for each core, and
    end the process, without an exception, where they are given none.

    Args:
        with_jax: whether JAX will be started.

    Raises:
        BadInput: there is too little.
    """
    if find_spec("resource") is None:  # Windows has no such limit
        return
    import resource

    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    least = (1.5 + (cores or 1) / 8) * GIB if with_jax else 0.75 * GIB
    if limit != resource.RLIM_INFINITY and limit < least:
        raise BadInput(
            f"address space (ulimit -v): {limit / GIB:.2f} GiB; expected at least "
            f"{least / GIB:.2f} GiB, which the libraries reserve on {cores} cores, or no limit"
        )


@contextmanager
def data_alone() -> Iterator[None]:
    """While it lasts, what anybody prints to stdout goes to stderr, but for `as_data`.

    So do a user's modules and methods, what JAX prints for them, and processes that they start.
    """
    kept = None
    with suppress(OSError):  # it is closed
        kept = os.dup(1)
    _diverted.append((sys.stdout, kept))
    _stdout_is(sys.stderr, 2)
    try:
        yield
    finally:
        if "jax" in sys.modules:
            sys.modules["jax"].effects_barrier()  # prints that are still to come
        _stdout_is(*_diverted.pop())
        if kept is not None:
            os.close(kept)


@contextmanager
def as_data() -> Iterator[None]:
    """While it lasts, stdout is what it was before the first `data_alone`."""
    if not _diverted:
        yield
        return
    diverted = sys.stdout
    _stdout_is(*_diverted[0])
    try:
        yield
    finally:
        _stdout_is(diverted, 2)


def _stdout_is(stream: Any, descriptor: int | None) -> None:
    """Stdout is a stream, and its descriptor another one's, from now on."""
    before = sys.stdout
    try:
        if before is not None:
            before.flush()
    finally:
        sys.stdout = stream
        if descriptor is not None:
            with suppress(OSError):
                os.dup2(descriptor, 1)
