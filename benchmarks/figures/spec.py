"""What a figure shows, as data: series in panels with their axes, the key and the notes.

A run's measurements become `FigureSpec`s (modules lines, arguments, bias), and a renderer makes
pictures of these: `drawing` with matplotlib, a page or a notebook with what it likes. All is
strings, numbers and tuples of them, so that a spec goes to JSON and back and comes out equal.
"""

import dataclasses
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

Number = float | None
"""A number to draw, or None where there is none: JSON has no word for what is not a number."""

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Okabe and Ito's, without the yellow, which is lost on paper."""

MARKER_SIZE = 3.6
MARKERS = {
    "o": 1.0,
    "s": 0.95,
    "D": 0.9,
    "^": 1.2,
    "v": 1.2,
    "X": 1.3,
    "P": 1.3,
    "<": 1.2,
    ">": 1.2,
    "*": 1.7,
    "p": 1.2,
    "h": 1.2,
    "d": 1.2,
    "8": 1.1,
}
"""Each with the size at which it looks as large as the circle."""

DASHES: tuple[tuple[float, ...], ...] = (
    (),
    (5.0, 1.2),
    (1.2, 1.0),
    (5.0, 1.2, 1.2, 1.2),
    (2.5, 1.0),
    (8.0, 1.2, 1.2, 1.2, 1.2, 1.2),
    (10.0, 1.5),
)
"""Lengths of dash and gap in turn, as Style has them."""


@dataclass(frozen=True)
class Style:
    """How a line and its markers look. Sizes are in points; None leaves one to the renderer."""

    color: str
    """`#rrggbb`, or a grey from 0 (black) to 1 as matplotlib writes it, `0.35`."""
    marker: str = ""
    """matplotlib's name of it, or "hatched"; empty where there is none."""
    size: float | None = None
    line: bool = True
    """Whether there is a line, or the markers alone."""
    dashes: tuple[float, ...] = ()
    """Lengths of dash and gap in turn, in widths of the line; empty where it is solid."""
    width: float | None = None
    edge: str | None = None
    """The colour of a marker's edge."""
    edge_width: float | None = None
    face: str | None = None
    """The colour within a marker."""


EXACT = Style("0.6", width=0.4)
"""The exact value under the measured points, lighter than any dashes over it."""
DIAGONAL = Style("0.6", dashes=(1.0, 1.5), width=0.6)
"""A line to read against, dotted."""
ZERO = Style("0.3", width=0.6)
MINIBATCHES = Style("0.55", width=0.8)
"""The noise that minibatches have by themselves."""
LIMIT = Style("0.3", marker=r"$\downarrow$", size=5.4, line=False)
"""The upper end of an interval that reaches 0: an arrow, the marker of no estimator."""
HATCHED = Style("0.75", marker="hatched", line=False)
"""The rows of what is biased, in no estimator's colour."""


def point(marker: str, color: str) -> Style:
    """A marker of MARKERS in the size of the figures."""
    return Style(color, marker=marker, size=MARKER_SIZE * MARKERS[marker])


def shades_of(count: int, lightest: float = 0.55) -> list[float]:
    """How much white to mix into each of so many things in order, the last in its full colour."""
    if count == 1:
        return [0.0]
    return np.linspace(lightest, 0, count).tolist()


def limit(style: Style) -> Style:
    """The mark of a series where all that is known is how large the value may be."""
    return dataclasses.replace(LIMIT, color=style.color)


def hollow(style: Style) -> Style:
    """The marker of a style alone, empty: an unreliable point."""
    return dataclasses.replace(style, line=False, face="white", edge=style.color)


@dataclass(frozen=True)
class Series:
    """The values of one estimator in one panel, in the order in which a line joins them."""

    label: str
    """The estimator in words."""
    estimator: str
    """Its registered name."""
    style: Style
    x: tuple[float, ...]
    value: tuple[Number, ...]
    """None where nothing can be drawn: a variance of zero, say, on a logarithmic axis."""
    low: tuple[Number, ...]
    high: tuple[Number, ...]
    exact: tuple[Number, ...]
    """The exact value, where it is known."""
    status: tuple[str, ...]
    """"ok" or "unreliable" for each value."""
    biased: tuple[bool, ...] = ()
    """Whether each value is biased; empty where that is not what the panel shows."""
    members: tuple[str, ...] = ()
    """Those that are drawn as one with it, itself the first; empty where it is alone."""
    printed: str = ""
    """What stands in the margin at its row."""
    steps: bool = False
    """Whether the line keeps a value up to the next one."""
    every: int = 1
    """Every so many values have a marker and a bar, from the first on."""


@dataclass(frozen=True)
class Axis:
    """An axis of a panel."""

    label: str = ""
    scale: Literal["linear", "log", "rows"] = "linear"
    """"rows" has a line for each label of the series."""
    limits: tuple[float, float] | None = None
    """None: what is drawn, with a margin. Beyond them arrow heads stand for the values of rows."""
    ticks: tuple[float, ...] | None = None
    """None: as many round numbers as there is space for."""
    names: tuple[str, ...] = ()
    """The ticks in words; of "rows" its lines, from the top."""
    headings: tuple[str, ...] = ()
    """Those of "rows" that have no series but stand over some."""
    in_percent: bool = False
    """Whether the ticks are printed as percentages."""


@dataclass(frozen=True)
class Guide:
    """A value to read the series against: of x where y has rows, else of y."""

    style: Style
    at: float = 0.0
    label: str = ""
    """What stands at its end."""
    if_in_view: bool = False
    """Whether it is left out rather than the axis stretched to it."""


@dataclass(frozen=True)
class Panel:
    """One pair of axes: the measurements of one group at one θ."""

    name: str
    title: str
    x: Axis
    y: Axis
    series: tuple[Series, ...]
    guides: tuple[Guide, ...] = ()
    levels: tuple[int, ...] = ()
    """All L of the figure, where y is "rows": each has a shade, and a place within its row."""
    hatched: bool = False
    """Whether the rows of what is biased are hatched."""
    published: tuple[Series, ...] = ()
    """Others' values, drawn over the series without names."""


@dataclass(frozen=True)
class Entry:
    """A line of the key: how the thing is drawn, and what it is."""

    style: Style
    label: str


def shade_entries(shades: Mapping[str, float]) -> list[Entry]:
    """Entries of markers with so much white mixed into black, by what they stand for."""
    markers = {label: point("o", repr(shade)) for label, shade in shades.items()}
    return [Entry(dataclasses.replace(each, line=False), label) for label, each in markers.items()]


@dataclass(frozen=True)
class FigureSpec:
    """A figure: its panels, row by row, over a key and notes."""

    name: str
    """Of its files, without the suffix."""
    title: str
    panels: tuple[Panel, ...]
    columns: int
    """Panels in a row."""
    key: tuple[tuple[Entry, ...], ...]
    """Groups of entries, each of which begins a line."""
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The spec in dicts, tuples, strings and numbers."""
        return dataclasses.asdict(self)

    def to_json(self) -> str:
        """The spec as JSON, as `from_json` reads it."""
        return json.dumps(self.to_dict(), ensure_ascii=False, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> "FigureSpec":
        """The spec that `to_json` wrote."""
        from pydantic import TypeAdapter  # a tenth of a second, which no drawing process needs

        return TypeAdapter(cls).validate_json(text)


def numbers(values: Iterable[float]) -> tuple[Number, ...]:
    """The values as a series has them: None for what is not a finite number."""
    return tuple(float(value) if math.isfinite(value) else None for value in values)
