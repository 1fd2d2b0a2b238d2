"""The figure of the noise along training, at the θ that each estimator has come to."""

import math
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from gradest.benchmarks.figures.bundles import MOST_LINES, as_one, equal_entries
from gradest.benchmarks.figures.lines import COLUMNS, log_axis
from gradest.benchmarks.figures.spec import Axis, FigureSpec, Panel
from gradest.benchmarks.learning_curves.curves import COSTS, Checkpoint, Contest, Trained
from gradest.benchmarks.learning_curves.endings import endings
from gradest.benchmarks.learning_curves.paired import geometric_mean
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


def noise(contest: Contest, name: str) -> FigureSpec | None:
    """Variance and relative RMSE along the way; None where no checkpoint has them.

    Args:
        contest: who trained.
        name: the figure's.
    """
    in_order = [each.trained for each in endings(contest)]
    panels = []
    absent: set[str] = {each.label for each in in_order}
    for name_of_panel, (title, of) in NOISES.items():
        lines = [noise_line(each, of) for each in in_order]
        bundles = bundled(lines, near_by_ratio)
        absent -= {line.trained.label for bundle in bundles for line in bundle}
        if not bundles:
            continue
        drawn = bundles[:MOST_LINES]
        firsts = [bundle[0] for bundle in drawn]
        x, place = cost_axis(COSTS["step"].title, firsts, early=True)
        series = tuple(as_one([series_of(line, place) for line in bundle]) for bundle in drawn)
        panels.append(Panel(name_of_panel, title, x, noise_axis(firsts), series))
    if not panels:
        return None
    notes = [
        "At θ of each estimator's own training; geometric mean and 95 % over "
        f"{seeds_text(contest)}.",
        *equal_notes(panels, "at every checkpoint"),
        *left_out_notes(panels, in_order, absent),
        *([f"No line, for there is no noise: {'; '.join(sorted(absent))}."] if absent else []),
        *axis_notes(panels),
    ]
    return FigureSpec(
        name,
        f"Noise along training: {contest.title}",
        tuple(panels),
        columns=min(COLUMNS, len(panels)),
        key=(equal_entries(panels),),
        notes=tuple(notes),
    )


def relative_rmse(at: Checkpoint) -> float:
    """√(mse/‖∇‖²), not a number where there is no gradient."""
    return math.exp(at.relative) if math.isfinite(at.relative) else math.nan


NOISES: dict[str, tuple[str, Callable[[Checkpoint], float]]] = {
    "variance": ("variance tr Cov(g), all of θ", lambda at: at.variance),
    "relative RMSE": ("relative RMSE √(tr Cov(g) + ‖bias‖²)/‖∇‖", relative_rmse),
}
"""What is drawn along the way: the words over its panel, and how it is told of a checkpoint."""


def noise_line(trained: Trained, of: Callable[[Checkpoint], float]) -> Line:
    """The geometric mean over seeds at each checkpoint that all of them have."""
    seeds = [*trained.checkpoints.values()]
    common = sorted(set.intersection(*({*steps} for steps in seeds))) if seeds else []
    points = []
    for step in common:
        found = geometric_mean(np.array([of(steps[step]) for steps in seeds], float))
        if math.isfinite(found.value):
            points.append(Point(float(step), found))
    return Line(trained, points)


def noise_axis(lines: Sequence[Line]) -> Axis:
    """The logarithmic axis of what is drawn, which the panel's title names."""
    return log_axis("", pd.Series([p.y.value for line in lines for p in line.points]))
