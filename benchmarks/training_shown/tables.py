"""What training says, in tables."""

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from gradest.benchmarks.learning_curves.curves import COSTS
from gradest.benchmarks.learning_curves.endings import Ending
from gradest.benchmarks.learning_curves.paired import AT_LEAST
from gradest.benchmarks.learning_curves.reaching import Runner
from gradest.benchmarks.training_shown.words import (
    CORRELATIONS,
    DISAGREEMENTS,
    TABLE,
    Told,
    difference,
    factor,
    geometric,
    shown,
)


class Cells(NamedTuple):
    """A table as texts."""

    name: str
    title: str
    header: list[str]
    rows: list[list[str]]


HEADER = ["problem", "estimator", "seeds", "objective at the end", "behind the best", "rank"]


def training_tables(found: Sequence[Told]) -> Iterator[Cells]:
    """Every estimator of every contest; the correlations; the disagreements: those with rows.

    Args:
        found: what is said of each contest.
    """
    costs = [cost for cost in COSTS if any(r.cost == cost for each in found for r in each.races)]
    header = [*HEADER, "reached by"]
    for cost in costs:
        header += [f"{COSTS[cost].each}s to the target", "× the first's"]
    header.append("held out")
    for made in (
        Cells(TABLE, "Training", header, [row for each in found for row in rows_of(each, costs)]),
        Cells(
            CORRELATIONS,
            "Whether an error of the gradient tells who trains better",
            ["problem", "error", "estimators", "τ-b with the objective at the end"],
            [
                [each.contest.title, one.error, str(one.estimators), shown(one.tau)]
                for each in found
                for one in each.correlations
            ],
        ),
        Cells(
            DISAGREEMENTS,
            "Quieter at the start, and trained worse",
            ["problem", "quieter", "than", "×", "worse at", "by", "reason", "found"],
            [row for each in found for row in disagreement_rows(each)],
        ),
    ):
        if made.rows:
            yield without_empty(made)


def without_empty(made: Cells) -> Cells:
    """The table without columns in which no row has anything."""
    kept = [i for i in range(len(made.header)) if any(row[i] != "–" for row in made.rows)]
    return made._replace(
        header=[made.header[i] for i in kept],
        rows=[[row[i] for i in kept] for row in made.rows],
    )


def rows_of(found: Told, costs: Sequence[str]) -> list[list[str]]:
    """A row for each estimator of a contest, from the one that ended best."""
    return [ending_row(found, each, costs) for each in found.endings]


def ending_row(found: Told, ending: Ending, costs: Sequence[str]) -> list[str]:
    """One estimator's row."""
    trained = ending.trained
    diverged = f" ({trained.diverged} diverged)" if trained.diverged else ""
    kind = "" if trained.is_unbiased else ", biased"
    rank = str(ending.rank) if ending.rank else "–"
    best = found.endings[0]
    row = [
        found.contest.title,
        f"{ending.label}{kind}",
        f"{len(trained.curves)}{diverged}",
        "–" if math.isnan(ending.objective.value) else shown(ending.objective),
        "–" if ending is best or math.isnan(ending.behind.value) else difference(ending.behind),
        f"={rank}" if ending.tie and ending is not best else rank,
    ]
    runners = {race.cost: {each.label: each for each in race.runners} for race in found.races}
    of_first = next(iter(runners.values()), {}).get(ending.label)
    row.append(f"{of_first.times.reached} of {len(of_first.times.never)}" if of_first else "–")
    for cost in costs:
        runner = runners.get(cost, {}).get(ending.label)
        row += runner_cells(runner) if runner else ["–", "–"]
    row.append("–" if math.isnan(ending.held_out.value) else shown(ending.held_out))
    return row


def runner_cells(runner: Runner) -> list[str]:
    """What it took one estimator, and in times what it took the first."""
    value = runner.together.interval.value
    if math.isnan(value):
        took = "at the start"
    elif runner.together.bound == AT_LEAST:
        took = f"> {value:.3g}"
    else:
        took = geometric(runner.together.interval)
    if runner.rank == 1:
        return [took, "1"]
    return [took, ("=" if runner.tie else "") + factor(runner.ratio).removesuffix(" ×")]


def disagreement_rows(found: Told) -> Iterator[list[str]]:
    """A row for each reason of each pair."""
    for each in found.disagreements:
        for reason in each.reasons:
            yield [
                found.contest.title,
                each.quieter.label,
                each.better.label,
                f"{each.quieter_by:.3g}".replace("inf", "∞"),
                each.at,
                difference(each.worse_by),
                reason.name,
                reason.text or "–",
            ]
