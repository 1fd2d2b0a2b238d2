"""Figures into files, in processes of their own where there are many.

Such a process imports this module, which therefore imports matplotlib alone: no pandas and no JAX.
It is a child of ours: what to draw goes to it through a pipe of its own, and nothing that others
could have written is unpickled.
"""

import contextlib
import functools
import gc
import io
import itertools
import logging
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

from matplotlib.figure import Figure

from gradest.benchmarks.drawing.drawing import draw
from gradest.benchmarks.drawing.styles import FORMATS, SCREEN, Format, Print, in_style
from gradest.benchmarks.errors import GradestError
from gradest.benchmarks.figures.spec import FigureSpec
from gradest.benchmarks.runtime.files import remove_parts, write_atomically

METADATA: dict[Format, dict[str, None]] = {
    "pdf": {"CreationDate": None},
    "svg": {"Date": None},
    "png": {"Software": None},
}
"""What each format would write of the day it was made, or with what."""

MOST_ALONE = 8
"""Up to so many figures are written sooner than another process would have started."""

MOST_PROCESSES = 4
"""What a process needs to start would not be won back by more."""

SAFE_PATH = "PYTHONSAFEPATH"
"""Set, a new interpreter imports nothing that only lies in the working folder."""


# that Computer Modern's files have no dates is no news to a user
logging.getLogger("fontTools.ttLib.tables._h_e_a_d").setLevel(logging.ERROR)


@contextlib.contextmanager
def saving(
    figures: Iterable[FigureSpec], folder: Path, how: Print = SCREEN
) -> Iterator[list[Path]]:
    """Writes each figure under its name into the folder; when the body has run, all are there.

    Where there are many, other processes draw and write them while the body runs. They give the
    same bytes, and no file is ever half there. Other files of the folder stay.

    Args:
        figures: what to draw.
        folder: where the files go; it is made if it is not there.
        how: how they are printed.

    Returns:
        A context manager that gives their paths, sorted.

    Raises:
        GradestError: a figure could not be drawn, or a process was killed.
        OSError: a file could not be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    specs = iter(figures)
    first = list(itertools.islice(specs, MOST_ALONE + 1))
    many = len(first) > MOST_ALONE and may_start_processes()
    names = []
    finish: list[Callable[[], None]] = []
    try:
        with drawing_processes() if many else contextlib.nullcontext() as pool:
            for spec in itertools.chain(first, specs):
                names.append(spec.name)
                if pool:
                    finish.append(pool.submit(save_spec, folder, spec, how).result)
                else:
                    finish.append(functools.partial(save_spec, folder, spec, how))
            yield sorted(folder / file for name in names for file in files_of_figure(name, how))
            for wait in finish:
                wait()
    except BrokenProcessPool as error:
        raise GradestError("a drawing process ended before all figures were written") from error
    finally:
        remove_parts(folder)


def files_of_figure(name: str, how: Print = SCREEN) -> list[str]:
    """The names of a figure's files."""
    return [f"{name}.{suffix}" for suffix in how.formats]


def save_spec(folder: Path, spec: FigureSpec, how: Print = SCREEN) -> None:
    """Draws one figure and writes its files.

    Raises:
        GradestError: it could not be drawn; the error names the figure.
        OSError: it could not be written; the error names the file.
    """
    try:
        with in_style(how):
            save(folder, spec.name, draw(spec, how), how.formats)
    except (OSError, MemoryError):
        raise
    except Exception as error:
        reason = " ".join(str(error).split())
        raise GradestError(f"figure {spec.name}: {type(error).__name__}: {reason}") from error


def save_alone(folder: Path, stem: str, make: Callable[[], Figure] | None) -> None:
    """Puts a figure in the place of what the folder had under its name.

    Args:
        folder: where its files go.
        stem: their name.
        make: makes the figure; None where there is none, and the old files only go.
    """
    for file in files_of_figure(stem):
        (folder / file).unlink(missing_ok=True)
    if make:
        with in_style():
            save(folder, stem, make())


def save(folder: Path, stem: str, figure: Figure, formats: Sequence[Format] = FORMATS) -> None:
    """Writes one figure in each format: whole, or not at all."""
    for suffix in formats:
        drawn = io.BytesIO()
        figure.savefig(drawn, format=suffix, metadata=METADATA[suffix])
        write_atomically(folder / f"{stem}.{suffix}", drawn.getvalue())


def may_start_processes() -> bool:
    """Whether there are cores for more processes, and they would not run the user's script again.

    A fresh process imports the `__main__` of the one that started it. There is nothing to import of
    a package's (`python -m gradest`), a prompt or a notebook, and the script of our command only
    calls under its guard; of a user's script nobody can tell.
    """
    if multiprocessing.parent_process() or (os.cpu_count() or 1) == 1:
        return False
    main = sys.modules["__main__"]
    if main.__spec__ is not None:
        return main.__spec__.name.endswith(".__main__")
    script = getattr(main, "__file__", None)
    return script is None or Path(script).name == "gradest"


@contextlib.contextmanager
def drawing_processes() -> Iterator[ProcessPoolExecutor]:
    """A pool of fresh processes; where the body fails, they only finish what they have begun."""
    pool = ProcessPoolExecutor(
        min(os.cpu_count() or 1, MOST_PROCESSES),
        mp_context=multiprocessing.get_context("spawn"),
        initializer=begin_process,
    )
    usual = os.environ.get(SAFE_PATH)
    os.environ[SAFE_PATH] = "1"
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)
        if usual is None:
            del os.environ[SAFE_PATH]
        else:
            os.environ[SAFE_PATH] = usual


def begin_process() -> None:
    """What a drawing process does first: it leaves interrupts to its parent, and ends with it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=end_with_parent, daemon=True).start()
    # the modules: fontTools makes so much garbage that they would be looked through for each figure
    gc.freeze()


def end_with_parent() -> None:
    """Ends this process when its parent has, which else it would not hear of."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
