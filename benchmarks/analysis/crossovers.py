"""Where one estimator overtakes another: along L, along a problem's numeric argument (k, t, …), along a dimension."""

import itertools
import json
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd

from gradest.benchmarks.analysis.labels import POINT_ARGUMENT, place_label, subject, without, words
from gradest.benchmarks.analysis.numerals import show
from gradest.benchmarks.analysis.results import PLACE, is_sure, labelled
from gradest.benchmarks.statistics.intervals import LINEAR, LOG, Scale
from gradest.benchmarks.statistics.trends import Crossover, crossovers


class Line(NamedTuple):
    """Measurements that differ in the estimator and in one quantity (column `value`), and in nothing else."""

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


class Overtaking(NamedTuple):
    """One estimator overtakes another on a line."""

    line: Line
    first: str
    """An estimator's label."""
    second: str
    found: Crossover

    @property
    def above(self) -> str:
        """The label of the estimator with the lower variance above the place."""
        return self.first if self.found.first_is_lower_above else self.second

    @property
    def below(self) -> str:
        """That of the other."""
        return self.second if self.found.first_is_lower_above else self.first

    @property
    def where(self) -> str:
        """The line in words."""
        line = self.line
        level = "" if line.num_samples is None else f", L = {line.num_samples}"
        return place_label(line.problem, line.args, line.point, line.group) + level


def overtakings(measurements: pd.DataFrame) -> list[Overtaking]:
    """Every crossover of two estimators' variances that the measurements show, those along
    arguments first.

    A change of sign counts only between places where the difference is known, at 95 % for all
    places of all pairs of the run at once, so that a run of many estimators finds no crossovers by
    chance.
    """
    table = labelled(measurements)
    table = table[is_sure(table)]
    pairs = [
        pair for line in [*along_arguments(table), *along_samples(table)] for pair in pairs_of(line)
    ]
    tests = max(1, sum(len(pair.places) for pair in pairs))
    return [
        Overtaking(pair.line, pair.first, pair.second, found)
        for pair in pairs
        for found in crossovers(
            pair.places.index.to_numpy(float),
            list(pair.places[pair.first]),
            list(pair.places[pair.second]),
            pair.line.scale,
            tests,
        )
    ]


class Pair(NamedTuple):
    """Two estimators on a line: a row for each place where both are known."""

    line: Line
    first: str
    second: str
    places: pd.DataFrame


def pairs_of(line: Line) -> Iterator[Pair]:
    """Every two estimators that are known at two places or more, in alphabetical order."""
    known = line.rows.pivot(index="value", columns="label", values="jackknifed")
    for first, second in itertools.combinations(known.columns, 2):
        places = known[[first, second]].dropna()
        # a state or a sweep may give a cell another number of batches: such places cannot be
        # combined
        same = places[first].map(batches) == places[second].map(batches)
        if len(places) > 1 and same.all():
            yield Pair(line, first, second, places)


def batches(jackknifed) -> int:
    """How many batches a statistic was jackknifed over."""
    return len(jackknifed.without)


def along_samples(table: pd.DataFrame) -> Iterator[Line]:
    """Lines along L."""
    for (problem, args, point, group), rows in table.groupby(PLACE, sort=True):
        yield Line(problem, args, point, group, None, "L", LOG, rows.assign(value=rows.num_samples))


def along_arguments(table: pd.DataFrame) -> Iterator[Line]:
    """Lines along every numeric argument of a problem: numbers on a linear axis, whole numbers (sizes) on a log one."""
    for problem, rows in table.groupby("problem", sort=True):
        given = rows.problem_args.map(json.loads)
        for argument in sorted({key for args in given for key in args} - {POINT_ARGUMENT}):
            value = given.map(lambda args, key=argument: args.get(key))
            kinds = set(value.map(type))
            if not kinds <= {int, float} or value.nunique() < 2:
                continue
            scale = LOG if kinds == {int} and (value > 0).all() else LINEAR
            rest = [without(args, argument) for args in rows.problem_args]
            lines = rows.assign(value=value, rest=rest).groupby(
                ["rest", "point", "group", "num_samples"], sort=True
            )
            for (args, point, group, num_samples), line in lines:
                yield Line(
                    str(problem), args, point, group, int(num_samples), argument, scale, line
                )


def sentence(overtaking: Overtaking) -> str:
    """Says where, with the interval: "…: the score function has the lower variance above k = 1.06 [1.05, 1.08]; …"."""
    axis, at = words(overtaking.line.axis), show(overtaking.found.at)
    above, below = subject(overtaking.above), subject(overtaking.below)
    return f"{overtaking.where}: {above} has the lower variance above {axis} = {at}; {below} below."


def most_certain(overtakings: list[Overtaking], most: int) -> list[Overtaking]:
    """Those with the narrowest intervals in their old order, at most one of each two estimators in a place and axis."""
    narrowest: dict[tuple, int] = {}
    for i in sorted(range(len(overtakings)), key=lambda i: width(overtakings[i])):
        line = overtakings[i].line
        pair = (overtakings[i].first, overtakings[i].second)
        narrowest.setdefault((line.problem, line.args, line.point, line.group, line.axis, pair), i)
    return [overtakings[i] for i in sorted(list(narrowest.values())[:most])]


def width(overtaking: Overtaking) -> float:
    """The relative width of the interval."""
    value, low, high = overtaking.found.at
    return (high - low) / abs(value) if value else np.inf
