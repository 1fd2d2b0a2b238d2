"""The key under the panels: what stands where."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from gradest.benchmarks.drawing.styles import grown
from gradest.benchmarks.drawing.texts import text_width, wrapped
from gradest.benchmarks.figures.spec import Entry, Style

KEY_LINE, HANDLE, SPACE = 0.135, 0.34, 0.14
"""In inches, for text of 7 points: from line to line, for how a thing is drawn, between two."""


class Piece(NamedTuple):
    """A text in the key, after a handle in a style: `x` in inches, `line` counted from the top."""

    x: float
    line: float
    text: str
    style: Style | None = None

    @property
    def end(self) -> float:
        """Where it ends, in inches."""
        return self.x + bool(self.style) * grown(HANDLE) + text_width(self.text)


def pieces_of(
    entries: Sequence[Sequence[Entry]], notes: Sequence[str], width: float
) -> list[Piece]:
    """The whole key.

    Args:
        entries: groups, each of which begins a line.
        notes: sentences under them.
        width: in inches.
    """
    pieces: list[Piece] = []
    for group in entries:
        if group:
            pieces += lay_out(group, width, next_line(pieces))
    top = next_line(pieces) + 0.3
    lines = [line for note in notes for line in wrapped(note, width)]
    return [*pieces, *(Piece(0.0, top + i, line) for i, line in enumerate(lines))]


def lay_out(entries: Sequence[Entry], width: float, line: float) -> list[Piece]:
    """The entries on one line where they fit, else in columns; under one another if one is long."""
    steps = [grown(HANDLE + SPACE) + text_width(entry.label) for entry in entries]
    if max(steps) > width:
        return stacked(entries, width, line)
    if sum(steps) - grown(SPACE) <= width:
        places = [(sum(steps[:i]), 0) for i in range(len(steps))]
    else:
        columns = max(1, int((width + grown(SPACE)) / max(steps)))
        lines = math.ceil(len(entries) / columns)
        places = [(i // lines * max(steps), i % lines) for i in range(len(steps))]
    return [
        Piece(x, line + i, entry.label, entry.style)
        for (x, i), entry in zip(places, entries, strict=True)
    ]


def stacked(entries: Sequence[Entry], width: float, line: float) -> list[Piece]:
    """The entries under one another, each in as many lines as it takes."""
    pieces: list[Piece] = []
    for entry in entries:
        first, *rest = wrapped(entry.label, width - grown(HANDLE))
        pieces.append(Piece(0.0, line, first, entry.style))
        pieces += [Piece(grown(HANDLE), line + 1 + i, text) for i, text in enumerate(rest)]
        line = next_line(pieces)
    return pieces


def next_line(pieces: list[Piece]) -> float:
    """The first free line under the pieces."""
    return max((piece.line for piece in pieces), default=-1.0) + 1
