"""The figure of `make bench`: the share of the roofline against L."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from gradest.benchmarks.analysis.labels import words
from gradest.benchmarks.bench.speed.targets import LEAST_SHARE, MEAN_SHARE
from gradest.benchmarks.drawing.layout import key, page, plot_keywords
from gradest.benchmarks.drawing.rows import tint
from gradest.benchmarks.drawing.saving import save_alone
from gradest.benchmarks.figures.spec import (
    COLOURS,
    MARKERS,
    Entry,
    Style,
    point,
    shade_entries,
    shades_of,
)

STEM = "bench"
COLUMNS = 4
LIGHTEST = 0.65
"""How much white there is in the colour of the least D."""

ROOFLINE = Style("0.3", width=0.6)
MEAN = Style("0.3", width=0.6, dashes=(4.0, 2.0))
LEAST = Style("0.3", width=0.6, dashes=(1.0, 1.5))
WITH_F = Style("black", width=0.7, dashes=(1.2, 1.0))

NOTE = (
    "Samples a second over those of drawing as many random numbers and nothing else; dotted, "
    "where f matters: over those of drawing them and evaluating f at as many stored points. "
    "Bars: 95 % intervals of the median over rounds in which all are called in turn."
)


def draw(table: pd.DataFrame, folder: Path) -> None:
    """Writes the figure of the toys' throughput in every format, or removes what was there of it.

    Args:
        table: throughput.csv.
        folder: where the files are.
    """
    shown = table[table.of_floor.notna()] if "of_floor" in table else table[:0]
    save_alone(folder, STEM, None if shown.empty else lambda: figure_of(shown))


def figure_of(table: pd.DataFrame) -> Figure:
    """A panel for each estimator, a line for each problem and D."""
    problems = sorted(table.problem.unique())
    dims = sorted(table.dim.unique())
    styles = {
        problem: dataclasses.replace(point(marker, color), edge="white")
        for problem, marker, color in zip(problems, MARKERS, COLOURS, strict=False)
    }
    shades = dict(zip(dims, shades_of(len(dims), LIGHTEST), strict=True))
    # in the order of the largest L, which suits them all
    labels = table.sort_values("num_samples", ascending=False, kind="stable").estimator.unique()
    columns = min(COLUMNS, len(labels))
    figure, panels = page(
        "Throughput",
        [title(label) for label in labels],
        ("samples L", "share of the roofline"),
        columns=columns,
        height=1.3,
        left=0.45,
        gap=0.25,
    )
    key(figure, entries(styles, shades), [NOTE])
    for place, (label, axes) in enumerate(zip(labels, panels, strict=True)):
        for (problem, dim), line in lines_of(table[table.estimator == label]):
            draw_line(axes, line, styles[problem], shades[dim])
        scale(axes, table)
        axes.tick_params(labelleft=place % columns == 0)
    return figure


def entries(styles: Mapping[str, Style], shades: Mapping[int, float]) -> list[list[Entry]]:
    """What the key says of lines and shades, and of what is to be reached."""
    of_problems = [Entry(style, words(problem)) for problem, style in styles.items()]
    to_reach = [
        Entry(ROOFLINE, "the roofline"),
        Entry(MEAN, f"{MEAN_SHARE}, for the mean at D ≥ 10"),
        Entry(LEAST, f"{LEAST_SHARE}, for each there"),
    ]
    of_dims = shade_entries({f"D = {dim}": shade for dim, shade in shades.items()})
    return [[*of_problems, *of_dims, Entry(WITH_F, "with f counted")], to_reach]


def lines_of(rows: pd.DataFrame) -> "pd.api.typing.DataFrameGroupBy":
    """The rows of each problem and D, by L."""
    return rows.sort_values("num_samples").groupby(["problem", "dim"])


def draw_line(axes: Axes, line: pd.DataFrame, style: Style, shade: float) -> None:
    """The shares of one problem and D, and, where that makes a difference, those with f counted."""
    samples = line.num_samples
    color = tint(style.color, shade)
    keywords = plot_keywords(style) | {"color": color}
    keywords_with_f = plot_keywords(WITH_F) | {"color": color}
    axes.vlines(samples, line.of_floor_low, line.of_floor_high, color=color, linewidth=0.7)
    axes.plot(samples, line.of_floor, **keywords, zorder=3)
    axes.plot(samples, with_f(line), **keywords_with_f, zorder=2)


def scale(axes: Axes, table: pd.DataFrame) -> None:
    """The same limits and ticks for all panels, and the lines of what is to be reached."""
    levels = sorted(table.num_samples.unique())
    top = 1.05 * max(1.0, table.of_floor_high.max(), with_f(table).max())
    for share, style in ((1, ROOFLINE), (MEAN_SHARE, MEAN), (LEAST_SHARE, LEAST)):
        axes.axhline(share, **plot_keywords(style), zorder=1)
    axes.set(xscale="log", xlim=(levels[0] / 2, levels[-1] * 2), ylim=(0, top))
    axes.xaxis.set_ticks(levels, labels=[f"{level:,}" for level in levels])
    axes.xaxis.set_minor_locator(NullLocator())


def with_f(rows: pd.DataFrame) -> pd.Series:
    """The share with f counted, where f takes more than an eighth of the time of both."""
    return rows.of_floor_with_f.where(rows.of_floor < 7 / 8 * rows.of_floor_with_f)


def title(label: str) -> str:
    """An estimator in the words that fit over a panel.

    >>> title("score_function[leave_one_out]"), title("pathwise")
    ('score f., leave-one-out', 'pathwise')
    """
    name, bracket, rest = label.removesuffix("]").partition("[")
    if not bracket:
        return words(name)
    return f"{words(name).replace('function', 'f.')}, {words(rest)}"
