"""The figure of bias: the relative error of each estimator's mean along the gradient.

A row for each estimator that is biased, in theory or as it was found; a point for each L.
"""

from collections.abc import Mapping

import pandas as pd

from gradest.benchmarks.analysis.labels import INTERVALS
from gradest.benchmarks.analysis.numerals import percent
from gradest.benchmarks.analysis.places import Place
from gradest.benchmarks.analysis.results import PLACE
from gradest.benchmarks.figures.looks import look_of
from gradest.benchmarks.figures.spec import (
    DIAGONAL,
    ZERO,
    Axis,
    Entry,
    FigureSpec,
    Guide,
    Panel,
    Series,
    numbers,
    point,
    shades_of,
)

NAME = "bias"

COLUMNS = 3

MOST_PLACES = 12
"""Places with a panel, those with the largest biases."""

FARTHEST = 1.5
"""The axis ends there on both sides: beyond it there are arrow heads, and numbers in the margin."""

LEAST = 5e-5
"""What is closer to 0 is printed as 0.00 %."""

UNBIASED = "unbiased in theory"
BIASED = "biased in theory"


def bias(rows: pd.DataFrame, names: Mapping[Place, str]) -> FigureSpec | None:
    """The figure of a run's biases: a panel for each place at which one was found.

    Args:
        rows: a run's measurements that have a relative bias, labelled.
        names: of the places.

    Returns:
        The figure; None where nothing was found to be biased.
    """
    places = {place: drawn_of(part) for place, part in rows.groupby(PLACE, sort=False)}
    found = {
        place: worst_of(part)
        for place, part in places.items()
        if (part.bias_finding == "biased").any()
    }
    if not found:
        return None
    worst_first = sorted(found, key=lambda place: -found[place])
    kept = [place for place in found if place in worst_first[:MOST_PLACES]]
    drawn = pd.concat([places[place] for place in kept])
    levels = tuple(int(level) for level in sorted(drawn.num_samples.unique()))
    y = Axis(scale="rows", names=row_names(drawn), headings=(UNBIASED, BIASED))
    panels = tuple(bias_panel(names[place], places[place], y, levels) for place in kept)
    notes = [
        f"Relative bias: the error of the mean along the {truth_of(drawn)}, as a fraction of it; "
        f"bars: {INTERVALS}. At −100 % (dotted) the estimate is zero on average.",
        "In the margin: at the largest L; * found biased, with at most 5 % false among those of "
        "the run. No row: unbiased in theory, and none found.",
        *absent_notes([names[place] for place in found if place not in kept]),
    ]
    return FigureSpec(
        NAME,
        "Bias, at the places where any was found",
        panels,
        columns=min(COLUMNS, len(panels)),
        key=(level_entries(levels),),
        notes=tuple(notes),
    )


def drawn_of(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of one place to draw: of what is biased, in theory or as it was found."""
    found = rows[rows.bias_finding == "biased"]
    return rows[~rows.unbiased.astype(bool) | rows.label.isin(found.label)]


def worst_of(rows: pd.DataFrame) -> float:
    """The largest bias that was found among the rows."""
    return float(rows.bias_relative[rows.bias_finding == "biased"].abs().max())


def absent_notes(names: list[str]) -> list[str]:
    """A sentence on the places for which there is no room."""
    where = "; ".join(names)
    return [f"No panel, as others are more biased (numbers in tables/): {where}."] if names else []


def truth_of(rows: pd.DataFrame) -> str:
    """What the bias is measured against, in words."""
    if rows.exact.all():
        return "exact gradient"
    measured = rows[~rows.exact.astype(bool)]
    of_reference = f"gradient of a reference run of {measured.truth.iloc[0]}"
    return f"exact gradient, or the {of_reference}," if rows.exact.any() else of_reference


def row_names(rows: pd.DataFrame) -> tuple[str, ...]:
    """Each row of the figure, from the top: the estimators under what they claim somewhere."""
    biased = set(rows.label[~rows.unbiased.astype(bool)])
    names: list[str] = []
    for heading, labels in ((UNBIASED, {*rows.label} - biased), (BIASED, biased)):
        if labels:
            names += [heading, *sorted(labels)]
    return tuple(names)


def level_entries(levels: tuple[int, ...]) -> tuple[Entry, ...]:
    """The shade of each L."""
    shades = shades_of(len(levels))
    return tuple(
        Entry(point("o", repr(shade)), f"L = {level}")
        for level, shade in zip(levels, shades, strict=True)
    )


def bias_panel(name: str, rows: pd.DataFrame, y: Axis, levels: tuple[int, ...]) -> Panel:
    """The relative biases at one place, on a linear axis."""
    ends = [*rows.bias_relative_low.dropna(), *rows.bias_relative_high.dropna(), 0.0]
    low, high = (min(max(end, -FARTHEST), FARTHEST) for end in (min(ends), max(ends)))
    margin = 0.06 * (high - low)
    x = Axis("relative bias", limits=(low - margin, high + margin), in_percent=True)
    series = tuple(bias_series(line) for _, line in rows.groupby("label"))
    guides = (Guide(ZERO, 0.0), Guide(DIAGONAL, -1.0, if_in_view=True))
    return Panel(name, name, x, y, series, guides, levels)


def bias_series(line: pd.DataFrame) -> Series:
    """One estimator's relative biases by L, that at the largest in words."""
    line = line.sort_values("num_samples")
    biased = line.bias_finding == "biased"
    return Series(
        str(line.label.iloc[0]),
        str(line.estimator.iloc[0]),
        look_of(line.estimator.iloc[0], line.estimator_args.iloc[0]),
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
    ('−68 %', '0.00 %')
    """
    return percent(value) if abs(value) >= LEAST else "0.00 %"
