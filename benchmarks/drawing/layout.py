"""A page of figures with matplotlib: a grid of panels under a title, over a key.

Sizes are in inches on the page, 3.3 for one column of a paper and 6.8 for two, so that 7-point text
is printed so. `page` makes the panels, and `key` puts the key under them: the page becomes as tall
as it needs.
"""

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from gradest.benchmarks.drawing.keys import HANDLE, KEY_LINE, Piece, pieces_of
from gradest.benchmarks.drawing.styles import grown, in_style
from gradest.benchmarks.drawing.texts import LINE, printed, wrapped
from gradest.benchmarks.figures.spec import HATCHED, Entry, Style

__all__ = ["Grid", "in_style", "key", "page", "plot_keywords", "sheet"]

COLUMN_WIDTH, PAGE_WIDTH, EDGE = 3.3, 6.8, 0.08
TITLE_HEIGHT, PANEL_TITLE_HEIGHT, BELOW_PANEL = 0.24, 0.18, 0.4
PANEL_HEIGHT, BESIDE_PANEL, RIGHT = 1.75, 0.6, 0.2
HATCH = "/////"


@dataclass(frozen=True)
class Grid:
    """How the panels stand: lengths in inches."""

    columns: int
    """Panels in a row."""
    height: float
    """Of a panel."""
    left: float
    """What is left of the first panel of a row."""
    gap: float
    """What is between two."""
    right: float
    """What is right of the last."""
    width: float
    """Of the page, unless its key needs more."""
    title_lines: int = 1
    """Of the highest title over a panel."""

    @property
    def panel_width(self) -> float:
        """Of a panel."""
        inner = self.width - self.left - self.right - (self.columns - 1) * self.gap
        return inner / self.columns


class Page(Figure):
    """A title and a grid of panels, with space for a key under them."""

    def __init__(self, title: str, count: int, grid: Grid) -> None:
        super().__init__(figsize=(1, 1))
        self.grid = grid
        self.edge = grown(EDGE)
        self.heading = self.text(
            self.edge, 0, printed(title), size=grown(8), va="top", transform=self.dpi_scale_trans
        )
        self.panels: list[Axes] = [self.add_axes((0, 0, 1, 1)) for _ in range(count)]
        self.arrange(grid.width, self.edge)

    def arrange(self, width: float, below: float) -> None:
        """Sets the page's size and everything's place on it.

        Args:
            width: of the page.
            below: what the key takes.
        """
        grid = dataclasses.replace(self.grid, width=width)
        rows = math.ceil(len(self.panels) / grid.columns)
        over_panel = grown(PANEL_TITLE_HEIGHT + (grid.title_lines - 1) * LINE)
        row_height = over_panel + grid.height + grown(BELOW_PANEL)
        heading = grown(TITLE_HEIGHT) if self.heading.get_text() else self.edge / 2
        height = below + rows * row_height + heading
        self.set_size_inches(width, height)
        self.heading.set_y(height - self.edge)
        for i, axes in enumerate(self.panels):
            row, column = divmod(i, grid.columns)
            x = grid.left + column * (grid.panel_width + grid.gap)
            y = below + (rows - row - 1) * row_height + grown(BELOW_PANEL)
            axes.set_position(
                (x / width, y / height, grid.panel_width / width, grid.height / height)
            )


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
    width = COLUMN_WIDTH if columns == 1 else PAGE_WIDTH
    return sheet(title, panels, labels, Grid(columns, height, left, gap, RIGHT, width))


def sheet(
    title: str, panels: Sequence[str], labels: tuple[str, str], grid: Grid
) -> tuple[Page, list[Axes]]:
    """A figure of panels that stand in a grid; their titles are wrapped to their width.

    Args:
        title: what stands over the figure; empty where nothing does.
        panels: what stands over each panel.
        labels: of the lowest x axes and the leftmost y axes.
        grid: how the panels stand, but for the lines that their titles take.
    """
    room = grid.panel_width + min(grid.right, grid.gap) - grown(RIGHT) / 2
    titles = [wrapped(text, room) for text in panels]
    grid = dataclasses.replace(grid, title_lines=max(map(len, titles)))
    figure = Page(title, len(panels), grid)
    for i, (axes, lines) in enumerate(zip(figure.panels, titles, strict=True)):
        axes.set_title("\n".join(map(printed, lines)), loc="left", y=1, linespacing=1.15)
        axes.set_xlabel(printed(labels[0]) if i + grid.columns >= len(panels) else "")
        axes.set_ylabel(printed(labels[1]) if i % grid.columns == 0 else "")
    return figure, figure.panels


def key(figure: Page, entries: Sequence[Sequence[Entry]], notes: Sequence[str] = ()) -> None:
    """Puts the key under the panels; the page becomes so much taller, and wider where it must.

    Args:
        figure: one that `page` made, without a key.
        entries: groups, each of which begins a line: on that line where they fit, else in as many
            columns as the width takes.
        notes: sentences that stand under them.
    """
    pieces = pieces_of(entries, notes, figure.grid.width - 2 * figure.edge)
    lines = max((piece.line + 1 for piece in pieces), default=0.0)
    below = figure.edge + lines * grown(KEY_LINE)
    widest = max((piece.end + 2 * figure.edge for piece in pieces), default=0.0)
    figure.arrange(max(figure.grid.width, widest), below)
    for piece in pieces:
        draw_piece(figure, piece, below - (piece.line + 0.5) * grown(KEY_LINE))


def draw_piece(figure: Page, piece: Piece, y: float) -> None:
    """A piece of the key at `y` inches above the foot of the page."""
    x = figure.edge + piece.x
    if piece.style:
        draw_handle(figure, piece.style, x, y)
        x += grown(HANDLE)
    transform = figure.dpi_scale_trans
    figure.text(x, y, printed(piece.text), va="center_baseline", transform=transform)


def draw_handle(figure: Figure, style: Style, x: float, y: float) -> None:
    """How the thing is drawn, at `x` and `y` inches on the page."""
    inches = figure.dpi_scale_trans
    length = grown(HANDLE - 0.08)
    if style.marker == HATCHED.marker:
        corner = (x, y - grown(0.045))
        keywords: dict[str, Any] = {"hatch": HATCH, "fill": False, "linewidth": 0}
        patch = Rectangle(corner, length, grown(0.09), edgecolor=style.color, **keywords)
        patch.set_transform(inches)
        figure.add_artist(patch)
        return
    ends = np.linspace(x, x + length, 3)
    figure.add_artist(
        Line2D(ends, [y] * 3, markevery=[1], transform=inches, **plot_keywords(style))
    )


def plot_keywords(style: Style) -> dict[str, Any]:
    """A style as keywords of matplotlib's `plot`."""
    keywords = {
        "color": style.color,
        "marker": style.marker or None,
        "markersize": grown(style.size) if style.size else None,
        "linestyle": (0, style.dashes) if style.dashes else "-",
        "linewidth": grown(style.width) if style.width else None,
        "markeredgecolor": style.edge,
        "markeredgewidth": grown(style.edge_width) if style.edge_width else None,
        "markerfacecolor": style.face,
    }
    if not style.line:
        keywords["linestyle"] = "none"
    return {name: value for name, value in keywords.items() if value is not None}
