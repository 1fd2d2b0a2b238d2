"""A paper's figure along training: the metric of every step, in the mean over our seeds."""

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import pandas as pd

from gradest.benchmarks.analysis.results import Run
from gradest.benchmarks.figures.spec import Axis
from gradest.benchmarks.learning_curves.curves import FINE
from gradest.benchmarks.paper_metrics.measured import Measured
from gradest.benchmarks.paper_metrics.metrics import OF_TRAINING
from gradest.benchmarks.published.entries import PaperFigure
from gradest.benchmarks.published.seeds import over_seeds
from gradest.benchmarks.published.whole import in_group
from gradest.benchmarks.statistics.intervals import Interval

TRAINED = ["problem", "problem_args", "estimator", "estimator_args", "num_samples"]
"""What all seeds of one training agree in."""

PLACE = ["cell", "group", "step"]


class AtStep(NamedTuple):
    """What the seeds of one training have at one step."""

    row: pd.Series
    """Of the first seed, for what all of them agree in."""
    ours: Interval
    status: str


def steps_of(asked: PaperFigure, run: Run) -> Iterator[AtStep]:
    """Each training at each step that all of its seeds came to."""
    table = rows_with_cells(asked, run)
    number_of_seeds = table.groupby(["cell", "group"]).seed.nunique()
    known = table[table.status.isin(FINE)]
    draws = draws_of(asked, run)
    for (cell, group, _), rows in known.groupby(PLACE, sort=True):
        if rows.seed.nunique() < number_of_seeds[cell, group]:
            continue
        seeds = [Measured(row, None, draws) for row in rows.to_dict("records")]
        status = "ok" if (rows.status == "ok").all() else "unreliable"
        yield AtStep(rows.iloc[0], over_seeds(asked.metric, seeds), status)


def rows_with_cells(asked: PaperFigure, run: Run) -> pd.DataFrame:
    """The rows that have the metric, each with its cell, and a group where the metric has one."""
    if run.training is None or run.trajectory is None:
        return pd.DataFrame(columns=[*PLACE, "seed", "status"])
    if asked.metric not in OF_TRAINING:
        rows = run.trajectory
        return in_group(rows, asked.group, by=("cell", "seed", "step")) if asked.group else rows
    cells = run.measurements[["cell", *TRAINED]].drop_duplicates("cell")
    return run.training.merge(cells, on=TRAINED).assign(group="")


def draws_of(asked: PaperFigure, run: Run) -> int | None:
    """From how many draws the paper's numbers of the metric are, where one depends on that."""
    sweep: dict[str, Any] = (run.manifest or {}).get("sweep") or {}
    of_metric = [each for each in sweep.get("published") or [] if each["metric"] == asked.metric]
    return of_metric[0].get("draws") if of_metric else None


MOST_TICKS = 4
"""Parts of the axis of steps, at most."""


def steps_axis(label: str, last: float) -> Axis:
    """An axis of steps from 0 on: whole numbers, a round number apart.

    >>> steps_axis("step", 49_500).names
    ('0', '20,000', '40,000')
    """
    power = 10 ** max(math.floor(math.log10(max(last, 1) / MOST_TICKS)), 0)
    apart = next(each * power for each in (1, 2, 5, 10) if last <= each * power * MOST_TICKS)
    ticks = range(0, int(last) + 1, apart)
    margin = 0.04 * last or 0.5
    names = tuple(f"{tick:,}" for tick in ticks)
    return Axis(label, limits=(-margin, last + margin), ticks=tuple(ticks), names=names)
