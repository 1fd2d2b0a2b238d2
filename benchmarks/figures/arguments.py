"""Figures along a numeric argument, of a problem (k, t, …) or of estimators (τ, …).

Drawn are the variance, signal against noise, and the bias, at each L at which some line has four
values or more: of more than three such L, at the least and the largest. A panel in which nothing
differs is left out. What is not drawn are rows of the tables, as all is.
"""

import dataclasses
import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd

from gradest.benchmarks.analysis.labels import (
    INTERVALS,
    problem_label,
    safe_name,
    slug,
    without,
    words,
)
from gradest.benchmarks.analysis.results import labelled
from gradest.benchmarks.figures.bundles import alike, equal_entries, equal_notes, points_of
from gradest.benchmarks.figures.lines import (
    COLUMNS,
    VARIANCE,
    Facet,
    absent_notes,
    drawable,
    facets_of,
    left_out_notes,
    line_panel,
    lines_of,
    log_axis,
    other_entries,
    those_of,
    zero_notes,
)
from gradest.benchmarks.figures.spec import Axis, FigureSpec, Series, Style

LEAST_SWEPT = 4
"""Values of an argument from which on it is an axis."""

MOST_LEVELS = 3
"""So many L have figures of their own; of more, the least and the largest."""

WIDE = 30
"""Ratio of an argument's largest to its least value from which on its axis is logarithmic."""

AGAINST_ARGUMENT = {
    "variance": VARIANCE,
    "snr": "signal to noise ‖E g‖/√tr Cov(g)",
    "bias_squared": "squared bias ‖E g − ∇‖²",
}
"""What is drawn against an argument, with the words at its axis; the last of biased estimators, in
theory or as they were found."""

SYMBOLS = {"temperature": "τ", "gamma": "γ", "num_particles": "K"}
"""What stands after an argument's name at its axis."""


class ArgumentSweep(NamedTuple):
    """Measurements of one problem that one numeric argument tells apart."""

    problem: str
    argument: str
    rest: str
    """The problem's other arguments."""
    rows: pd.DataFrame
    """The argument is the column `value`; `label` is without it where it is the estimators'."""
    of_estimators: bool


def argument_sweeps(table: pd.DataFrame) -> Iterator[ArgumentSweep]:
    """The numeric arguments of problems with values enough to be an axis.

    Args:
        table: measurements, labelled.

    Returns:
        A sweep for each argument of a problem and each choice of its other arguments.
    """
    for problem, rows in table.groupby("problem"):
        for argument, value in values_of(rows.problem_args):
            if not value.map(is_number).all():
                continue
            rest = [without(args, argument) for args in rows.problem_args]
            for fixed, part in rows.assign(value=value.astype(float)).groupby(rest):
                if part.value.nunique() >= LEAST_SWEPT:
                    yield ArgumentSweep(str(problem), argument, str(fixed), part, False)


def estimator_sweeps(table: pd.DataFrame) -> Iterator[ArgumentSweep]:
    """The numeric arguments of estimators with values enough to be an axis.

    Args:
        table: measurements, labelled.

    Returns:
        A sweep for each problem and argument, of all estimators that have it.
    """
    for (problem, setting), rows in table.groupby(["problem", "setting"]):
        for argument, value in values_of(rows.estimator_args):
            part = rows[value.map(is_number)]
            part = part.assign(
                value=value[part.index].astype(float),
                estimator_args=[without(args, argument) for args in part.estimator_args],
            )
            lines = part.groupby(["estimator", "estimator_args"])
            part = lines.filter(lambda line: line.value.nunique() >= LEAST_SWEPT)
            if len(part):
                relabelled = labelled(part).set_index(part.index)
                yield ArgumentSweep(str(problem), argument, str(setting), relabelled, True)


def values_of(texts: pd.Series) -> Iterator[tuple[str, pd.Series]]:
    """Each argument in the JSON texts, with its value in every row: None in one without it."""
    read = texts.map(json.loads)
    for argument in sorted({key for args in read for key in args}):
        yield argument, read.map(lambda args, key=argument: args.get(key))


def is_number(value: Any) -> bool:
    """Whether an argument's value is one that an axis can have."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def against_argument(sweep: ArgumentSweep, styles: Mapping[str, Style]) -> Iterator[FigureSpec]:
    """Variance, signal against noise, and bias as an argument changes: a figure of each for each L.

    Args:
        sweep: the measurements.
        styles: the style of each label.
    """
    levels = sorted(sweep.rows.num_samples.unique())
    shown = levels_shown(sweep.rows)
    others = [level for level in levels if level not in shown]
    for level in shown:
        at_level = sweep.rows[sweep.rows.num_samples == level]
        suffix = f"_L{level}" if len(levels) > 1 else ""
        for column in AGAINST_ARGUMENT:
            rows = at_level
            if column == "bias_squared":
                found = rows[rows.bias_finding == "biased"].label
                rows = rows[~rows.unbiased.astype(bool) | rows.label.isin(found)]
            if not (rows[f"{column}_high"][drawable(rows, column)] > 0).any():
                continue
            figure = column_vs_argument(column, sweep, rows, styles, f"L = {level}", suffix)
            if figure:
                notes = (*figure.notes, *other_levels_notes(others))
                yield dataclasses.replace(figure, notes=notes)


def levels_shown(rows: pd.DataFrame) -> list[int]:
    """The L at which a line has LEAST_SWEPT values; of many such, the least and the largest."""
    values = rows.groupby(["num_samples", "label"]).value.nunique()
    longest = values.groupby("num_samples").max()
    levels = sorted(longest.index[longest >= LEAST_SWEPT])
    return levels if len(levels) <= MOST_LEVELS else [levels[0], levels[-1]]


def other_levels_notes(levels: Sequence[int]) -> list[str]:
    """A sentence on the L that have no figure."""
    texts = ", ".join(map(str, levels))
    return [f"No figure (numbers in tables/): L = {texts}."] if levels else []


def column_vs_argument(
    column: str,
    sweep: ArgumentSweep,
    rows: pd.DataFrame,
    styles: Mapping[str, Style],
    level: str,
    suffix: str,
) -> FigureSpec | None:
    """One of AGAINST_ARGUMENT at one L; None where nothing differs in any panel.

    Args:
        column: which.
        sweep: the measurements.
        rows: those of them to draw.
        styles: the style of each label.
        level: L in words.
        suffix: ends the figure's name.
    """
    facets = facets_of(rows, by_point=sweep.of_estimators)
    styles = those_of(styles, rows[drawable(rows, column)])
    x = argument_axis(sweep.argument, rows.value)
    of_facets = [(each, lines_of(each, "value", column, styles)) for each in facets]
    of_facets = [(facet, lines) for facet, lines in of_facets if lines]
    of_facets, valueless = with_values(of_facets)
    alike_in = [facet for facet, lines in of_facets if not differ(lines)]
    of_facets = [(facet, lines) for facet, lines in of_facets if differ(lines)]
    if not of_facets:
        return None
    panels = [
        line_panel(facet, lines, x, column, AGAINST_ARGUMENT[column]) for facet, lines in of_facets
    ]
    notes = [
        f"Bars and shades: {INTERVALS}.",
        *equal_notes(panels),
        *left_out_notes(panels, [lines for _, lines in of_facets], "worse at the right"),
        *absent_notes(valueless, "all intervals reach 0"),
        *absent_notes(alike_in, "nothing differs"),
    ]
    if column != "bias_squared":
        notes += zero_notes(facets, "value", x.label)
    return FigureSpec(
        f"{column}_vs_{safe_name(sweep.argument)}_{slug(sweep.problem, sweep.rest)}{suffix}",
        f"{problem_label(sweep.problem, sweep.rest)}, {level}",
        panels=tuple(panels),
        columns=min(COLUMNS, len(panels)),
        key=(equal_entries(panels), other_entries(panels)),
        notes=tuple(notes),
    )


def with_values(
    of_facets: list[tuple[Facet, list[Series]]],
) -> tuple[list[tuple[Facet, list[Series]]], list[Facet]]:
    """The facets with lines of which a value is known, and those with ends of intervals alone.

    Where there are only such, they are drawn, and so among the first.
    """
    known = [any(value for each in lines for value in each.value) for _, lines in of_facets]
    if not any(known):
        return of_facets, []
    pairs = list(zip(of_facets, known, strict=True))
    return [each for each, has in pairs if has], [facet for (facet, _), has in pairs if not has]


def differ(lines: Sequence[Series]) -> bool:
    """Whether there are lines that differ, or one whose values do, or of which none is known."""
    known = [point for point in points_of(lines[0]).values() if point.value]
    pairs = itertools.combinations(known, 2)
    return len(lines) > 1 or not known or not all(itertools.starmap(alike, pairs))


def argument_axis(argument: str, values: pd.Series) -> Axis:
    """The axis of an argument: logarithmic where its values are positive and far apart."""
    label = f"{words(argument)} {SYMBOLS.get(argument, '')}".strip()
    least = values.min()
    if least > 0 and values.max() >= WIDE * least:
        return log_axis(label, values)
    return Axis(label)
