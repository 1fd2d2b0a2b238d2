"""A recommendation that is measured, each candidate at the largest L that the budget pays for."""

import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import jax
import pandas as pd

from gradest.benchmarks.analysis.results import ESTIMATOR
from gradest.benchmarks.comparisons.budgets import EVALUATIONS, Budget
from gradest.benchmarks.comparisons.groups import refuse_other_groups
from gradest.benchmarks.comparisons.levels import MOST_SAMPLES
from gradest.benchmarks.errors import BadInput
from gradest.benchmarks.learning_curves.confirming import Candidate, Confirmed, confirm
from gradest.benchmarks.learning_curves.short_training import short_training
from gradest.benchmarks.recommending.answers import Answer
from gradest.benchmarks.recommending.candidates import (
    TIME_SPENT,
    Candidates,
    by_choice,
    candidates_of,
)
from gradest.benchmarks.recommending.levels import (
    allowed,
    costs_of,
    most_along,
    most_within,
    noise_below,
)
from gradest.benchmarks.recommending.ranking import FREE, Rules
from gradest.benchmarks.recommending.rendering import Recommendation
from gradest.benchmarks.recommending.rounds import (
    Announce,
    Bench,
    Found,
    Halving,
    halved,
    measured_in,
    quietly,
    text_of_row,
)
from gradest.benchmarks.runtime.configure import configure
from gradest.benchmarks.sweeps.executors import Deadline
from gradest.estimators import Estimator
from gradest.problems.base import Problem
from gradest.problems.registry.own_faults import failures_of

DEFAULT_BUDGET = Budget(evaluations=128)
"""Where no other is given."""

PILOT_SAMPLES = (4, 64)
PILOT_REPLICATES = 400
"""Of the measurements whose times say which L a budget of seconds pays for."""

PILOT_SHARE = 2 / 3
"""Of the time: two of the three programs of a candidate are compiled for its times."""

CORRECTIONS = 2
"""How often an L that turns out to take too long is made smaller."""

SLACK = 1.2
"""How many times longer than the budget an estimate may take."""


def recommend_measured(
    problem: Problem,
    estimators: Sequence[Estimator],
    limit: Budget,
    how: Halving,
    *,
    grad_f: bool = True,
    announce: Announce = quietly,
    clock: Callable[[], float] = time.monotonic,
) -> Recommendation:
    """Measures estimators at equal cost until the best is separated, and ranks them.

    Args:
        problem: whose gradient is estimated.
        estimators: the candidates, in the order in which they are measured.
        limit: what one gradient may cost; without one, DEFAULT_BUDGET.
        how: rules, group and time.
        grad_f: whether the gradient of f may be taken.
        announce: told of each round.
        clock: by which the seconds are told.

    Raises:
        BadInput: no such group, nothing that the budget pays for, or nothing to recommend.
    """
    configure()
    refuse_group(problem, how.group)
    limit, notes = (limit, ()) if limit != Budget() else (DEFAULT_BUDGET, (NO_BUDGET,))
    if limit.seconds is not None:
        limit = limit._replace(cost="batched")
    deadline = Deadline.after(how.seconds, clock)
    candidates = candidates_of(problem, estimators, grad_f=grad_f)
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(
            problem, candidates.fitting, Path(folder), announce=announce, deadline=deadline
        )
        levels = levels_of(limit, bench)
        affordable = {name: level for name, level in levels.items() if level}
        if not affordable:
            refuse_all(limit, is_all=levels.keys() == candidates.fitting.keys())
        correction = Correction(limit, candidates.fitting)
        rules = how.rules._replace(cost="batched" if limit.seconds else EVALUATIONS)
        found = halved(bench, affordable, how._replace(rules=rules, limit=limit), correction)
    refuse_nothing_free(found.board, how.rules)
    return Recommendation(
        with_noise(found.board, candidates.fitting),
        limit,
        candidates.left_out | dear_ones(levels, limit),
        late_ones(candidates, levels, found),
        candidates.faults | found.failures,
        notes,
        found.interrupted,
    )


def refuse_all(limit: Budget, *, is_all: bool) -> None:
    """Refuses a budget that pays for none of the candidates.

    Args:
        limit: the budget.
        is_all: whether the time sufficed to ask every one.

    Raises:
        BadInput: always.
    """
    more = "" if is_all else f", or more time: {TIME_SPENT} before all were timed"
    raise BadInput(f"{limit.text} pays for no estimator: expected a larger budget{more}")


def dear_ones(levels: Mapping[str, int], limit: Budget) -> dict[str, str]:
    """The reasons of the candidates that cost too much."""
    dear = f"costs more than {limit.text} at its least L"
    return dict.fromkeys(sorted(name for name, level in levels.items() if not level), dear)


def late_ones(candidates: Candidates, levels: Mapping[str, int], found: Found) -> tuple[str, ...]:
    """The candidates that were not come to."""
    untimed = candidates.fitting.keys() - levels
    return tuple(name for name in candidates.fitting if name in untimed | {*found.unmeasured})


def with_noise(board: pd.DataFrame, candidates: Mapping[str, Estimator]) -> pd.DataFrame:
    """The ranking with the L from which on each estimator's noise is below that of minibatches."""
    texts = by_choice(dict(candidates))
    below = []
    for place in range(len(board)):
        rows = board.iloc[[place]]
        rows = rows.assign(variance=rows.variance * rows.estimates)  # of one estimate
        each = candidates[text_of_row(next(rows.itertuples()), texts)]
        below.append(noise_below(rows, one_over_samples=each.claims_one_over_samples()))
    return board.assign(noise_below=below)


def refuse_group(problem: Problem, group: str | None) -> None:
    """Refuses a group that θ does not have, before anything is measured.

    Raises:
        BadInput: there is no such group.
    """
    if group is None:
        return
    try:
        groups = list(jax.eval_shape(problem.init_params, jax.random.key(0)))
    except failures_of(problem):  # its cells will say so
        return
    refuse_other_groups(group, groups)


NO_BUDGET = f"No budget was given: it is {DEFAULT_BUDGET.text}."


def refuse_nothing_free(board: pd.DataFrame, rules: Rules) -> None:
    """Refuses a ranking in which nothing may be recommended.

    Raises:
        BadInput: all are barred.
    """
    if (board.barred == FREE).any():
        return
    if rules.only_unbiased:
        raise BadInput("no estimator was found unbiased: expected only_unbiased = False")
    raise BadInput("every estimator points away from the gradient: expected another budget")


def levels_of(limit: Budget, bench: Bench) -> dict[str, int]:
    """The largest L of each candidate that the budget pays for; 0 where it pays for none.

    A candidate that no time was left for, where that needs any, is not in it.
    """
    candidates = bench.candidates
    if limit.seconds is not None:
        most = within_seconds(limit, bench)
    elif limit.evaluations is not None:
        paid = limit.evaluations
        most = {name: most_within(paid, bench.problem, each) for name, each in candidates.items()}
    else:
        assert limit.samples is not None
        most = dict.fromkeys(candidates, limit.samples)
    return {name: allowed(candidates[name], level) for name, level in most.items()}


def within_seconds(limit: Budget, bench: Bench) -> dict[str, int]:
    """The largest L of each candidate by a line through its times at two L.

    One that fails there keeps the smallest of them, and fails again where it is ranked. One that
    was not come to has none.
    """
    assert limit.seconds is not None
    levels = {
        name: sorted({allowed(each, most) for most in PILOT_SAMPLES} - {0})
        for name, each in bench.candidates.items()
    }
    timed = {name: each for name, each in levels.items() if each}
    early = replace(bench, deadline=bench.deadline.part(PILOT_SHARE))
    table = early.measure(timed, PILOT_REPLICATES, "times")
    texts = by_choice(dict(bench.candidates))
    there = measured_in(table, texts)
    most = {
        name: min(levels[name], default=0) for name in levels if name in there or name not in timed
    }
    known = table[table.status.isin(["ok", "unreliable"])]
    for _, rows in known.groupby(ESTIMATOR, sort=False):
        cells = rows.drop_duplicates("num_samples")
        costs, line = costs_of(limit, cells)
        name = text_of_row(next(cells.itertuples()), texts)
        share = costs[0] / int(cells.num_samples.iloc[0])
        most[name] = (
            min(int(limit.seconds / share), MOST_SAMPLES)
            if line is None
            else most_along(line, limit.seconds)
        )
    return most


class Correction:
    """A smaller L for each candidate that took longer than the budget, a few times."""

    def __init__(self, limit: Budget, candidates: Mapping[str, Estimator]) -> None:
        """Of a budget.

        Args:
            limit: what one gradient may cost.
            candidates: by their text.
        """
        self.limit = limit
        self.candidates = candidates
        self.texts = by_choice(dict(candidates))
        self.left = CORRECTIONS if limit.seconds is not None else 0

    def __call__(self, table: pd.DataFrame) -> dict[str, int]:
        """The smaller L by the candidates' texts; none where all are within the budget."""
        seconds = self.limit.seconds
        if seconds is None or not self.left:
            return {}
        self.left -= 1
        levels = {}
        for row in table[table.seconds > SLACK * seconds].itertuples():
            name = text_of_row(row, self.texts)
            level = allowed(self.candidates[name], int(row.num_samples * seconds / row.seconds))
            if 0 < level < row.num_samples:
                levels[name] = level
        return levels


def confirmed_at(
    answer: Answer, problem: Problem, made: Mapping[str, Estimator] | None = None
) -> Confirmed:
    """What training says of a ranking: its first ones train θ of the problem.

    Args:
        answer: the ranking.
        problem: that it is of.
        made: estimators by their texts, where they are there already.
    """
    free = answer.frame[answer.frame.barred == FREE].itertuples()
    ranked = [
        Candidate(row.estimator_text, row.estimator, row.estimator_args, int(row.num_samples))
        for row in free
    ]
    return confirm(ranked, short_training(problem, made=made))


def named(found: Recommendation, name: str) -> Recommendation:
    """The recommendation with the problem called as a user called it."""
    return replace(found, frame=found.frame.assign(problem=name))
