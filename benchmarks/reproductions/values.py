"""What a paper's figure is made of: the rows of a run with the metric, where they stand along the
axis and in which panel."""

import json
import math
from collections.abc import Iterator
from typing import Any

import pandas as pd

from gradest.benchmarks.analysis.labels import number_text, words
from gradest.benchmarks.analysis.results import Run, called_zero
from gradest.benchmarks.paper_metrics.measured import Measured
from gradest.benchmarks.paper_metrics.metrics import METRICS
from gradest.benchmarks.published.entries import KINDS, STEP, PaperFigure
from gradest.benchmarks.published.whole import in_group
from gradest.benchmarks.reproductions.along import PLACE, steps_of
from gradest.benchmarks.statistics.intervals import Interval
from gradest.estimators import named_estimator

OURS = ("ours", "ours_low", "ours_high")

AT_START = -1
"""In place of a step, of what was measured without training."""


def figures_asked(run: Run) -> Iterator[PaperFigure]:
    """The figures that the run's sweep has of its paper."""
    sweep = (run.manifest or {}).get("sweep") or {}
    for each in sweep.get("paper_figure") or []:
        yield PaperFigure.model_validate(each)


def measured(asked: PaperFigure, run: Run) -> pd.DataFrame:
    """The run's rows that have the metric, with `x`, `panel` and `ours`."""
    if asked.x == STEP:
        return along_training(asked, run)
    table = run.measurements
    table = table[table.status.isin(["ok", "unreliable"])]
    if asked.group:
        table = in_group(table, asked.group)
    table = table.assign(
        step=AT_START,
        x=[position(row, asked.x, asked.x_as) for row in table.itertuples()],
        panel=[position(row, asked.panel) for row in table.itertuples()],
        zero=called_zero(table),
    )
    values = [ours_of(asked, row) for row in table.to_dict("records")]
    for number, name in enumerate(OURS):
        table[name] = [value[number] for value in values]
    table["exact_ours"] = [exact_of(asked, row) for row in table.to_dict("records")]
    compared = compared_in(asked, run).drop_duplicates(PLACE).set_index(PLACE)
    table = table.set_index(PLACE, drop=False)
    table.update(compared[list(OURS)])
    return table.reset_index(drop=True)


def along_training(asked: PaperFigure, run: Run) -> pd.DataFrame:
    """The same of every step of training, in the mean over seeds."""
    there = list(steps_of(asked, run))
    table = pd.DataFrame([each.row for each in there])
    for number, name in enumerate(OURS):
        table[name] = [each.ours[number] for each in there]
    return table.assign(
        status=[each.status for each in there],
        x=[float(each.row.step) for each in there],
        panel=[position(each.row, asked.panel) for each in there],
        zero=False,
        exact_ours=math.nan,
    )


def compared_in(asked: PaperFigure, run: Run) -> pd.DataFrame:
    """What was published of a figure's metric, with PLACE known in every row."""
    if run.published is None:
        return pd.DataFrame(columns=[*PLACE, *OURS, "source"])
    rows = run.published[(run.published.metric == asked.metric) & run.published.cell.notna()]
    return rows.assign(group=rows.group.fillna(""), step=rows.step.fillna(AT_START))


def position(row: Any, what: str, as_: str | None = None) -> float:
    """Where a row stands along an axis, or in which panel; 0 where nothing is said.

    >>> from types import SimpleNamespace
    >>> position(SimpleNamespace(problem_args='{"logit": 0.0}'), "problem.logit", "probability")
    0.5
    """
    if not what:
        return 0.0
    kind, _, argument = what.partition(".")
    if kind in KINDS and argument:
        value = json.loads(getattr(row, f"{kind}_args")).get(argument, math.nan)
    else:
        value = getattr(row, what)
    number = float(value)
    return 1 / (1 + math.exp(-number)) if as_ == "probability" else number


def ours_of(asked: PaperFigure, row: dict[str, Any]) -> Interval:
    """The metric of a row, as far as it has it: what needs moments is in published.csv alone."""
    return METRICS[asked.metric].ours(Measured(row))


def exact_of(asked: PaperFigure, row: dict[str, Any]) -> float:
    """The metric of an exact variance; not a number where it is not known."""
    exact = row["exact_variance"]
    ends = dict.fromkeys(("variance", "variance_low", "variance_high"), exact)
    if not exact > 0:
        return math.nan
    return METRICS[asked.metric].ours(Measured(row | ends)).value


def panels_of(asked: PaperFigure, table: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """The rows of each panel, with its title."""
    name = asked.panel_label or words(asked.panel.rpartition(".")[2])
    for value, rows in table.groupby("panel", sort=True):
        yield (f"{name} = {number_text(float(value))}" if asked.panel else ""), rows


def rows_of(rows: pd.DataFrame, text: str) -> pd.DataFrame:
    """The rows of an estimator with the arguments that a text has, whatever its others."""
    name, given = named_estimator(text, {})
    fitting = [
        row.estimator == name and given.items() <= json.loads(row.estimator_args).items()
        for row in rows.itertuples()
    ]
    return rows[fitting]
