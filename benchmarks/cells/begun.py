"""Which cells a process is at, noted beside the run's store: a class may end the process itself.

After `os._exit`, a segmentation fault or a kill nothing can be said any more. The next run says it.
"""

from collections.abc import Sequence
from pathlib import Path

from gradest.benchmarks.cells.cell import Cell

FILE = ".begun"
"""Its lines are the labels of cells; it is there as long as they are measured."""

MOST_NAMED = 3


class Begun:
    """The note in the folder of a run, whose store this process holds."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE

    @property
    def left(self) -> list[str]:
        """The labels of the cells at which an earlier process ended; mostly none."""
        try:
            return self._path.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            return []

    def note(self, cells: Sequence[Cell]) -> None:
        """Notes the cells that are compiled or measured from now on, in place of those before."""
        self._path.write_text("\n".join(cell.label for cell in cells), encoding="utf-8")

    def forget(self) -> None:
        """No cell is measured any more."""
        self._path.unlink(missing_ok=True)


def warning(labels: Sequence[str]) -> str:
    """What is said of cells at which an earlier process ended.

    >>> warning(["mine:Exits on gaussian_square, L = 4"]).partition(":")[0]
    'warning'
    """
    named = "; ".join(labels[:MOST_NAMED])
    more = len(labels) - MOST_NAMED
    others = f" and {more} more" if more > 0 else ""
    return (
        f"warning: an earlier process ended without a word at {named}{others}: it was killed, or "
        "a class ended it; --workers 2 measures in other processes, so that only its cell fails"
    )
