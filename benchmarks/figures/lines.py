"""Figures of the variance along L: a line for each estimator, a panel for each θ and group."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from gradest.benchmarks.analysis.labels import INTERVALS, words
from gradest.benchmarks.figures.bundles import best_of, bundled, equal_entries, equal_notes
from gradest.benchmarks.figures.spec import (
    EXACT,
    LIMIT,
    MINIBATCHES,
    Axis,
    Entry,
    FigureSpec,
    Guide,
    Panel,
    Series,
    Style,
    hollow,
    numbers,
    point,
)

VARIANCE = "tr Cov(g)"
COLUMNS = 2
"""Panels in a row, at most: the names of the lines stand beside each."""

LEAST_LEVELS = 3
"""Ls from which on there is a curve; a table says fewer."""

FARTHEST = 10.0
"""An interval's end is on the axis where it is no more times beyond all values than this."""


class Facet(NamedTuple):
    """The measurements of one group at one θ, which a panel shows."""

    name: str
    title: str
    rows: pd.DataFrame


def facets_of(rows: pd.DataFrame, *, by_point: bool = True) -> list[Facet]:
    """The rows for each panel.

    Args:
        rows: measurements.
        by_point: whether each θ has panels of its own.

    Returns:
        A facet for each θ and group.
    """
    points = sorted(rows.point.unique(), key=lambda name: (len(name), name))
    if not by_point:
        points = [""]
    groups = sorted(rows.group.unique())
    facets = []
    for at in points:
        where = f", {words(at)}" if len(points) > 1 else ""
        for group in groups:
            part = rows[rows.group == group]
            if by_point:
                part = part[part.point == at]
            if len(part):
                facets.append(facet_of(group, where, part))
    return facets


def facet_of(group: str, where: str, rows: pd.DataFrame) -> Facet:
    """A group's rows, with what stands over their panel."""
    name = words(group)
    dim = int(rows.dim.iloc[0])
    size = f" ({dim} coordinates)" if dim > 1 else ""
    return Facet(name + where, f"∂/∂ {name}{size}{where}", rows)


def variance_vs_samples(
    name: str, title: str, rows: pd.DataFrame, styles: Mapping[str, Style]
) -> FigureSpec | None:
    """The variance against L, on logarithmic axes.

    Args:
        name: the figure's name.
        title: what stands over it.
        rows: one problem's measurements, labelled, with the column `zero`.
        styles: the style of each label.

    Returns:
        The figure; None where no panel has lines that differ.
    """
    facets = facets_of(rows)
    styles = those_of(styles, rows)
    lines = [lines_of(each, "num_samples", "variance", styles) for each in facets]
    several = [each.rows[~each.rows.zero].num_samples.nunique() for each in facets]
    shown = [i for i in range(len(facets)) if several[i] >= LEAST_LEVELS and len(lines[i]) > 1]
    if not shown:
        return None
    alike = [f for f, n, drawn in zip(facets, several, lines, strict=True) if n and len(drawn) == 1]
    few = [f for f, n, drawn in zip(facets, several, lines, strict=True) if 0 < n < LEAST_LEVELS]
    x = samples_axis(rows.num_samples)
    panels = [
        with_minibatches(line_panel(facets[i], lines[i], x, "variance", VARIANCE), facets[i])
        for i in shown
    ]
    notes = [
        f"Bars and shades: {INTERVALS}.",
        *equal_notes(panels),
        *left_out_notes(panels, [lines[i] for i in shown], "above at the largest L"),
        *absent_notes(alike, "all estimators agree"),
        *absent_notes([each for each in few if each not in alike], "fewer than three L"),
        *zero_notes([facets[i] for i in shown]),
    ]
    return FigureSpec(
        name,
        title,
        panels=tuple(panels),
        columns=min(COLUMNS, len(panels)),
        key=(equal_entries(panels), other_entries(panels)),
        notes=tuple(notes),
    )


def samples_axis(values: pd.Series) -> Axis:
    """The axis of L: logarithmic, a tick at each."""
    levels = np.sort(values.unique()).astype(float)
    gap = float(np.log(levels[1:] / levels[:-1]).min())
    return Axis(
        "samples L",
        scale="log",
        limits=(float(levels[0] * math.exp(-gap / 4)), float(levels[-1] * math.exp(gap / 4))),
        ticks=tuple(levels.tolist()),
        names=tuple(f"{level:g}" for level in levels),
    )


def absent_notes(facets: Sequence[Facet], why: str) -> list[str]:
    """A sentence on groups that have no panel."""
    names = "; ".join(each.name for each in facets)
    return [f"No panel, as {why} (numbers in tables/): {names}."] if facets else []


def left_out_notes(
    panels: Sequence[Panel], lines: Sequence[Sequence[Series]], where: str
) -> list[str]:
    """A sentence on the lines for which a panel has no room."""
    texts = []
    for panel, all_lines in zip(panels, lines, strict=True):
        names = [each.label for each in all_lines if each not in panel.series]
        if names:
            place = f" ({panel.name})" if len(panels) > 1 else ""
            texts.append(f"Not drawn{place}, {where}: {'; '.join(names)}.")
    return texts


def lines_of(facet: Facet, column: str, y: str, styles: Mapping[str, Style]) -> list[Series]:
    """A line for each estimator, or for several that are equal: the column `y` against another.

    Args:
        facet: what the panel shows.
        column: what is on the x axis.
        y: the column of the values; with `_low`, `_high` and `exact_` it names their intervals and
            what they estimate.
        styles: the estimators to draw, with their styles.
    """
    series = []
    for label, style in styles.items():
        line = facet.rows[facet.rows.label == label]
        if len(line):
            series.append(series_of(line.sort_values(column), column, y, style))
    return bundled(series)


def line_panel(facet: Facet, lines: Sequence[Series], x: Axis, y: str, y_label: str) -> Panel:
    """The lines, or as many of them as a panel may have.

    Args:
        facet: what the panel shows.
        lines: all of its lines.
        x: the x axis.
        y: the column of the values.
        y_label: what stands at the y axis.
    """
    drawn = best_of(lines, highest=y == "snr")
    return Panel(facet.name, facet.title, x, y_axis(drawn, y_label), tuple(drawn))


def with_minibatches(panel: Panel, facet: Facet) -> Panel:
    """The panel with the noise of minibatches, unless it is far from all that is drawn."""
    known = facet.rows[["minibatch_size", "minibatch_variance"]].dropna().drop_duplicates()
    assert panel.y.limits is not None
    low, high = panel.y.limits
    guides = tuple(
        Guide(MINIBATCHES, float(variance), label=f"minibatches of {size:g}")
        for size, variance in known.itertuples(index=False)
        if low / FARTHEST <= variance <= high * FARTHEST
    )
    if all(low < guide.at < high for guide in guides):
        return dataclasses.replace(panel, guides=guides)
    values = pd.Series([low, high, *(guide.at for guide in guides)])
    return dataclasses.replace(panel, guides=guides, y=log_axis(panel.y.label, values))


def series_of(line: pd.DataFrame, column: str, y: str, style: Style) -> Series:
    """One estimator's rows as a series.

    Where a variance is zero the line is broken, and where an interval reaches 0: all that is known
    there is its upper end.
    """
    drawn = drawable(line, y)
    low = line[f"{y}_low"]

    def positive(name: str, where: pd.Series) -> tuple[float | None, ...]:
        return numbers(line[name].where(where & (line[name] > 0)).to_numpy(float))

    return Series(
        str(line.label.iloc[0]),
        str(line.estimator.iloc[0]),
        style,
        x=tuple(line[column].to_numpy(float).tolist()),
        value=positive(y, drawn & ~(low <= 0)),
        low=positive(f"{y}_low", drawn),
        high=positive(f"{y}_high", drawn),
        exact=positive(f"exact_{y}", drawn),
        status=tuple(line.status),
    )


def drawable(rows: pd.DataFrame, y: str) -> pd.Series:
    """Which rows have a number: without variance there is none but the bias."""
    return ~rows.zero | (y == "bias_squared")


def y_axis(lines: Sequence[Series], label: str) -> Axis:
    """The logarithmic axis of what is drawn."""
    values = [value for each in lines for value in (*each.value, *limits_of(each)) if value]
    ends = [end for each in lines for end in (*each.low, *each.high) if end]
    low, high = min(values), max(values)
    return log_axis(
        label,
        pd.Series(
            [
                max(min([low, *ends]), low / FARTHEST),
                min(max([high, *ends]), high * FARTHEST),
            ]
        ),
    )


def limits_of(series: Series) -> list[float]:
    """The upper ends of intervals that reach 0."""
    ends = zip(series.value, series.high, strict=True)
    return [high for value, high in ends if value is None and high is not None]


def log_axis(label: str, values: pd.Series) -> Axis:
    """A logarithmic axis round the values."""
    low = float(values.min())
    high = float(values.max())
    pad = math.exp(0.06 * math.log(high / low) + 0.08)
    return Axis(label, scale="log", limits=(low / pad, high * pad))


def those_of(styles: Mapping[str, Style], rows: pd.DataFrame) -> dict[str, Style]:
    """The styles of what the rows draw."""
    drawn = set(rows.label)
    return {label: style for label, style in styles.items() if label in drawn}


def other_entries(panels: Sequence[Panel]) -> tuple[Entry, ...]:
    """What the key has to say beside the estimators."""
    lines = [series for panel in panels for series in panel.series]
    entries = []
    if any(each.exact.count(None) < len(each.exact) for each in lines):
        entries.append(Entry(EXACT, "exact"))
    if any("unreliable" in each.status for each in lines):
        entries.append(Entry(hollow(point("o", "0.3")), "unreliable (hollow)"))
    if any(map(limits_of, lines)):
        entries.append(Entry(LIMIT, "upper end of an interval that reaches 0"))
    return tuple(entries)


def zero_notes(facets: list[Facet], column: str = "num_samples", name: str = "L") -> list[str]:
    """A sentence on the estimators whose variances are zero, and so are not on logarithmic axes.

    Args:
        facets: the panels of the figure.
        column: what is on the x axis.
        name: that in words.
    """
    where: dict[str, list[str]] = {}
    for each in facets:
        for label, line in each.rows.groupby("label"):
            at = ", ".join(f"{value:g}" for value in sorted(line[column][line.zero].unique()))
            if at:
                place = each.name if line.zero.all() else f"{each.name} at {name} = {at}"
                where.setdefault(str(label), []).append(place)
    everywhere = [each.name for each in facets]
    texts = [
        label if places == everywhere else f"{label} ({'; '.join(places)})"
        for label, places in where.items()
    ]
    return [f"Variance zero (to rounding), not drawn: {'; '.join(texts)}."] if texts else []
