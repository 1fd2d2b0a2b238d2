"""Figures into files, in processes of their own where there are many.

Such a process runs this module, which therefore imports matplotlib alone: no pandas and no JAX.
"""

import contextlib
import gc
import itertools
import os
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import matplotlib.style
from matplotlib.figure import Figure

from gradest.benchmarks.runtime.processes import failed, start

STYLE: dict[str, Any] = {
    "font.size": 7,
    "axes.titlesize": "medium",
    "axes.titlepad": 4,
    "axes.labelpad": 2,
    "axes.linewidth": 0.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "0.92",
    "grid.linewidth": 0.4,
    "lines.linewidth": 0.8,
    "lines.markeredgewidth": 0.4,
    "xtick.major.width": 0.5,
    "ytick.major.width": 0.5,
    "pdf.fonttype": 42,
    "svg.fonttype": "path",
    "svg.hashsalt": "gradest",
    "savefig.dpi": 200,
}

METADATA: dict[str, dict[str, None]] = {
    "pdf": {"CreationDate": None},
    "svg": {"Date": None},
    "png": {"Software": None},
}
"""The formats, and what each would write of the day it was made."""

MOST_ALONE = 8
"""Up to so many figures are written sooner than another process would have started."""

MOST_PROCESSES = 4
"""More would wait: a figure is made in a fifth of the time in which it is written."""

PART = ".part"
"""Ends the name of what is not finished."""


@contextlib.contextmanager
def saving(figures: Iterable[tuple[str, Figure]], folder: Path) -> Iterator[list[Path]]:
    """Writes each figure under its name into the folder, in every format; when the body has run,
    all are there.

    Gives their paths, sorted. What the folder had of these formats is removed first. Where there
    are many, other processes write figures already while the body runs. They give the same bytes,
    and no file is ever half there.

    Raises:
        GradestError: another process could not write a figure.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for suffix in METADATA:
        for stale in folder.glob(f"*.{suffix}"):
            stale.unlink()
    try:
        with contextlib.ExitStack() as helpers:
            with in_style():
                made = iter(figures)
                first = list(itertools.islice(made, MOST_ALONE + 1))
                count = (
                    min(os.cpu_count() or 1, MOST_PROCESSES) - 1 if len(first) > MOST_ALONE else 0
                )
                offers = [helpers.enter_context(helper(folder)) for _ in range(count)]
                figure_of = {}
                for stem, figure in itertools.chain(first, made):
                    figure_of[stem] = figure
                    if offers:
                        waiting(folder, stem).write_bytes(pickle.dumps(figure))
                    for offer in offers:
                        offer(stem)
            yield sorted(folder / f"{stem}.{suffix}" for stem in figure_of for suffix in METADATA)
            with in_style():
                for stem, figure in reversed(figure_of.items()):  # the helpers begin with the first
                    if not offers or taken(folder, stem):
                        save(folder, stem, figure)
    finally:
        for part in folder.glob(f".*{PART}"):
            part.unlink()


def save_alone(folder: Path, stem: str, make: Callable[[], Figure] | None) -> None:
    """Puts a figure in the place of what the folder had under its name; nothing where there is none to make."""
    for suffix in METADATA:
        (folder / f"{stem}.{suffix}").unlink(missing_ok=True)
    if make:
        with in_style():
            save(folder, stem, make())


def in_style() -> contextlib.AbstractContextManager[None]:
    """Figures look the same whatever the user's matplotlibrc says: made and written here."""
    return matplotlib.style.context(["default", STYLE])


def save(folder: Path, stem: str, figure: Figure) -> None:
    """One figure in every format."""
    for suffix, metadata in METADATA.items():
        part = folder / f".{stem}.{suffix}{PART}"
        figure.savefig(part, format=suffix, metadata=metadata)
        part.replace(folder / f"{stem}.{suffix}")


@contextlib.contextmanager
def helper(folder: Path) -> Iterator[Callable[[str], None]]:
    """A process that writes those of the waiting figures offered to it that nobody else has taken.

    At the end it has, or was killed.
    """
    with (
        tempfile.TemporaryFile("w+") as said,
        # unbuffered: where the process has ended, nothing is left to be sent as its stdin is closed
        start(__name__, str(folder), stdin=subprocess.PIPE, stderr=said, bufsize=0) as process,
    ):
        stdin = process.stdin
        assert stdin is not None

        def offer(stem: str) -> None:
            with contextlib.suppress(BrokenPipeError):  # its status will say why
                stdin.write(f"{stem}\n".encode())

        try:
            yield offer
            stdin.close()
            process.wait()
        except BaseException:
            process.kill()
            raise
        if process.returncode:
            raise failed("a drawing process", process.returncode, said)


def waiting(folder: Path, stem: str) -> Path:
    """The file in which a figure waits to be taken."""
    return folder / f".{stem}{PART}"


def taken(folder: Path, stem: str) -> Path | None:
    """Where a waiting figure lies, now that this process has taken it; None where another was sooner."""
    with contextlib.suppress(FileNotFoundError):
        return waiting(folder, stem).rename(folder / f".{stem}.{os.getpid()}{PART}")
    return None


def help_saving(folder: Path, stems: Iterable[str]) -> None:
    """What a helper does, until it is offered no more."""
    gc.freeze()  # the modules: fontTools makes so much garbage that they would be looked through for each figure
    with in_style():
        for stem in map(str.strip, stems):
            if file := taken(folder, stem):
                try:
                    save(folder, stem, pickle.loads(file.read_bytes()))
                except Exception as error:
                    said = " ".join(str(error).split())
                    raise RuntimeError(f"figure {stem}: {type(error).__name__}: {said}") from error


if __name__ == "__main__":
    help_saving(Path(sys.argv[1]), sys.stdin)
