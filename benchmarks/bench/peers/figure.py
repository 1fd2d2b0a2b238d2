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
from gradest.benchmarks.drawing.drawing import scale_axis
from gradest.benchmarks.drawing.layout import key, page, plot_keywords
from gradest.benchmarks.drawing.rows import tint
from gradest.benchmarks.drawing.saving import save_alone
from gradest.benchmarks.figures.lines import log_axis
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

STEM = "peers"
COLUMNS = 4
LIGHTEST = 0.6
"""How much white there is in the colour of the least D."""

EQUAL = Style("0.3", width=0.6)

NOTE = (
    "Samples a second, ours over the peer's. Gaussian, Bernoulli: quadratics of x so distributed. "
    "Leave-one-out: the score function with it. Bars: 95 % intervals of the median over rounds in "
    "which all are called in turn."
)


def draw(table: pd.DataFrame, folder: Path) -> None:
    """Writes the figure of what was timed in every format, or removes what was there of it.

    Args:
        table: peers.csv.
        folder: where the files are.
    """
    timed = table[table.times_faster > 0]
    save_alone(folder, STEM, None if timed.empty else lambda: figure_of(timed))


def figure_of(timed: pd.DataFrame) -> Figure:
    """A panel for each estimator on each problem, a line for each peer and D."""
    peers = sorted(timed.peer.unique())
    dims = sorted(timed.dim.unique())
    styles = {
        peer: dataclasses.replace(point(marker, color), dashes=dashes, edge="white")
        for peer, marker, color, dashes in zip(peers, MARKERS, COLOURS, DASHES, strict=False)
    }
    shades = dict(zip(dims, shades_of(len(dims), LIGHTEST), strict=True))
    groups = list(timed.groupby(["problem", "estimator"], sort=False))
    figure, panels = page(
        "Our throughput over that of peers",
        [f"{short(label)}, {words(problem).split()[0]}" for (problem, label), _ in groups],
        ("samples L", "times as fast as the peer"),
        columns=min(COLUMNS, len(groups)),
        gap=0.42,
    )
    key(figure, entries(styles, shades), [NOTE])
    for (_, rows), axes in zip(groups, panels, strict=True):
        for (peer, dim), line in rows.sort_values("num_samples").groupby(["peer", "dim"]):
            draw_line(axes, line, styles[peer], shades[dim])
        scale(axes, timed)
    return figure


def entries(styles: Mapping[str, Style], shades: Mapping[int, float]) -> list[list[Entry]]:
    """What the key says of the peers, and of shades."""
    of_peers = [
        Entry(style, PEERS[peer].title if peer in PEERS else peer) for peer, style in styles.items()
    ]
    of_dims = shade_entries({f"D = {dim}": shade for dim, shade in shades.items()})
    return [of_peers, [*of_dims, Entry(EQUAL, "equally fast")]]


def draw_line(axes: Axes, line: pd.DataFrame, style: Style, shade: float) -> None:
    """The ratios of one peer and D, with their intervals."""
    color = tint(style.color, shade)
    keywords = plot_keywords(style) | {"color": color}
    axes.vlines(line.num_samples, line.times_faster_low, line.times_faster_high, color=color)
    axes.plot(line.num_samples, line.times_faster, **keywords, zorder=3)


def scale(axes: Axes, timed: pd.DataFrame) -> None:
    """The same limits and ticks for all panels, and the line where both are equally fast."""
    levels = sorted(timed.num_samples.unique())
    ratios = pd.concat([timed.times_faster_low, timed.times_faster_high, pd.Series([1.0])])
    axes.axhline(1, **plot_keywords(EQUAL), zorder=1)
    scale_axis(axes, "y", log_axis("", ratios))
    axes.set(xscale="log", xlim=(levels[0] / 1.6, levels[-1] * 1.6))
    axes.xaxis.set_ticks(levels, labels=[f"{level:,}" for level in levels])
    axes.xaxis.set_minor_locator(NullLocator())


def short(label: str) -> str:
    """An estimator as this bench calls it, in the words that tell it from the others.

    >>> short("score_function[leave_one_out]")
    'leave-one-out'
    """
    return words(label.removesuffix("]").split("[")[-1])
