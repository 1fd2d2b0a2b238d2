"""training.csv and trajectory.csv, from what became of a run's trainings."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from gradest.benchmarks.cells.cell import Cell
from gradest.benchmarks.folders.columns import SORTED_BY, WHOLE, Row
from gradest.benchmarks.folders.training_columns import (
    TRAINING_COLUMNS,
    TRAINING_WHOLE,
    TRAJECTORY_COLUMNS,
    TrainingRow,
    TrajectoryRow,
)
from gradest.benchmarks.outcomes import Outcome
from gradest.benchmarks.training.seeds import Seed

OWN = ("step", "std_mean")
"""Columns of trajectory.csv that are measured and not in measurements.csv."""

Outcomes = Mapping[str, Outcome]
"""What became of trainings, by id."""


def training_table(seeds: Sequence[Seed], outcomes: Outcomes) -> pd.DataFrame:
    """The rows of training.csv, in the order of the sweep; none of what is not there yet.

    Args:
        seeds: the trainings.
        outcomes: what became of them.
    """
    rows = [
        row_of(seed, row) for seed, outcome in there(seeds, outcomes) for row in curve_of(outcome)
    ]
    table = pd.DataFrame(map(vars, rows), columns=list(TRAINING_COLUMNS))
    return table.astype(dict.fromkeys(TRAINING_WHOLE, "Int64"))


def row_of(seed: Seed, row: Mapping[str, Any]) -> TrainingRow:
    """One row of training.csv."""
    named: dict[str, Any] = {
        "problem": seed.problem.name,
        "problem_args": seed.problem.json,
        "estimator": seed.estimator.name,
        "estimator_args": seed.estimator.json,
        "num_samples": seed.num_samples,
        "seed": seed.seed,
    }
    return TrainingRow(**named, **row)


def there(seeds: Sequence[Seed], outcomes: Outcomes) -> Iterator[tuple[Seed, Outcome]]:
    """The trainings that have ended, each with what became of it."""
    for seed in seeds:
        outcome = outcomes.get(seed.id)
        if outcome:
            yield seed, outcome


def curve_of(outcome: Outcome) -> list[dict[str, Any]]:
    """The measured columns of training.csv; where training failed, that it did."""
    curve = [row for row in outcome.rows if "group" not in row]
    return curve or [{"status": outcome.status, "reason": outcome.reason}]


def gradients_of(outcome: Outcome) -> list[dict[str, Any]]:
    """The measured columns of trajectory.csv."""
    return [row for row in outcome.rows if "group" in row]


def trajectory_table(
    seeds: Sequence[Seed],
    outcomes: Outcomes,
    made: Callable[[Cell, Outcome, dict[str, Any]], Row],
    judged: Callable[[pd.DataFrame], pd.DataFrame],
) -> pd.DataFrame:
    """The rows of trajectory.csv.

    Args:
        seeds: the trainings.
        outcomes: what became of them.
        made: a row of measurements.csv, from a cell and what was measured of it.
        judged: such rows with what only all of them together say.
    """
    rows = []
    for seed, outcome in there(seeds, outcomes):
        for measured in gradients_of(outcome):
            own = {name: measured[name] for name in OWN if name in measured}
            others = {name: value for name, value in measured.items() if name not in OWN}
            row = made(seed.cell, outcome, {"replicates": seed.replicates} | others)
            rows.append(TrajectoryRow(**vars(row) | own | {"seed": seed.seed}))
    table = pd.DataFrame(map(vars, rows), columns=list(TRAJECTORY_COLUMNS))
    table = table.astype(dict.fromkeys((*WHOLE, "step"), "Int64"))
    place = ["seed", "step"]
    parts = [judged(part) for _, part in table.groupby(place, sort=False)]
    whole = pd.concat(parts) if parts else table
    return whole.sort_values([*SORTED_BY, *place], kind="stable", na_position="first")


def counts_of_trainings(seeds: Sequence[Seed], outcomes: Outcomes) -> dict[str, int]:
    """How many trainings have each status."""
    counts = dict.fromkeys(("ok", "diverged", "failed", "pending"), 0)
    for seed in seeds:
        outcome = outcomes.get(seed.id)
        counts[outcome.status if outcome else "pending"] += 1
    return counts
