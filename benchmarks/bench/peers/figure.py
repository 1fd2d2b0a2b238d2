"""The figure of the bench against peers: how many times as fast ours are, against L."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from gradest.benchmarks.analysis.labels import words
from gradest.benchmarks.bench.peers.process import PEERS
from gradest.benchmarks.figures.figures import scale_log, tint
from gradest.benchmarks.figures.layout import (
    COLOURS,
    DASHES,
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

COLUMNS, STEM = 4, "peers"
EQUAL: Look = {"color": "0.3", "linewidth": 0.6}


def draw(table: pd.DataFrame, folder: Path) -> None:
    """Writes the figure of what was timed into the folder, in every format; removes what was there of it."""
    timed = table[table.times_faster > 0]
    save_alone(folder, STEM, None if timed.empty else lambda: figure_of(timed))


def figure_of(timed: pd.DataFrame) -> Figure:
    """A panel for each estimator on each problem, a line for each peer and D."""
    peers, dims, levels = (
        sorted(timed[column].unique()) for column in ("peer", "dim", "num_samples")
    )
    looks: dict[str, Look] = {
        peer: point(marker, color) | {"linestyle": dash, "markeredgecolor": "white"}
        for peer, marker, color, dash in zip(peers, MARKERS, COLOURS, DASHES, strict=False)
    }
    shades = dict(
        zip(dims, np.linspace(0.6, 0, len(dims)) if len(dims) > 1 else [0.0], strict=True)
    )
    panels = [
        Panel("", f"{short(label)}, {words(problem).split()[0]}", rows)
        for (problem, label), rows in timed.groupby(["problem", "estimator"], sort=False)
    ]
    columns = min(COLUMNS, len(panels))
    width = width_of(columns)
    key = lay_out_list(
        [Entry(look, PEERS[peer].title if peer in PEERS else peer) for peer, look in looks.items()],
        width,
    )
    steps = [
        Entry(point("o", tint("black", shade)) | {"linestyle": "none"}, f"D = {dim}")
        for dim, shade in shades.items()
    ]
    key += lay_out_list([*steps, Entry(EQUAL, "equally fast")], width, next_line(key))
    notes = [
        "Samples a second, ours over the peer's. Gaussian, Bernoulli: quadratics of x so distributed. Leave-one-out: "
        "the score function with it. Bars: 95 % intervals of the median over rounds in which all are called in turn."
    ]
    key += lay_out_notes(notes, width, next_line(key))
    labels = ("samples L", "times as fast as the peer")
    figure, every = page(
        "Our throughput over that of peers", panels, key, labels, columns=columns, gap=0.42
    )
    for axes, panel in zip(every, panels, strict=True):
        for (peer, dim), line in panel.rows.sort_values("num_samples").groupby(["peer", "dim"]):
            look = looks[peer] | {"color": tint(looks[peer]["color"], shades[dim])}
            axes.vlines(
                line.num_samples, line.times_faster_low, line.times_faster_high, color=look["color"]
            )
            axes.plot(line.num_samples, line.times_faster, **look, zorder=3)
        axes.axhline(1, **EQUAL, zorder=1)
        scale_log(
            axes,
            "y",
            pd.concat([timed.times_faster_low, timed.times_faster_high, pd.Series([1.0])]),
        )
        axes.set(xscale="log", xlim=(levels[0] / 1.6, levels[-1] * 1.6))
        axes.xaxis.set_ticks(levels, labels=[f"{level:,}" for level in levels])
        axes.xaxis.set_minor_locator(NullLocator())
    return figure


def short(label: str) -> str:
    """An estimator as this bench calls it, in the words that tell it from the others.

    >>> short("score_function[leave_one_out]")
    'leave-one-out'
    """
    return words(label.removesuffix("]").split("[")[-1])
