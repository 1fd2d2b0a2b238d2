"""A recommendation from a finished run, without measuring."""

import json
from collections.abc import Mapping
from typing import Any

import pandas as pd

from gradest.benchmarks.analysis.labels import short_label
from gradest.benchmarks.analysis.numerals import several
from gradest.benchmarks.analysis.results import ESTIMATOR, PLACE, Run
from gradest.benchmarks.comparisons.budgets import EVALUATIONS, Budget
from gradest.benchmarks.comparisons.groups import in_group
from gradest.benchmarks.comparisons.levels import (
    falls_as_one_over_samples,
    paid_for,
    with_levels,
)
from gradest.benchmarks.errors import BadInput
from gradest.benchmarks.recommending.candidates import DIFFERENTIATES
from gradest.benchmarks.recommending.levels import noise_below
from gradest.benchmarks.recommending.ranking import FREE, Rules, ranking
from gradest.benchmarks.recommending.rendering import Recommendation
from gradest.estimators import ESTIMATORS
from gradest.problems.arguments import nearest, shown


def recommend_from(
    run: Run,
    limit: Budget,
    rules: Rules,
    *,
    problem: str | None = None,
    at: Mapping[str, Any] | None = None,
    group: str | None = None,
    grad_f: bool = True,
) -> Recommendation:
    """Ranks the estimators that a run measured, at each place of a problem, for a budget.

    Each is taken at the L that the rule of equal cost gives it, as in the run's leaderboards.

    Args:
        run: a finished one.
        limit: what one gradient may cost; without a limit, the largest L of each.
        rules: how estimators are judged.
        problem: its name; every one of the run, where there is none.
        at: arguments of the problem that the place must have.
        group: of θ, the only one; every one where it is None.
        grad_f: whether the gradient of f may be taken.

    Raises:
        BadInput: the run has no such problem, argument or group, or nothing is within the budget.
    """
    rows = rows_of_problem(run, problem)
    rows = rows_at(rows, at or {})
    skipped = rows[rows.status == "skipped"]
    failed = rows[rows.status == "failed"]
    rows = rows[rows.status.isin(["ok", "unreliable"]) & rows.group.notna()]
    rows = rows if group is None else in_group(rows, group)
    measured = set(texts_of(rows))
    reasons = reasons_of(skipped).items()
    left_out = {text: reason for text, reason in reasons if text not in measured}
    if not grad_f:
        gone = rows.estimator.map(differentiates_f).astype(bool)
        left_out |= dict.fromkeys(texts_of(rows[gone]), DIFFERENTIATES)
        rows = rows[~gone]
    limit = limit.settled(rows)
    chosen = with_noise(paid_for(with_levels(rows), limit), rows)
    rules = rules._replace(cost=limit.cost or EVALUATIONS)
    boards = []
    for _, place in chosen.groupby(PLACE, sort=True):
        board = ranking(place.sort_values(ESTIMATOR).reset_index(drop=True), rules)
        boards.append(board.assign(estimator_text=texts_of(board)))
    answered = [board for board in boards if (board.barred == FREE).any()]
    if not answered:
        refuse_no_answer(limit, is_paid=bool(boards))
    silent = rows.groupby(PLACE).ngroups - len(answered)
    notes = (f"{several(silent, 'place')} without an answer at this budget.",) if silent else ()
    table = pd.concat(answered, ignore_index=True)
    return Recommendation(table, limit, left_out, failures=reasons_of(failed), notes=notes)


def refuse_no_answer(limit: Budget, *, is_paid: bool) -> None:
    """Refuses a run in which nothing may be recommended.

    Raises:
        BadInput: always.
    """
    if is_paid:
        raise BadInput(
            f"nothing that was measured within {limit.text} may be recommended: expected a larger "
            "budget, or biased ones to be allowed"
        )
    raise BadInput(
        f"{limit.text}: nothing that was measured is within the budget: expected a larger one"
    )


def rows_of_problem(run: Run, problem: str | None) -> pd.DataFrame:
    """The rows of a problem by its name; all of the run where there is none.

    Raises:
        BadInput: the run has none of it.
    """
    table = run.measurements
    if problem is None:
        return table
    known = sorted(set(table.problem))
    alike = [name for name in known if stem(name) == stem(problem)]
    if not alike:
        raise BadInput(
            f"run {run.folder} has no problem {shown(problem)}: expected one of "
            f"{', '.join(known)}{nearest(problem, known)}"
        )
    return table[table.problem.isin(alike)]


def stem(name: str) -> str:
    """A problem's name, that of a user's own without its folder: `pol:Policy` for `sub/pol.py:…`.

    >>> stem("sub/pol.py:Policy"), stem("vae_bernoulli")
    ('pol:Policy', 'vae_bernoulli')
    """
    source, separator, cls = name.rpartition(":")
    return f"{source.rpartition('/')[2].removesuffix('.py')}{separator}{cls}"


def rows_at(rows: pd.DataFrame, at: Mapping[str, Any]) -> pd.DataFrame:
    """The rows of problems that have these arguments.

    Raises:
        BadInput: no such argument, or none with such a value.
    """
    read = rows.problem_args.map(json.loads)
    known = sorted({key for arguments in read for key in arguments})
    for key, value in at.items():
        if key not in known:
            raise BadInput(
                f"argument {shown(key)}: expected one of {', '.join(known)}{nearest(key, known)}"
            )
        values = [arguments.get(key) for arguments in read]
        fits = pd.Series([each == value for each in values], index=rows.index)
        if not fits.any():
            there = ", ".join(sorted({str(each) for each in values}))
            raise BadInput(f"{key} = {shown(value)}: expected what was measured: {there}")
        rows, read = rows[fits], read[fits]
    return rows


def with_noise(chosen: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """Rows with the L from which on each estimator's noise is below that of minibatches.

    Args:
        chosen: at most one of each estimator and place.
        rows: all that were measured.
    """
    keys = [*PLACE, *ESTIMATOR]
    below = {
        key: noise_below(
            cells.sort_values("num_samples"),
            one_over_samples=falls_as_one_over_samples(*key[len(PLACE) :]),
        )
        for key, cells in rows.groupby(keys, sort=False)
    }
    known = [below[key] for key in chosen[keys].itertuples(index=False, name=None)]
    return chosen.assign(noise_below=known)


def differentiates_f(name: str) -> bool:
    """Whether an estimator takes the gradient of f, as far as its class is known here."""
    return name in ESTIMATORS and ESTIMATORS[name].differentiates_f


def texts_of(rows: pd.DataFrame) -> list[str]:
    """The estimators of rows as a user writes them."""
    pairs = zip(rows.estimator, rows.estimator_args, strict=True)
    return [short_label(name, arguments) for name, arguments in pairs]


def reasons_of(rows: pd.DataFrame) -> dict[str, str]:
    """The reasons that rows have, by the text of the estimator."""
    return dict(zip(texts_of(rows), rows.reason.astype(str), strict=True))
