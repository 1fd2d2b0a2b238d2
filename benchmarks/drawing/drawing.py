"""Figures drawn with matplotlib: a whole one from its `FigureSpec`, or a panel into any axes."""

import math
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullLocator

from gradest.benchmarks.drawing.layout import (
    EDGE,
    in_style,
    key,
    page,
    plot_keywords,
    print_minus,
    text_width,
    without_math,
)
from gradest.benchmarks.figures.spec import (
    EXACT,
    STAR,
    Axis,
    FigureSpec,
    Guide,
    Panel,
    Series,
    hollow,
    shades_of,
)

ROW_HEIGHT = 0.24
"""Inches that a row of a panel of rows takes."""


def draw(spec: FigureSpec) -> Figure:
    """The figure, in the style of the files.

    Args:
        spec: what it shows.

    Returns:
        A figure that no window or notebook knows of yet: save it, or show it where it is asked for.
    """
    titles = [panel.title for panel in spec.panels]
    first = spec.panels[0]
    with in_style():
        figure, grid = page(
            spec.title,
            titles,
            (first.x.label, first.y.label),
            columns=spec.columns,
            **size_of(first.y),
        )
        key(figure, spec.key, spec.notes)
        for i, (panel, axes) in enumerate(zip(spec.panels, grid, strict=True)):
            draw_contents(panel, axes, named=i % spec.columns == 0)
    return figure


def draw_panel(panel: Panel, axes: Axes) -> None:
    """Draws one panel of a figure into axes of one's own, in whatever style they have.

    Args:
        panel: what it shows.
        axes: empty ones.
    """
    axes.set_title(without_math(panel.title), loc="left")
    axes.set_xlabel(without_math(panel.x.label))
    axes.set_ylabel(without_math(panel.y.label))
    draw_contents(panel, axes, named=True)


def size_of(y: Axis) -> dict[str, float]:
    """What a page leaves for panels with this y axis: rows need space for their names."""
    if y.scale != "rows":
        return {}
    left = 2 * EDGE + max(map(text_width, y.names))
    return {"left": left, "gap": 0.25, "height": ROW_HEIGHT * len(y.names)}


def draw_contents(panel: Panel, axes: Axes, *, named: bool) -> None:
    """A panel without its title and labels; `named` says whether its rows have their names."""
    if panel.y.scale == "rows":
        draw_rows(panel, axes, named=named)
    else:
        draw_lines(panel, axes)


def draw_lines(panel: Panel, axes: Axes) -> None:
    """Each series: exact where known, interval, line, hollow where unreliable."""
    for series in panel.series:
        draw_line(series, axes)
    scale_axis(axes, "y", panel.y)
    scale_axis(axes, "x", panel.x)
    for guide in panel.guides:
        draw_guide(guide, axes)


def draw_line(series: Series, axes: Axes) -> None:
    """One series; an interval that reaches 0 is drawn to the foot of the axes."""
    x = np.array(series.x, float) * math.exp(series.shift)
    value, low, high, exact = (
        np.array(numbers, float)
        for numbers in (series.value, series.low, series.high, series.exact)
    )
    low = np.maximum(low, np.finfo(float).tiny)
    doubtful = np.array([status == "unreliable" for status in series.status], bool)
    axes.plot(x, exact, **plot_keywords(EXACT), zorder=2)
    axes.fill_between(x, low, high, color=series.style.color, alpha=0.2, linewidth=0)
    axes.plot(x, value, **plot_keywords(series.style), zorder=3)
    axes.plot(x[doubtful], value[doubtful], **plot_keywords(hollow(series.style)), zorder=4)


def draw_guide(guide: Guide, axes: Axes) -> None:
    """A line to read the series against."""
    keywords = plot_keywords(guide.style)
    if guide.kind == "equal products":
        draw_diagonals(axes, keywords)
        return
    low, high = axes.get_xlim()
    if not guide.if_in_view or low < guide.at < high:
        axes.axvline(guide.at, **keywords, zorder=1)


def draw_diagonals(axes: Axes, keywords: dict[str, Any]) -> None:
    """Lines on which the product of x and y is the same, in the place of a grid."""
    left, right = axes.get_xlim()
    low, high = axes.get_ylim()
    for product in log_ticks(left * low, right * high):
        ends = [product / left, product / right]
        axes.plot([left, right], ends, **keywords, scalex=False, scaley=False, zorder=1)
    axes.grid(False)


def draw_rows(panel: Panel, axes: Axes, *, named: bool) -> None:
    """Each series in the row of its label; `named` says whether the rows have their names."""
    for series in panel.series:
        draw_row(series, axes, panel.y.names.index(series.label), panel.levels)
    for guide in panel.guides:
        if not guide.if_in_view:
            draw_guide(guide, axes)
    count = len(panel.y.names)
    axes.set_ylim(count - 0.5, -0.5)
    axes.grid(False, axis="y")
    names = list(map(without_math, panel.y.names))
    axes.set_yticks(range(count), names if named else [""] * count)
    axes.tick_params(axis="y", length=0)
    for text in axes.get_yticklabels():
        text.set_fontstyle("italic" if text.get_text() in panel.y.headings else "normal")
    if panel.x.scale == "symlog":
        axes.set_xscale("symlog", linthresh=panel.x.linear_up_to)
    axes.margins(x=0.06)
    axes.autoscale(axis="x")
    for guide in panel.guides:
        if guide.if_in_view:
            draw_guide(guide, axes)
    ticks = row_ticks(panel.x, *axes.get_xlim())
    set_ticks(axes, "x", spaced(axes, ticks))
    axes.set_xticks(ticks, minor=True)


def draw_row(series: Series, axes: Axes, row: int, levels: tuple[int, ...]) -> None:
    """A point for each L with its interval, the largest L lowest and darkest.

    A star stands at the margin where the value is surely not zero.
    """
    shades = shades_of(len(levels))
    for i, level in enumerate(series.x):
        place = levels.index(int(level))
        y = row + 0.72 * ((place + 0.5) / len(levels) - 0.5)
        color = tint(series.style.color, shades[place])
        ends = np.array([series.low[i], series.high[i]], float)
        axes.plot(ends, [y, y], color=color, linewidth=0.7)
        unreliable = series.status[i] == "unreliable"
        style = hollow(series.style) if unreliable else series.style
        keywords = plot_keywords(style) | {"color": color, "linestyle": "none"}
        if unreliable:
            keywords["markeredgecolor"] = color
        axes.plot(np.array([series.value[i]], float), [y], **keywords)
        if series.biased[i]:
            margin = axes.get_yaxis_transform()
            axes.plot(1.03, y, **plot_keywords(STAR), transform=margin, clip_on=False)


def row_ticks(x: Axis, low: float, high: float) -> list[float]:
    """Round numbers between `low` and `high`; zero and powers of ten where the axis is symlog.

    The most important ones come first.
    """
    linear = x.linear_up_to
    if not linear:
        return linear_ticks(low, high)
    decades = range(math.floor(math.log10(max(-low, high) / linear)), -1, -1)
    ticks = [0.0, *(sign * linear * 10.0**i for i in decades for sign in (-1, 1))]
    return [tick for tick in ticks if low <= tick <= high]


def tint(color: str, shade: float) -> tuple[float, ...]:
    """The colour, mixed with so much white."""
    return tuple(1 - (1 - part) * (1 - shade) for part in to_rgb(color))


def scale_axis(axes: Axes, name: str, axis: Axis) -> None:
    """Sets the limits and ticks of the x or y axis.

    Where there is nothing to set them by, the y axis stays as matplotlib made it.
    """
    if axis.scale == "log":
        axes.set(**{f"{name}scale": "log", f"{name}lim": axis.limits})
    if axis.ticks is not None:
        drawn = getattr(axes, f"{name}axis")
        drawn.set_ticks(axis.ticks, labels=axis.names)
        drawn.set_minor_locator(NullLocator())
    elif axis.limits is not None:
        set_ticks(axes, name, log_ticks(*axis.limits))
    elif name == "x":
        set_ticks(axes, name, spaced(axes, linear_ticks(*axes.get_xlim())))


def set_ticks(axes: Axes, name: str, ticks: list[float]) -> None:
    """These ticks on the x or y axis, each with its number, and no others."""
    sizes = [abs(tick) for tick in ticks if tick] or [1.0]
    plain = min(sizes) >= 1e-3 and max(sizes) < 1e4
    texts = [print_minus(f"{tick:.4g}") if plain else power_text(tick) for tick in ticks]
    axis = getattr(axes, f"{name}axis")
    axis.set_ticks(ticks, labels=texts)
    axis.set_minor_locator(NullLocator())


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
        if len(ticks) >= 3:
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
