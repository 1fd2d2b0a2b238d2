"""The figure of `make bench`: the share of the floor against L."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from gradest.benchmarks.analysis.labels import words
from gradest.benchmarks.bench.speed.targets import FLOOR_LEAST, FLOOR_MEAN
from gradest.benchmarks.figures.drawing import tint
from gradest.benchmarks.figures.layout import key, page, plot_keywords
from gradest.benchmarks.figures.saving import save_alone
from gradest.benchmarks.figures.spec import (
    COLOURS,
    MARKERS,
    Entry,
    Style,
    point,
    shade_entries,
    shades_of,
)

STEM, COLUMNS = "bench", 4
FLOOR = Style("0.3", width=0.6)
MEAN = Style("0.3", dashes=(4.0, 2.0), width=0.6)
LEAST = Style("0.3", dashes=(1.0, 1.5), width=0.6)
WITH_F = Style("black", dashes=(1.2, 1.0), width=0.7)
"""Drawn where f is more than an eighth of the draws and it together."""

LEVELS = (
    (1, FLOOR, "the floor"),
    (FLOOR_MEAN, MEAN, f"{FLOOR_MEAN}, for the mean at D ≥ 10"),
    (FLOOR_LEAST, LEAST, f"{FLOOR_LEAST}, for each there"),
)
"""Shares of the floor to read the lines against."""

NOTE = (
    "Samples a second over those of drawing the same random numbers and nothing else; dotted, "
    "where f matters: over those of drawing them and evaluating f at as many stored points. Bars: "
    "95 % intervals of the median over rounds in which all are called in turn."
)


def draw(table: pd.DataFrame, folder: Path) -> None:
    """Writes the figure of the toys' throughput in every format, in the place of what was there.

    Args:
        table: throughput.csv.
        folder: where the files go.
    """
    shown = table[table.of_floor.notna()] if "of_floor" in table else table[:0]
    save_alone(folder, STEM, None if shown.empty else lambda: figure_of(shown))


def figure_of(table: pd.DataFrame) -> Figure:
    """A panel for each estimator, a line for each problem and D."""
    problems = sorted(table.problem.unique())
    dims = sorted(table.dim.unique())
    levels = sorted(table.num_samples.unique())
    styles = {
        problem: dataclasses.replace(point(marker, color), edge="white")
        for problem, marker, color in zip(problems, MARKERS, COLOURS, strict=False)
    }
    shades = dict(zip(dims, shades_of(len(dims), lightest=0.65), strict=True))
    # in the order of the largest L, which suits them all
    labels = table.sort_values("num_samples", ascending=False, kind="stable").estimator.unique()
    columns = min(COLUMNS, len(labels))
    figure, panels = page(
        "Throughput",
        [title(label) for label in labels],
        ("samples L", "share of the floor"),
        columns=columns,
        height=1.3,
        left=0.45,
        gap=0.25,
    )
    entries = [
        *(Entry(style, words(problem)) for problem, style in styles.items()),
        *shade_entries({f"D = {dim}": shade for dim, shade in shades.items()}),
        Entry(WITH_F, "with f counted"),
    ]
    key(figure, [entries, [Entry(style, text) for _, style, text in LEVELS]], [NOTE])
    top = 1.05 * max(1.0, table.of_floor_high.max(), with_f(table).max())
    for place, (axes, label) in enumerate(zip(panels, labels, strict=True)):
        draw_shares(axes, table[table.estimator == label], styles, shades)
        axes.set(xscale="log", xlim=(levels[0] / 2, levels[-1] * 2), ylim=(0, top))
        axes.xaxis.set_ticks(levels, labels=[f"{level:,}" for level in levels])
        axes.xaxis.set_minor_locator(NullLocator())
        axes.tick_params(labelleft=place % columns == 0)
    return figure


def draw_shares(
    axes: Axes, rows: pd.DataFrame, styles: Mapping[str, Style], shades: Mapping[int, float]
) -> None:
    """One estimator's shares of the floor against L, a line for each problem and D."""
    for (problem, dim), line in rows.sort_values("num_samples").groupby(["problem", "dim"]):
        color = tint(styles[problem].color, shades[dim])
        low, high = line.of_floor_low, line.of_floor_high
        axes.vlines(line.num_samples, low, high, color=color, linewidth=0.7)
        keywords = plot_keywords(styles[problem]) | {"color": color}
        axes.plot(line.num_samples, line.of_floor, **keywords, zorder=3)
        keywords = plot_keywords(WITH_F) | {"color": color}
        axes.plot(line.num_samples, with_f(line), **keywords, zorder=2)
    for at, style, _ in LEVELS:
        axes.axhline(at, **plot_keywords(style), zorder=1)


def with_f(rows: pd.DataFrame) -> pd.Series:
    """The share of the floor with f counted, where that makes a difference."""
    return rows.of_floor_with_f.where(rows.of_floor < 7 / 8 * rows.of_floor_with_f)


def title(label: str) -> str:
    """An estimator in the words that fit over a panel.

    >>> title("score_function[leave_one_out]"), title("pathwise")
    ('score f., leave-one-out', 'pathwise')
    """
    name, bracket, rest = label.removesuffix("]").partition("[")
    return f"{words(name).replace('function', 'f.')}, {words(rest)}" if bracket else words(name)
