"""Whether the order of a ranking is that in which its first ones train."""

import itertools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from gradest.benchmarks.analysis.numerals import several, show
from gradest.benchmarks.analysis.results import ESTIMATOR
from gradest.benchmarks.learning_curves.curves import Contest, Trained, contests
from gradest.benchmarks.learning_curves.endings import loss_over
from gradest.benchmarks.statistics.intervals import Interval

MOST = 3
"""So many of a ranking are trained."""

SEEDS = 5


class Candidate(NamedTuple):
    """One of a ranking."""

    text: str
    """As a user writes it."""
    estimator: str
    estimator_args: str
    num_samples: int


class Pair(NamedTuple):
    """Two of a ranking, as they trained."""

    first: str
    """The one that the ranking has before the other."""
    second: str
    behind: Interval
    """How much worse the second ended, paired over seeds."""

    @property
    def is_reversed(self) -> bool:
        """Whether the second surely ended better."""
        return bool(self.behind.high < 0)

    @property
    def is_kept(self) -> bool:
        """Whether the first surely did."""
        return bool(self.behind.low > 0)


class Confirmed(NamedTuple):
    """What training says of the order of a ranking."""

    steps: int
    seeds: int
    order: tuple[str, ...]
    """From the one that ended best."""
    pairs: tuple[Pair, ...]
    failed: dict[str, str]
    """Why others did not train, by their text."""

    @property
    def holds(self) -> bool | None:
        """False where some pair is surely reversed, true where all are surely kept, else None."""
        if any(pair.is_reversed for pair in self.pairs):
            return False
        return True if self.pairs and all(pair.is_kept for pair in self.pairs) else None

    @property
    def text(self) -> str:
        """The verdict, and the pairs that make it."""
        for pair in self.pairs:
            if pair.is_reversed:
                turned = said(pair.second, mirrored(pair.behind), pair.first)
                return f"{self.head}: the order does not hold: {turned}."
        if not self.pairs:
            return f"{self.head}: nothing is confirmed, fewer than two trained."
        first = self.pairs[0]
        verdict = "the order holds" if self.holds else "no order is reversed"
        open_pairs = [pair for pair in self.pairs if not pair.is_kept]
        lead = said(first.first, first.behind, first.second) if first.is_kept else ""
        equal = "; ".join(f"{pair.first} and {pair.second} may end alike" for pair in open_pairs)
        return f"{self.head}: {verdict}: {'; '.join(filter(None, [lead, equal]))}."

    @property
    def head(self) -> str:
        """For how long what was trained."""
        return f"Trained for {several(self.steps, 'step')} with {several(self.seeds, 'seed')}"

    @property
    def as_json(self) -> dict[str, Any]:
        """The same."""
        return {
            "holds": self.holds,
            "steps": self.steps,
            "seeds": self.seeds,
            "order": list(self.order),
            "pairs": [
                {"first": pair.first, "second": pair.second, **finite_ends(pair.behind)}
                for pair in self.pairs
            ],
            "failed": self.failed,
        }


def mirrored(found: Interval) -> Interval:
    """An interval of the number with the other sign."""
    return Interval(-found.value, -found.high, -found.low)


def said(better: str, by: Interval, worse: str) -> str:
    """Who ended better than whom, and by how much."""
    if not np.isfinite(by.value):
        return f"{worse} diverged, {better} did not"
    return f"{better} ends {show(by)} better than {worse}"


def finite_ends(found: Interval) -> dict[str, float | None]:
    """An interval as JSON has it: none where a number is not finite."""
    names = zip(("behind", "low", "high"), found, strict=True)
    return {name: float(end) if np.isfinite(end) else None for name, end in names}


Key = tuple[str, str]
"""An estimator by its name and its arguments."""

Train = Callable[[Candidate, int], pd.DataFrame]
"""Trains with a candidate and a seed, and gives its rows of training.csv."""


def confirm(ranked: Sequence[Candidate], train: Train, seeds: int = SEEDS) -> Confirmed:
    """Trains the first of a ranking, and compares the order of their ends with the ranking's.

    Each trains with the L of the ranking, which the same budget pays for: a step of one may cost as
    much as a step of another. Θ at the start and the number of steps are the same for all.

    Args:
        ranked: from the best on.
        train: the loop.
        seeds: how many.
    """
    chosen = ranked[:MOST]
    parts = [train(each, seed) for each in chosen for seed in range(seeds)]
    # of one contest: what L each has is the ranking's choice
    table = pd.concat(parts, ignore_index=True).assign(num_samples=0)
    found = contests(table)
    texts = {(each.estimator, each.estimator_args): each.text for each in chosen}
    last = table.drop_duplicates(ESTIMATOR, keep="last").itertuples()
    reasons = {(row.estimator, row.estimator_args): str(row.reason) for row in last}
    if not found:
        failed = {text: reasons[key] for key, text in texts.items()}
        return Confirmed(0, seeds, (), (), failed)
    (contest,) = found
    return compared(contest, texts, reasons)


def compared(contest: Contest, texts: dict[Key, str], reasons: dict[Key, str]) -> Confirmed:
    """What a contest says of the order of its estimators.

    Args:
        contest: who trained.
        texts: the estimators as a user writes them, in the order of the ranking.
        reasons: what was said of each at its end.
    """
    trained = {(each.estimator, each.estimator_args): each for each in contest.trained}
    there = [(texts[key], trained[key]) for key in texts if key in trained]
    pairs = [
        Pair(first, second, apart(contest, one, other))
        for (first, one), (second, other) in itertools.combinations(there, 2)
    ]
    losses = {text: float(contest.losses(each, [*each.curves]).mean()) for text, each in there}
    return Confirmed(
        contest.steps,
        len({seed for _, each in there for seed in each.curves}),
        tuple(sorted(losses, key=lambda text: losses[text])),
        tuple(pairs),
        {texts[key]: reasons.get(key, "") for key in texts if key not in trained},
    )


def apart(contest: Contest, one: Trained, other: Trained) -> Interval:
    """How much worse the other ended; surely minus infinity, where only the one diverged."""
    if one.diverged and not other.diverged:
        return Interval(-np.inf, -np.inf, -np.inf)
    return loss_over(contest, one, other)
