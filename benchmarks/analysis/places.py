"""Short names of a run's places, which leave out what all of its places have in common."""

from collections.abc import Mapping

import pandas as pd

from gradest.benchmarks.analysis.labels import POINT_ARGUMENT, problem_label, without, words
from gradest.benchmarks.analysis.results import PLACE

Place = tuple[str, str, str, str]
"""A problem, its arguments, where θ stands, and the group of θ."""


def place_names(table: pd.DataFrame) -> Mapping[Place, str]:
    """A name for each place: arguments, θ's point and group only where a problem has several.

    Args:
        table: a run's measurements.
    """
    places = table[PLACE].drop_duplicates()
    places = places.assign(setting=[without(args, POINT_ARGUMENT) for args in places.problem_args])
    varied = places.groupby("problem")[["setting", "point", "group"]].transform("nunique") > 1
    names = {}
    for row, several in zip(places.itertuples(), varied.itertuples(), strict=True):
        parts = [problem_label(row.problem, row.setting) if several.setting else title(row.problem)]
        if several.point:
            parts.append(words(row.point))
        if several.group and isinstance(row.group, str) and row.group:
            parts.append(f"∂/∂ {words(row.group)}")
        names[row.problem, row.problem_args, row.point, row.group] = ", ".join(parts)
    return names


def title(problem: str) -> str:
    """A problem in words, without its arguments."""
    return problem_label(problem, "{}")
