"""What a reader of a run would not expect: biases that matter, infinite variances, other slopes."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from gradest.benchmarks.analysis.labels import words
from gradest.benchmarks.analysis.numerals import percent, several, show
from gradest.benchmarks.analysis.places import Place, place_names
from gradest.benchmarks.analysis.results import PLACE, labelled, slope_of
from gradest.benchmarks.catalogue.facts import bias_in_words
from gradest.benchmarks.comparisons.levels import estimator_of
from gradest.benchmarks.report.tables import Table, bias_text
from gradest.benchmarks.statistics.intervals import Interval
from gradest.benchmarks.statistics.reliability import may_be_infinite

MATTERS = 0.05
"""A bias matters that is surely a larger part of the gradient."""

MOST_PLACES = 2
"""How many places of one estimator are written out, the worst first."""


MOST_SLOPES = 1
"""How many estimators are named whose variance does not fall as 1/L."""


LAW_SAMPLES = 4
"""An L at which an estimator is asked for the law of its variance."""


class Bias(NamedTuple):
    """A bias that matters: of one estimator at one place, at the largest L where it does."""

    row: Any
    """Of the measurements."""
    place: Place
    claimed: bool
    """Whether the estimator claims to have none."""
    size: float
    """Beside the gradient's; infinite where that is zero."""
    text: str
    reason: str
    """Why it has one, as the catalogue knows."""


def biases(table: pd.DataFrame) -> list[Bias]:
    """Every bias that matters, one for each estimator and place: the worst first.

    Those that matter though the estimator claims none come before all others.

    Args:
        table: a run's measurements.
    """
    rows = labelled(table[table.status.eq("ok") & table.bias_finding.eq("biased")])
    kept = [bias_of(row) for row in rows.itertuples() if claims(row) or matters(row)]
    kept.sort(key=lambda each: each.row.num_samples)
    largest = {(each.place, each.row.label): each for each in kept}

    def badness(each: Bias) -> tuple[bool, float]:
        return each.claimed and each.size > MATTERS, each.size

    return sorted(largest.values(), key=badness, reverse=True)


def claims(row: Any) -> bool:
    """Whether a row's estimator claims to be unbiased."""
    return bool(row.unbiased == True)  # noqa: E712


def matters(row: Any) -> bool:
    """Whether a bias is surely larger than MATTERS, along the gradient or in all."""
    return is_along(row) or beside_gradient(row, row.bias_squared_low) > MATTERS


def is_along(row: Any) -> bool:
    """Whether a bias along the gradient is surely larger than MATTERS."""
    return bool(row.bias_relative_low > MATTERS or row.bias_relative_high < -MATTERS)


def beside_gradient(row: Any, squared: float) -> float:
    """A bias by its square, as a part of the gradient; infinite where there is no gradient."""
    if not squared > 0:
        return 0.0
    return math.sqrt(squared) / row.exact_norm if row.exact_norm > 0 else math.inf


def bias_of(row: Any) -> Bias:
    """The bias of a row: along the gradient where it surely is, else in all."""
    size = beside_gradient(row, row.bias_norm**2)
    text = f"‖bias‖ = {row.bias_norm:.2g}"
    if is_along(row):
        size, text = abs(row.bias_relative), signed(row.bias_relative)
    elif math.isfinite(size):
        text += f" ({percent(size)} of the gradient)"
    if claims(row):
        text += f", q = {row.bias_q:.1g}, L = {row.num_samples}"
    place = (row.problem, row.problem_args, row.point, row.group)
    reason = "" if claims(row) else bias_in_words(row.estimator, row.problem)
    return Bias(row, place, claims(row), size, text, reason)


def signed(fraction: float) -> str:
    """A fraction in percent with its sign.

    >>> signed(-1.0), signed(0.051)
    ('−100 %', '+5.1 %')
    """
    return f"{'−' if fraction < 0 else '+'}{percent(abs(fraction))}"


def bias_lines(table: pd.DataFrame) -> list[str]:
    """A line for each estimator with biases that matter: the worst places, and why."""
    names = place_names(table)
    groups: dict[tuple[str, bool], list[Bias]] = {}
    for each in biases(table):
        groups.setdefault((each.row.estimator, each.claimed), []).append(each)
    return [bias_line(group, names) for group in groups.values()]


def bias_line(group: Sequence[Bias], names: Mapping[Place, str]) -> str:
    """The biases of one estimator: of its variants the worst at each place."""
    worst: dict[Place, Bias] = {}
    for each in group:
        worst.setdefault(each.place, each)
    texts = [
        f"{each.text} at {names[place]}{in_brackets(variant_of(each.row))}"
        for place, each in worst.items()
    ]
    subject = words(group[0].row.estimator)
    if group[0].claimed:
        subject += ", found biased though claimed unbiased"
    reasons = "; ".join(filter(None, dict.fromkeys(each.reason for each in group)))
    return f"{subject}: {listed(texts)}{': ' if reasons else ''}{reasons}"


def variant_of(row: Any) -> str:
    """The arguments of a labelled row's estimator in words; "" where they are its defaults."""
    return str(row.label).removeprefix(words(row.estimator)).removeprefix(", ")


def in_brackets(text: str) -> str:
    """A text in brackets after a space, where there is one."""
    return f" ({text})" if text else ""


def listed(texts: Sequence[str], most: int = MOST_PLACES) -> str:
    """So many of the texts, and how many more there are."""
    more = len(texts) - most
    rest = [f"{several(more, 'place')} more"] if more > 0 else []
    return "; ".join([*texts[:most], *rest])


def infinite_lines(table: pd.DataFrame) -> list[str]:
    """The estimators whose variance may be infinite, which none claims of itself."""
    rows = labelled(table[table.status.eq("unreliable")])
    rows = rows[rows.reason.astype(str).map(may_be_infinite).astype(bool)]
    names = place_names(table)
    lines = []
    for label, cells in rows.groupby("label", sort=True):
        places = [names[place] for place in cells[PLACE].itertuples(index=False, name=None)]
        lines.append(f"{label}: the variance may be infinite at {listed([*dict.fromkeys(places)])}")
    return lines


def slope_lines(table: pd.DataFrame) -> list[str]:
    """One line on the estimators whose variance does not fall as 1/L somewhere, if there are any.

    There the interval of its slope, one of as many as the run has, excludes −1. On fresh
    minibatches no variance does, and that of a mean over pairs is known to fall otherwise.
    """
    names = place_names(table)
    is_known = [follows_another_law(row) for row in table.itertuples()]
    rows = labelled(table[table.minibatch.isna() & ~np.array(is_known, bool)])
    groups = rows.groupby([*PLACE, "label"], sort=True)
    lines = {key: rows for key, rows in groups if slope_of(rows)}
    unlike: dict[str, list[tuple[Interval, str]]] = {}
    for (*place, label), rows in lines.items():
        slope = slope_of(rows, tests=len(lines))
        if slope and not slope.low <= -1 <= slope.high:
            unlike.setdefault(label, []).append((slope, names[tuple(place)]))
    if not unlike:
        return []
    most_first = sorted(unlike.items(), key=lambda item: -len(item[1]))
    texts = [slope_text(label, found) for label, found in most_first]
    more = len(texts) - MOST_SLOPES
    rest = [f"{several(more, 'estimator')} more"] if more > 0 else []
    at_once = f"95 % for {several(len(lines), 'slope')} at once"
    return [f"Variance does not fall as 1/L ({at_once}): {'; '.join(texts[:MOST_SLOPES] + rest)}"]


def follows_another_law(row: Any) -> bool:
    """Whether a row's variance is a known function of L that is not proportional to 1/L."""
    each = estimator_of(row.estimator, row.estimator_args)
    return each is not None and len(each.variance_terms(LAW_SAMPLES)) > 1


def slope_text(label: str, found: list[tuple[Interval, str]]) -> str:
    """The slopes of one estimator, the one farthest from −1 written out."""
    slope, place = max(found, key=lambda each: abs(each[0].value + 1))
    return f"{label} at {several(len(found), 'place')}, slope {show(slope)} at {place}"


def bias_table(table: pd.DataFrame) -> Table:
    """Every bias that matters, a line for each estimator and place: the worst first.

    Args:
        table: a run's measurements.
    """
    names = place_names(table)
    rows = [
        [
            each.row.label,
            names[each.place],
            str(each.row.num_samples),
            bias_text(each.row),
            f"{each.row.bias_norm:.3g}",
            "claimed unbiased" if each.claimed else each.reason,
        ]
        for each in biases(table)
    ]
    header = ["estimator", "place", "L", "bias / gradient", "‖bias‖", "because"]
    return Table("biases", "Biases that matter, at the largest L", header, rows)
