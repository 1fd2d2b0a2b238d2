"""Figures of the variance along L and along the time of an estimate.

A line for each estimator, a panel for each θ and group.
"""

import dataclasses
import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.sparse.csgraph import connected_components

from gradest.benchmarks.analysis.labels import INTERVALS, words
from gradest.benchmarks.analysis.results import slope_of
from gradest.benchmarks.figures.spec import (
    DIAGONAL,
    EXACT,
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

VARIANCE = "variance of the gradient"


class Facet(NamedTuple):
    """The measurements of one group at one θ, which a panel shows."""

    name: str
    title: str
    rows: pd.DataFrame


def facets_of(rows: pd.DataFrame, *, by_point: bool = True) -> tuple[list[Facet], int]:
    """The rows for each panel.

    Args:
        rows: measurements.
        by_point: whether each θ has panels of its own.

    Returns:
        A facet for each θ (a row of panels) and group (a column), and how many make a row.
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
    columns = len(groups) if len(groups) > 1 else len(points)
    return facets, min(3, columns)


def facet_of(group: str, where: str, rows: pd.DataFrame) -> Facet:
    """A group's rows, with what stands over their panel."""
    name = words(group)
    dim = int(rows.dim.iloc[0])
    size = f" ({dim} coordinates)" if dim > 1 else ""
    return Facet(name + where, f"∂/∂ {name}{size}{where}", rows)


def variance_vs_samples(
    name: str, title: str, rows: pd.DataFrame, styles: Mapping[str, Style]
) -> FigureSpec:
    """ln variance against ln L, and in the key its slope.

    Args:
        name: the figure's name.
        title: what stands over it.
        rows: one problem's measurements, labelled, with the column `zero`.
        styles: the style of each label.
    """
    facets, columns = facets_of(rows)
    styles = those_of(styles, rows)
    levels = np.sort(rows.num_samples.unique()).astype(float)
    gap = float(np.log(levels[1:] / levels[:-1]).min())
    shifts = [sideways_shifts(each.rows, gap) for each in facets]
    x = Axis(
        "samples L",
        scale="log",
        limits=(float(levels[0] * math.exp(-gap / 4)), float(levels[-1] * math.exp(gap / 4))),
        ticks=tuple(levels.tolist()),
        names=tuple(f"{level:g}" for level in levels),
    )
    notes = [f"In brackets and shaded: {INTERVALS}."]
    if any(shift for panel in shifts for shift in panel.values()):
        notes.append("Points that would hide each other are set apart sideways.")
    return FigureSpec(
        name,
        title,
        panels=tuple(
            line_panel(each, "num_samples", x, "variance", VARIANCE, styles, shift)
            for each, shift in zip(facets, shifts, strict=True)
        ),
        columns=columns,
        key=(slope_entries(facets, styles), other_entries(rows)),
        notes=tuple(notes),
    )


def variance_vs_cost(
    name: str, title: str, rows: pd.DataFrame, styles: Mapping[str, Style]
) -> FigureSpec:
    """Variance against the seconds of one estimate; on a diagonal, work buys the same.

    Args:
        name: the figure's name.
        title: what stands over it.
        rows: one problem's measurements that were timed, labelled, with the column `zero`.
        styles: the style of each label.
    """
    facets, columns = facets_of(rows)
    styles = those_of(styles, rows[~rows.zero])
    levels = ", ".join(map(str, sorted(rows.num_samples.unique())))
    entries = [Entry(style, label) for label, style in styles.items()]
    entries.append(Entry(DIAGONAL, "equal variance × seconds"))
    return FigureSpec(
        name,
        title,
        panels=tuple(cost_panel(each, styles) for each in facets),
        columns=columns,
        key=((*entries, *other_entries(rows)),),
        notes=(
            f"On each line, from the top: L = {levels}. Shaded: {INTERVALS}.",
            *zero_notes(facets),
        ),
    )


def cost_panel(facet: Facet, styles: Mapping[str, Style]) -> Panel:
    """Variance against seconds, over diagonals where anything is drawn."""
    x = Axis("seconds per estimate")
    drawn = facet.rows[~facet.rows.zero]
    if drawn.empty:
        return line_panel(facet, "seconds", x, "variance", VARIANCE, styles)
    x = log_axis(x.label, drawn.seconds)
    panel = line_panel(facet, "seconds", x, "variance", VARIANCE, styles)
    return dataclasses.replace(panel, guides=(Guide("equal products", DIAGONAL),))


def line_panel(
    facet: Facet,
    column: str,
    x: Axis,
    y: str,
    y_label: str,
    styles: Mapping[str, Style],
    shifts: Mapping[str, float] | None = None,
) -> Panel:
    """A line for each estimator: the column `y` against another.

    Args:
        facet: what the panel shows.
        column: what is on the x axis.
        x: the x axis.
        y: the column of the values; with `_low`, `_high` and `exact_` it names their intervals and
            what they estimate.
        y_label: what stands at the y axis.
        styles: the estimators to draw, with their styles.
        shifts: what to add to ln x, by label.
    """
    shifts = shifts or {}
    series = []
    for label, style in styles.items():
        line = facet.rows[facet.rows.label == label]
        if len(line):
            # at every L the time may differ, but the line goes along L
            line = line.sort_values("num_samples" if column == "seconds" else column)
            series.append(series_of(line, column, y, style, shifts.get(label, 0.0)))
    return Panel(facet.name, facet.title, x, y_axis(facet.rows, y, y_label), tuple(series))


def series_of(line: pd.DataFrame, column: str, y: str, style: Style, shift: float) -> Series:
    """One estimator's rows as a series.

    Where a variance is zero the line is broken, and where an estimate is not positive.
    """
    drawn = drawable(line, y)

    def positive(name: str) -> np.ndarray:
        return line[name].where(drawn & (line[name] > 0)).to_numpy(float)

    return Series(
        str(line.label.iloc[0]),
        str(line.estimator.iloc[0]),
        style,
        x=tuple(line[column].to_numpy(float).tolist()),
        value=numbers(positive(y)),
        low=numbers(line[f"{y}_low"].to_numpy(float)),
        high=numbers(positive(f"{y}_high")),
        exact=numbers(positive(f"exact_{y}")),
        status=tuple(line.status),
        shift=shift,
    )


def drawable(rows: pd.DataFrame, y: str) -> pd.Series:
    """Which rows have a number: without variance there is none but the bias."""
    return ~rows.zero | (y == "bias_squared")


def y_axis(rows: pd.DataFrame, y: str, label: str) -> Axis:
    """The logarithmic axis of what is drawn of a column; where that is nothing, a linear one."""
    values = rows[y]
    if y == "bias_squared":  # where it is lost in noise, how large it may be is all that is known
        values = pd.concat([values, rows[f"{y}_high"]])
    values = values[(values > 0) & drawable(rows, y).loc[values.index]]
    return log_axis(label, values) if len(values) else Axis(label)


def log_axis(label: str, values: pd.Series) -> Axis:
    """A logarithmic axis round the values."""
    low = float(values.min())
    high = float(values.max())
    pad = math.exp(0.06 * math.log(high / low) + 0.08)
    return Axis(label, scale="log", limits=(low / pad, high * pad))


def sideways_shifts(rows: pd.DataFrame, gap: float) -> dict[str, float]:
    """How far to shift, in ln L, the estimators whose points would hide each other.

    Args:
        rows: one panel's.
        gap: between the two nearest Ls, in ln L.
    """
    drawn = rows[~rows.zero]
    logs = np.log(drawn.pivot_table(index="label", columns="num_samples", values="variance"))
    if logs.empty:
        return {}
    values = logs.to_numpy()
    near = 0.025 * (np.nanmax(values) - np.nanmin(values))
    count, member = connected_components((np.abs(values[:, None] - values) <= near).any(2))
    shifts: dict[str, float] = {}
    for cluster in range(count):
        labels = logs.index[member == cluster]
        step = gap * min(0.06, 0.4 / len(labels))
        shifts |= {label: step * (i - (len(labels) - 1) / 2) for i, label in enumerate(labels)}
    return shifts


def those_of(styles: Mapping[str, Style], rows: pd.DataFrame) -> dict[str, Style]:
    """The styles of what the rows draw."""
    drawn = set(rows.label)
    return {label: style for label, style in styles.items() if label in drawn}


def slope_entries(facets: list[Facet], styles: Mapping[str, Style]) -> tuple[Entry, ...]:
    """The estimators with their slopes in each panel, under a heading."""
    names = tuple(each.name for each in facets)
    entries = [Entry(None, "slope of ln variance on ln L", names)]
    for label, style in styles.items():
        cells = [slope_text(each.rows[each.rows.label == label]) for each in facets]
        entries.append(Entry(style, label, tuple(cells)))
    return tuple(entries)


def slope_text(line: pd.DataFrame) -> str:
    """One estimator's slope in one panel with its interval, or why there is none."""
    if line.empty:
        return ""
    if line.zero.all():
        return "variance zero" if (line.variance == 0).all() else "zero to rounding"
    slope = slope_of(line[~line.zero])
    return f"{slope.value:.2f} [{slope.low:.2f}, {slope.high:.2f}]" if slope else "–"


def other_entries(rows: pd.DataFrame) -> tuple[Entry, ...]:
    """What the key has to say beside the estimators."""
    drawn = rows[~rows.zero]
    entries = []
    if (drawn.exact_variance > 0).any():
        entries.append(Entry(EXACT, "exact"))
    if (drawn.status == "unreliable").any():
        entries.append(Entry(hollow(point("o", "0.3")), "unreliable (hollow)"))
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
