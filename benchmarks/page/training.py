"""What the page knows of training: each contest's curves by each cost, its answer, its table."""

import math
from collections.abc import Sequence
from typing import Any

from gradest.benchmarks.learning_curves.curves import COSTS, Trained
from gradest.benchmarks.learning_curves.reaching import is_known
from gradest.benchmarks.minus import print_minus
from gradest.benchmarks.page.contents import as_rounded, estimator_columns
from gradest.benchmarks.page.curves import HIGHLIGHTED, Spec, chart
from gradest.benchmarks.training_shown.lines import MARKED, Line
from gradest.benchmarks.training_shown.objectives import (
    is_early,
    objective_axis,
    objective_line,
)
from gradest.benchmarks.training_shown.tables import training_tables
from gradest.benchmarks.training_shown.words import PREAMBLE, TABLE, Told, lines_of_training

DIGITS = 6
"""Of an objective, of which a small part may be what training gained."""

BAND = 0.15
"""The opacity of a band."""

LOOKS = ("color", "shape", "dash", "family")

SHOWN = ("label", "x", "y", "low", "high")


def training_contents(found: Sequence[Told]) -> dict[str, Any]:
    """The contests of a run and the chart of their curves; no contest where nothing was trained.

    Args:
        found: what is said of each.
    """
    return {
        "contests": list(map(contest_contents, found)),
        "spec": objective_spec(),
        "note": print_minus(PREAMBLE),
    }


def contest_contents(found: Told) -> dict[str, Any]:
    """One contest: its curves from the one that ended best, its answer in lines, its table."""
    contest = found.contest
    in_order = [each.trained for each in found.endings]
    looks = looks_of(in_order)
    costs = [cost for cost in COSTS if is_known(contest, cost)]
    lines = {
        cost: [objective_line(contest, each, cost, None) for each in in_order] for cost in costs
    }
    y = objective_axis(contest, lines[costs[0]], None)
    assert y.limits is not None
    table = next(each for each in training_tables([found]) if each.name == TABLE)
    return {
        "label": print_minus(contest.title),
        "said": list(map(print_minus, lines_of_training(found))),
        "costs": [
            {
                "name": cost,
                "label": COSTS[cost].title,
                "scale": "log" if is_early(contest, lines[cost], None) else "linear",
            }
            for cost in costs
        ],
        "domain": [as_rounded(end, DIGITS) for end in y.limits],
        "title": y.label,
        "curves": [
            {
                "label": print_minus(each.label),
                **looks[i],
                "points": {cost: points_of(lines[cost][i]) for cost in costs},
            }
            for i, each in enumerate(in_order)
        ],
        "header": table.header,
        "rows": [list(map(print_minus, row)) for row in table.rows],
    }


def looks_of(trained: list[Trained]) -> list[dict[str, Any]]:
    """How each estimator is drawn, as in the page's other charts."""
    columns = estimator_columns([(each.estimator, each.estimator_args) for each in trained])
    looks = [
        dict(zip(LOOKS, values, strict=True))
        for values in zip(*(columns[name] for name in LOOKS), strict=True)
    ]
    # a family is told apart from an estimator of the same name
    return [each | {"family": f"family:{each['family']}"} for each in looks]


def points_of(line: Line) -> list[list[float | bool | None]]:
    """x, y, its interval, and whether there is a marker: of each point that is a number."""
    every = max(1, round(len(line.points) / MARKED))
    return [
        [*(as_rounded(float(value), DIGITS) for value in (point.x, *point.y)), i % every == 0]
        for i, point in enumerate(line.points)
        if math.isfinite(point.y.value)
    ]


def objective_spec() -> Spec:
    """Lines of the mean over seeds in their bands, each series in its colour and dashes.

    The page gives x its title and scale, and y its title and its ends: what diverges leaves.
    """
    height: Spec = {"field": "y", "type": "quantitative", "title": "", "scale": {"zero": False}}
    dash = {"field": "dash", "type": "nominal", "scale": None}
    shape = {"field": "shape", "type": "nominal", "scale": None}
    layers: list[Spec] = [
        {
            "mark": {"type": "area", "clip": True},
            "encoding": {
                "y": {**height, "field": "low"},
                "y2": {"field": "high"},
                "opacity": {"condition": {"test": HIGHLIGHTED, "value": BAND}, "value": 0},
            },
        },
        {
            "mark": {"type": "line", "strokeWidth": 1.6, "clip": True},
            "encoding": {"y": height, "strokeDash": dash},
        },
        {
            "mark": {"type": "point", "filled": True, "size": 60, "clip": True},
            "transform": [{"filter": "datum.isMarked"}],
            "encoding": {"y": height, "shape": shape},
        },
    ]
    return chart(layers, "", "linear", SHOWN)
