"""The figure of the bench against peers: how many times as fast ours are, against L."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from gradest.benchmarks.analysis.labels import words
from gradest.benchmarks.bench.peers.process import PEERS
from gradest.benchmarks.figures.drawing import scale_axis, tint
from gradest.benchmarks.figures.layout import key, page, plot_keywords
from gradest.benchmarks.figures.lines import log_axis
from gradest.benchmarks.figures.saving import save_alone
from gradest.benchmarks.figures.spec import (
    COLOURS,
    DASHES,
    MARKERS,
    Entry,
    Style,
    point,
    shade_entries,
    shades_of,
)

COLUMNS, STEM = 4, "peers"
EQUAL = Style("0.3", width=0.6)

NOTE = (
    "Samples a second, ours over the peer's. Gaussian, Bernoulli: quadratics of x so distributed. "
    "Leave-one-out: the score function with it. Bars: 95 % intervals of the median over rounds in "
    "which all are called in turn."
)


def draw(table: pd.DataFrame, folder: Path) -> None:
    """Writes the figure of what was timed in every format, in the place of what was there.

    Args:
        table: peers.csv.
        folder: where the files go.
    """
    timed = table[table.times_faster > 0]
    save_alone(folder, STEM, None if timed.empty else lambda: figure_of(timed))


def figure_of(timed: pd.DataFrame) -> Figure:
    """A panel for each estimator on each problem, a line for each peer and D."""
    peers = sorted(timed.peer.unique())
    dims = sorted(timed.dim.unique())
    levels = sorted(timed.num_samples.unique())
    styles = {
        peer: dataclasses.replace(point(marker, color), dashes=dashes, edge="white")
        for peer, marker, color, dashes in zip(peers, MARKERS, COLOURS, DASHES, strict=False)
    }
    shades = dict(zip(dims, shades_of(len(dims), lightest=0.6), strict=True))
    parts = list(timed.groupby(["problem", "estimator"], sort=False))
    figure, panels = page(
        "Our throughput over that of peers",
        [f"{short(label)}, {words(problem).split()[0]}" for (problem, label), _ in parts],
        ("samples L", "times as fast as the peer"),
        columns=min(COLUMNS, len(parts)),
        gap=0.42,
    )
    names = {peer: PEERS[peer].title if peer in PEERS else peer for peer in peers}
    steps = shade_entries({f"D = {dim}": shade for dim, shade in shades.items()})
    entries = [
        [Entry(style, names[peer]) for peer, style in styles.items()],
        [*steps, Entry(EQUAL, "equally fast")],
    ]
    key(figure, entries, [NOTE])
    times = pd.concat([timed.times_faster_low, timed.times_faster_high, pd.Series([1.0])])
    for axes, (_, rows) in zip(panels, parts, strict=True):
        draw_times(axes, rows, styles, shades)
        scale_axis(axes, "y", log_axis("", times))
        axes.set(xscale="log", xlim=(levels[0] / 1.6, levels[-1] * 1.6))
        axes.xaxis.set_ticks(levels, labels=[f"{level:,}" for level in levels])
        axes.xaxis.set_minor_locator(NullLocator())
    return figure


def draw_times(
    axes: Axes, rows: pd.DataFrame, styles: Mapping[str, Style], shades: Mapping[int, float]
) -> None:
    """How many times as fast one estimator is against L, a line for each peer and D."""
    for (peer, dim), line in rows.sort_values("num_samples").groupby(["peer", "dim"]):
        color = tint(styles[peer].color, shades[dim])
        keywords = plot_keywords(styles[peer])
        low, high = line.times_faster_low, line.times_faster_high
        axes.vlines(line.num_samples, low, high, color=color)
        axes.plot(line.num_samples, line.times_faster, **keywords | {"color": color}, zorder=3)
    axes.axhline(1, **plot_keywords(EQUAL), zorder=1)


def short(label: str) -> str:
    """An estimator as this bench calls it, in the words that tell it from the others.

    >>> short("score_function[leave_one_out]")
    'leave-one-out'
    """
    return words(label.removesuffix("]").split("[")[-1])
