"""calibration.md: how often the intervals and tests are right, and how often they should be."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from pandas.api.types import is_numeric_dtype

from gradest.benchmarks.bench.calibration.figure import figure_of
from gradest.benchmarks.bench.calibration.laws import SEED
from gradest.benchmarks.bench.calibration.rates import Rate
from gradest.benchmarks.bench.calibration.studies import FEW, MANY
from gradest.benchmarks.drawing.saving import save_alone
from gradest.benchmarks.markdown import markdown_table
from gradest.benchmarks.runtime.files import make_folder, write_atomically

STEM = "calibration"
"""The files' name."""


class Aim(NamedTuple):
    """What rates are meant to be."""

    text: str
    rows: Callable[[pd.DataFrame], pd.Series]
    """Which rates the aim is about."""
    low: float
    high: float
    """Bounds of the rate less what it should be (`nominal`)."""


def as_shipped(replicates: int, low: float, high: float) -> Callable[[pd.DataFrame], pd.Series]:
    """The rates of the shipped interval on a variance where the kurtosis is between these."""

    def rows(table: pd.DataFrame) -> pd.Series:
        shipped = table.part.eq("variance") & table.method.eq("as shipped")
        return shipped & table.replicates.eq(replicates) & table["kurtosis"].between(low, high)

    return rows


def alarms_of_the_report(table: pd.DataFrame) -> pd.Series:
    """The false alarms of the two tests that are reported, not of those for contrast."""
    reported = table.method.isin(["Holm, Hall's correction", "reference run"])
    return table.part.eq("alarms") & reported


def at_the_margin(table: pd.DataFrame) -> pd.Series:
    """The claims of no bias that are wrong."""
    return table.part.eq("equivalence") & table.case.str.contains("margin")


LIGHT, HEAVY = 15.5, 120
"""Kurtosis up to which the interval on a variance is to hold as nominal, and nearly as nominal."""

AIMS = (
    Aim(
        f"variance, kurtosis up to 15, R = {MANY:,}: 94 to 96 %",
        as_shipped(MANY, 0, LIGHT),
        low=-0.01,
        high=0.01,
    ),
    Aim(
        f"variance, kurtosis up to 15, R = {FEW:,}: 94 to 96 %",
        as_shipped(FEW, 0, LIGHT),
        low=-0.01,
        high=0.01,
    ),
    Aim(
        f"variance, kurtosis up to 120, R = {MANY:,}: at least 90 %",
        as_shipped(MANY, LIGHT, HEAVY),
        low=-0.05,
        high=1,
    ),
    Aim(
        f"variance, kurtosis up to 120, R = {FEW:,}: at least 90 %",
        as_shipped(FEW, LIGHT, HEAVY),
        low=-0.05,
        high=1,
    ),
    Aim(
        "variance of a real cell, kurtosis up to 30: 93 to 97 %",
        lambda table: table.part.eq("cells") & table["kurtosis"].lt(30),
        low=-0.02,
        high=0.02,
    ),
    Aim(
        "variance of a real cell, kurtosis about 100: at least 90 %",
        lambda table: table.part.eq("cells") & table["kurtosis"].gt(30),
        low=-0.05,
        high=1,
    ),
    Aim(
        "what else is made of batch summaries: at least 93 %",
        lambda table: table.part.isin(["statistics", "trends"]),
        low=-0.02,
        high=1,
    ),
    Aim(
        "false alarms in 100 skewed coordinates: 5 %, within 2 points",
        alarms_of_the_report,
        low=-0.02,
        high=0.02,
    ),
    Aim(
        "false discoveries in a sweep: as claimed, within 1 point",
        lambda table: table.part.eq("discoveries"),
        low=-0.01,
        high=0.01,
    ),
    Aim(
        "unbiased claimed of a bias at the margin: at most 5 %, within 1 point",
        at_the_margin,
        low=-0.05,
        high=0.01,
    ),
    Aim(
        "planted biases found: as predicted, within 3 points",
        lambda table: table.part.eq("power"),
        low=-0.03,
        high=0.03,
    ),
)

MET, WITHIN_ERROR, MISSED = "met", "within error", "missed"


def verdict(aim: Aim, nominal: float, rate: float, rate_low: float, rate_high: float) -> str:
    """Whether a rate is as meant, misses that by no more than chance explains, or by more."""
    low = nominal + aim.low - 1e-9
    high = nominal + aim.high + 1e-9
    if low <= rate <= high:
        return MET
    if rate_low <= high and rate_high >= low:
        return WITHIN_ERROR
    return MISSED


def verdicts(table: pd.DataFrame, aim: Aim) -> list[str]:
    """A verdict on each rate that the aim is about."""
    rates = table[aim.rows(table)]
    return [
        verdict(aim, rate.nominal, rate.rate, rate.rate_low, rate.rate_high)
        for rate in rates.itertuples()
    ]


class Part(NamedTuple):
    """A table of calibration.md."""

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
        "As shipped, the interval is the jackknife of ln s² up to a measured kurtosis of 10, and "
        "the bootstrap-t above. The chi-square interval, which knows only the Gaussian, fails from "
        "kurtosis 6 on, and no R mends it. Student's t(3) has a variance but no fourth moment, "
        "t(1.5) not even a variance: there no interval can hold, and the tail index has to say so "
        "(flagged). Misled: the interval missed, and nothing warned. The truth below or above, the "
        "width and what is flagged are those of the interval as shipped. In ten coordinates the "
        "kurtosis of the vector is nearly a tenth of a coordinate's, and hides how heavy lognormal "
        "coordinates are.",
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
        "Five correlated, skewed coordinates; R replicates against the exact gradient, or against "
        "a reference run with an error of its own. Squared distances (‖bias‖², 1 − cosine, the "
        "squared signal-to-noise ratio) have the interval of a score test, conservative where the "
        "bias is of the size of the noise. The largest variance's interval holds for all "
        "coordinates at once, that of the median of the seconds lies between order statistics: "
        "both cover more than 95 %.",
        ("case", "method", "replicates", *INTERVAL_COLUMNS),
    ),
    "trends": Part(
        "What is made of several cells",
        "Two estimators at L = 1, 4, 16, 64 with skewed replicates and variances 1/(c L) and 1/L² "
        "cross at L = c.",
        ("case", "method", "replicates", *INTERVAL_COLUMNS),
    ),
    "alarms": Part(
        "False alarms: 100 skewed coordinates without bias",
        "How often any coordinate is called biased, at 5 %. Without Hall's correction the skewness "
        "of the mean passes for bias; without Holm's adjustment, or with a reference run taken for "
        "exact, nearly every cell is.",
        ("case", "replicates", "rate"),
        aside=True,
    ),
    "discoveries": Part(
        "False discoveries: sweeps of 200 cells",
        "The mean share of false ones among the cells called biased, where the biased ones are off "
        "by five standard errors; nominal is 5 % of the share of unbiased cells.",
        ("case", "method", "replicates", "nominal", "rate"),
    ),
    "equivalence": Part(
        "Claims of no bias",
        "How often a cell is called unbiased within a margin of 8 standard errors, one "
        "coordinate's bias being as large as the margin (an error), or nothing (what it should "
        "say).",
        ("case", "dim", "replicates", "nominal", "rate"),
    ),
    "power": Part(
        "Planted biases",
        "How often a bias in one of ten coordinates is found, next to the prediction; the "
        "detectable bias is what gradest reports. Width: that report, in true standard errors.",
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
COUNTS = ("dim", "replicates")


def cell_text(row: pd.Series, column: str) -> str:
    """One number of a table; a column that is no field of a rate is another method's rate."""
    value = row[column]
    if column == "rate":
        return f"{100 * value:.1f} % [{100 * row.rate_low:.1f}, {100 * row.rate_high:.1f}]"
    if not isinstance(value, (int, float, np.number)):
        return str(value)
    if np.isnan(value):
        return "–"
    if column in PERCENT or column not in Rate._fields:
        return f"{100 * value:.1f} %"
    if column in COUNTS:
        return f"{value:,}"
    return "∞" if np.isinf(value) else f"{value:.3g}"


def table_of(rows: pd.DataFrame, columns: Sequence[str]) -> str:
    """The rows as a Markdown table; columns of words come first, numbers are flush right."""
    header = [HEADERS.get(column, column) for column in columns]
    in_words = [column for column in columns if not is_numeric_dtype(rows[column])]
    lines = [[cell_text(row, column) for column in columns] for _, row in rows.iterrows()]
    return markdown_table(header, lines, left=len(in_words))


def with_methods_aside(rows: pd.DataFrame, part: Part) -> str:
    """A line for each study: its first method in full, and only the rates of the others."""
    first, *others = rows.method.unique()
    rates = {method: rows.rate[rows.method == method].to_numpy() for method in others}
    wide = rows[rows.method == first].assign(**rates)
    place = part.columns.index("rate") + 1
    text = table_of(wide, (*part.columns[:place], *others, *part.columns[place:]))
    return text.replace(HEADERS["rate"], f"{first} [95 %]", 1)


def section(rows: pd.DataFrame, part: Part) -> list[str]:
    """A part's title, text and table."""
    least, most = int(rows.studies.min()), int(rows.studies.max())
    studies = f"{least:,}" if least == most else f"{least:,} to {most:,}"
    lines = with_methods_aside(rows, part) if part.aside else table_of(rows, part.columns)
    return ["", f"## {part.title}", "", f"{part.text} {studies} studies a line.", "", lines]


def aim_line(table: pd.DataFrame, aim: Aim) -> list[str]:
    """An aim, and how many rates have each verdict."""
    found = verdicts(table, aim)
    return [aim.text, *(str(found.count(kind)) for kind in (MET, WITHIN_ERROR, MISSED))]


def page(table: pd.DataFrame) -> str:
    """The text of calibration.md."""
    header = ["aim", "met", "missed within Monte Carlo error", "missed"]
    lines = [
        "# Are the intervals right?",
        "",
        f"Written by `make calibration` (seed {SEED}). Each rate is over so many independent "
        "simulated studies, and comes with its own 95 % interval (Wilson, 1927); intervals claim "
        "95 %, tests are at 5 %. Width is the median of high/low − 1 for what is positive, else of "
        "high − low. All numbers are in calibration.csv.",
        "",
        markdown_table(header, [aim_line(table, aim) for aim in AIMS], left=1),
    ]
    for name, part in PARTS.items():
        rows = table[table.part == name]
        if len(rows):
            lines += section(rows, part)
    return "\n".join(lines) + "\n"


def write(table: pd.DataFrame, folder: Path) -> None:
    """Writes calibration.csv, calibration.md and the figure into the folder."""
    make_folder(folder)
    write_atomically(folder / f"{STEM}.csv", table.to_csv(index=False, float_format="%.10g"))
    write_atomically(folder / f"{STEM}.md", page(table))
    save_alone(folder, STEM, lambda: figure_of(table))
