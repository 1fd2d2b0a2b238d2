"""Curves that are equal are drawn as one, and no panel has more lines than can be told apart.

Two lines that lie on each other would hide one another, and set apart they would read as two
findings.
"""

import dataclasses
import math
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from gradest.benchmarks.analysis.labels import INTERVALS
from gradest.benchmarks.figures.spec import Entry, Number, Panel, Series

NEAR = 0.02
"""Values that differ by no more are equal, whatever their intervals."""

MOST_LINES = 8
"""In a panel."""

EQUAL = (
    f"equal: within their {INTERVALS} or closer than {100 * NEAR:g} % wherever both were measured"
)


class Point(NamedTuple):
    """What a series has at one x."""

    value: Number
    low: Number
    high: Number
    status: str


def points_of(series: Series) -> dict[float, Point]:
    """What is drawn of a series, by x."""
    values = zip(series.value, series.low, series.high, series.status, strict=True)
    points = dict(zip(series.x, (Point(*each) for each in values), strict=True))
    return {x: point for x, point in points.items() if (point.value, point.high) != (None, None)}


def are_equal(one: Series, other: Series) -> bool:
    """Whether the first may stand for the other: it is where the other is, and equal there."""
    here = points_of(one)
    there = points_of(other)
    if not there or not there.keys() <= here.keys():
        return False
    return all(alike(here[x], point) for x, point in there.items())


def alike(one: Point, other: Point) -> bool:
    """Whether two values are as reliable and as large as each other, as far as they are known."""
    if one.status != other.status:
        return False
    if one.value and other.value and abs(math.log(one.value / other.value)) <= math.log1p(NEAR):
        return True
    if one.high is None or other.high is None:
        return False
    return (one.low or 0.0) <= other.high and (other.low or 0.0) <= one.high


def bundled(series: Iterable[Series]) -> list[Series]:
    """The series, those that are equal to an earlier one drawn as it; none of what has no points.

    Args:
        series: of one panel.
    """
    bundles: list[list[Series]] = []
    drawn = [each for each in series if points_of(each)]
    for each in sorted(drawn, key=lambda each: -len(points_of(each))):
        of_equals = next((bundle for bundle in bundles if are_equal(bundle[0], each)), None)
        if of_equals is None:
            bundles.append([each])
        else:
            of_equals.append(each)
    return [as_one(bundle) for bundle in bundles]


def as_one(bundle: Sequence[Series]) -> Series:
    """Equal series in the look of the first, named after it."""
    first, *others = bundle
    if not others:
        return first
    return dataclasses.replace(
        first,
        label=short_name([each.label for each in bundle]),
        members=tuple(each.label for each in bundle),
    )


def short_name(members: Sequence[str]) -> str:
    """What stands at the end of a line: the first of its members, and how many others it is.

    >>> short_name(["REBAR"]), short_name(["REBAR", "RELAX", "ARM"])
    ('REBAR', 'REBAR and 2 equal here')
    """
    first, *others = members
    return f"{first} and {len(others)} equal here" if others else first


def full_name(members: Sequence[str]) -> str:
    """All members of a line, so that nobody takes them for one estimator.

    >>> full_name(["REBAR", "RELAX", "ARM"])
    'REBAR; RELAX and ARM: equal here'
    """
    return f"{'; '.join(members[:-1])} and {members[-1]}: equal here"


def best_of(series: Sequence[Series], *, highest: bool = False) -> list[Series]:
    """So many of them as a panel may have: the lowest at the largest x, in their order.

    Of one that is known only not to exceed its interval's end, the end counts: among the lowest the
    upper one, among the highest 0.

    Args:
        series: of one panel.
        highest: takes those instead.
    """
    last = max(x for each in series for x in points_of(each))

    def rank(each: Series) -> float:
        point = points_of(each).get(last)
        if point is None:
            return math.inf
        if highest:
            return -float(point.value or 0.0)
        return float(point.high or 0.0) if point.value is None else point.value

    kept = sorted(series, key=rank)[:MOST_LINES]
    return [each for each in series if each in kept]


def equal_entries(panels: Sequence[Panel]) -> tuple[Entry, ...]:
    """For the key: who is drawn as one with whom, and in which panels."""
    where: dict[tuple[str, ...], list[str]] = {}
    first: dict[tuple[str, ...], Series] = {}
    for panel in panels:
        for series in panel.series:
            if series.members:
                where.setdefault(series.members, []).append(panel.name)
                first.setdefault(series.members, series)
    return tuple(
        Entry(first[members].style, f"{full_name(members)}{in_some(names, panels)}")
        for members, names in where.items()
    )


def in_some(names: Sequence[str], panels: Sequence[Panel]) -> str:
    """The panels in brackets, where they are not all."""
    return "" if len(names) == len(panels) else f" ({'; '.join(names)})"


def equal_notes(panels: Sequence[Panel]) -> Iterator[str]:
    """What "equal" means, where anything is."""
    if any(series.members for panel in panels for series in panel.series):
        yield f"{EQUAL[0].upper()}{EQUAL[1:]}."
