"""A paper's figures as it draws them: our values with intervals, and the published ones over them.

What is drawn a sweep's `[[paper_figure]]` says; no paper is known by name.
"""

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from gradest.benchmarks.analysis.labels import INTERVALS, number_text, safe_name, unique, words
from gradest.benchmarks.analysis.results import Run
from gradest.benchmarks.figures.lines import log_axis, y_axis
from gradest.benchmarks.figures.looks import look_of
from gradest.benchmarks.figures.spec import (
    DIAGONAL,
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
from gradest.benchmarks.paper_metrics.metrics import METRICS
from gradest.benchmarks.published.entries import STEP, PaperFigure
from gradest.benchmarks.reproductions.along import PLACE, steps_axis
from gradest.benchmarks.reproductions.statements import statements
from gradest.benchmarks.reproductions.values import (
    OURS,
    compared_in,
    figures_asked,
    measured,
    panels_of,
    rows_of,
)

PREFIX = "paper_"
"""Begins the names of these figures."""

MARKED = 8
"""About so many points of a line along training have a marker and a bar."""

COUNTED, NOT_COUNTED = "#000000", "0.6"
"""The colours of what was published."""

THEIRS = ("published", "published_low", "published_high")


class Line(NamedTuple):
    """One of the paper's estimators, in a panel."""

    label: str
    rows: pd.DataFrame
    """Of the run, with `x`, and `ours` with its interval."""
    style: Style


def paper_figures(run: Run) -> Iterator[FigureSpec]:
    """The figures that the run's sweep has of its paper, as far as they have values."""
    taken: set[str] = set()
    for asked in figures_asked(run):
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
    notes = [f"Bars and shades: {of_our_intervals(asked)}.", *notes_on_published(asked, run)]
    notes += [f"{text}." for text in statements(asked, run)]
    notes += [asked.note] if asked.note else []
    return FigureSpec(
        PREFIX + safe_name(words_of(asked.figure)),
        asked.figure,
        panels=tuple(panels),
        columns=min(asked.columns, len(panels)),
        key=(tuple(entries_of(asked, panels)),),
        notes=tuple(notes),
    )


def of_our_intervals(asked: PaperFigure) -> str:
    """What our intervals are of."""
    return f"{INTERVALS}, of the mean over seeds" if asked.x == STEP else INTERVALS


def notes_on_published(asked: PaperFigure, run: Run) -> list[str]:
    """What is to be said of the published values; nothing where there are none."""
    sources = dict.fromkeys(compared_in(asked, run).source)
    if not sources:
        return []
    errors = "Published values have the errors of their reading and of their draws"
    seeds = ", and of one seed that of where one of ours would lie" if asked.x == STEP else ""
    return [f"{errors}{seeds}.", *(f"Published: {source}." for source in sources)]


def words_of(title: str) -> str:
    """A title as part of a file's name."""
    return title.lower().replace(" ", "_").replace(",", "")


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
    theirs += [each for line in series for each in power_law_of(asked, line)]
    if not any(value for each in series for value in each.value):
        return None
    y_label = asked.y_label or METRICS[asked.metric].words
    values = values_axis(asked, y_label, [*series, *theirs])
    if not asked.x and values.limits is None:
        values = linear_axis([*series, *theirs], y_label)
    if not asked.x:
        rows_axis = Axis(scale="rows", names=tuple(line.label for line in lines))
        return Panel(title, title, values, rows_axis, tuple(series), published=tuple(theirs))
    x = x_axis(asked, pd.Series([value for each in series for value in each.x]))
    return Panel(title, title, x, values, tuple(series), published=tuple(theirs))


def has_logarithms(asked: PaperFigure) -> bool:
    """Whether the metric has a logarithmic axis."""
    if asked.y_scale is not None:
        return asked.y_scale == "log"
    return METRICS[asked.metric].scale == "positive"


def values_axis(asked: PaperFigure, label: str, series: Sequence[Series]) -> Axis:
    """The axis of the metric, as far as the paper's goes where that is said."""
    axis = y_axis(series, label) if has_logarithms(asked) else Axis(label)
    if asked.y_limits is None:
        return axis
    low, high = asked.y_limits
    return dataclasses.replace(axis, limits=(low, high))


def linear_axis(series: Sequence[Series], label: str) -> Axis:
    """A linear axis round values and intervals."""
    drawn = [number for each in series for number in (*each.value, *each.low, *each.high)]
    ends = [number for number in drawn if number is not None]
    return padded_axis(label, min(ends), max(ends))


def padded_axis(label: str, low: float, high: float) -> Axis:
    """A linear axis between two ends, with a margin."""
    pad = 0.04 * (high - low) or 0.5
    return Axis(label, limits=(low - pad, high + pad))


def x_axis(asked: PaperFigure, values: pd.Series) -> Axis:
    """The x axis, with a margin."""
    label = asked.x_label or words(asked.x.rpartition(".")[2])
    low, high = float(values.min()), float(values.max())
    if asked.x == STEP:
        return steps_axis(label, high)
    if asked.x_scale == "log":
        return log_axis(label, values)
    return padded_axis(label, low, high)


def power_law_of(asked: PaperFigure, line: Series) -> Iterator[Series]:
    """The power law that the paper has for a line, through the last of our values."""
    power = (asked.slopes or {}).get(line.label)
    last = line.value[-1]
    if power is None or last is None:
        return
    values = tuple(last * (x / line.x[-1]) ** power for x in line.x)
    nothing = (None,) * len(values)
    yield dataclasses.replace(
        line, style=DIAGONAL, value=values, low=nothing, high=nothing, exact=nothing
    )


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


def entries_of(asked: PaperFigure, panels: Sequence[Panel]) -> Iterator[Entry]:
    """What the key says besides the lines' names."""
    over = [series for panel in panels for series in panel.published]
    published = [series for series in over if series.style != DIAGONAL]
    ours = [series for panel in panels for series in panel.series]
    for colour, label in ((COUNTED, "published"), (NOT_COUNTED, "published, not counted")):
        if any(series.style.color == colour for series in published):
            marker = hollow(point("o", colour))
            yield Entry(dataclasses.replace(marker, edge_width=0.8), label)
    for power in dict.fromkeys((asked.slopes or {}).values()):
        yield Entry(DIAGONAL, f"power {number_text(power)}, as the paper has it")
    if any(value is not None for series in ours for value in series.exact):
        yield Entry(EXACT, "exact")
    if any("unreliable" in series.status for series in ours):
        yield Entry(hollow(point("o", "0.3")), "ours, unreliable (hollow)")
