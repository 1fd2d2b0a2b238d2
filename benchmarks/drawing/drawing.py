"""Figures drawn with matplotlib: a whole one from its `FigureSpec`, or a panel into any axes."""

import math
import re

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullLocator

from gradest.benchmarks.drawing.ends import ends_height, ends_width, name_lines
from gradest.benchmarks.drawing.layout import (
    BESIDE_PANEL,
    COLUMN_WIDTH,
    EDGE,
    PAGE_WIDTH,
    PANEL_HEIGHT,
    RIGHT,
    Grid,
    key,
    plot_keywords,
    sheet,
)
from gradest.benchmarks.drawing.rows import ROW_HEIGHT, draw_rows
from gradest.benchmarks.drawing.styles import SCREEN, Print, grown, in_style
from gradest.benchmarks.drawing.texts import printed, text_width
from gradest.benchmarks.figures.spec import EXACT, Axis, FigureSpec, Panel, Series, hollow, limit
from gradest.benchmarks.minus import print_minus

LEAST_WIDTH = {"rows": 0.7, "lines": 1.1}
"""Inches of a panel: with less there are fewer in a row."""


BESIDE_TICKS = 0.27
"""Inches left of the numbers at a y axis."""

STEPS_MARKED = 4
"""Every so many steps have a marker."""


def draw(spec: FigureSpec, how: Print = SCREEN) -> Figure:
    """The figure, in the style of the files.

    Args:
        spec: what it shows.
        how: how it is printed.

    Returns:
        A figure that no window or notebook knows of yet: save it, or show it where it is asked for.
    """
    titles = [panel.title for panel in spec.panels]
    first = spec.panels[0]
    with in_style(how):
        grid = grid_of(spec, how)
        title = spec.title if how.title else ""
        figure, panels = sheet(title, titles, (first.x.label, first.y.label), grid)
        if how.legend == "right":
            key(figure, spec.key, spec.notes)
        for i, (panel, axes) in enumerate(zip(spec.panels, panels, strict=True)):
            draw_contents(panel, axes, named=i % grid.columns == 0)
            if how.legend == "right" and panel.y.scale != "rows":
                name_lines(panel, axes)
    return figure


def draw_panel(panel: Panel, axes: Axes) -> None:
    """Draws one panel of a figure into axes of one's own, in whatever style they have.

    The lines have their labels, so that `axes.legend()` names them.

    Args:
        panel: what it shows.
        axes: empty ones.
    """
    axes.set_title(printed(panel.title), loc="left")
    axes.set_xlabel(printed(panel.x.label))
    axes.set_ylabel(printed(panel.y.label))
    draw_contents(panel, axes, named=True)


def grid_of(spec: FigureSpec, how: Print) -> Grid:
    """How the panels stand: as many in a row as the spec says and the width allows."""
    width = how.width or (COLUMN_WIDTH if spec.columns == 1 else PAGE_WIDTH)
    of_rows = spec.panels[0].y.scale == "rows"
    make = grid_of_rows if of_rows else grid_of_lines
    least = grown(LEAST_WIDTH["rows" if of_rows else "lines"])
    columns = spec.columns
    while columns > 1 and make(spec, how, columns, width).panel_width < least:
        columns -= 1
    return make(spec, how, columns, width)


def grid_of_rows(spec: FigureSpec, how: Print, columns: int, width: float) -> Grid:
    """Space left for the rows' names, and right of each panel for what is printed there."""
    del how
    names = spec.panels[0].y.names
    left = grown(2 * EDGE) + max(map(text_width, names))
    margins = [text_width(series.printed) for panel in spec.panels for series in panel.series]
    right = grown(RIGHT) + max(margins, default=0.0)
    height = grown(ROW_HEIGHT[bool(spec.panels[0].levels)]) * len(names)
    return Grid(columns, height, left, right, right, width)


def grid_of_lines(spec: FigureSpec, how: Print, columns: int, width: float) -> Grid:
    """Space right of each panel for the names of its lines."""
    ticks = max(ticks_width(panel.y) for panel in spec.panels)
    left = max(grown(BESIDE_PANEL), grown(BESIDE_TICKS) + ticks)
    if how.legend == "none":
        return Grid(columns, grown(PANEL_HEIGHT), left, left, grown(RIGHT), width)
    right = max(map(ends_width, spec.panels))
    height = max(grown(PANEL_HEIGHT), *map(ends_height, spec.panels))
    return Grid(columns, height, left, right + left, right, width)


def ticks_width(y: Axis) -> float:
    """About what the numbers at a logarithmic y axis need, in inches."""
    if y.scale != "log" or y.limits is None:
        return 0.0
    texts = tick_texts(log_ticks(*y.limits))
    plain = [re.sub(r"[${}^]", "", text.replace(r"\times", " × ")) for text in texts]
    return max(map(text_width, plain))


def draw_contents(panel: Panel, axes: Axes, *, named: bool) -> None:
    """A panel without its title and labels; `named` says whether its rows have their names."""
    if panel.y.scale == "rows":
        draw_rows(panel, axes, named=named)
        scale_rows(panel.x, axes)
    else:
        for guide in panel.guides:
            axes.axhline(guide.at, **plot_keywords(guide.style), zorder=1)
        for series in (*panel.series, *panel.published):
            draw_line(series, axes, panel.y.limits)
        scale_axis(axes, "y", panel.y)
        scale_axis(axes, "x", panel.x)


def draw_line(series: Series, axes: Axes, limits: tuple[float, float] | None) -> None:
    """One series: exact where known, interval, line, hollow where unreliable.

    Where its interval reaches 0, there is a mark at its upper end; where it has no upper end, it
    goes to that of the axis.
    """
    x = np.array(series.x, float)
    value, low, high, exact = (
        np.array(numbers, float)
        for numbers in (series.value, series.low, series.high, series.exact)
    )
    known = np.isfinite(value)
    endless = known & np.isfinite(low) & ~np.isfinite(high)
    top = np.where(endless, limits[1], high) if limits else high
    doubtful = np.array([status == "unreliable" for status in series.status], bool)
    color = series.style.color
    axes.plot(x, exact, **plot_keywords(EXACT), zorder=2)
    if series.style.line:
        shaded = np.where(doubtful, np.nan, top)
        axes.fill_between(x, low, shaded, color=color, alpha=0.2, linewidth=0)
    barred = np.flatnonzero(known)[:: series.every]
    axes.vlines(x[barred], low[barred], top[barred], color=color, linewidth=grown(0.6), zorder=2.5)
    keywords = plot_keywords(series.style)
    if series.every > 1:
        keywords |= {"markevery": series.every}
    if series.steps:
        keywords |= {"drawstyle": "steps-post", "markevery": STEPS_MARKED}
    label = printed(series.label) if series.style.line else None
    axes.plot(x, value, **keywords, zorder=3, label=label)
    axes.plot(x[doubtful], value[doubtful], **plot_keywords(hollow(series.style)), zorder=4)
    ends = ~known & np.isfinite(high)
    axes.plot(x[ends], high[ends], **plot_keywords(limit(series.style)), zorder=4)


def scale_axis(axes: Axes, name: str, axis: Axis) -> None:
    """Sets the limits and ticks of the x or y axis.

    Where there is nothing to set them by, the y axis stays as matplotlib made it.
    """
    if axis.scale == "log":
        axes.set(**{f"{name}scale": "log", f"{name}lim": axis.limits})
    elif axis.limits is not None:
        axes.set(**{f"{name}lim": axis.limits})
    if axis.ticks is not None:
        drawn = getattr(axes, f"{name}axis")
        drawn.set_ticks(axis.ticks, labels=list(map(printed, axis.names)))
        drawn.set_minor_locator(NullLocator())
    elif axis.limits is not None:
        ticks_within = log_ticks if axis.scale == "log" else linear_ticks
        set_ticks(axes, name, ticks_within(*axis.limits))
    elif name == "x":
        set_ticks(axes, name, spaced(axes, linear_ticks(*axes.get_xlim())))


def scale_rows(x: Axis, axes: Axes) -> None:
    """Sets the ticks of the x axis of rows, as many as its width takes."""
    if x.scale == "log":
        ticks = log_ticks(*axes.get_xlim(), most=3)
    else:
        ticks = [0.0, *linear_ticks(*axes.get_xlim())]
    low, high = axes.get_xlim()
    least = grown(0.45 if x.in_percent else 0.36)
    kept = spaced(axes, [tick for tick in ticks if low <= tick <= high], least)
    if x.in_percent:
        texts = [print_minus(f"{100 * tick:.4g} %") for tick in kept]
        axes.set_xticks(kept, labels=texts)
        axes.xaxis.set_minor_locator(NullLocator())
    else:
        set_ticks(axes, "x", kept)


def set_ticks(axes: Axes, name: str, ticks: list[float]) -> None:
    """These ticks on the x or y axis, each with its number, and no others."""
    axis = getattr(axes, f"{name}axis")
    axis.set_ticks(ticks, labels=tick_texts(ticks))
    axis.set_minor_locator(NullLocator())


def tick_texts(ticks: list[float]) -> list[str]:
    """The numbers at an axis: plain, or with powers of ten where some are large or small."""
    sizes = [abs(tick) for tick in ticks if tick] or [1.0]
    plain = min(sizes) >= 1e-3 and max(sizes) < 1e4
    return [print_minus(f"{tick:.4g}") if plain else power_text(tick) for tick in ticks]


def log_ticks(low: float, high: float, most: int = 6) -> list[float]:
    """Round numbers between `low` and `high`.

    Args:
        low: an end of the axis.
        high: the other.
        most: about how many numbers there may be.

    Returns:
        Powers of ten where there are three, else multiples of them.
    """
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for multiples in ((1,), (1, 3), (1, 2, 5), range(1, 10)):
        ticks = [m * 10.0**p for p in powers for m in multiples if low <= m * 10.0**p <= high]
        if len(ticks) >= min(3, most):
            return ticks[:: math.ceil(len(ticks) / most)]
    return linear_ticks(low, high)


def linear_ticks(low: float, high: float) -> list[float]:
    """Evenly spaced round numbers between `low` and `high`."""
    ticks = MaxNLocator(7, steps=[1, 2, 5, 10]).tick_values(low, high)
    return [round(float(tick), 9) for tick in ticks if low <= tick <= high]


def spaced(axes: Axes, ticks: list[float], least: float = 0.32) -> list[float]:
    """The x axis's ticks, the first ones first, that leave `least` inches between them."""
    kept: list[float] = []
    for tick in ticks:
        points = [(x, 0) for x in (tick, *kept)]
        places = axes.transData.transform(points)[:, 0] / axes.figure.dpi
        if (np.abs(places[1:] - places[0]) >= least).all():
            kept.append(tick)
    return sorted(kept)


def power_text(value: float) -> str:
    """A number with its power of ten, for mathtext."""
    if not value:
        return "0"
    factor, power = f"{value:.2e}".split("e")
    factor = f"{float(factor):g}"
    times = {"1": "", "-1": "-"}.get(factor, rf"{factor}\times")
    return rf"${times}10^{{{int(power)}}}$"
