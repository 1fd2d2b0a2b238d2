"""What a paper states without numbers, beside ours: powers of x, and which estimator is noisier."""

import itertools
import math
from collections.abc import Iterator

import numpy as np
import pandas as pd

from gradest.benchmarks.analysis.labels import number_text
from gradest.benchmarks.analysis.numerals import several
from gradest.benchmarks.analysis.results import Run
from gradest.benchmarks.comparisons.ratios import compare_estimators, parse_estimator
from gradest.benchmarks.published.agreement import TWO_SIDED
from gradest.benchmarks.published.entries import PaperFigure
from gradest.benchmarks.reproductions.values import OURS, measured, panels_of, rows_of
from gradest.benchmarks.statistics.intervals import Interval


def statements(asked: PaperFigure, run: Run) -> Iterator[str]:
    """What a figure's paper states, with what we found, a line each."""
    if asked.slopes:
        yield from powers(asked, asked.slopes, run)
    if asked.is_rising:
        yield from steps(asked, run)


def powers(asked: PaperFigure, stated: dict[str, float], run: Run) -> Iterator[str]:
    """The powers of x in each panel, as stated of large x and as found between the two largest."""
    for title, rows in panels_of(asked, measured(asked, run)):
        for label, power in stated.items():
            last = rows_of(rows, asked.lines[label]).sort_values("x").tail(2)
            if len(last) < 2:
                continue
            place = f"{asked.figure}, {title}" if title else asked.figure
            first, second = map(number_text, last.x)
            yield (
                f"{place}: {label}: power {number_text(power)} stated, "
                f"{interval_text(power_between(last))} found from {first} to {second}"
            )


def power_between(two: pd.DataFrame) -> Interval:
    """The power of x that leads from one value to another.

    Both have random numbers of their own: their errors are independent.
    """
    x, ours, low, high = (np.log(two[name].to_numpy(float)) for name in ("x", *OURS))
    distance = x[1] - x[0]
    errors = (high - low) / (2 * TWO_SIDED)
    power = float((ours[1] - ours[0]) / distance)
    reach = TWO_SIDED * math.hypot(*errors) / distance
    return Interval(power, power - reach, power + reach)


def steps(asked: PaperFigure, run: Run) -> Iterator[str]:
    """The ratio of the variances of each line and the next, over all places of the run."""
    for (lower, below), (upper, above) in itertools.pairwise(asked.lines.items()):
        ratios = ratios_of(asked, run, below, above)
        larger = sum(each.low > 1 for each in ratios)
        smaller = sum(each.high < 1 for each in ratios)
        values = [each.value for each in ratios]
        yield (
            f"{asked.figure}: {upper} stated above {lower}: "
            f"{min(values):.3g} to {max(values):.3g} times, above 1 at {larger} and below 1 at "
            f"{smaller} of {several(len(ratios), 'place')}"
        )


def ratios_of(asked: PaperFigure, run: Run, below: str, above: str) -> list[Interval]:
    """The variance of one estimator over that of another, wherever both were measured."""
    wanted = parse_estimator(above)
    found = compare_estimators(run, below, ["variance"]).rows
    ratios = [
        row.ratios.get("variance")
        for row in found
        if (row.estimator, row.estimator_args) == wanted and row.group == asked.group
    ]
    return [ratio.interval for ratio in ratios if ratio is not None]


def interval_text(found: Interval) -> str:
    """An interval as it is printed."""
    return f"{found.value:.3g} [{found.low:.3g}, {found.high:.3g}]"
