"""Where one estimator's variance falls below another's: along L, or along a problem's argument.

The argument is a number (k, t, …) or a size (a dimension).
"""

import itertools
import json
import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from gradest.benchmarks.analysis.labels import POINT_ARGUMENT, place_label, subject, without, words
from gradest.benchmarks.analysis.numerals import show
from gradest.benchmarks.analysis.results import PLACE, is_sure, labelled
from gradest.benchmarks.statistics.intervals import LINEAR, LOG, Jackknifed, Scale
from gradest.benchmarks.statistics.trends import Crossover, crossovers

ROUNDING = 1e-9
"""Of a variance that is the other to rounding, and so not below it."""


class Line(NamedTuple):
    """Measurements that differ in the estimator and in one quantity, and in nothing else."""

    problem: str
    args: str
    """The problem's arguments, without the one that varies."""
    point: str
    group: str
    num_samples: int | None
    """L, unless L is what varies."""
    axis: str
    """The name of what varies: "L", or an argument's."""
    scale: Scale
    rows: pd.DataFrame
    """What varies is the column `value`."""


class LineCrossover(NamedTuple):
    """A crossover of two estimators on a line."""

    line: Line
    first: str
    """An estimator's label."""
    second: str
    crossover: Crossover

    @property
    def above(self) -> str:
        """The label of the estimator with the lower variance above the place."""
        return self.first if self.crossover.first_is_lower_above else self.second

    @property
    def below(self) -> str:
        """The label of the estimator with the lower variance below the place."""
        return self.second if self.crossover.first_is_lower_above else self.first

    @property
    def where(self) -> str:
        """The line in words."""
        line = self.line
        level = "" if line.num_samples is None else f", L = {line.num_samples}"
        return place_label(line.problem, line.args, line.point, line.group) + level

    @property
    def pair_and_axis(self) -> tuple:
        """What it is a crossover of, but for L: two estimators along one axis."""
        line = self.line
        return line.problem, line.args, line.point, line.group, line.axis, self.first, self.second


def find_crossovers(measurements: pd.DataFrame) -> list[LineCrossover]:
    """Every crossover of two estimators' variances that the measurements show.

    A change of sign counts only between places where the difference is known, at 95 % for all
    places of all pairs of the run at once, so that a run of many estimators finds no crossovers by
    chance.

    Args:
        measurements: a run's, as `read_run` gives them.

    Returns:
        The crossovers, those along arguments first.
    """
    table = labelled(measurements)
    table = table[is_sure(table)]
    lines = [*along_arguments(table), *along_samples(table)]
    pairs = [pair for line in lines for pair in pairs_of(line)]
    tests = max(1, sum(len(pair.places) for pair in pairs))
    return [crossing for pair in pairs for crossing in crossovers_of(pair, tests)]


class Pair(NamedTuple):
    """Two estimators on a line: a row for each place where both are known."""

    line: Line
    first: str
    second: str
    places: pd.DataFrame


def crossovers_of(pair: Pair, tests: int) -> Iterator[LineCrossover]:
    """The crossovers of two estimators, as one of so many tests of the run."""
    axis = pair.places.index.to_numpy(float)
    first = list(pair.places[pair.first])
    second = list(pair.places[pair.second])
    for crossover in crossovers(axis, first, second, pair.line.scale, tests):
        yield LineCrossover(pair.line, pair.first, pair.second, crossover)


def pairs_of(line: Line) -> Iterator[Pair]:
    """Every two estimators that are known at two places or more, in alphabetical order."""
    # a table that somebody changed may have a row twice
    rows = line.rows.drop_duplicates(["value", "label"])
    known = rows.pivot(index="value", columns="label", values="jackknifed")
    for first, second in itertools.combinations(known.columns, 2):
        places = known[[first, second]].dropna()
        # a state or a sweep may give a cell another number of batches: such places cannot be
        # combined
        same = places[first].map(batches) == places[second].map(batches)
        if len(places) > 1 and same.all():
            yield Pair(line, first, second, places)


def batches(statistic: Jackknifed) -> int:
    """How many batches a statistic was jackknifed over."""
    return len(statistic.without)


def along_samples(table: pd.DataFrame) -> Iterator[Line]:
    """Lines along L, on a logarithmic axis."""
    for (problem, args, point, group), rows in table.groupby(PLACE, sort=True):
        yield Line(problem, args, point, group, None, "L", LOG, rows.assign(value=rows.num_samples))


def along_arguments(table: pd.DataFrame) -> Iterator[Line]:
    """Lines along every numeric argument of a problem.

    Numbers are on a linear axis, whole numbers (sizes) on a logarithmic one.
    """
    place = ["rest", "point", "group", "num_samples"]
    for problem, rows in table.groupby("problem", sort=True):
        read = rows.problem_args.map(json.loads)
        for argument in sorted({key for args in read for key in args} - {POINT_ARGUMENT}):
            value = read.map(lambda args, key=argument: args.get(key))
            kinds = set(value.map(type))
            if not kinds <= {int, float} or value.nunique() < 2:
                continue
            scale = LOG if kinds == {int} and (value > 0).all() else LINEAR
            rest = [without(args, argument) for args in rows.problem_args]
            lines = rows.assign(value=value, rest=rest).groupby(place, sort=True)
            for (args, point, group, level), line in lines:
                yield Line(str(problem), args, point, group, int(level), argument, scale, line)


def sentence(crossing: LineCrossover) -> str:
    """Says where, with the interval.

    For instance "…: the score function has the lower variance above k = 1.06 [1.05, 1.08]; …".
    """
    axis = words(crossing.line.axis)
    at = show(crossing.crossover.at)
    above = subject(crossing.above)
    below = subject(crossing.below)
    return f"{crossing.where}: {above} has the lower variance above {axis} = {at}; {below} below."


def narrowest(crossings: list[LineCrossover], most: int) -> list[LineCrossover]:
    """The crossovers with the narrowest intervals, at most one of each two estimators on an axis.

    Args:
        crossings: any.
        most: how many of them.

    Returns:
        Those, in the order in which they were.
    """
    by_width = sorted(range(len(crossings)), key=lambda place: width(crossings[place]))
    first_of: dict[tuple, int] = {}
    for place in by_width:
        first_of.setdefault(crossings[place].pair_and_axis, place)
    kept = sorted([*first_of.values()][:most])
    return [crossings[place] for place in kept]


def width(crossing: LineCrossover) -> float:
    """The relative width of the interval."""
    value, low, high = crossing.crossover.at
    return (high - low) / abs(value) if value else np.inf


def samples_below(
    minibatch_variance: float, variances: Sequence[float], levels: Sequence[int]
) -> int | None:
    """The least L from which on an estimator's variance is below that of minibatches.

    Where the variance is c/L at every L measured, to within a fifth, so it is at every other L:
    ln c is the mean of ln(variance · L). Else only the L that were measured are known.

    Args:
        minibatch_variance: of the minibatches' choice, as measurements.csv has it.
        variances: of one estimate.
        levels: the L of each.

    Returns:
        L; None where there is none, or none is known.

    >>> samples_below(0.5, [16.0, 4.0, 1.0], [1, 4, 16])
    33
    """
    measured = sorted(zip(levels, variances, strict=True))
    known = [(level, value) for level, value in measured if value >= 0]
    if not known or not minibatch_variance > 0:
        return None
    if len(known) > 1 and all(value > 0 for _, value in known):
        logs = np.log([level * value for level, value in known])
        if np.ptp(logs) <= math.log(1.2):
            most = float(np.exp(logs.mean())) / minibatch_variance
            return math.floor(most * (1 + ROUNDING)) + 1
    above = [level for level, value in known if value >= minibatch_variance]
    return next((level for level, _ in known if level > max(above, default=0)), None)
