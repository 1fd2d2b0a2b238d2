"""A page of figures with matplotlib: a grid of panels under a title, over a key.

Sizes are in inches on the page, 3.3 for one column of a paper and 6.8 for two, so that 7-point text
is printed so. `page` makes the panels, and `key` puts the key under them: the page becomes as tall
as it needs.
"""

import contextlib
import functools
import math
import re
import textwrap
from collections.abc import Sequence
from typing import Any, NamedTuple

import matplotlib.style
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.textpath import TextPath

from gradest.benchmarks.figures.spec import Entry, Style

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

COLUMN_WIDTH, PAGE_WIDTH, EDGE = 3.3, 6.8, 0.08
TITLE_HEIGHT, PANEL_TITLE_HEIGHT, BELOW_PANEL = 0.24, 0.18, 0.4
PANEL_HEIGHT, BESIDE_PANEL, RIGHT = 1.75, 0.6, 0.2
KEY_LINE, HANDLE, SPACE = 0.135, 0.34, 0.14
NOTE_CHARACTER = 0.054


def in_style() -> contextlib.AbstractContextManager[None]:
    """A context in which figures are made and written the same whatever the user's matplotlibrc."""
    return matplotlib.style.context(["default", STYLE])


class Grid(NamedTuple):
    """How the panels stand."""

    columns: int
    """Panels in a row."""
    height: float
    """Of a panel."""
    left: float
    """What is left of the first panel of a row."""
    gap: float
    """What is between two."""

    @property
    def page_width(self) -> float:
        """Of the page, unless its key needs more."""
        return COLUMN_WIDTH if self.columns == 1 else PAGE_WIDTH


class Page(Figure):
    """A title and a grid of panels, with space for a key under them."""

    def __init__(self, title: str, count: int, grid: Grid) -> None:
        super().__init__(figsize=(1, 1))
        self.grid = grid
        self.heading = self.text(
            EDGE, 0, printed(title), size=8, va="top", transform=self.dpi_scale_trans
        )
        self.panels: list[Axes] = [self.add_axes((0, 0, 1, 1)) for _ in range(count)]
        self.arrange(grid.page_width, EDGE)

    def arrange(self, width: float, below: float) -> None:
        """Sets the page's size and everything's place on it.

        Args:
            width: of the page.
            below: what the key takes.
        """
        columns, panel_height, left, gap = self.grid
        rows = math.ceil(len(self.panels) / columns)
        row_height = PANEL_TITLE_HEIGHT + panel_height + BELOW_PANEL
        height = below + rows * row_height + TITLE_HEIGHT
        panel_width = (width - left - (columns - 1) * gap - RIGHT) / columns
        self.set_size_inches(width, height)
        self.heading.set_y(height - EDGE)
        for i, axes in enumerate(self.panels):
            row, column = divmod(i, columns)
            x = left + column * (panel_width + gap)
            y = below + (rows - row - 1) * row_height + BELOW_PANEL
            axes.set_position((x / width, y / height, panel_width / width, panel_height / height))


def page(
    title: str,
    panels: Sequence[str],
    labels: tuple[str, str],
    *,
    columns: int,
    height: float = PANEL_HEIGHT,
    left: float = BESIDE_PANEL,
    gap: float = BESIDE_PANEL,
) -> tuple[Page, list[Axes]]:
    """A figure of panels, to be drawn into and given a `key`.

    Args:
        title: what stands over the figure.
        panels: what stands over each panel.
        labels: of the lowest x axes and the leftmost y axes.
        columns: panels in a row.
        height: of a panel.
        left: what is left of the first panel of a row.
        gap: what is between two.

    Returns:
        The figure, and its axes row by row.
    """
    figure = Page(title, len(panels), Grid(columns, height, left, gap))
    for i, (axes, text) in enumerate(zip(figure.panels, panels, strict=True)):
        axes.set_title(without_math(text), loc="left", y=1)
        axes.set_xlabel(without_math(labels[0]) if i + columns >= len(panels) else "")
        axes.set_ylabel(without_math(labels[1]) if i % columns == 0 else "")
    return figure, figure.panels


def key(figure: Page, entries: Sequence[Sequence[Entry]], notes: Sequence[str] = ()) -> None:
    """Puts the key under the panels; the page becomes so much taller, and wider where it must.

    Args:
        figure: one that `page` made, without a key.
        entries: groups, each of which begins a line: on that line where they fit, else in as many
            columns as the width takes. A group that begins with a heading is a table, its cells
            beside each entry.
        notes: sentences that stand under them.
    """
    width = figure.grid.page_width
    pieces: list[Piece] = []
    for group in entries:
        if group and group[0].style is None:
            pieces += lay_out_table(group, width, next_line(pieces))
        elif group:
            pieces += lay_out_list(group, width, next_line(pieces))
    pieces += lay_out_notes(notes, width, next_line(pieces))
    below = EDGE + next_line(pieces) * KEY_LINE
    figure.arrange(max([width, *(piece.end + EDGE for piece in pieces)]), below)
    for piece in pieces:
        draw_piece(figure, piece, below - (piece.line + 0.5) * KEY_LINE)


class Piece(NamedTuple):
    """A text in the key, after a handle in a style: `x` in inches, `line` counted from the top."""

    x: float
    line: float
    text: str
    style: Style | None = None

    @property
    def end(self) -> float:
        """Where it ends, in inches."""
        return self.x + bool(self.style) * HANDLE + text_width(self.text)


@functools.cache
def text_width(text: str) -> float:
    """The width of a text in inches, at the size of the figures' text."""
    if not text:
        return 0.0
    path = TextPath((0, 0), printed(text), size=STYLE["font.size"])
    return path.vertices[:, 0].max() / 72


def lay_out_list(entries: Sequence[Entry], width: float, line: float) -> list[Piece]:
    """The entries on one line where they fit, else in as many columns as the width takes."""
    steps = [HANDLE + text_width(entry.label) + SPACE for entry in entries]
    if EDGE + sum(steps) - SPACE + EDGE <= width:
        places = [(sum(steps[:i]), 0) for i in range(len(steps))]
    else:
        columns = max(1, int((width - 2 * EDGE + SPACE) / max(steps)))
        lines = math.ceil(len(entries) / columns)
        places = [(i // lines * max(steps), i % lines) for i in range(len(steps))]
    return [
        Piece(EDGE + x, line + i, entry.label, entry.style)
        for (x, i), entry in zip(places, entries, strict=True)
    ]


def lay_out_table(group: Sequence[Entry], width: float, line: float) -> list[Piece]:
    """An entry a line, its cells beside it under the heading's; in blocks where it is too wide."""
    heading, *entries = group
    labels = max(HANDLE + max(text_width(e.label) for e in entries), text_width(heading.label))
    first = EDGE + labels + SPACE
    step = max(text_width(text) for entry in group for text in entry.cells) + SPACE
    columns = len(heading.cells)
    fit = max(1, int((width - first + SPACE) / step))
    fit = math.ceil(columns / math.ceil(columns / fit))
    pieces: list[Piece] = []
    for block, start in enumerate(range(0, columns, fit)):
        top = line + block * (len(entries) + 1.5)
        for below, entry in enumerate(group):
            pieces.append(Piece(EDGE, top + below, entry.label, entry.style))
            for i, text in enumerate(entry.cells[start : start + fit]):
                if text:
                    pieces.append(Piece(first + i * step, top + below, text))
    return pieces


def next_line(pieces: list[Piece]) -> float:
    """The first free line under the pieces."""
    return max((piece.line for piece in pieces), default=-1.0) + 1


def lay_out_notes(notes: Sequence[str], width: float, line: float) -> list[Piece]:
    """The notes, wrapped to the width of the page."""
    characters = int((width - 2 * EDGE) / NOTE_CHARACTER)
    wrapped = [part for note in notes for part in textwrap.wrap(note, characters)]
    return [Piece(EDGE, line + 0.3 + i, text) for i, text in enumerate(wrapped)]


def draw_piece(figure: Figure, piece: Piece, y: float) -> None:
    """A piece of the key at `y` inches above the foot of the page."""
    x = piece.x
    inches = figure.dpi_scale_trans
    if piece.style:
        ends = np.linspace(x, x + HANDLE - 0.08, 3)
        keywords = plot_keywords(piece.style)
        figure.add_artist(Line2D(ends, [y] * 3, markevery=[1], transform=inches, **keywords))
        x += HANDLE
    figure.text(x, y, printed(piece.text), va="center_baseline", transform=inches)


def plot_keywords(style: Style) -> dict[str, Any]:
    """A style as keywords of matplotlib's `plot`."""
    markers: dict[str, Any] = {"": None, "asterisk": (6, 2, 0)}
    keywords = {
        "color": style.color,
        "marker": markers.get(style.marker, style.marker),
        "markersize": style.size,
        "linestyle": (0, style.dashes) if style.dashes else "-",
        "linewidth": style.width,
        "markeredgecolor": style.edge,
        "markeredgewidth": style.edge_width,
        "markerfacecolor": style.face,
    }
    if not style.line:
        keywords["linestyle"] = "none"
    return {name: value for name, value in keywords.items() if value is not None}


def printed(text: str) -> str:
    """A text of a page as it is to be printed."""
    return print_minus(without_math(text))


def without_math(text: str) -> str:
    """A text in one line of which matplotlib takes nothing for mathematics."""
    return " ".join(text.splitlines()).replace("$", r"\$")


def print_minus(text: str) -> str:
    """Negative numbers with a minus sign instead of the hyphen of the labels."""
    return re.sub(r"(?<!\w)-(?=[\d.])", "−", text)
