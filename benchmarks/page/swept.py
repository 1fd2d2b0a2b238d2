"""Arguments that a run swept: places, or estimators, that differ in one number alone."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd

from gradest.benchmarks.analysis.labels import SYMBOLS, estimator_label, words
from gradest.benchmarks.figures.arguments import argument_axis
from gradest.benchmarks.minus import print_minus

Sweeps = list[dict[str, Any]]


def swept_problems(places: Sequence[tuple]) -> Sweeps:
    """The places that differ in one number of their problem's arguments alone.

    Args:
        places: problem, arguments, θ and group of each.
    """
    return sweeps([(args, (problem, point, group)) for problem, args, point, group in places])


def swept_estimators(estimators: Sequence[tuple[str, str]]) -> Sweeps:
    """The estimators that differ in one number of their arguments alone, and what all are called.

    Args:
        estimators: name and arguments of each.
    """
    found = sweeps([(args, (name,)) for name, args in estimators])
    for sweep in found:
        name, args = estimators[sweep["members"][0]]
        rest = {key: each for key, each in json.loads(args).items() if key != sweep["argument"]}
        sweep["label"] = print_minus(estimator_label(name, json.dumps(rest)))
    return found


def sweeps(members: Sequence[tuple[str, tuple]]) -> Sweeps:
    """The sweeps among things that have arguments and, beside them, an identity.

    Returns:
        Of each the `argument`, the numbers of its `members` and their `values`, in order.
    """
    groups: dict[tuple, list[tuple[float, int]]] = {}
    for number, (args, identity) in enumerate(members):
        for argument, value, rest in numbers_in(json.loads(args)):
            groups.setdefault((*identity, argument, rest), []).append((value, number))
    found = []
    for (*_, argument, _rest), values in groups.items():
        if len({value for value, _ in values}) > 1:
            in_order = sorted(values)
            found.append(
                {
                    "argument": argument,
                    "symbol": SYMBOLS.get(argument, words(argument)),
                    "members": [number for _, number in in_order],
                    "values": [value for value, _ in in_order],
                    "axis": axis_of([value for value, _ in in_order]),
                }
            )
    return found


def axis_of(values: Sequence[float]) -> str:
    """Which of the curves' axes such values have: as in figures, logarithmic where they are far
    apart."""
    is_log = argument_axis("", pd.Series(values, dtype=float)).scale == "log"
    return "swept_far" if is_log else "swept"


def numbers_in(arguments: dict[str, Any]) -> Iterator[tuple[str, float, str]]:
    """Each argument that is a number, its value, and all others as text."""
    for name, value in arguments.items():
        if isinstance(value, int | float) and not isinstance(value, bool):
            rest = {key: each for key, each in arguments.items() if key != name}
            yield name, value, json.dumps(rest, sort_keys=True)
