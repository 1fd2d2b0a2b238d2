"""What is recommended: the ranking of each place, and what is said of it in words."""

import json
import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import pandas as pd

from gradest.benchmarks.analysis.labels import place_label
from gradest.benchmarks.analysis.numerals import percent, show
from gradest.benchmarks.analysis.places import Place
from gradest.benchmarks.analysis.results import ESTIMATOR, PLACE
from gradest.benchmarks.comparisons.budgets import Budget
from gradest.benchmarks.comparisons.leaderboard import ABSOLUTE, is_absolute
from gradest.benchmarks.errors import BadInput
from gradest.benchmarks.learning_curves.confirming import Confirmed
from gradest.benchmarks.recommending.ranking import BACKWARDS, FREE
from gradest.benchmarks.statistics.intervals import Interval
from gradest.estimators import ESTIMATORS


class Best(NamedTuple):
    """What is recommended."""

    estimator: str
    """By name, `name[argument=value,…]`, as `measure` and `train` take it."""
    num_samples: int
    relative_rmse: Interval
    biased: bool
    estimates: int = 1
    """Of how many estimates the mean is taken, each of `num_samples` draws."""

    @property
    def level(self) -> str:
        """Its L in words."""
        if self.estimates == 1:
            return f"L = {self.num_samples}"
        return f"the mean of {self.estimates} estimates of L = {self.num_samples}"


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
    return Best(
        row.estimator_text, int(row.num_samples), error, bool(row.biased), int(row.estimates)
    )


@dataclass(frozen=True, repr=False)
class Findings:
    """The ranking for one budget, at one place or at several of a finished run."""

    frame: pd.DataFrame
    """A row for each place and estimator, the best of each place first: `estimator_text`,
    `num_samples`, `estimates` (of so many it is the mean), `relative_rmse` with its interval
    (absolute where the gradient is 0), `biased`, `barred` (what keeps it from being
    recommended, or ""), `rank`, `ratio` (of its mean squared error to the best one's) with its
    interval, and `tie`."""
    budget: Budget
    left_out: Mapping[str, str] = field(default_factory=dict)
    """Why other estimators are not in it, by name."""
    unmeasured: tuple[str, ...] = ()
    """Those that fit, and that no time was left for."""
    failures: Mapping[str, str] = field(default_factory=dict)
    """Why others failed, by name."""
    notes: tuple[str, ...] = ()
    """What else is to be said."""
    interrupted: bool = False
    """Whether measuring was: these are the rounds before."""
    confirmed: Mapping[Place, Confirmed] = field(default_factory=dict)
    """What training says of the order at each place where the first ones trained."""

    @property
    def among(self) -> str:
        """Of whom the best is, in words, where the time did not suffice for all; else ""."""
        if not self.unmeasured:
            return ""
        measured = self.frame[ESTIMATOR].drop_duplicates().shape[0]
        return f", the best of the {measured} of {measured + len(self.unmeasured)} measured"

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


HEADER = ("", "estimator", "L", "error", "bias; compute")

OWN = "gradest:OwnProblem"
"""Under which results name a problem that was made of functions."""

MOST_NOISE = 1.0
"""The error of an estimate that is zero."""


def doubts(answer: Answer) -> list[str]:
    """Why no interval of some estimators is to be trusted, by the reason."""
    labels: dict[str, list[str]] = defaultdict(list)
    for row in answer.frame.itertuples():
        if row.status == "unreliable":
            labels[str(row.reason)].append(row.label)
    return [f"Unreliable: {'; '.join(names)}: {reason}." for reason, names in labels.items()]


def title_of(answer: Answer) -> str:
    """The place in words."""
    problem, arguments, point, group = answer.place
    where = "" if ":" in problem else point  # one's own has a θ, and no name for it
    return place_label(problem, arguments, where, group).replace(OWN, "own objective")


def cells_of(row: Any) -> tuple[str, ...]:
    """A row in words, a cell for each of HEADER."""
    error = Interval(row.relative_rmse, row.relative_rmse_low, row.relative_rmse_high)
    rank = ("=" if row.tie and row.rank > 1 else "") + str(row.rank)
    return (
        rank if row.barred == FREE else "–",
        row.label,
        f"{times_of(row.estimates)}{row.num_samples}{sign_of(row)}",
        "–" if math.isnan(error.value) else show(error),
        "; ".join(filter(None, [bias_text(row), compute_text(row)])),
    )


def times_of(estimates: int) -> str:
    """The sign of a mean of several estimates; "" of one.

    >>> times_of(97), times_of(1)
    ('97 × ', '')
    """
    return f"{estimates} × " if estimates > 1 else ""


def sign_of(row: Any) -> str:
    """The sign of an L that was not measured, or less than what is paid for; "" of another."""
    for sign, name in (("*", "measured_samples"), ("+", "paid_samples")):
        if not math.isnan(getattr(row, name, math.nan)):
            return sign
    return ""


def has_compute(row: Any) -> bool:
    """Whether it is said of a row how much more compute it needs.

    That is where more samples help, for the error of one that is biased has a floor; and where both
    are of what is paid for.
    """
    return not (row.tie or row.biased or sign_of(row) == "+") and math.isfinite(row.compute)


def compute_text(row: Any) -> str:
    """How many times the compute of the best an estimator needs for its error."""
    return f"{number_text(row.compute)} ×" if has_compute(row) else ""


def number_text(value: float) -> str:
    """A number to two digits, without an exponent up to a million.

    >>> number_text(15.3), number_text(1.23), number_text(43210.0)
    ('15', '1.2', '43,000')
    """
    if value >= 1e6:
        return f"{value:.1e}"
    return f"{float(f'{value:.2g}'):,.{0 if value >= 9.95 else 1}f}"


def bias_text(row: Any) -> str:
    """What is to be said of a row's bias, with its reason where that is known."""
    if not row.biased:
        return "unbiased" if row.status == "ok" else "unreliable"
    if row.bias_finding != "biased":
        return "biased: none found"
    size = "biased" if math.isnan(row.bias_relative) else percent(row.bias_relative)
    if row.barred == BACKWARDS:
        reason = ": f jumps; do not use" if is_for_a_jump(row) else ": points away"
        return f"{size}{reason}"
    return f"{size}: f jumps" if is_for_a_jump(row) else f"biased by {size}"


def is_for_a_jump(row: Any) -> bool:
    """Whether an estimator is biased because its gradient passes through an f that jumps.

    Where f is smooth such an estimator claims to have no bias.
    """
    cls = ESTIMATORS.get(row.estimator)
    is_smooths = cls is not None and cls.unbiased and cls.differentiates_f and not cls.biased_by
    return bool(is_smooths and not row.unbiased)


def sentences(answer: Answer, among: str = "") -> list[str]:
    """What to use, and what is to be said of it.

    Args:
        answer: the ranking.
        among: of whom it is the best, where not all were measured.
    """
    best = answer.best
    bias = f", biased by {percent(answer.first.bias_relative)}" if is_found(answer) else ""
    texts = [f"Use {best.estimator}, {best.level}{bias}{among}."]
    others = [name for name in answer.ties if name != best.estimator]
    if others:
        texts.append(f"A tie: as good may be {', '.join(others)}.")
    unbiased = answer.best_unbiased
    if best.biased and unbiased is not None:
        error = f"error {show(unbiased.relative_rmse)}"
        texts.append(
            f"It is biased; the best unbiased one: {unbiased.estimator}, {unbiased.level}, {error}."
        )
    elif best.biased:
        texts.append("It is biased, and no unbiased one was found.")
    if is_absolute(answer.first):
        texts.append(ABSOLUTE)
    elif best.relative_rmse.value > MOST_NOISE:
        texts.append("Its error is larger than the gradient: a larger budget is needed.")
    return [*texts, *filter(None, [minibatch_line(answer)])]


def is_found(answer: Answer) -> bool:
    """Whether a bias of what is recommended was found, and along the gradient."""
    row = answer.first
    known = bool(row.biased) and row.bias_finding == "biased"
    return known and not math.isnan(row.bias_relative)


def minibatch_line(answer: Answer) -> str:
    """The L beyond which the noise is below that of minibatches; empty where nothing is known."""
    row = answer.first
    if not row.noise_below > 0:
        return ""
    size = int(row.minibatch_size)
    if row.noise_below <= 1:
        return f"Its noise is below that of your minibatches of {size} at every L."
    beyond = int(row.noise_below) - 1
    return f"Beyond L = {beyond} its noise is below that of your minibatches of {size}."
