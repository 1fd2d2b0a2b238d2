"""Lines in a figure of training: their points over seeds, and which of them lie on each other."""

import math
from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple

from gradest.benchmarks.figures.bundles import NEAR, in_some
from gradest.benchmarks.figures.looks import look_of
from gradest.benchmarks.figures.spec import Axis, Panel, Series, numbers
from gradest.benchmarks.learning_curves.curves import Contest, Trained
from gradest.benchmarks.statistics.intervals import Interval

MARKED = 8
"""About so many points of a line have a marker and a bar."""

MOST_TICKS = 5
"""Powers of ten with a number at an axis, and 0."""


class Point(NamedTuple):
    """What a line has at one x."""

    x: float
    y: Interval


class Line(NamedTuple):
    """One estimator's points in a panel."""

    trained: Trained
    points: list[Point]


def near_by_ratio(one: float, other: float) -> bool:
    """Whether two values lie on each other on a logarithmic axis."""
    if not (one > 0 and other > 0):
        return one == other
    return abs(math.log(one / other)) <= math.log1p(NEAR)


def bundled(lines: Sequence[Line], near: Callable[[float, float], bool]) -> list[list[Line]]:
    """The lines, each with those that lie on it at every point of theirs."""
    bundles: list[list[Line]] = []
    for line in lines:
        if not any(math.isfinite(point.y.value) for point in line.points):
            continue
        first = next((each for each in bundles if lie_on(each[0], line, near)), None)
        if first is None:
            bundles.append([line])
        else:
            first.append(line)
    return bundles


def lie_on(one: Line, other: Line, near: Callable[[float, float], bool]) -> bool:
    """Whether two lines have the same points, and values that are near at each."""
    if [point.x for point in one.points] != [point.x for point in other.points]:
        return False
    pairs = zip(one.points, other.points, strict=True)
    return all(near(here.y.value, there.y.value) for here, there in pairs)


LEAST_MARGIN = 1.1
"""Of a logarithmic axis at both ends, of one point too."""

LEAST_ROOM = 1.5
"""Between 0 and what comes next on a logarithmic axis, as a factor: there may be nothing more."""


def cost_axis(
    title: str, lines: Sequence[Line], early: bool
) -> tuple[Axis, Callable[[float], float]]:
    """The x axis, and where a value stands on it: 0 at the left of a logarithmic one."""
    values = [point.x for line in lines for point in line.points]
    positive = [x for x in values if x > 0]
    longest = max(values) or 1.0
    if not early or not positive:
        return Axis(title, limits=(-0.02 * longest, 1.02 * longest)), lambda x: x
    least = min(positive)
    room = max((longest / least) ** 0.1, LEAST_ROOM)
    zero = least / room if min(values) == 0 else least
    ticks = powers(least, longest)
    names = [power_name(tick) for tick in ticks]
    if zero < least:
        ticks, names = [zero, *ticks], ["0", *names]
    margin = max((longest / zero) ** 0.03, LEAST_MARGIN)
    axis = Axis(title, "log", (zero / margin, longest * margin), tuple(ticks), tuple(names))
    return axis, lambda x: x if x > 0 else zero


def powers(least: float, longest: float) -> list[float]:
    """Some powers of ten from the one to the other; where there is none, the ends."""
    found = range(math.ceil(math.log10(least) - 1e-9), math.floor(math.log10(longest) + 1e-9) + 1)
    if not found:
        return [*dict.fromkeys([least, longest])]
    every = math.ceil(len(found) / MOST_TICKS)
    return [10.0**power for power in found[::-1][::every]][::-1]


SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def power_name(value: float) -> str:
    """A number at an axis: plain, or a power of ten.

    >>> power_name(100.0), power_name(1e6), power_name(2.5e-4)
    ('100', '10⁶', '2.5 × 10⁻⁴')
    """
    if 1e-3 <= value < 1e4:
        return f"{value:.4g}"
    factor, power = f"{value:.1e}".split("e")
    times = "" if factor == "1.0" else f"{float(factor):g} × "
    return f"{times}10{str(int(power)).translate(SUPERSCRIPTS)}"


def series_of(line: Line, place: Callable[[float], float]) -> Series:
    """A line as it is drawn."""
    trained = line.trained
    count = len(line.points)
    return Series(
        trained.label,
        trained.estimator,
        look_of(trained.estimator, trained.estimator_args),
        x=tuple(place(point.x) for point in line.points),
        value=numbers(point.y.value for point in line.points),
        low=numbers(point.y.low for point in line.points),
        high=numbers(point.y.high for point in line.points),
        exact=(None,) * count,
        status=("ok",) * count,
        every=max(1, round(count / MARKED)),
    )


def seeds_text(contest: Contest) -> str:
    """How many seeds there are."""
    count = len({seed for each in contest.trained for seed in each.curves})
    return "1 seed, which has none" if count == 1 else f"{count} seeds"


def equal_notes(panels: Sequence[Panel], of: str) -> list[str]:
    """What "equal" means, where anything is."""
    if not any(series.members for panel in panels for series in panel.series):
        return []
    return [f"Equal: means closer than {100 * NEAR:g} % {of}."]


def left_out_notes(
    panels: Sequence[Panel], in_order: Sequence[Trained], absent: Collection[str] = ()
) -> list[str]:
    """A sentence on the lines for which a panel has no room.

    Args:
        panels: of the figure.
        in_order: all that trained.
        absent: the labels of those that have no line anywhere, which another sentence names.
    """
    where: dict[str, list[str]] = {}
    for panel in panels:
        drawn = {name for each in panel.series for name in each.members or (each.label,)}
        left = [each.label for each in in_order if each.label not in {*drawn, *absent}]
        if left:
            where.setdefault("; ".join(left), []).append(panel.name)
    return [
        f"Not drawn{in_some(names, panels)}, for they end worse: {texts}."
        for texts, names in where.items()
    ]


def axis_notes(panels: Sequence[Panel]) -> list[str]:
    """That 0 has a place on a logarithmic axis, where it has."""
    has_zero = any("0" in panel.x.names for panel in panels)
    return ["At the left of logarithmic axes: 0, the start."] if has_zero else []
