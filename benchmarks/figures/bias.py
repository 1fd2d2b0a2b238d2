"""The figure of bias: the relative error of each estimator's mean along the gradient.

A row for each estimator, a point for each L.
"""

import math
from collections.abc import Mapping

import pandas as pd

from gradest.benchmarks.analysis.labels import INTERVALS
from gradest.benchmarks.figures.lines import Facet, facets_of
from gradest.benchmarks.figures.spec import (
    DIAGONAL,
    STAR,
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

UNBIASED = "unbiased in theory"
BIASED = "biased in theory"


def bias(name: str, title: str, rows: pd.DataFrame, styles: Mapping[str, Style]) -> FigureSpec:
    """The figure of one problem's bias.

    Args:
        name: the figure's name.
        title: what stands over it.
        rows: one problem's measurements that have a relative bias, labelled.
        styles: the style of each label.
    """
    facets, columns = facets_of(rows)
    levels = tuple(int(level) for level in sorted(rows.num_samples.unique()))
    y = Axis(scale="rows", names=row_names(rows), headings=(UNBIASED, BIASED))
    panels = tuple(bias_panel(facet, y, styles, levels) for facet in facets)
    key = [level_entries(levels)]
    if (rows.bias_finding == "biased").any():
        star = Entry(STAR, "found biased: at most 5 % false among those of the run")
        key.append((star,))
    notes = [
        f"Relative bias: the error of the mean along the {truth_of(rows)}, as a fraction of it; "
        f"bars: {INTERVALS}.",
        "At 0 the estimate is unbiased along it, at −1 (dotted, where in view) it is zero on "
        "average.",
    ]
    if any(panel.x.scale == "symlog" for panel in panels):
        notes.append(
            "Where the ticks are unevenly spaced, the axis is linear next to 0 and logarithmic "
            "beyond."
        )
    return FigureSpec(name, title, panels, columns, tuple(key), tuple(notes))


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
    """The relative biases of one group at one θ.

    The axis is linear, or only next to zero where the largest bias would crush the other intervals.
    """
    linear = linear_part(facet.rows)
    x = Axis("relative bias", scale="symlog" if linear else "linear", linear_up_to=linear)
    series = tuple(
        bias_series(line, styles[str(label)]) for label, line in facet.rows.groupby("label")
    )
    guides = (Guide("vertical", ZERO, 0.0), Guide("vertical", DIAGONAL, -1.0, if_in_view=True))
    return Panel(facet.name, facet.title, x, y, series, guides, levels)


def bias_series(line: pd.DataFrame, style: Style) -> Series:
    """One estimator's relative biases by L."""
    line = line.sort_values("num_samples")
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
        biased=tuple(bool(finding == "biased") for finding in line.bias_finding),
    )


def linear_part(rows: pd.DataFrame) -> float:
    """The power of ten up to which the axis is to be linear; 0 where all of it may be."""
    reach = rows[["bias_relative_low", "bias_relative_high"]].abs().max(axis=1)
    usual = reach[reach > 1e-4 * reach.max()].quantile(0.25)
    return 10.0 ** math.floor(math.log10(usual)) if reach.max() > 20 * usual else 0.0
