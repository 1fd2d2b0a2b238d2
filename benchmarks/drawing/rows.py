"""Panels of rows: a name at the left, points with their intervals, a number in the margin."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb

from gradest.benchmarks.drawing.layout import HATCH, plot_keywords
from gradest.benchmarks.drawing.styles import grown
from gradest.benchmarks.drawing.texts import printed
from gradest.benchmarks.figures.spec import HATCHED, Panel, Series, hollow, shades_of

ROW_HEIGHT = {False: 0.14, True: 0.22}
"""Inches that a row takes, with a point for each L and without."""

HEAD = 3.0
"""Points of an arrow head."""


def draw_rows(panel: Panel, axes: Axes, *, named: bool) -> None:
    """Each series in the row of its label; `named` says whether the rows have their names."""
    if panel.x.scale == "log":
        axes.set_xscale("log")
    axes.set_xlim(panel.x.limits)
    for series in (*panel.series, *panel.published):
        row = panel.y.names.index(series.label)
        draw_row(series, axes, row, panel.levels)
        if panel.hatched and any(series.biased):
            hatch(axes, row)
        print_beside(series, axes, row)
    low, high = axes.get_xlim()
    for guide in panel.guides:
        if not guide.if_in_view or low < guide.at < high:
            axes.axvline(guide.at, **plot_keywords(guide.style), zorder=1)
    count = len(panel.y.names)
    axes.set_ylim(count - 0.5, -0.5)
    if panel.levels:
        axes.grid(False, axis="y")
    names = list(map(printed, panel.y.names))
    axes.set_yticks(range(count), names if named else [""] * count)
    axes.tick_params(axis="y", length=0)
    headings = set(map(printed, panel.y.headings))
    for text in axes.get_yticklabels():
        text.set_fontstyle("italic" if text.get_text() in headings else "normal")


def draw_row(series: Series, axes: Axes, row: int, levels: tuple[int, ...]) -> None:
    """A point for each L with its interval, the largest L lowest and darkest.

    Without levels it is one point. What lies beyond the axis has an arrow head at its end.
    """
    shades = shades_of(len(levels) or 1)
    for i, level in enumerate(series.x):
        place = levels.index(int(level)) if levels else 0
        y = row + 0.72 * ((place + 0.5) / len(levels) - 0.5) if levels else float(row)
        draw_point(series, i, axes, y, tint(series.style.color, shades[place]))


def draw_point(series: Series, i: int, axes: Axes, y: float, color: tuple[float, ...]) -> None:
    """One value of a series with its interval, at the height `y`."""
    low, high = axes.get_xlim()
    value = series.value[i]
    ends = np.array([series.low[i], series.high[i]], float)
    axes.plot(np.clip(ends, low, high), [y, y], color=color, linewidth=grown(0.7))
    known = [number for number in (value, *ends.tolist()) if number is not None]
    for marker, edge, beyond in (("<", low, min), (">", high, max)):
        if known and not low <= beyond(known) <= high and beyond([edge, *known]) != edge:
            axes.plot([edge], [y], marker, color=color, markersize=grown(HEAD), clip_on=False)
    if value is None or not low <= value <= high:
        return
    unreliable = series.status[i] == "unreliable"
    keywords = plot_keywords(hollow(series.style) if unreliable else series.style)
    keywords |= {"color": color, "linestyle": "none"}
    if unreliable:
        keywords["markeredgecolor"] = color
    axes.plot(np.array([value], float), [y], **keywords, zorder=3)


def hatch(axes: Axes, row: int) -> None:
    """Hatches a row over the whole panel: the best one, at the left, is seen to be biased too."""
    keywords: dict[str, Any] = {"hatch": HATCH, "fill": False, "linewidth": 0}
    axes.axhspan(row - 0.35, row + 0.35, **keywords, edgecolor=HATCHED.color, zorder=0.5)


def print_beside(series: Series, axes: Axes, row: int) -> None:
    """What stands in the margin of a row."""
    if series.printed:
        place: dict[str, Any] = {"xycoords": axes.get_yaxis_transform(), "va": "center"}
        place |= {"textcoords": "offset points", "annotation_clip": False}
        axes.annotate(printed(series.printed), (1, row), (grown(4), 0), **place)


def tint(color: str, shade: float) -> tuple[float, ...]:
    """The colour, mixed with so much white."""
    return tuple(1 - (1 - part) * (1 - shade) for part in to_rgb(color))
