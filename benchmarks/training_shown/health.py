"""How the trainings of a run ended, for what a summary says of its health."""

from collections.abc import Sequence

import pandas as pd

from gradest.benchmarks.analysis.results import ESTIMATOR
from gradest.benchmarks.learning_curves.curves import CONTEST, Contest
from gradest.benchmarks.training_shown.words import TABLE, diverged_text

MOST_LISTED = 8
"""Estimators that diverged which are written out; how many more there are is said."""


def training_line(training: pd.DataFrame | None, contests: Sequence[Contest]) -> str:
    """How many trainings have each status, and which diverged; empty where nothing was trained.

    Args:
        training: the rows of training.csv.
        contests: which they are of.
    """
    if training is None or training.empty:
        return ""
    last = training.drop_duplicates([*CONTEST, *ESTIMATOR, "seed"], keep="last")
    counts = ", ".join(f"{count} {status}" for status, count in last.status.value_counts().items())
    diverged = diverged_texts(contests)
    named = f"; diverged: {'; '.join(diverged)}" if diverged else ""
    return f"Trainings: {counts}{named}."


def diverged_texts(contests: Sequence[Contest]) -> list[str]:
    """The first estimators that diverged, each where, and how many more there are."""
    texts = [
        f"{diverged_text(trained)} on {contest.title}"
        for contest in contests
        for trained in contest.trained
        if trained.diverged
    ]
    more = len(texts) - MOST_LISTED
    rest = [f"{more} more, in tables/{TABLE}.md"] if more > 0 else []
    return [*texts[:MOST_LISTED], *rest]
