"""The figure of bias: the relative error of each estimator's mean along the gradient.

A row for each estimator that is biased, in theory or as it was found; a point for each L.
"""

from collections.abc import Mapping

import pandas as pd

from gradest.benchmarks.analysis.labels import INTERVALS
from gradest.benchmarks.analysis.numerals import percent
from gradest.benchmarks.figures.lines import COLUMNS, Facet, facets_of
from gradest.benchmarks.figures.spec import (
    DIAGONAL,
    ZERO,
    Axis,
    Entry,
    FigureSpec,
    Guide,
    Panel,
    Series,
    Style,
    numbers,
    point,
    shades_of,
)

FARTHEST = 1.5
"""The axis ends there on both sides: beyond it there are arrow heads, and numbers in the margin."""

LEAST = 5e-5
"""What is closer to 0 is printed as 0.00 %."""

UNBIASED = "unbiased in theory"
BIASED = "biased in theory"


def bias(
    name: str, title: str, rows: pd.DataFrame, styles: Mapping[str, Style]
) -> FigureSpec | None:
    """The figure of one problem's bias.

    Args:
        name: the figure's name.
        title: what stands over it.
        rows: one problem's measurements that have a relative bias, labelled.
        styles: the style of each label.

    Returns:
        The figure; None where nothing was found to be biased.
    """
    found = rows[rows.bias_finding == "biased"]
    facets = [each for each in facets_of(rows) if (each.rows.bias_finding == "biased").any()]
    if not facets:
        return None
    levels = tuple(int(level) for level in sorted(rows.num_samples.unique()))
    drawn = rows[~rows.unbiased.astype(bool) | rows.label.isin(found.label)]
    y = Axis(scale="rows", names=row_names(drawn), headings=(UNBIASED, BIASED))
    panels = tuple(bias_panel(facet, y, styles, levels) for facet in facets)
    notes = [
        f"Relative bias: the error of the mean along the {truth_of(rows)}, as a fraction of it; "
        f"bars: {INTERVALS}. At −100 % (dotted) the estimate is zero on average.",
        "In the margin: at the largest L; * found biased, with at most 5 % false among those of "
        "the run.",
        *absent_notes(facets_of(rows), panels, set(rows.label) - set(drawn.label)),
    ]
    return FigureSpec(
        name,
        title,
        panels,
        columns=min(COLUMNS, len(panels)),
        key=(level_entries(levels),),
        notes=tuple(notes),
    )


def absent_notes(facets: list[Facet], panels: tuple[Panel, ...], labels: set[str]) -> list[str]:
    """Sentences on groups without a panel, and on estimators without a row."""
    shown = {panel.name for panel in panels}
    names = [each.name for each in facets if each.name not in shown]
    notes = []
    if names:
        notes.append(f"No panel, as none was found biased: {'; '.join(names)}.")
    if labels:
        notes.append(f"Unbiased in theory, and none found: {'; '.join(sorted(labels))}.")
    return notes


def truth_of(rows: pd.DataFrame) -> str:
    """What the bias is measured against, in words."""
    if rows.exact.all():
        return "exact gradient"
    return f"gradient of a reference run of {rows.truth.iloc[0]}"


def row_names(rows: pd.DataFrame) -> tuple[str, ...]:
    """Each row of the figure, from the top: the estimators under what they claim."""
    unbiased = rows.unbiased.astype(bool)
    names: list[str] = []
    for heading, part in ((UNBIASED, rows[unbiased]), (BIASED, rows[~unbiased])):
        if len(part):
            names += [heading, *sorted(part.label.unique())]
    return tuple(names)


def level_entries(levels: tuple[int, ...]) -> tuple[Entry, ...]:
    """The shade of each L."""
    shades = shades_of(len(levels))
    return tuple(
        Entry(point("o", repr(shade)), f"L = {level}")
        for level, shade in zip(levels, shades, strict=True)
    )


def bias_panel(
    facet: Facet, y: Axis, styles: Mapping[str, Style], levels: tuple[int, ...]
) -> Panel:
    """The relative biases of one group at one θ, on a linear axis."""
    rows = facet.rows[facet.rows.label.isin(y.names)]
    ends = [*rows.bias_relative_low.dropna(), *rows.bias_relative_high.dropna(), 0.0]
    low, high = (min(max(end, -FARTHEST), FARTHEST) for end in (min(ends), max(ends)))
    margin = 0.06 * (high - low)
    x = Axis("relative bias", limits=(low - margin, high + margin), in_percent=True)
    series = tuple(bias_series(line, styles[str(label)]) for label, line in rows.groupby("label"))
    guides = (Guide(ZERO, 0.0), Guide(DIAGONAL, -1.0, if_in_view=True))
    return Panel(facet.name, facet.title, x, y, series, guides, levels)


def bias_series(line: pd.DataFrame, style: Style) -> Series:
    """One estimator's relative biases by L, that at the largest in words."""
    line = line.sort_values("num_samples")
    biased = line.bias_finding == "biased"
    return Series(
        str(line.label.iloc[0]),
        str(line.estimator.iloc[0]),
        style,
        x=tuple(line.num_samples.to_numpy(float).tolist()),
        value=numbers(line.bias_relative),
        low=numbers(line.bias_relative_low),
        high=numbers(line.bias_relative_high),
        exact=(None,) * len(line),
        status=tuple(line.status),
        biased=tuple(map(bool, biased)),
        printed=in_margin(float(line.bias_relative.iloc[-1])) + "*" * bool(biased.any()),
    )


def in_margin(value: float) -> str:
    """A relative bias in a few characters.

    >>> in_margin(-0.683), in_margin(3e-5)
    ('-68 %', '0.00 %')
    """
    return percent(value) if abs(value) >= LEAST else "0.00 %"
