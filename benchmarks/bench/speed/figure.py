"""The figure of `make bench`: the share of the floor against L."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from gradest.benchmarks.analysis.labels import words
from gradest.benchmarks.bench.speed.targets import FLOOR_LEAST, FLOOR_MEAN
from gradest.benchmarks.figures.figures import tint
from gradest.benchmarks.figures.layout import (
    COLOURS,
    MARKERS,
    Entry,
    Look,
    Panel,
    lay_out_list,
    lay_out_notes,
    next_line,
    page,
    point,
    width_of,
)
from gradest.benchmarks.figures.saving import save_alone

STEM, COLUMNS = "bench", 4
FLOOR: Look = {"color": "0.3", "linewidth": 0.6}
MEAN: Look = {"color": "0.3", "linewidth": 0.6, "linestyle": (0, (4, 2))}
LEAST: Look = {"color": "0.3", "linewidth": 0.6, "linestyle": (0, (1, 1.5))}
WITH_F: Look = {"linestyle": (0, (1.2, 1)), "linewidth": 0.7}
"""Drawn where f is more than an eighth of the draws and it together."""


def draw(table: pd.DataFrame, folder: Path) -> None:
    """Writes the figure of the toys' throughput into the folder, in every format; removes what was there of it."""
    shown = table[table.of_floor.notna()] if "of_floor" in table else table[:0]
    save_alone(folder, STEM, None if shown.empty else lambda: figure_of(shown))


def figure_of(table: pd.DataFrame) -> Figure:
    """A panel for each estimator, a line for each problem and D."""
    problems, dims, levels = (
        sorted(table[column].unique()) for column in ("problem", "dim", "num_samples")
    )
    looks = {
        problem: point(marker, color) | {"markeredgecolor": "white"}
        for problem, marker, color in zip(problems, MARKERS, COLOURS, strict=False)
    }
    shades = dict(
        zip(dims, np.linspace(0.65, 0, len(dims)) if len(dims) > 1 else [0.0], strict=True)
    )
    # in the order of the largest L, which suits them all
    labels = table.sort_values("num_samples", ascending=False, kind="stable").estimator.unique()
    panels = [Panel("", title(label), table[table.estimator == label]) for label in labels]
    columns = min(COLUMNS, len(panels))
    width = width_of(columns)
    key = lay_out_list(
        [
            *(Entry(look, words(problem)) for problem, look in looks.items()),
            *(
                Entry(point("o", tint("black", s)) | {"linestyle": "none"}, f"D = {dim}")
                for dim, s in shades.items()
            ),
            Entry(WITH_F | {"color": "black"}, "with f counted"),
        ],
        width,
    )
    lines = [
        Entry(FLOOR, "the floor"),
        Entry(MEAN, f"{FLOOR_MEAN}, for the mean at D ≥ 10"),
        Entry(LEAST, f"{FLOOR_LEAST}, for each there"),
    ]
    key += lay_out_list(lines, width, next_line(key))
    notes = [
        "Samples a second over those of drawing the same random numbers and nothing else; dotted, where f matters: "
        "over those of drawing them and evaluating f at as many stored points. Bars: 95 % intervals of the median "
        "over rounds in which all are called in turn."
    ]
    key += lay_out_notes(notes, width, next_line(key))
    names = ("samples L", "share of the floor")
    figure, every = page(
        "Throughput", panels, key, names, columns=columns, height=1.3, left=0.45, gap=0.25
    )
    top = 1.05 * max(1.0, table.of_floor_high.max(), with_f(table).max())
    for place, (axes, panel) in enumerate(zip(every, panels, strict=True)):
        for (problem, dim), line in panel.rows.sort_values("num_samples").groupby(
            ["problem", "dim"]
        ):
            look = looks[problem] | {"color": tint(looks[problem]["color"], shades[dim])}
            axes.vlines(
                line.num_samples,
                line.of_floor_low,
                line.of_floor_high,
                color=look["color"],
                linewidth=0.7,
            )
            axes.plot(line.num_samples, line.of_floor, **look, zorder=3)
            axes.plot(line.num_samples, with_f(line), **WITH_F, color=look["color"], zorder=2)
        for at, look in ((1, FLOOR), (FLOOR_MEAN, MEAN), (FLOOR_LEAST, LEAST)):
            axes.axhline(at, **look, zorder=1)
        axes.set(xscale="log", xlim=(levels[0] / 2, levels[-1] * 2), ylim=(0, top))
        axes.xaxis.set_ticks(levels, labels=[f"{level:,}" for level in levels])
        axes.xaxis.set_minor_locator(NullLocator())
        axes.tick_params(labelleft=place % columns == 0)
    return figure


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
