"""What is recommended: the ranking of each place, and what is to be said beside it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import pandas as pd

from gradest.benchmarks.analysis.results import PLACE
from gradest.benchmarks.comparisons.budgets import Budget
from gradest.benchmarks.errors import BadInput
from gradest.benchmarks.recommending.ranking import FREE
from gradest.benchmarks.statistics.intervals import Interval


class Best(NamedTuple):
    """What is recommended."""

    estimator: str
    """By name, `name[argument=value,…]`, as `measure` and `train` take it."""
    num_samples: int
    relative_rmse: Interval
    biased: bool


@dataclass(frozen=True)
class Answer:
    """The ranking at one place."""

    frame: pd.DataFrame
    """A row for each estimator, the best first."""

    @property
    def first(self) -> Any:
        """The row of what is recommended."""
        return next(self.frame.itertuples())

    @property
    def best(self) -> Best:
        """What is recommended."""
        return best_of(self.first)

    @property
    def best_unbiased(self) -> Best | None:
        """The best of those that are not biased; None where there is none."""
        free = self.frame[(self.frame.barred == FREE) & ~self.frame.biased.astype(bool)]
        return None if free.empty else best_of(next(free.itertuples()))

    @property
    def ties(self) -> list[str]:
        """The estimators whose errors may be as small as the best one's, itself among them."""
        return self.frame.estimator_text[self.frame.tie].tolist()

    @property
    def place(self) -> tuple[str, str, str, str]:
        """The problem, its arguments, the point and the group."""
        row = self.first
        return row.problem, row.problem_args, row.point, row.group

    @property
    def problem_args(self) -> dict[str, Any]:
        """The problem's arguments."""
        return dict(json.loads(self.place[1]))


def best_of(row: Any) -> Best:
    """What a row says of its estimator."""
    error = Interval(row.relative_rmse, row.relative_rmse_low, row.relative_rmse_high)
    return Best(row.estimator_text, int(row.num_samples), error, bool(row.biased))


@dataclass(frozen=True, repr=False)
class Findings:
    """The ranking for one budget, at one place or at several of a finished run."""

    frame: pd.DataFrame
    """A row for each place and estimator, the best of each place first: `estimator_text`,
    `num_samples`, `relative_rmse` with its interval, `biased`, `barred` (what keeps it from being
    recommended, or ""), `rank`, `ratio` (of its mean squared error to the best one's) with its
    interval, and `tie`."""
    budget: Budget
    left_out: Mapping[str, str] = field(default_factory=dict)
    """Why other estimators are not in it, by name."""
    failures: Mapping[str, str] = field(default_factory=dict)
    """Why others failed, by name."""
    notes: tuple[str, ...] = ()
    """What else is to be said."""
    interrupted: bool = False
    """Whether measuring was: these are the rounds before."""

    @property
    def answers(self) -> list[Answer]:
        """The ranking at each place."""
        groups = self.frame.groupby(PLACE, sort=False, dropna=False)
        return [Answer(rows) for _, rows in groups]

    @property
    def answer(self) -> Answer:
        """The ranking of the only place.

        Raises:
            BadInput: there are several.
        """
        answers = self.answers
        if len(answers) != 1:
            raise BadInput(
                f"{len(answers)} places have an answer each: expected one: choose it by `group` "
                "and `at`, or take each of `.answers`"
            )
        return answers[0]

    @property
    def best(self) -> Best:
        """What is recommended at the only place."""
        return self.answer.best

    @property
    def ties(self) -> list[str]:
        """The estimators whose errors may be as small, at the only place."""
        return self.answer.ties
