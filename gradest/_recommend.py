"""Which estimator to use of a problem's gradient, and at which L, for what a gradient may cost."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from gradest._measure import Named, as_estimators, as_problem, measure
from gradest._page import html_ranking, text_ranking
from gradest.benchmarks.comparisons.budgets import Budget, budget_of
from gradest.benchmarks.comparisons.leaderboard import leaderboard
from gradest.benchmarks.errors import BadInput
from gradest.benchmarks.statistics.intervals import Interval, Jackknifed
from gradest.estimators import ESTIMATORS, Estimator, estimator
from gradest.estimators.conformance import refusal
from gradest.problems.arguments import defaults
from gradest.problems.base import Problem
from gradest.problems.registry.instances import Choice
from gradest.problems.registry.naming import written

MOST_SAMPLES = 1024
"""The largest L that is tried."""

WHOLE = "all of θ"
"""The group of all groups together."""

PILOT_REPLICATES = 400
PILOT_SAMPLES = (4, 64)
"""Of the measurements whose times say which L a budget of seconds pays for."""


CORRECTIONS = 2
"""How often an L that turns out to take too long is made smaller."""

SLACK = 1.2
"""How many times longer than the budget an estimate may take."""


class Best(NamedTuple):
    """What is recommended."""

    estimator: str
    """By name, `name[argument=value,…]`, as `measure` and `train` take it."""
    num_samples: int
    relative_rmse: Interval
    biased: bool


@dataclass(frozen=True, repr=False)
class Recommendation:
    """The ranking of what was measured for one budget."""

    frame: pd.DataFrame
    """As `Run.leaderboard` has it: a row for each estimator, the best first."""
    budget: Budget
    left_out: dict[str, str]
    """Why other estimators were not measured, by name."""

    @property
    def best(self) -> Best:
        """The estimator with the smallest error."""
        row = self.frame.iloc[0]
        return Best(
            row.estimator_text,
            int(row.num_samples),
            Interval(row.relative_rmse, row.relative_rmse_low, row.relative_rmse_high),
            bool(row.biased),
        )

    @property
    def ties(self) -> list[str]:
        """The estimators whose errors may be as small."""
        return self.frame.estimator_text[self.frame.tie].tolist()

    def __repr__(self) -> str:
        best = self.best
        lines = [
            text_ranking(self.frame),
            "",
            f"For {self.budget.text}: {best.estimator}, L = {best.num_samples}.",
        ]
        lines += [f"Not measured: {name}: {reason}" for name, reason in self.left_out.items()]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return html_ranking(self.frame, [])


def recommend(
    problem: Problem | type[Problem] | str,
    estimators: Named | Sequence[Named] | None = None,
    *,
    budget: str | float | None = None,
    evaluations: int | None = None,
    samples: int | None = None,
    only_unbiased: bool = False,
    group: str | None = None,
    replicates: int = 4_000,
) -> Recommendation:
    """Measures estimators, each at the largest L that the budget pays for, and ranks them.

    The error is the relative root mean square error of one estimate. Estimators whose paired ratio
    to the best one's error may be 1 are ties.

    Args:
        problem: an instance, a class or a name.
        estimators: the candidates; all registered ones and leave-one-out REINFORCE, where there are
            none.
        budget: seconds that a gradient may cost, as a number or "1ms", when replicates run batched
            on this machine.
        evaluations: of f and of its gradient together, that it may cost.
        samples: L.
        only_unbiased: never recommends what claims to be biased or is found to be.
        group: of θ, the one that counts; all of θ where it is None.
        replicates: R of each measurement.

    Returns:
        The ranking, with `.best`.

    Raises:
        BadInput: not one budget, no such group, or nothing that the budget pays for.

    Example:
        >>> import gradest
        >>> gradest.recommend(
        ...     "gaussian_square", ["pathwise", "rloo"], samples=4, replicates=400
        ... ).best.estimator
        'pathwise'
    """
    limit = budget_of(budget, evaluations, samples)
    if limit == Budget():
        raise BadInput("expected a budget, evaluations or samples: what a gradient may cost")
    measured = as_problem(problem)
    candidates, left_out = candidates_of(measured, estimators, only_unbiased=only_unbiased)
    levels = levels_of(limit, measured, candidates)
    for name, level in levels.items():
        if level == 0:
            left_out[name] = f"costs more than {limit.text} at its least L"

    affordable_levels = {name: level for name, level in levels.items() if level}
    if not affordable_levels:
        raise BadInput(f"{limit.text} pays for no estimator: expected a larger budget")
    table = measured_within(limit, measured, candidates, affordable_levels, replicates)
    if group is None:
        table = whole(table)
    ranking = leaderboard(table, only_unbiased=only_unbiased, group=group)
    if ranking.empty:
        raise BadInput("no estimator was found unbiased: expected only_unbiased = False")
    names = [row_text(candidates, row) for row in ranking.itertuples()]
    return Recommendation(ranking.assign(estimator_text=names), limit.settled(table), left_out)


def candidates_of(
    problem: Problem, estimators: Named | Sequence[Named] | None, *, only_unbiased: bool
) -> tuple[dict[str, Estimator], dict[str, str]]:
    """The estimators to be measured, by their text, and why others are not."""
    if estimators is None:
        chosen = [*as_estimators(None, problem), estimator("rloo")]
    else:
        chosen = as_estimators(estimators, problem)
    left_out = {}
    candidates = {}
    for each in chosen:
        name = text_of_instance(each)
        answer = refusal(each, problem)
        reason = answer.refusal or answer.fault or None
        if reason is None and only_unbiased and not each.claims_unbiased(problem):
            reason = "it is biased"
        if reason is None:
            candidates[name] = each
        else:
            left_out[name] = reason
    if not chosen:
        raise BadInput(f"estimators = {estimators!r}: expected at least one")
    if not candidates:
        raise BadInput("nothing to measure: " + "; ".join(dict.fromkeys(left_out.values())))
    return candidates, left_out


def text_of_instance(each: Estimator) -> str:
    """An estimator as a user writes it, with the arguments that are not its defaults."""
    choice = Choice.of_instance(ESTIMATORS, each)
    usual = defaults(type(each))
    return written(choice.name, {k: v for k, v in choice.arguments if usual.get(k) != v})


def row_text(candidates: dict[str, Estimator], row: Any) -> str:
    """The text of the candidate that a row of a table is of."""
    for text, each in candidates.items():
        choice = Choice.of_instance(ESTIMATORS, each)
        if (choice.name, choice.json) == (row.estimator, row.estimator_args):
            return text
    raise KeyError(row.estimator)


def measured_within(
    limit: Budget,
    problem: Problem,
    candidates: dict[str, Estimator],
    levels: dict[str, int],
    replicates: int,
) -> pd.DataFrame:
    """The measurements of candidates, again at a smaller L where one took longer than it may."""
    table = measured_at(problem, candidates, levels, replicates)
    for _ in range(CORRECTIONS):
        smaller = corrected(limit, candidates, table)
        if not smaller:
            break
        names = pd.Series([row_text(candidates, row) for row in table.itertuples()])
        again = measured_at(problem, candidates, smaller, replicates)
        table = pd.concat([table[~names.isin(smaller)], again], ignore_index=True)
    return table


def measured_at(
    problem: Problem, candidates: dict[str, Estimator], levels: dict[str, int], replicates: int
) -> pd.DataFrame:
    """The measurements of candidates, each at its own L."""
    parts = []
    for level in sorted(set(levels.values())):
        chosen = [candidates[name] for name in levels if levels[name] == level]
        run = measure(problem, chosen, samples=level, replicates=replicates)
        parts.append(run.read.measurements)
    return pd.concat(parts, ignore_index=True)


def corrected(
    limit: Budget, candidates: dict[str, Estimator], table: pd.DataFrame
) -> dict[str, int]:
    """A smaller L for each candidate that took longer than the budget."""
    if limit.seconds is None:
        return {}
    levels = {}
    for row in table[table.seconds > SLACK * limit.seconds].itertuples():
        name = row_text(candidates, row)
        level = allowed(candidates[name], int(row.num_samples * limit.seconds / row.seconds))
        if 0 < level < row.num_samples:
            levels[name] = level
    return levels


def levels_of(limit: Budget, problem: Problem, candidates: dict[str, Estimator]) -> dict[str, int]:
    """The largest L of each candidate that the budget pays for; 0 where it pays for none."""
    if limit.seconds is not None:
        seconds = times_of(problem, candidates)
        most = {name: affordable(limit.seconds, *seconds[name]) for name in candidates}
    elif limit.evaluations is not None:
        most = {
            name: most_within(limit.evaluations, problem, each) for name, each in candidates.items()
        }
    else:
        assert limit.samples is not None
        most = dict.fromkeys(candidates, limit.samples)
    return {name: allowed(candidates[name], level) for name, level in most.items()}


def most_within(evaluations: int, problem: Problem, each: Estimator) -> int:
    """The largest L of which one estimate makes no more evaluations; 0 where there is none."""
    low, high = 0, MOST_SAMPLES
    while low < high:
        middle = (low + high + 1) // 2
        if sum(each.evaluations(problem, middle)) <= evaluations:
            low = middle
        else:
            high = middle - 1
    return low


def allowed(each: Estimator, most: int) -> int:
    """The largest L up to `most` that the estimator takes; 0 where there is none."""
    fitting = (level for level in range(min(most, MOST_SAMPLES), 0, -1))
    return next((level for level in fitting if each.refuses_samples(level) is None), 0)


def times_of(problem: Problem, candidates: dict[str, Estimator]) -> dict[str, tuple[float, float]]:
    """The seconds of an estimate of each candidate: a constant, and a sample's share."""
    run = measure(
        problem, list(candidates.values()), samples=PILOT_SAMPLES, replicates=PILOT_REPLICATES
    )
    times = {}
    timed = run.frame.dropna(subset=["seconds"])
    for _, rows in timed.groupby(["estimator", "estimator_args"]):
        by_level = rows.groupby("num_samples").seconds.first()
        levels = by_level.index.to_numpy(float)
        if len(levels) > 1:
            share = max((by_level.iloc[-1] - by_level.iloc[0]) / (levels[-1] - levels[0]), 1e-12)
        else:
            share = by_level.iloc[0] / levels[0]
        start = max(by_level.iloc[0] - share * levels[0], 0.0)
        name = row_text(candidates, rows.iloc[0])
        times[name] = (float(start), float(share))
    return {name: times.get(name, (np.inf, np.inf)) for name in candidates}


def affordable(seconds: float, start: float, share: float) -> int:
    """The largest L whose estimate takes no longer."""
    return int(max((seconds - start) / share, 0)) if np.isfinite(share) else 0


def whole(table: pd.DataFrame) -> pd.DataFrame:
    """The measurements of all groups of θ together: one row for each cell."""
    measured = table[table.group.notna()]
    rows = [together(rows) for _, rows in measured.groupby("cell", sort=False)]
    return pd.DataFrame(rows).reset_index(drop=True)


def together(rows: pd.DataFrame) -> pd.Series:
    """One row for the groups of a cell: errors add, and so do the squares of lengths."""
    row = rows.iloc[0].copy()
    row["group"] = WHOLE
    row["jackknifed"] = summed(rows.jackknifed)
    row["jackknifed_bias"] = summed(rows.jackknifed_bias)
    row["variance"] = rows.variance.sum()
    row["exact_norm"] = float(np.sqrt((rows.exact_norm**2).sum()))
    row["kurtosis"] = rows["kurtosis"].max()
    row["relative_rmse"] = np.nan  # from the batches of all groups together
    for name in ("bias_relative", "bias_relative_low", "bias_relative_high"):
        row[name] = np.nan
    if (rows.bias_finding == "biased").any():
        row["bias_finding"] = "biased"
    return row


def summed(parts: Iterable[Any]) -> Jackknifed | None:
    """The sum of statistics, the same batch left out of each."""
    known = list(parts)
    if any(part is None for part in known):
        return None
    return Jackknifed(sum(part.value for part in known), sum(part.without for part in known))
