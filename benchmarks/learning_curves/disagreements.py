"""Where the variance at the start misleads: the quieter of two trains worse, and why.

Both are beyond their intervals: of relative RMSE at the start those of the two do not overlap, of
what training came to the paired difference is surely above 0. Each reason is a test; where none
passes it is said that nothing explains it.
"""

import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from gradest.benchmarks.learning_curves.curves import Contest, Trained
from gradest.benchmarks.learning_curves.endings import loss_over
from gradest.benchmarks.learning_curves.paired import mean_over_seeds
from gradest.benchmarks.statistics.intervals import UNKNOWN, Interval

EQUAL_STEPS, EQUAL_EVALUATIONS = "the end", "equal evaluations"
"""Where training is compared: after all steps, or where the cheapest has made its last."""


class Reason(NamedTuple):
    """Why the quieter one trained worse."""

    name: str
    """In REASONS, or UNEXPLAINED."""
    text: str
    """What was found."""


UNEXPLAINED = Reason("not explained", "")


class Disagreement(NamedTuple):
    """Two estimators of which the quieter trained worse."""

    quieter: Trained
    better: Trained
    at: str
    """EQUAL_STEPS, or EQUAL_EVALUATIONS where only there."""
    quieter_by: float
    """The better one's relative RMSE at the start over the quieter one's."""
    worse_by: Interval
    """How much worse the quieter one's objective is."""
    reasons: tuple[Reason, ...]


class Start(NamedTuple):
    """An estimator's relative RMSE before the first step, with its interval."""

    value: float
    low: float
    high: float


def start_of(trained: Trained) -> Start | None:
    """Over its seeds, which all begin with the same θ, in the mean; None where it is not known."""
    first = [steps[0] for steps in trained.checkpoints.values() if 0 in steps]
    if not first or not all(each.squared_norm > 0 for each in first):
        return None
    ends = [
        float(
            np.mean([math.sqrt(max(squared, 0.0) / each.squared_norm) for each, squared in pairs])
        )
        for pairs in (
            [(each, each.mse) for each in first],
            [(each, each.mse_low) for each in first],
            [(each, each.mse_high) for each in first],
        )
    ]
    return Start(*ends) if np.isfinite(ends).all() else None


def disagreements(contest: Contest) -> list[Disagreement]:
    """All pairs that disagree, those first whose quieter one is so by most."""
    found = [*pairs_that_disagree(contest)]
    return sorted(found, key=lambda each: -each.quieter_by)


def pairs_that_disagree(contest: Contest) -> Iterator[Disagreement]:
    """The pairs, in the order of the contest."""
    starts = {each.label: start_of(each) for each in contest.trained}
    for quieter in contest.trained:
        for better in contest.trained:
            here, there = starts[quieter.label], starts[better.label]
            if here is None or there is None or not here.high < there.low:
                continue
            at, worse_by = worse(contest, quieter, better)
            if worse_by.low > 0:
                by = there.value / here.value if here.value > 0 else math.inf
                reasons = reasons_of(contest, quieter, better, at)
                yield Disagreement(quieter, better, at, by, worse_by, reasons)


def worse(contest: Contest, quieter: Trained, better: Trained) -> tuple[str, Interval]:
    """Where the quieter one is worse than the other, and by how much: at the end, if it is."""
    at_end = loss_over(contest, better, quieter)
    if at_end.low > 0:
        return EQUAL_STEPS, at_end
    return EQUAL_EVALUATIONS, loss_at_equal_evaluations(contest, better, quieter)


def loss_at_equal_evaluations(contest: Contest, one: Trained, other: Trained) -> Interval:
    """How much worse the other is than the one, where the cheaper of the two has made its last."""
    seeds = contest.seeds(one, other)
    pairs = [(one.curves[seed], other.curves[seed]) for seed in seeds]
    if any(curve.ended for pair in pairs for curve in pair):
        return UNKNOWN
    differences = []
    for here, there in pairs:
        budget = min(here.evaluations[-1], there.evaluations[-1])
        losses = [
            contest.sign * np.interp(budget, curve.evaluations, curve.objective)
            for curve in (here, there)
        ]
        differences.append(losses[1] - losses[0])
    return mean_over_seeds(differences)


def reasons_of(contest: Contest, quieter: Trained, better: Trained, at: str) -> tuple[Reason, ...]:
    """Every reason whose test passes; UNEXPLAINED where none does."""
    texts = {name: test(contest, quieter, better, at) for name, test in REASONS.items()}
    found = [Reason(name, text) for name, text in texts.items() if text]
    return tuple(found) or (UNEXPLAINED,)


def bias_share(trained: Trained) -> float:
    """The part of its mean squared error that is bias, in the mean over checkpoints."""
    shares = [
        min(max(each.bias_squared / each.mse, 0.0), 1.0)
        for each in trained.all_checkpoints()
        if each.mse > 0 and math.isfinite(each.bias_squared)
    ]
    return float(np.mean(shares)) if shares else math.nan


def biased_but_quiet(contest: Contest, quieter: Trained, better: Trained, at: str) -> str:
    """It was found biased at more than half of its checkpoints, and more so than the other."""
    del contest, at
    here, there = bias_share(quieter), bias_share(better)
    if not (quieter.is_found and (here > there or math.isnan(there))):
        return ""
    return f"{100 * here:.2g} % of its squared error is bias, of the other's {100 * there:.2g} %"


def loud_early(contest: Contest, quieter: Trained, better: Trained, at: str) -> str:
    """The other is surely the quieter one along the way, each at θ of its own training."""
    del at
    logs = []
    for seed in contest.seeds(quieter, better):
        here, there = quieter.checkpoints.get(seed, {}), better.checkpoints.get(seed, {})
        later = [step for step in sorted(here.keys() & there.keys()) if step > 0]
        apart = np.array([here[step].relative - there[step].relative for step in later], float)
        logs += [float(np.mean(apart))] if len(apart) else []
    found = mean_over_seeds(logs)
    if not found.low > 0:
        return ""
    return f"along the way the other is {math.exp(found.value):.3g} × quieter"


def costs_more(contest: Contest, quieter: Trained, better: Trained, at: str) -> str:
    """It is worse at equal evaluations alone, and an estimate of it costs more of them."""
    del contest
    if at != EQUAL_EVALUATIONS or not quieter.cost > better.cost:
        return ""
    return f"{quieter.cost:g} evaluations a step, the other {better.cost:g}"


REASONS: dict[str, Callable[[Contest, Trained, Trained, str], str]] = {
    "biased but quiet": biased_but_quiet,
    "the other is quiet late, loud early": loud_early,
    "costs more an estimate": costs_more,
}
"""The reasons, each with its test: it gives what was found, or nothing where it does not pass."""
