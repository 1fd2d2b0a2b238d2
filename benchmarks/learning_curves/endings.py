"""The objective at the end of training: who ends best, by how much, paired over seeds."""

from typing import NamedTuple

import numpy as np

from gradest.benchmarks.learning_curves.curves import Contest, Trained
from gradest.benchmarks.learning_curves.paired import mean_over_seeds
from gradest.benchmarks.statistics.intervals import Interval


class Ending(NamedTuple):
    """Where one estimator ended."""

    trained: Trained
    rank: int | None
    """None where a seed ended before its time: the mean of the others says too much."""
    tie: bool
    """Whether it may have ended as well as the best."""
    objective: Interval
    """At the end, in the mean over the seeds that came to it."""
    behind: Interval
    """How much worse than the best one's it is, in the objective's units."""
    held_out: Interval
    """The objective of held-out data, likewise."""

    @property
    def label(self) -> str:
        """The estimator in words."""
        return self.trained.label


def endings(contest: Contest) -> list[Ending]:
    """The estimators of a contest, from the one that ended best; those that diverged last."""
    in_order = sorted(contest.trained, key=lambda each: (mean_loss(contest, each), each.label))
    best = in_order[0]
    found = []
    for number, each in enumerate(in_order, start=1):
        behind = loss_over(contest, best, each)
        is_whole = not each.diverged
        found.append(
            Ending(
                each,
                number if is_whole else None,
                tie=is_whole and (each is best or not behind.low > 0),
                objective=mean_over_seeds(objectives(each)),
                behind=behind,
                held_out=mean_over_seeds(held_out(each)),
            )
        )
    return found


def worsens(contest: Contest, trained: Trained) -> bool:
    """Whether every seed ends worse than it began, as where a gradient has the wrong sign."""
    ends = contest.losses(trained, [*trained.curves])
    begun = [contest.sign * curve.objective[0] for curve in trained.curves.values()]
    return bool(np.isfinite(ends).all() and (ends > np.array(begun, float)).all())


def mean_loss(contest: Contest, trained: Trained) -> float:
    """The mean over all seeds: infinite where one diverged."""
    return float(contest.losses(trained, [*trained.curves]).mean())


def objectives(trained: Trained) -> list[float]:
    """The objective at the end of the seeds that came to it."""
    whole = [curve for curve in trained.curves.values() if not curve.ended]
    return [float(curve.objective[-1]) for curve in whole]


def held_out(trained: Trained) -> list[float]:
    """That of held-out data."""
    return [float(curve.held_out[-1]) for curve in trained.curves.values() if not curve.ended]


def loss_over(contest: Contest, one: Trained, other: Trained) -> Interval:
    """How much worse the other ended than the one; surely infinitely, where only it diverged."""
    seeds = contest.seeds(one, other)
    here, there = contest.losses(one, seeds), contest.losses(other, seeds)
    if np.isfinite(here).all() and np.isinf(there).any():
        return Interval(np.inf, np.inf, np.inf)
    with np.errstate(invalid="ignore"):  # where both are infinite nothing is known
        return mean_over_seeds(there - here)
