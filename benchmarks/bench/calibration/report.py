"""`make coverage`: whether the intervals and tests keep what they promise, as a table and a figure."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator
from pandas.api.types import is_numeric_dtype

from gradest.benchmarks.bench.calibration.studies import FEW, MANY, SEED, STUDIES, Row, simulate
from gradest.benchmarks.figures.figures import set_ticks
from gradest.benchmarks.figures.layout import (
    COLOURS,
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
from gradest.benchmarks.figures.saving import in_style, save
from gradest.benchmarks.runtime.files import make_folder, write_atomically
from gradest.benchmarks.runtime.program_cache import use_compilation_cache
from gradest.benchmarks.statistics.intervals import CONFIDENCE


class Aim(NamedTuple):
    """What rates are meant to be."""

    text: str
    rows: Callable[[pd.DataFrame], pd.Series]
    low: float
    high: float
    """Bounds of the rate less what it should be (`nominal`)."""


def _shipped(table: pd.DataFrame, replicates: int, low: float, high: float) -> pd.Series:
    every = (
        table.part.eq("variance") & table.method.eq("as shipped") & table.replicates.eq(replicates)
    )
    return every & table["kurtosis"].between(low, high)


AIMS = (
    Aim(
        f"variance, kurtosis up to 15, R = {MANY:,}: 94 to 96 %",
        lambda t: _shipped(t, MANY, 0, 15.5),
        -0.01,
        0.01,
    ),
    Aim(
        f"variance, kurtosis up to 15, R = {FEW:,}: 94 to 96 %",
        lambda t: _shipped(t, FEW, 0, 15.5),
        -0.01,
        0.01,
    ),
    Aim(
        f"variance, kurtosis up to 120, R = {MANY:,}: at least 90 %",
        lambda t: _shipped(t, MANY, 15.5, 120),
        -0.05,
        1,
    ),
    Aim(
        f"variance, kurtosis up to 120, R = {FEW:,}: at least 90 %",
        lambda t: _shipped(t, FEW, 15.5, 120),
        -0.05,
        1,
    ),
    Aim(
        "variance of a real cell, kurtosis up to 30: 93 to 97 %",
        lambda t: t.part.eq("cells") & t["kurtosis"].lt(30),
        -0.02,
        0.02,
    ),
    Aim(
        "variance of a real cell, kurtosis about 100: at least 90 %",
        lambda t: t.part.eq("cells") & t["kurtosis"].gt(30),
        -0.05,
        1,
    ),
    Aim(
        "what else is made of batch summaries: at least 93 %",
        lambda t: t.part.isin(["statistics", "trends"]),
        -0.02,
        1,
    ),
    Aim(
        "false alarms in 100 skewed coordinates: 5 %, within 2 points",
        lambda t: t.part.eq("alarms") & t.method.isin(["Holm, Hall's correction", "reference run"]),
        -0.02,
        0.02,
    ),
    Aim(
        "false discoveries in a sweep: as claimed, within 1 point",
        lambda t: t.part.eq("discoveries"),
        -0.01,
        0.01,
    ),
    Aim(
        "unbiased claimed of a bias at the margin: at most 5 %, within 1 point",
        lambda t: t.part.eq("equivalence") & t.case.str.contains("margin"),
        -0.05,
        0.01,
    ),
    Aim(
        "planted biases found: as predicted, within 3 points",
        lambda t: t.part.eq("power"),
        -0.03,
        0.03,
    ),
)


def judged(table: pd.DataFrame, aim: Aim) -> list[str]:
    """For each rate that the aim is about: whether it is met, missed by no more than chance explains, or missed."""
    rows = table[aim.rows(table)]
    verdicts = []
    for row in rows.itertuples():
        low, high = row.nominal + aim.low - 1e-9, row.nominal + aim.high + 1e-9
        chance = row.rate_low <= high and row.rate_high >= low
        verdicts.append(
            "met" if low <= row.rate <= high else "within error" if chance else "missed"
        )
    return verdicts


class Part(NamedTuple):
    """A table of coverage.md."""

    title: str
    text: str
    columns: tuple[str, ...]
    aside: bool = False
    """Whether the methods after the first are columns of rates, not lines."""


INTERVAL_COLUMNS = ("rate", "truth_below", "truth_above", "width")
FLAG_COLUMNS = ("flagged", "rate_unflagged", "misled")
PARTS = {
    "variance": Part(
        "The variance of data from a known law",
        "As shipped, the interval is the jackknife of ln s² up to a measured kurtosis of 10, and the bootstrap-t "
        "above. The chi-square interval, which knows only the Gaussian, fails from kurtosis 6 on, and no R mends it. "
        "Student's t(3) has a variance but no fourth moment, t(1.5) not even a variance: there no interval can hold, "
        "and the tail index has to say so (flagged). Misled: the interval missed, and nothing warned. The truth below "
        "or above, the width and what is flagged are those of the interval as shipped. In ten coordinates the kurtosis "
        "of the vector is nearly a tenth of a coordinate's, and hides how heavy lognormal coordinates are.",
        ("case", "dim", "replicates", "kurtosis", *INTERVAL_COLUMNS, *FLAG_COLUMNS),
        aside=True,
    ),
    "cells": Part(
        "The variance of real cells, known by quadrature or enumeration",
        "Measured as any cell is, with a new seed each time.",
        ("case", "replicates", "kurtosis", *INTERVAL_COLUMNS, *FLAG_COLUMNS),
    ),
    "statistics": Part(
        "What else is said of one cell",
        "Five correlated, skewed coordinates; R replicates against the exact gradient, or against a reference run with "
        "an error of its own. Squared distances (‖bias‖², 1 − cosine, the squared signal-to-noise ratio) have the "
        "interval of a score test, conservative where the bias is of the size of the noise. The largest variance's "
        "interval holds for all coordinates at once, that of the median of the seconds lies between order statistics: "
        "both cover more than 95 %.",
        ("case", "method", "replicates", *INTERVAL_COLUMNS),
    ),
    "trends": Part(
        "What is made of several cells",
        "Two estimators at L = 1, 4, 16, 64 with skewed replicates and variances 1/(c L) and 1/L² cross at L = c.",
        ("case", "method", "replicates", *INTERVAL_COLUMNS),
    ),
    "alarms": Part(
        "False alarms: 100 skewed coordinates without bias",
        "How often any coordinate is called biased, at 5 %. Without Hall's correction the skewness of the mean passes "
        "for bias; without Holm's adjustment, or with a reference run taken for exact, nearly every cell is.",
        ("case", "replicates", "rate"),
        aside=True,
    ),
    "discoveries": Part(
        "False discoveries: sweeps of 200 cells",
        "The mean share of false ones among the cells called biased, where the biased ones are off by five standard "
        "errors; nominal is 5 % of the share of unbiased cells.",
        ("case", "method", "replicates", "nominal", "rate"),
    ),
    "equivalence": Part(
        "Claims of no bias",
        "How often a cell is called unbiased within a margin of 8 standard errors, one coordinate's bias being as "
        "large as the margin (an error), or nothing (what it should say).",
        ("case", "dim", "replicates", "nominal", "rate"),
    ),
    "power": Part(
        "Planted biases",
        "How often a bias in one of ten coordinates is found, next to the prediction; the detectable bias is what "
        "gradest reports. Width: that report, in true standard errors.",
        ("case", "dim", "replicates", "nominal", "rate", "width"),
    ),
}

HEADERS = {
    "case": "simulated",
    "dim": "P",
    "replicates": "R",
    "truth_below": "truth below",
    "truth_above": "truth above",
    "rate_unflagged": "rate, not flagged",
    "rate": "rate [95 %]",
}
PERCENT = ("nominal", "truth_below", "truth_above", "flagged", "rate_unflagged", "misled")


def cell_text(row: pd.Series, column: str) -> str:
    """One number of a table."""
    value = row[column]
    if column == "rate":
        return f"{100 * value:.1f} % [{100 * row.rate_low:.1f}, {100 * row.rate_high:.1f}]"
    if not isinstance(value, (int, float, np.number)):
        return str(value)
    if column in PERCENT or column not in Row._fields:
        return "–" if np.isnan(value) else f"{100 * value:.1f} %"
    if column in ("dim", "replicates"):
        return f"{value:,}"
    return "∞" if np.isinf(value) else "–" if np.isnan(value) else f"{value:.3g}"


def markdown_table(rows: pd.DataFrame, columns: Sequence[str]) -> str:
    """The rows as a Markdown table, numbers flush right."""
    header = [HEADERS.get(column, column) for column in columns]
    rule = ["---:" if is_numeric_dtype(rows[column]) else "---" for column in columns]
    body = [[cell_text(row, column) for column in columns] for _, row in rows.iterrows()]
    return "\n".join("| " + " | ".join(line) + " |" for line in (header, rule, *body))


def with_methods_aside(rows: pd.DataFrame, part: Part) -> str:
    """A line for each study: its first method in full, and only the rates of the others."""
    first, *others = rows.method.unique()
    wide = rows[rows.method == first].assign(
        **{other: rows.rate[rows.method == other].to_numpy() for other in others}
    )
    place = part.columns.index("rate") + 1
    text = markdown_table(wide, (*part.columns[:place], *others, *part.columns[place:]))
    return text.replace(HEADERS["rate"], f"{first} [95 %]", 1)


def markdown(table: pd.DataFrame) -> str:
    """coverage.md."""
    lines = [
        "# Are the intervals right?",
        "",
        f"Written by `make coverage` (seed {SEED}). Each rate is over so many independent simulated studies, and comes "
        "with its own 95 % interval (Wilson, 1927); intervals claim 95 %, tests are at 5 %. Width is the "
        "median of high/low − 1 for what is positive, else of high − low. All numbers are in coverage.csv.",
        "",
        "| aim | met | missed within Monte Carlo error | missed |",
        "|---|---:|---:|---:|",
    ]
    for aim in AIMS:
        verdicts = judged(table, aim)
        counts = [str(verdicts.count(verdict)) for verdict in ("met", "within error", "missed")]
        lines.append(f"| {aim.text} | {' | '.join(counts)} |")
    for name, part in PARTS.items():
        rows = table[table.part == name]
        if len(rows):
            least, most = int(rows.studies.min()), int(rows.studies.max())
            spoken = f"{least:,}" if least == most else f"{least:,} to {most:,}"
            lines += ["", f"## {part.title}", "", f"{part.text} {spoken} studies a line.", ""]
            lines.append(
                with_methods_aside(rows, part) if part.aside else markdown_table(rows, part.columns)
            )
    return "\n".join(lines) + "\n"


DRAWN = dict(
    zip(("as shipped", "jackknife of ln s²", "bootstrap-t", "chi-square"), "osDv", strict=True)
)
"""The methods in the figure, with their markers."""


def figure(table: pd.DataFrame) -> Figure:
    """Coverage against kurtosis: a panel for each R, and one for the real cells."""
    laws = table[table.part.eq("variance") & table.dim.eq(1) & np.isfinite(table["kurtosis"])]
    cells = table[table.part.eq("cells")].sort_values("kurtosis")
    looks = {
        method: point(marker, color) | {"linestyle": "none", "markeredgecolor": "white"}
        for (method, marker), color in zip(DRAWN.items(), (COLOURS[-1], *COLOURS), strict=False)
    }
    panels = [
        Panel("", f"known laws, R = {size:,}", laws[laws.replicates == size])
        for size in (FEW, MANY)
    ]
    panels.append(Panel("", f"real cells, R = {MANY:,}", cells))
    width = width_of(3)
    key = lay_out_list([Entry(look, method) for method, look in looks.items()], width)
    notes = [
        "As shipped: the jackknife of ln s² up to a measured kurtosis of 10, the bootstrap-t above. Shaded: 94 to "
        "96 %. Bars: the rates' own 95 % intervals. The methods are set apart sideways; the vertical scale is logistic."
    ]
    key += lay_out_notes(notes, width, next_line(key))
    whole, every = page(
        "Coverage of nominal 95 % intervals on a variance",
        panels,
        key,
        ("kurtosis", "coverage"),
        columns=3,
        height=2.3,
        gap=0.45,
    )
    ticks = (0.2, 0.5, 0.8, 0.9, 0.95, 0.98)
    for axes in every:
        axes.axhspan(0.94, 0.96, color="0.88", zorder=0)
        axes.axhline(CONFIDENCE, color="0.5", linewidth=0.4, zorder=1)
        axes.set(yscale="logit", ylim=(0.17, 0.985))
        axes.set_yticks(ticks, labels=[f"{100 * tick:.0f} %" for tick in ticks])
        axes.yaxis.set_minor_locator(NullLocator())
    for axes, panel in zip(every[:2], panels, strict=False):
        axes.set(xscale="log", xlim=(2.2, 190))
        set_ticks(axes, "x", [3, 6, 9, 15, 34, 114])
        for place, (method, look) in enumerate(looks.items()):
            rows = panel.rows[panel.rows.method == method]
            draw_rates(axes, rows["kurtosis"] * np.exp(0.1 * (place - 1.5)), rows, look)
    draw_rates(every[2], pd.Series(range(len(cells)), cells.index), cells, looks["as shipped"])
    every[2].set(xlim=(-0.6, len(cells) - 0.4))
    every[2].set_xticks(range(len(cells)), labels=[f"{value:.2g}" for value in cells["kurtosis"]])
    return whole


def draw_rates(axes: Axes, at: pd.Series, rows: pd.DataFrame, look: Look) -> None:
    """Rates with their intervals."""
    axes.vlines(at, rows.rate_low, rows.rate_high, color=look["color"], linewidth=0.7, zorder=2)
    axes.plot(at, rows.rate, **look | {"markersize": 0.8 * look["markersize"]}, zorder=3)


def write(table: pd.DataFrame, folder: Path) -> None:
    """coverage.csv, coverage.md and the figure."""
    make_folder(folder)
    write_atomically(folder / "coverage.csv", table.to_csv(index=False, float_format="%.10g"))
    write_atomically(folder / "coverage.md", markdown(table))
    with in_style():
        save(folder, "coverage", figure(table))


def main() -> None:
    """Runs every study and writes results/coverage/."""
    use_compilation_cache()
    table = simulate(STUDIES)
    write(table, Path("results/coverage"))
    for aim in AIMS:
        verdicts = judged(table, aim)
        print(
            f"{aim.text}: {verdicts.count('met')} of {len(verdicts)}, {verdicts.count('missed')} missed"
        )


if __name__ == "__main__":
    main()
