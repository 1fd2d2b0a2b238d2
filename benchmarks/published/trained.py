"""What a run's trainings have at the step of a published number: a row for each seed."""

from typing import Any, NamedTuple

import pandas as pd

from gradest.benchmarks.paper_metrics.measured import Measured
from gradest.benchmarks.paper_metrics.metrics import OF_TRAINING
from gradest.benchmarks.published.matching import Match
from gradest.benchmarks.published.whole import in_group


class Trained(NamedTuple):
    """The tables of a run's trainings."""

    training: pd.DataFrame
    trajectory: pd.DataFrame


class AtStep(NamedTuple):
    """What the seeds of one training have at one step."""

    seeds: list[Measured]
    """Of each that has numbers there, where they can be shown."""
    fault: str = ""
    """Why nothing can be said of them, in a word; empty where something can."""
    reason: str = ""
    """The same in more words."""


def at_step(match: Match, trained: Trained) -> AtStep:
    """What every seed has at the step of a published number."""
    number, entry = match.number, match.number.entry
    curves = curves_of(match, trained.training)
    if entry.metric in OF_TRAINING:
        rows = curves
    else:
        table, group = trained.trajectory, entry.group or ""
        rows = in_group(table[table.cell == match.cell.id], group, by=("seed", "step"))
    rows = rows[(rows.step == number.step) & rows.status.isin(["ok", "unreliable"])]
    doubt = doubt_of(rows, curves)
    if doubt.fault:
        return doubt
    seeds = [Measured(row, None, entry.draws) for row in rows.to_dict("records")]
    if len(seeds) == 1:
        alone = "ours is one seed: how far seeds lie apart is not known"
        return AtStep(seeds, "not known", alone)
    return AtStep(seeds)


def curves_of(match: Match, training: pd.DataFrame) -> pd.DataFrame:
    """The rows of training.csv of a cell."""
    cell = match.cell
    named: dict[str, Any] = {
        "problem": cell.problem.name,
        "problem_args": cell.problem.json,
        "estimator": cell.estimator.name,
        "estimator_args": cell.estimator.json,
        "num_samples": cell.num_samples,
    }
    for name, value in named.items():
        training = training[training[name] == value]
    return training


def doubt_of(rows: pd.DataFrame, curves: pd.DataFrame) -> AtStep:
    """Why nothing can be said of the seeds' numbers.

    A mean of some seeds alone says too much: those that diverged would have been the worst.

    Args:
        rows: those with numbers, of the step.
        curves: of training.csv, of all seeds and steps.
    """
    absent = curves[~curves.seed.isin(rows.seed)]
    if len(absent):
        last = absent.iloc[-1]
        return AtStep([], "not measured", f"ours, seed {last.seed}: {last.status} {last.reason}")
    if rows.empty:
        return AtStep([], "not measured")
    unreliable = rows[rows.status == "unreliable"]
    if len(unreliable):
        first = unreliable.iloc[0]
        return AtStep([], "unreliable", f"ours, seed {first.seed}: {first.reason}")
    return AtStep([])
