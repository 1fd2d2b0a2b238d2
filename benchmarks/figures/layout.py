"""A page of figures: a grid of panels over a key, and how lines look.

Sizes are in inches on the page, 3.3 for one column of a paper and 6.8 for two, so that 7-point text
is printed so. The key is laid out first, and the page is made as tall as it needs.
"""

import functools
import math
import re
import textwrap
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.textpath import TextPath

from gradest.benchmarks.analysis.labels import words
from gradest.benchmarks.figures.saving import STYLE

Look = dict[str, Any]
"""How a line and its markers are drawn: keywords of matplotlib's plot."""

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Okabe and Ito's, without the yellow, which is lost on paper."""
MARKERS = dict(
    zip(
        "osD^vXP<>*phd8",
        (1, 0.95, 0.9, 1.2, 1.2, 1.3, 1.3, 1.2, 1.2, 1.7, 1.2, 1.2, 1.2, 1.1),
        strict=True,
    )
)
"""Each with the size at which it looks as large as the circle."""
MARKER_SIZE = 3.6
DASHES = (
    "-",
    (0, (5, 1.2)),
    (0, (1.2, 1)),
    (0, (5, 1.2, 1.2, 1.2)),
    (0, (2.5, 1)),
    (0, (8, 1.2, 1.2, 1.2, 1.2, 1.2)),
)
EXACT: Look = {"color": "0.35", "linewidth": 0.4, "linestyle": "-"}
DIAGONAL: Look = {"color": "0.6", "linewidth": 0.6, "linestyle": (0, (1, 1.5))}
STAR: Look = {
    "color": "black",
    "marker": (6, 2, 0),
    "markersize": 3.2,
    "linestyle": "none",
    "markeredgewidth": 0.6,
}


def looks_of(table: pd.DataFrame) -> dict[str, Look]:
    """A colour and marker for each label, by its place among the sorted labels, and a dash for each family."""
    family = dict(zip(table.label, table.estimator, strict=True))
    dashes = {name: DASHES[i % len(DASHES)] for i, name in enumerate(sorted(set(family.values())))}
    markers, every = list(MARKERS), len(MARKERS)
    return {
        # one colour further with each round of the markers, so that no two labels have both alike
        label: point(markers[i % every], COLOURS[(i + i // every) % len(COLOURS)])
        | {"linestyle": dashes[family[label]], "markeredgecolor": "white"}
        for i, label in enumerate(sorted(family))
    }


def point(marker: str, color: Any) -> Look:
    """A marker in the size of the figures."""
    return {"marker": marker, "color": color, "markersize": MARKER_SIZE * MARKERS[marker]}


COLUMN_WIDTH, PAGE_WIDTH, EDGE = 3.3, 6.8, 0.08
TITLE_HEIGHT, PANEL_TITLE_HEIGHT, BELOW_PANEL = 0.24, 0.18, 0.4
PANEL_HEIGHT, BESIDE_PANEL, RIGHT = 1.75, 0.6, 0.2
KEY_LINE, HANDLE, SPACE = 0.135, 0.34, 0.14


class Panel(NamedTuple):
    """One pair of axes: the measurements of one group at one θ."""

    name: str
    title: str
    rows: pd.DataFrame


class Entry(NamedTuple):
    """A line of the key: how the thing is drawn, what it is, and what is to be said of it in each panel."""

    look: Look
    label: str
    cells: tuple[str, ...] = ()


class Piece(NamedTuple):
    """A text in the key and, before it, a line's look: `x` in inches, `line` counted from the top."""

    x: float
    line: float
    text: str
    look: Look | None = None


@functools.cache
def text_width(text: str) -> float:
    """In inches, at the size of the figures' text."""
    return (
        TextPath((0, 0), print_minus(text), size=STYLE["font.size"]).vertices[:, 0].max() / 72
        if text
        else 0.0
    )


def lay_out_list(entries: list[Entry], width: float, line: float = 0) -> list[Piece]:
    """The entries on one line where they fit, else in as many columns as the width takes."""
    steps = [HANDLE + text_width(entry.label) + SPACE for entry in entries]
    if EDGE + sum(steps) - SPACE + EDGE <= width:
        places = [(sum(steps[:i]), 0) for i in range(len(steps))]
    else:
        lines = math.ceil(len(entries) / max(1, int((width - 2 * EDGE + SPACE) / max(steps))))
        places = [(i // lines * max(steps), i % lines) for i in range(len(steps))]
    return [
        Piece(EDGE + x, line + i, e.label, e.look)
        for (x, i), e in zip(places, entries, strict=True)
    ]


def lay_out_table(
    entries: list[Entry], heading: str, headers: list[str], width: float
) -> list[Piece]:
    """An entry a line, its cells beside it under their headers; blocks below one another where they are too wide."""
    first = (
        EDGE + max(HANDLE + max(text_width(e.label) for e in entries), text_width(heading)) + SPACE
    )
    step = max(text_width(text) for e in entries for text in (*headers, *e.cells)) + SPACE
    fit = max(1, int((width - first + SPACE) / step))
    fit = math.ceil(len(headers) / math.ceil(len(headers) / fit))
    pieces: list[Piece] = []
    for block, start in enumerate(range(0, len(headers), fit)):
        top = block * (len(entries) + 1.5)
        pieces.append(Piece(EDGE, top, heading))
        pieces += [
            Piece(first + i * step, top, text)
            for i, text in enumerate(headers[start : start + fit])
        ]
        for line, entry in enumerate(entries, 1):
            pieces.append(Piece(EDGE, top + line, entry.label, entry.look))
            cells = entry.cells[start : start + fit]
            pieces += [
                Piece(first + i * step, top + line, text) for i, text in enumerate(cells) if text
            ]
    return pieces


def next_line(pieces: list[Piece]) -> float:
    """The first free line under the pieces."""
    return max((piece.line for piece in pieces), default=-1.0) + 1


def lay_out_notes(notes: list[str], width: float, line: float) -> list[Piece]:
    """Sentences, wrapped."""
    wrapped = [
        part for note in notes for part in textwrap.wrap(note, int((width - 2 * EDGE) / 0.054))
    ]
    return [Piece(EDGE, line + 0.3 + i, text) for i, text in enumerate(wrapped)]


def page(
    title: str,
    panels: list[Panel],
    key: list[Piece],
    labels: tuple[str, str],
    *,
    columns: int,
    height: float = PANEL_HEIGHT,
    left: float = BESIDE_PANEL,
    gap: float = BESIDE_PANEL,
) -> tuple[Figure, list[Axes]]:
    """A figure of `columns` panels in a row, `left` of the first and `gap` between them, over its key."""
    rows = math.ceil(len(panels) / columns)
    row_height = PANEL_TITLE_HEIGHT + height + BELOW_PANEL
    below = EDGE + next_line(key) * KEY_LINE
    width = max(
        width_of(columns), *(p.x + bool(p.look) * HANDLE + text_width(p.text) + EDGE for p in key)
    )
    whole = below + rows * row_height + TITLE_HEIGHT
    panel_width = (width - left - (columns - 1) * gap - RIGHT) / columns
    figure = Figure(figsize=(width, whole))
    figure.text(
        EDGE, whole - EDGE, print_minus(title), size=8, va="top", transform=figure.dpi_scale_trans
    )
    for piece in key:
        draw_piece(figure, piece, below - (piece.line + 0.5) * KEY_LINE)
    every = []
    for i, panel in enumerate(panels):
        row, column = divmod(i, columns)
        x, y = (
            left + column * (panel_width + gap),
            below + (rows - row - 1) * row_height + BELOW_PANEL,
        )
        axes = figure.add_axes((x / width, y / whole, panel_width / width, height / whole))
        axes.set_title(panel.title, loc="left", y=1)
        axes.set_xlabel(labels[0] if i + columns >= len(panels) else "")
        axes.set_ylabel(labels[1] if column == 0 else "")
        every.append(axes)
    return figure, every


def width_of(columns: int) -> float:
    """Of the page that so many panels in a row take."""
    return COLUMN_WIDTH if columns == 1 else PAGE_WIDTH


def draw_piece(figure: Figure, piece: Piece, y: float) -> None:
    """A piece of the key at `y` inches above the foot of the page."""
    x, inches = piece.x, figure.dpi_scale_trans
    if piece.look:
        ends = np.linspace(x, x + HANDLE - 0.08, 3)
        figure.add_artist(Line2D(ends, [y] * 3, markevery=[1], transform=inches, **piece.look))
        x += HANDLE
    figure.text(x, y, print_minus(piece.text), va="center_baseline", transform=inches)


def print_minus(text: str) -> str:
    """Negative numbers with a minus sign instead of the hyphen of the labels."""
    return re.sub(r"(?<!\w)-(?=[\d.])", "−", text)


def panels_of(rows: pd.DataFrame, *, by_point: bool = True) -> tuple[list[Panel], int]:
    """A panel for each θ (a row) and group (a column), and how many make a row."""
    points = (
        sorted(rows.point.unique(), key=lambda point: (len(point), point)) if by_point else [""]
    )
    groups = sorted(rows.group.unique())
    panels = []
    for point in points:
        for group in groups:
            part = rows[(rows.group == group) & (rows.point.eq(point) | (not by_point))]
            name, where = words(group), f", {words(point)}" if len(points) > 1 else ""
            if len(part):
                dim = int(part.dim.iloc[0])
                size = f" ({dim} coordinates)" if dim > 1 else ""
                panels.append(Panel(name + where, f"∂/∂ {name}{size}{where}", part))
    return panels, min(3, len(groups) if len(groups) > 1 else len(points))
