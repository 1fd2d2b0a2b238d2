"""The figure of calibration: how often nominal 95 % intervals hold a variance, by kurtosis."""

import dataclasses
from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from gradest.benchmarks.bench.calibration.studies import FEW, MANY
from gradest.benchmarks.drawing.drawing import set_ticks
from gradest.benchmarks.drawing.layout import key, page, plot_keywords
from gradest.benchmarks.figures.spec import COLOURS, Entry, Style, point
from gradest.benchmarks.statistics.intervals import CONFIDENCE

SHIPPED = "as shipped"

MARKERS = {SHIPPED: "o", "jackknife of ln s²": "s", "bootstrap-t": "D", "chi-square": "v"}
"""The methods in the figure, with their markers."""

NOTE = (
    "As shipped: the jackknife of ln s² up to a measured kurtosis of 10, the bootstrap-t above. "
    "Shaded: 94 to 96 %. Bars: the rates' own 95 % intervals. The methods are set apart sideways; "
    "the vertical scale is logistic."
)

LEVELS = (0.2, 0.5, 0.8, 0.9, 0.95, 0.98)
"""Where the vertical axis has its ticks."""


def figure_of(table: pd.DataFrame) -> Figure:
    """A panel for each R, of the known laws, and one of the real cells."""
    is_drawn = table.dim.eq(1) & np.isfinite(table["kurtosis"])
    laws = table[table.part.eq("variance") & is_drawn]
    cells = table[table.part.eq("cells")].sort_values("kurtosis")
    styles = {
        method: dataclasses.replace(point(marker, color), line=False, edge="white")
        for (method, marker), color in zip(MARKERS.items(), (COLOURS[-1], *COLOURS), strict=False)
    }
    figure, (few, many, real) = page(
        "Coverage of nominal 95 % intervals on a variance",
        [
            f"known laws, R = {FEW:,}",
            f"known laws, R = {MANY:,}",
            f"real cells, R = {MANY:,}",
        ],
        ("kurtosis", "coverage"),
        columns=3,
        height=2.3,
        gap=0.45,
    )
    key(figure, [[Entry(style, method) for method, style in styles.items()]], [NOTE])
    for axes in (few, many, real):
        scale_rates(axes)
    draw_laws(few, laws[laws.replicates == FEW], styles)
    draw_laws(many, laws[laws.replicates == MANY], styles)
    draw_cells(real, cells, styles[SHIPPED])
    return figure


def scale_rates(axes: Axes) -> None:
    """A logistic axis of rates, with what is aimed at shaded."""
    axes.axhspan(0.94, 0.96, color="0.88", zorder=0)
    axes.axhline(CONFIDENCE, color="0.5", linewidth=0.4, zorder=1)
    axes.set(yscale="logit", ylim=(0.17, 0.985))
    axes.set_yticks(LEVELS, labels=[f"{100 * level:.0f} %" for level in LEVELS])
    axes.yaxis.set_minor_locator(NullLocator())


def draw_laws(axes: Axes, rows: pd.DataFrame, styles: Mapping[str, Style]) -> None:
    """The rates of each method against the law's kurtosis, the methods set apart sideways."""
    axes.set(xscale="log", xlim=(2.2, 190))
    set_ticks(axes, "x", [3, 6, 9, 15, 34, 114])
    for place, (method, style) in enumerate(styles.items()):
        rates = rows[rows.method == method]
        draw_rates(axes, rates["kurtosis"] * np.exp(0.1 * (place - 1.5)), rates, style)


def draw_cells(axes: Axes, cells: pd.DataFrame, style: Style) -> None:
    """The rates of the real cells, side by side, each over its kurtosis."""
    places = range(len(cells))
    draw_rates(axes, pd.Series(places, cells.index), cells, style)
    axes.set(xlim=(-0.6, len(cells) - 0.4))
    axes.set_xticks(places, labels=[f"{value:.2g}" for value in cells["kurtosis"]])


def draw_rates(axes: Axes, at: pd.Series, rows: pd.DataFrame, style: Style) -> None:
    """Rates with their intervals."""
    keywords = plot_keywords(style)
    keywords["markersize"] *= 0.8
    axes.vlines(at, rows.rate_low, rows.rate_high, color=style.color, linewidth=0.7, zorder=2)
    axes.plot(at, rows.rate, **keywords, zorder=3)
