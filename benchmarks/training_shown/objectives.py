"""Figures of training: the objective against each cost."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from gradest.benchmarks.analysis.labels import problem_label, slug
from gradest.benchmarks.figures.bundles import MOST_LINES, NEAR, as_one, equal_entries
from gradest.benchmarks.figures.lines import COLUMNS, log_axis
from gradest.benchmarks.figures.spec import Axis, FigureSpec, Panel
from gradest.benchmarks.learning_curves.curves import COSTS, Contest, Curve, Trained
from gradest.benchmarks.learning_curves.endings import endings
from gradest.benchmarks.learning_curves.paired import geometric_mean, mean_over_seeds
from gradest.benchmarks.learning_curves.reaching import is_known
from gradest.benchmarks.training_shown.lines import (
    Line,
    Point,
    axis_notes,
    bundled,
    cost_axis,
    equal_notes,
    left_out_notes,
    near_by_ratio,
    seeds_text,
    series_of,
)
from gradest.benchmarks.training_shown.noise import noise
from gradest.benchmarks.training_shown.optima import optimum_of

EARLY = 1 / 20
"""Of the longest curve: where some line makes half of its gain before, x is logarithmic."""

FARTHEST = 3.0
"""Times the distance from the optimum at the start, beyond which lines leave a logarithmic axis."""

ABOVE = 0.3
"""How far the axis goes beyond the start, in parts of what the best gained."""


def training_figures(contests: Sequence[Contest]) -> Iterator[FigureSpec]:
    """Two figures for each contest: objectives, and where checkpoints were measured the noise.

    Where the optimum is known it is the distance from it, on a logarithmic axis.
    """
    several = len({each.num_samples for each in contests}) > 1
    for contest in contests:
        place = slug(contest.problem, contest.problem_args)
        suffix = f"{place}_L{contest.num_samples}" if several else place
        label = problem_label(contest.problem, contest.problem_args)
        titled = contest._replace(title=f"{label}, L = {contest.num_samples}")
        yield objectives(titled, f"training_{suffix}", optimum_of(contest))
        noisy = noise(titled, f"training_noise_{suffix}")
        if noisy:
            yield noisy


def objectives(contest: Contest, name: str, optimum: float | None) -> FigureSpec:
    """The objective against each cost that is known.

    Args:
        contest: who trained.
        name: the figure's.
        optimum: the best objective there is, where that is known.
    """
    costs = [cost for cost in COSTS if is_known(contest, cost)]
    in_order = [each.trained for each in endings(contest)]
    of_costs = {
        cost: [objective_line(contest, each, cost, optimum) for each in in_order] for cost in costs
    }
    near = near_of(contest, of_costs[costs[0]], optimum)
    bundles = bundled(of_costs[costs[0]], near)
    panels = [
        objective_panel(contest, cost, chosen(of_costs[cost], bundles), optimum) for cost in costs
    ]
    if holds_out(contest):
        panels.append(held_out_panel(contest, bundles))
    what = "mean" if optimum is None else "geometric mean"
    notes = [
        f"{what.capitalize()} and 95 % band over {seeds_text(contest)}; a line ends where a seed "
        "diverged.",
        *equal_notes(panels, "of what the best gained" if optimum is None else "at every step"),
        *left_out_notes(panels, in_order),
        *axis_notes(panels),
    ]
    if "seconds" in costs:
        notes.append("Seconds: of training alone, without compiling, in the mean over seeds.")
    return FigureSpec(
        name,
        f"Training: {contest.title}",
        tuple(panels),
        columns=min(COLUMNS, len(panels)),
        key=(equal_entries(panels),),
        notes=tuple(notes),
    )


def objective_line(contest: Contest, trained: Trained, cost: str, optimum: float | None) -> Line:
    """The mean objective over seeds, at the steps that all of them came to."""
    curves = [*trained.curves.values()]
    steps = sorted(set.intersection(*({*curve.step} for curve in curves)))
    mean = mean_over_seeds if optimum is None else geometric_mean
    points = []
    for step in steps:
        at = [int(np.searchsorted(curve.step, step)) for curve in curves]
        values = np.array([curve.objective[i] for curve, i in zip(curves, at, strict=True)])
        if optimum is not None:
            values = values - optimum
        x = mean_cost(curves, at, cost)
        points.append(Point(x, mean(values)))
    return Line(trained, points)


def holds_out(contest: Contest) -> bool:
    """Whether the objective of held-out data is known along every curve."""
    curves = [curve for each in contest.trained for curve in each.curves.values()]
    return all(np.isfinite(curve.held_out).all() for curve in curves)


def held_out_panel(contest: Contest, bundles: Sequence[Sequence[Line]]) -> Panel:
    """The objective of held-out data against steps, of the same lines as in the first panel."""
    of_all = [held_out_curves(each) for each in contest.trained]
    apart = contest._replace(trained=tuple(of_all))
    lines = [objective_line(apart, each, "step", None) for each in of_all]
    panel = objective_panel(apart, "step", chosen(lines, bundles), None)
    return replace(panel, name="of held-out data", title="of held-out data, over steps")


def held_out_curves(trained: Trained) -> Trained:
    """The training with the objective of held-out data in the place of its own."""
    curves = {
        seed: curve._replace(objective=curve.held_out) for seed, curve in trained.curves.items()
    }
    return trained._replace(curves=curves)


def mean_cost(curves: Sequence[Curve], at: Sequence[int], cost: str) -> float:
    """What the seeds had spent at their points, in the mean."""
    return float(np.mean([getattr(each, cost)[i] for each, i in zip(curves, at, strict=True)]))


def near_of(
    contest: Contest, lines: Sequence[Line], optimum: float | None
) -> Callable[[float, float], bool]:
    """How near two values are that are drawn as one: by what the best gained, or by their ratio."""
    if optimum is not None:
        return near_by_ratio
    room = NEAR * gained(contest, lines)
    return lambda one, other: abs(one - other) <= room


def gained(contest: Contest, lines: Sequence[Line]) -> float:
    """What the best line gained."""
    ends = [contest.sign * (line.points[0].y.value - line.points[-1].y.value) for line in lines]
    return float(max([0.0, *(end for end in ends if math.isfinite(end))]))


def chosen(lines: Sequence[Line], drawn: Sequence[Sequence[Line]]) -> list[list[Line]]:
    """The lines of another panel, bundled as in the first, unless they part there."""
    of_label = {line.trained.label: line for line in lines}
    found: list[list[Line]] = []
    for bundle in drawn:
        members = [of_label[each.trained.label] for each in bundle]
        same = [each for each in members if xs(each) == xs(members[0])]
        parted = [each for each in members if xs(each) != xs(members[0])]
        found += [same, *([each] for each in parted)]
    return found[:MOST_LINES]


def xs(line: Line) -> list[float]:
    """Where a line has points, as far as its place on paper tells: to a hundredth of the whole."""
    last = line.points[-1].x or 1.0
    return [float(f"{last:.2g}"), *(round(point.x / last, 2) for point in line.points)]


def objective_panel(
    contest: Contest, cost: str, bundles: Sequence[Sequence[Line]], optimum: float | None
) -> Panel:
    """The lines against one cost."""
    firsts = [bundle[0] for bundle in bundles]
    # each panel has another x, so that it is named over the panel and not under the last one
    x, place = cost_axis("", firsts, is_early(contest, firsts, optimum))
    series = tuple(as_one([series_of(line, place) for line in bundle]) for bundle in bundles)
    return Panel(
        f"by {COSTS[cost].each}s",
        f"over {COSTS[cost].title}",
        x,
        objective_axis(contest, firsts, optimum),
        series,
    )


def is_early(contest: Contest, lines: Sequence[Line], optimum: float | None) -> bool:
    """Whether some line makes half of its gain so early that a linear axis would not show it."""
    longest = max(line.points[-1].x for line in lines)
    return any(
        halfway(contest, line, optimum) < EARLY * longest for line in lines if len(line.points) > 2
    )


def halfway(contest: Contest, line: Line, optimum: float | None) -> float:
    """The x at which a line has made half of its gain; infinite where it gains nothing."""
    sign = contest.sign if optimum is None else 1
    values = sign * np.array([point.y.value for point in line.points])
    if not values[-1] < values[0]:
        return math.inf
    middle = (values[0] + values[-1]) / 2
    return line.points[int(np.flatnonzero(values <= middle)[0])].x


def objective_axis(contest: Contest, lines: Sequence[Line], optimum: float | None) -> Axis:
    """The y axis: from the best to a little beyond the start; what is worse leaves the panel."""
    if optimum is not None:
        known = [point.y.value for line in lines for point in line.points if point.y.value > 0]
        farthest = FARTHEST * (contest.start - optimum)
        return log_axis("objective − optimum", pd.Series([min(y, farthest) for y in known]))
    label = "objective E[f]" + (", to rise" if contest.sign < 0 else "")
    values = np.array([contest.sign * p.y.value for line in lines for p in line.points])
    values = values[np.isfinite(values)]
    start = contest.sign * contest.start
    best = float(values.min())
    room = (start - best) or abs(start) or 1.0
    worst = min(float(values.max()), start + ABOVE * room)
    ends = (contest.sign * (best - 0.06 * room), contest.sign * (worst + 0.06 * room))
    return Axis(label, limits=(min(ends), max(ends)))
