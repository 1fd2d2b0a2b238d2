"""What a run shows while it goes: a bar on a terminal, a plain line for each cell elsewhere."""

from collections.abc import Iterator
from contextlib import contextmanager

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from gradest.benchmarks.analysis.labels import short_label
from gradest.benchmarks.cells.cell import Cell
from gradest.benchmarks.training.seeds import Seed

NUMBERS = 36
"""Characters that counts and times take at most, with the spaces between columns."""
NARROW_BAR, WIDE_BAR = 10, 30
LONGEST_LABEL = 60


class Reporter:
    """Called after each cell. On stderr, so that stdout is data alone."""

    def __init__(self, console: Console, bar: Progress | None, total: int) -> None:
        self._console = console
        self._bar = bar
        self._total = total
        self._done = 0
        self._task = bar.add_task("measuring", total=total) if bar else None

    def __call__(self, cell: Cell | Seed, status: str, seconds: float) -> None:
        self._done += 1
        if self._bar and self._task is not None:
            self._bar.update(self._task, advance=1, description=line_of(cell))
        if not self._bar or status == "failed":
            line = f"[{self._done}/{self._total}] {line_of(cell)} {status} {seconds:.2f} s"
            self._console.print(line, markup=False, highlight=False, soft_wrap=True)

    def start(self, missing: int) -> None:
        """Says how many cells are there already."""
        self._done = self._total - missing
        if self._bar and self._task is not None:
            self._bar.update(self._task, completed=self._done)
        elif self._done:
            line = f"{self._done} of {self._total} cells are there already"
            self._console.print(line, highlight=False)

    def note(self, text: str) -> None:
        """Says what goes on after the last cell."""
        if self._bar and self._task is not None:
            self._bar.update(self._task, description=text)


def line_of(cell: Cell | Seed) -> str:
    """A cell, or a training, with the arguments that are not the defaults."""
    problem, estimator = (
        short_label(each.name, each.json) for each in (cell.problem, cell.estimator)
    )
    line = f"{problem} × {estimator} L={cell.num_samples}"
    return f"{line} trained, seed {cell.seed}" if isinstance(cell, Seed) else line


def console_of_stderr() -> Console:
    """A console on stderr, without colours where --no-color or NO_COLOR says so."""
    context = click.get_current_context(silent=True)
    plain = context is not None and context.color is False
    return Console(stderr=True, no_color=plain or None)  # None: rich asks the environment


@contextmanager
def show_progress(total: int) -> Iterator[Reporter]:
    """A reporter for `total` cells."""
    console = console_of_stderr()
    if not console.is_terminal:
        yield Reporter(console, None, total)
        return
    with Progress(*columns_of(console.width), console=console) as bar:
        yield Reporter(console, bar, total)


def columns_of(width: int) -> tuple[ProgressColumn, ...]:
    """What a line of so many characters shows; what is measured just now gets the rest of it."""
    bar = WIDE_BAR if width >= 100 else NARROW_BAR
    rest = max(0, min(LONGEST_LABEL, width - NUMBERS - bar))
    return (
        BarColumn(bar),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        TextColumn(f"{{task.description:.{rest}}}", markup=False),
    )
