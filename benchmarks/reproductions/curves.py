"""A paper's figures as it draws them: our values with intervals, and the published ones over them.

What is drawn a sweep's `[[paper_figure]]` says; no paper is known by name.
"""

import dataclasses
import json
import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from gradest.benchmarks.analysis.labels import INTERVALS, number_text, safe_name, unique, words
from gradest.benchmarks.analysis.results import Run, called_zero
from gradest.benchmarks.figures.lines import y_axis
from gradest.benchmarks.figures.looks import look_of
from gradest.benchmarks.figures.spec import (
    EXACT,
    Axis,
    Entry,
    FigureSpec,
    Panel,
    Series,
    Style,
    hollow,
    numbers,
    point,
)
from gradest.benchmarks.published.entries import KINDS, STEP, PaperFigure
from gradest.benchmarks.published.metrics import METRICS, Measured
from gradest.benchmarks.published.whole import in_group
from gradest.benchmarks.reproductions.along import PLACE, steps_axis, steps_of
from gradest.benchmarks.statistics.intervals import Interval
from gradest.estimators import named_estimator

PREFIX = "paper_"
"""Begins the names of these figures."""

AT_START = -1
"""In place of a step, of what was measured without training."""

MARKED = 8
"""About so many points of a line along training have a marker and a bar."""

AT_THETA = (
    f"Bars and shades: {INTERVALS}. Published values have the errors of their reading and of their "
    "draws."
)
ALONG = (
    f"Bars and shades: {INTERVALS}, of the mean over seeds. Published values have the errors of "
    "their reading, of their draws and, of one seed, of where one of ours would lie."
)

COUNTED, NOT_COUNTED = "#000000", "0.6"
"""The colours of what was published."""

OURS = ("ours", "ours_low", "ours_high")
THEIRS = ("published", "published_low", "published_high")


class Line(NamedTuple):
    """One of the paper's estimators, in a panel."""

    label: str
    rows: pd.DataFrame
    """Of the run, with `x`, and `ours` with its interval."""
    style: Style


def paper_figures(run: Run) -> Iterator[FigureSpec]:
    """The figures that the run's sweep has of its paper, as far as they have values."""
    sweep = (run.manifest or {}).get("sweep") or {}
    taken: set[str] = set()
    for each in sweep.get("paper_figure") or []:
        asked = PaperFigure.model_validate(each)
        spec = paper_figure(asked, run)
        if spec:
            yield dataclasses.replace(spec, name=unique(spec.name, taken))


def paper_figure(asked: PaperFigure, run: Run) -> FigureSpec | None:
    """One figure of a paper; None where nothing of it was measured."""
    table = measured(asked, run)
    parts = panels_of(asked, table)
    panels = [panel for title, rows in parts if (panel := panel_of(asked, title, rows, run))]
    if not panels:
        return None
    sources = {} if run.published is None else dict.fromkeys(compared_in(asked, run).source)
    notes = [
        ALONG if asked.x == STEP else AT_THETA,
        *(f"Published: {source}." for source in sources),
    ]
    return FigureSpec(
        PREFIX + safe_name(words_of(asked.figure)),
        asked.figure,
        panels=tuple(panels),
        columns=min(asked.columns, len(panels)),
        key=(tuple(entries_of(panels)),),
        notes=tuple(notes),
    )


def words_of(title: str) -> str:
    """A title as part of a file's name."""
    return title.lower().replace(" ", "_").replace(",", "")


def measured(asked: PaperFigure, run: Run) -> pd.DataFrame:
    """The run's rows that have the metric, with `x`, `panel` and `ours`."""
    if asked.x == STEP:
        return along_training(asked, run)
    table = run.measurements
    table = table[table.status.isin(["ok", "unreliable"])]
    if asked.group:
        table = in_group(table, asked.group)
    table = table.assign(
        step=AT_START,
        x=[position(row, asked.x, asked.x_as) for row in table.itertuples()],
        panel=[position(row, asked.panel) for row in table.itertuples()],
        zero=called_zero(table),
    )
    values = [ours_of(asked, row) for row in table.to_dict("records")]
    for number, name in enumerate(OURS):
        table[name] = [value[number] for value in values]
    table["exact_ours"] = [exact_of(asked, row) for row in table.to_dict("records")]
    compared = compared_in(asked, run).drop_duplicates(PLACE).set_index(PLACE)
    table = table.set_index(PLACE, drop=False)
    table.update(compared[list(OURS)])
    return table.reset_index(drop=True)


def along_training(asked: PaperFigure, run: Run) -> pd.DataFrame:
    """The same of every step of training, in the mean over seeds."""
    there = list(steps_of(asked, run))
    table = pd.DataFrame([each.row for each in there])
    for number, name in enumerate(OURS):
        table[name] = [each.ours[number] for each in there]
    return table.assign(
        status=[each.status for each in there],
        x=[float(each.row.step) for each in there],
        panel=[position(each.row, asked.panel) for each in there],
        zero=False,
        exact_ours=math.nan,
    )


def compared_in(asked: PaperFigure, run: Run) -> pd.DataFrame:
    """What was published of a figure's metric, with PLACE known in every row."""
    if run.published is None:
        return pd.DataFrame(columns=[*PLACE, *OURS])
    rows = run.published[(run.published.metric == asked.metric) & run.published.cell.notna()]
    return rows.assign(group=rows.group.fillna(""), step=rows.step.fillna(AT_START))


def position(row: Any, what: str, as_: str | None = None) -> float:
    """Where a row stands along an axis, or in which panel; 0 where nothing is said.

    >>> from types import SimpleNamespace
    >>> position(SimpleNamespace(problem_args='{"logit": 0.0}'), "problem.logit", "probability")
    0.5
    """
    if not what:
        return 0.0
    kind, _, argument = what.partition(".")
    if kind in KINDS and argument:
        value = json.loads(getattr(row, f"{kind}_args")).get(argument, math.nan)
    else:
        value = getattr(row, what)
    number = float(value)
    return 1 / (1 + math.exp(-number)) if as_ == "probability" else number


def ours_of(asked: PaperFigure, row: dict[str, Any]) -> Interval:
    """The metric of a row, as far as it has it: what needs moments is in published.csv alone."""
    return METRICS[asked.metric].ours(Measured(row))


def exact_of(asked: PaperFigure, row: dict[str, Any]) -> float:
    """The metric of an exact variance; not a number where it is not known."""
    exact = row["exact_variance"]
    ends = dict.fromkeys(("variance", "variance_low", "variance_high"), exact)
    if not exact > 0:
        return math.nan
    return METRICS[asked.metric].ours(Measured(row | ends)).value


def panels_of(asked: PaperFigure, table: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """The rows of each panel, with its title."""
    name = asked.panel_label or words(asked.panel.rpartition(".")[2])
    for value, rows in table.groupby("panel", sort=True):
        yield (f"{name} = {number_text(float(value))}" if asked.panel else ""), rows


def panel_of(asked: PaperFigure, title: str, rows: pd.DataFrame, run: Run) -> Panel | None:
    """One panel; None where it has no values."""
    lines = [
        Line(
            label, found.sort_values("x"), look_of(*found[["estimator", "estimator_args"]].iloc[0])
        )
        for label, text in asked.lines.items()
        if len(found := rows_of(rows, text))
    ]
    series = [series_of(asked, line) for line in lines]
    theirs = [each for line in lines for each in published_of(asked, line, run)]
    if not any(value for each in series for value in each.value):
        return None
    y_label = asked.y_label or METRICS[asked.metric].words
    if not asked.x:
        x = Axis(y_label, scale="log") if has_logarithms(asked) else Axis(y_label)
        y = Axis(scale="rows", names=tuple(line.label for line in lines))
        return Panel(title, title, x, y, tuple(series), published=tuple(theirs))
    y = values_axis(asked, y_label, [*series, *theirs])
    x = x_axis(asked, [value for each in series for value in each.x])
    return Panel(title, title, x, y, tuple(series), published=tuple(theirs))


def rows_of(rows: pd.DataFrame, text: str) -> pd.DataFrame:
    """The rows of an estimator with the arguments that a text has, whatever its others."""
    name, given = named_estimator(text, {})
    fitting = [
        row.estimator == name and given.items() <= json.loads(row.estimator_args).items()
        for row in rows.itertuples()
    ]
    return rows[fitting]


def has_logarithms(asked: PaperFigure) -> bool:
    """Whether the metric has a logarithmic axis."""
    return METRICS[asked.metric].scale == "positive"


def values_axis(asked: PaperFigure, label: str, series: Sequence[Series]) -> Axis:
    """The y axis, as far as the paper's goes where that is said."""
    axis = y_axis(series, label) if has_logarithms(asked) else Axis(label)
    if asked.y_limits is None:
        return axis
    low, high = asked.y_limits
    return dataclasses.replace(axis, limits=(low, high))


def x_axis(asked: PaperFigure, values: Sequence[float]) -> Axis:
    """The x axis: round numbers, with a margin."""
    low, high = min(values), max(values)
    label = asked.x_label or words(asked.x.rpartition(".")[2])
    if asked.x == STEP:
        return steps_axis(label, high)
    pad = 0.04 * (high - low) or 0.5
    return Axis(label, limits=(low - pad, high + pad))


def series_of(asked: PaperFigure, line: Line) -> Series:
    """A line's values; of zeros there are none on a logarithmic axis."""
    rows = line.rows
    drawn = ~rows.zero.to_numpy(bool)
    is_log = has_logarithms(asked)
    value, low, high, exact = (
        only_drawn(rows[name].to_numpy(float), drawn, is_log) for name in (*OURS, "exact_ours")
    )
    return Series(
        line.label,
        str(rows.estimator.iloc[0]),
        line.style,
        x=x_of(rows),
        value=value,
        low=low,
        high=high,
        exact=exact,
        status=tuple(rows.status),
        every=max(1, round(len(rows) / MARKED)) if asked.x == STEP else 1,
    )


def x_of(rows: pd.DataFrame) -> tuple[float, ...]:
    """Where the rows stand along the axis."""
    return tuple(rows.x.to_numpy(float).tolist())


def only_drawn(values: Any, drawn: Any, is_log: bool) -> tuple[float | None, ...]:
    """The values that are drawn, as a series has them."""
    possible = values > 0 if is_log else np.isfinite(values)
    return numbers(np.where(drawn & possible, values, np.nan))


def published_of(asked: PaperFigure, line: Line, run: Run) -> Iterator[Series]:
    """What was published of a line: what counts, and what is only shown."""
    if run.published is None:
        return
    places = line.rows[[*PLACE, "x", "estimator"]]
    joined = places.merge(compared_in(asked, run), on=PLACE)
    for colour, rows in (
        (COUNTED, joined[joined.not_counted.isna()]),
        (NOT_COUNTED, joined[joined.not_counted.notna()]),
    ):
        if len(rows):
            yield published_series(line, rows, colour)


def published_series(line: Line, rows: pd.DataFrame, colour: str) -> Series:
    """Published values: the line's marker, open."""
    style = dataclasses.replace(hollow(line.style), color=colour, edge=colour, edge_width=0.8)
    value, low, high = (numbers(rows[name].to_numpy(float)) for name in THEIRS)
    known = ("ok",) * len(rows)
    nothing = (None,) * len(rows)
    return Series(
        line.label,
        str(rows.estimator.iloc[0]),
        style,
        x=x_of(rows),
        value=value,
        low=low,
        high=high,
        exact=nothing,
        status=known,
    )


def entries_of(panels: Sequence[Panel]) -> Iterator[Entry]:
    """What the key says besides the lines' names."""
    published = [series for panel in panels for series in panel.published]
    ours = [series for panel in panels for series in panel.series]
    for colour, label in ((COUNTED, "published"), (NOT_COUNTED, "published, not counted")):
        if any(series.style.color == colour for series in published):
            marker = hollow(point("o", colour))
            yield Entry(dataclasses.replace(marker, edge_width=0.8), label)
    if any(value is not None for series in ours for value in series.exact):
        yield Entry(EXACT, "exact")
    if any("unreliable" in series.status for series in ours):
        yield Entry(hollow(point("o", "0.3")), "ours, unreliable (hollow)")
