"""The names of lines, each at its line's end, right of the panel."""

from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from gradest.benchmarks.drawing.layout import plot_keywords
from gradest.benchmarks.drawing.styles import grown
from gradest.benchmarks.drawing.texts import LINE, printed, text_width, wrapped
from gradest.benchmarks.figures.spec import Guide, Panel, Series

NAME_WIDTH = 1.15
"""Inches of a name, beyond which it is broken where its words allow."""

LEADER_STYLE: dict[str, Any] = {"color": "0.6", "linestyle": (0, (1, 2))}
"""Grey and dotted, unlike any line of data."""

LEADER, MARKER, BETWEEN = 0.12, 0.12, 0.035
"""Inches of a leader line, of the marker after it, and between two names."""


class Name(NamedTuple):
    """A name that is to stand at the end of its line."""

    series: Series | Guide
    lines: list[str]
    x: float
    y: float
    """Where the line ends, or leaves the axes, in inches on the page."""

    @property
    def height(self) -> float:
        """Of its text, with the space to the next."""
        return grown(LINE * len(self.lines) + BETWEEN)


def lines_of(series: Series | Guide) -> list[str]:
    """The name of a series, broken into lines."""
    return wrapped(series.label, grown(NAME_WIDTH))


def named(panel: Panel) -> list[Series | Guide]:
    """What has a name."""
    return [*panel.series, *(guide for guide in panel.guides if guide.label)]


def ends_width(panel: Panel) -> float:
    """What the names need right of the panel, in inches."""
    texts = [text for series in named(panel) for text in lines_of(series)]
    return grown(LEADER + MARKER + 0.1) + max(map(text_width, texts), default=0.0)


def ends_height(panel: Panel) -> float:
    """What the names need if they stand under one another, in inches."""
    lines = [len(lines_of(series)) for series in named(panel)]
    return grown(sum(lines) * LINE + len(lines) * BETWEEN)


def name_lines(panel: Panel, axes: Axes) -> None:
    """Names each line at its end, with its marker; a thin grey dotted line leads there.

    Args:
        panel: what the axes show.
        axes: drawn and at their place on the page.
    """
    names = sorted(names_of(panel, axes), key=lambda name: -name.y)
    box = axes.get_window_extent()
    inch = axes.figure.dpi
    heights = [name.height for name in names]
    centers = spread([name.y for name in names], heights, box.y0 / inch, box.y1 / inch)
    for name, y in zip(names, centers, strict=True):
        draw_name(name, axes, box.x1 / inch, y)


def names_of(panel: Panel, axes: Axes) -> list[Name]:
    """The names of the lines that have an end."""
    names = []
    box = axes.get_window_extent()
    for series in panel.series:
        points = zip(series.x, series.value, series.high, strict=True)
        heights = [(x, high if value is None else value) for x, value, high in points]
        ends = [(x, height) for x, height in heights if height is not None]
        if ends:
            place = axes.transData.transform(ends[-1])
            x, y = np.clip(place, box.min, box.max) / axes.figure.dpi
            names.append(Name(series, lines_of(series), float(x), float(y)))
    right = axes.get_xlim()[1]
    for guide in filter(lambda guide: guide.label, panel.guides):
        x, y = axes.transData.transform((right, guide.at)) / axes.figure.dpi
        names.append(Name(guide, lines_of(guide), float(x), float(y)))
    return names


def spread(wanted: list[float], heights: list[float], low: float, high: float) -> list[float]:
    """Where names stand that do not overlap, as near as can be to where they are wanted.

    Args:
        wanted: the middle of each, from the top.
        heights: of each.
        low: the foot of all.
        high: their top, where they fit; else they go on below the foot.

    Returns:
        The middle of each, from the top.
    """
    blocks: list[tuple[list[int], float]] = []
    for i in range(len(wanted)):
        blocks.append(([i], wanted[i]))
        while len(blocks) > 1 and overlap(blocks[-2], blocks[-1], heights):
            (upper, _), (lower, _) = blocks.pop(-2), blocks.pop()
            blocks.append((upper + lower, middle_of(upper + lower, wanted, heights)))
        members, middle = blocks[-1]
        half = sum(heights[j] for j in members) / 2
        blocks[-1] = (members, min(max(middle, low + half), high - half))
    centers = [0.0] * len(wanted)
    for members, middle in blocks:
        top = middle + sum(heights[j] for j in members) / 2
        for j in members:
            centers[j] = top - heights[j] / 2
            top -= heights[j]
    return from_the_foot(centers, heights, low)


def overlap(
    upper: tuple[list[int], float], lower: tuple[list[int], float], heights: list[float]
) -> bool:
    """Whether two blocks of names overlap."""
    halves = sum(heights[j] for j in upper[0] + lower[0]) / 2
    return upper[1] - lower[1] < halves


def middle_of(members: list[int], wanted: list[float], heights: list[float]) -> float:
    """The middle of a block whose names are as near as can be to where they are wanted."""
    total = sum(heights[j] for j in members)
    offsets = np.cumsum([0.0, *(heights[j] for j in members)])
    middles = [total / 2 - offsets[n] - heights[j] / 2 for n, j in enumerate(members)]
    return float(np.mean([wanted[j] - middles[n] for n, j in enumerate(members)]))


def from_the_foot(centers: list[float], heights: list[float], low: float) -> list[float]:
    """The names moved up where those at the foot push them."""
    moved = list(centers)
    floor = low
    for j in reversed(range(len(moved))):
        moved[j] = max(moved[j], floor + heights[j] / 2)
        floor = moved[j] + heights[j] / 2
    return moved


def draw_name(name: Name, axes: Axes, right: float, y: float) -> None:
    """A name at the height `y` right of the axes, which end at `right`: inches on the page."""
    figure = axes.figure
    transform = figure.dpi_scale_trans
    start = right + grown(LEADER)
    style = name.series.style
    ends = [name.x, max(name.x, right), start], [name.y, name.y, y]
    width = grown(0.5)
    leader = Line2D(*ends, **LEADER_STYLE, linewidth=width, transform=transform, zorder=1)
    figure.add_artist(leader)
    keywords = plot_keywords(style) | {"linestyle": "none"}
    middle = start + grown(MARKER / 2)
    figure.add_artist(Line2D([middle], [y], transform=transform, **keywords))
    text = "\n".join(map(printed, name.lines))
    x = start + grown(MARKER + 0.02)
    figure.text(x, y, text, va="center", linespacing=1.15, transform=transform)
