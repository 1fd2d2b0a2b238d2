"""Who comes to an objective first: in steps, in evaluations and in seconds, paired over seeds.

Unless an objective is stated it is the one that every seed of every unbiased estimator has come to
at the end, so the farthest that all of their times are known of. The mean of the worst of them,
which one might take, is not come to by half of its seeds, and ratios to it were bounds alone. Where
one of them hardly moved, that is near the start and says little: the target is then half of the
way that the best one went, with every seed.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from gradest.benchmarks.learning_curves.curves import COSTS, Contest, Curve, Numbers, Trained
from gradest.benchmarks.learning_curves.paired import (
    NOTHING,
    Ratio,
    Times,
    ratio_of_times,
    times_together,
)

STATED = "stated"
BY_UNBIASED = "what every seed of each unbiased estimator has reached at the end"
BY_ALL = "what every seed of each estimator has reached at the end, for none is unbiased"
HALFWAY = "half of the way from the start to where every seed of the best unbiased estimator came"
HALFWAY_OF_ALL = "half of the way from the start to where every seed of the best estimator came"
"""How a target came about."""

LEAST_SHARE = 0.5
"""Of the way that the best one went: no target but a stated one is nearer to the start."""


class Target(NamedTuple):
    """The objective that is to be reached."""

    value: float
    rule: str
    """How it came about."""
    share: float
    """Of the way from the start to where every seed of the best one that counts came; not a number
    where nobody gains anything."""


class Runner(NamedTuple):
    """One estimator on its way to the target."""

    trained: Trained
    times: Times
    together: Ratio
    """Its times in the geometric mean."""
    rank: int | None
    """None where some seed never got there: the mean of the others says too much."""
    tie: bool
    """Whether it may be as soon as the first."""
    ratio: Ratio
    """Its times over the first one's."""

    @property
    def label(self) -> str:
        """The estimator in words."""
        return self.trained.label


class Race(NamedTuple):
    """The estimators of a contest on their way to one target, by one cost."""

    cost: str
    """In COSTS."""
    target: Target
    runners: tuple[Runner, ...]
    """From the first; those of which some seed never got there come last."""

    @property
    def first(self) -> Runner | None:
        """Who is there first; None where nobody gets there with every seed."""
        first = self.runners[0]
        return first if first.rank else None

    @property
    def ties(self) -> list[Runner]:
        """Others that may be as soon."""
        return [each for each in self.runners[1:] if each.tie]

    @property
    def next(self) -> Runner | None:
        """The first that is surely later, of those that get there."""
        later = [each for each in self.runners[1:] if each.rank and not each.tie]
        return later[0] if later else None


def target_of(contest: Contest) -> Target | None:
    """The objective that is to be reached where none is stated; None where nobody gains anything.

    Only those estimators have a say that end better than they began, with every seed.
    """
    counted = counting(contest)
    if not counted:
        return None
    is_unbiased = counted[0].is_unbiased
    start = contest.sign * contest.start
    reached = [reached_by_all(contest, each) for each in counted]
    worst, best = max(reached), min(reached)
    share = (start - worst) / (start - best)
    if share >= LEAST_SHARE:
        return Target(contest.sign * worst, BY_UNBIASED if is_unbiased else BY_ALL, share)
    halfway = start - LEAST_SHARE * (start - best)
    rule = HALFWAY if is_unbiased else HALFWAY_OF_ALL
    return Target(contest.sign * halfway, rule, LEAST_SHARE)


def stated_target(contest: Contest, value: float) -> Target:
    """The objective that the sweep states, and how far along it lies."""
    counted = counting(contest)
    start = contest.sign * contest.start
    best = min((reached_by_all(contest, each) for each in counted), default=start)
    gained = start - best
    share = (start - contest.sign * value) / gained if gained > 0 else float("nan")
    return Target(value, STATED, share)


def counting(contest: Contest) -> list[Trained]:
    """Those that end better than they began: the unbiased ones, or all where there are none."""
    gaining = [each for each in contest.trained if gains(contest, each)]
    return [each for each in gaining if each.is_unbiased] or gaining


def reached_by_all(contest: Contest, trained: Trained) -> float:
    """The loss to which every seed of one came at the end."""
    return float(contest.losses(trained, [*trained.curves]).max())


def gains(contest: Contest, trained: Trained) -> bool:
    """Whether every seed ends better than it began."""
    ends = contest.losses(trained, [*trained.curves])
    begun = [contest.sign * curve.objective[0] for curve in trained.curves.values()]
    return bool((ends < np.array(begun, float)).all())


def reached_at(cost: Numbers, loss: Numbers, target: float) -> float:
    """Where a curve, linear between its points, first comes down to a target; NaN where never.

    Args:
        cost: of each point.
        loss: there.
        target: the loss that is to be reached.
    """
    below = np.flatnonzero(loss <= target)
    if not len(below):
        return float("nan")
    i = int(below[0])
    if i == 0:
        return float(cost[0])
    share = (loss[i - 1] - target) / (loss[i - 1] - loss[i])
    return float(cost[i - 1] + share * (cost[i] - cost[i - 1]))


def times_of(curves: Sequence[Curve], cost: str, target: float, sign: int) -> Times:
    """What it took each seed to come to a target.

    Args:
        curves: one for each seed.
        cost: in COSTS.
        target: the objective.
        sign: 1 where it is to fall to the target, −1 where it is to rise.
    """
    spent = [getattr(curve, cost) for curve in curves]
    pairs = zip(curves, spent, strict=True)
    found = [reached_at(x, sign * curve.objective, sign * target) for curve, x in pairs]
    at = np.array(found, float)
    never = np.isnan(at)
    followed = np.array([x[-1] for x in spent], float)
    return Times(np.where(never, followed, at), never)


def race(contest: Contest, cost: str, stated: float | None = None) -> Race | None:
    """Who of a contest comes to a target first.

    Args:
        contest: who trained.
        cost: in COSTS.
        stated: the target; without one that of `target_of`.

    Returns:
        The race; None where nobody gains anything, and nothing is stated.
    """
    target = target_of(contest) if stated is None else stated_target(contest, stated)
    if target is None:
        return None
    of_all = {
        each.label: times_of([*each.curves.values()], cost, target.value, contest.sign)
        for each in contest.trained
    }
    together = {label: times_together(times) for label, times in of_all.items()}
    in_order = sorted(
        contest.trained,
        key=lambda each: (
            int(of_all[each.label].never.sum()),
            together[each.label].interval.value,
            each.label,
        ),
    )
    first = in_order[0]
    runners = []
    for number, each in enumerate(in_order, start=1):
        times = of_all[each.label]
        ratio = ratio_to(contest, first, each, cost, target.value)
        got_there = not times.never.any()
        runners.append(
            Runner(
                each,
                times,
                together[each.label],
                number if got_there else None,
                tie=got_there and (each is first or may_be_first(ratio)),
                ratio=ratio,
            )
        )
    return Race(cost, target, tuple(runners))


def ratio_to(contest: Contest, first: Trained, each: Trained, cost: str, target: float) -> Ratio:
    """One's times over the first one's, on the seeds that both have."""
    seeds = contest.seeds(first, each)
    above, below = (
        times_of([one.curves[seed] for seed in seeds], cost, target, contest.sign)
        for one in (each, first)
    )
    return ratio_of_times(above, below)


def may_be_first(ratio: Ratio) -> bool:
    """Whether a ratio to the first may be 1, as far as it is known."""
    return ratio.bound == NOTHING or not ratio.interval.low > 1


def races(contest: Contest, stated: float | None = None) -> list[Race]:
    """The race by each cost that is known; none where nobody gains anything."""
    known = [cost for cost in COSTS if is_known(contest, cost)]
    return [found for cost in known if (found := race(contest, cost, stated))]


def is_known(contest: Contest, cost: str) -> bool:
    """Whether every curve has a cost."""
    curves = [curve for each in contest.trained for curve in each.curves.values()]
    return all(np.isfinite(getattr(curve, cost)).all() for curve in curves)
