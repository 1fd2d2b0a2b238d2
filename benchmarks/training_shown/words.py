"""What training says, in a few lines for each problem."""

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from gradest.benchmarks.analysis.labels import subject
from gradest.benchmarks.analysis.numerals import percent, several, show
from gradest.benchmarks.comparisons.budgets import seconds_text
from gradest.benchmarks.learning_curves.correlation import Correlation, correlations
from gradest.benchmarks.learning_curves.curves import COSTS, Contest, Trained
from gradest.benchmarks.learning_curves.disagreements import (
    EQUAL_EVALUATIONS,
    Disagreement,
    disagreements,
)
from gradest.benchmarks.learning_curves.endings import Ending, endings, worsens
from gradest.benchmarks.learning_curves.paired import AT_LEAST, AT_MOST, NOTHING, Ratio
from gradest.benchmarks.learning_curves.reaching import Race, Runner, races
from gradest.benchmarks.statistics.intervals import Interval

TABLE, CORRELATIONS, DISAGREEMENTS = (
    "training",
    "training_correlations",
    "training_disagreements",
)
"""The names of the tables."""

NARROW = 1e-3
"""Relative width of an interval below which a factor is said without it."""

WIDE = 4.0
"""Times its lower end, from which on an interval has two digits at each end."""

ROUNDING = 1e-6
"""Relative width of an interval that is of rounding alone."""

MOST_NAMED = 3
"""Estimators, or pairs, of one kind that a line names."""

PREAMBLE = (
    "Objectives are means over seeds; factors and differences are paired over seeds, 95 %; all in "
    f"tables/{TABLE}.md. τ-b: Kendall's rank correlation over estimators of an error of the "
    "gradient with the objective at the end, 1 where the quieter of any two trained better; its "
    "interval is over seeds."
)


class Told(NamedTuple):
    """Everything that is said of one contest."""

    contest: Contest
    races: list[Race]
    endings: list[Ending]
    correlations: list[Correlation]
    disagreements: list[Disagreement]


def told(contest: Contest) -> Told:
    """What is said of a contest."""
    return Told(
        contest,
        races(contest, contest.stated),
        endings(contest),
        correlations(contest),
        disagreements(contest),
    )


def lines_of_training(found: Told) -> list[str]:
    """A contest in a few lines, the first of which names it."""
    parts = [
        title_line(found),
        *race_lines(found),
        *absent_lines(found),
        *diverged_lines(found),
        *worsened_lines(found),
        end_line(found),
        *held_out_lines(found),
        *correlation_lines(found),
        *disagreement_lines(found),
    ]
    return list(filter(None, parts))


def title_line(found: Told) -> str:
    """Who trained what for how long, and the target."""
    contest = found.contest
    seeds = len({seed for each in contest.trained for seed in each.curves})
    many = several(len(contest.trained), "estimator")
    counts = [many, several(contest.steps, "step"), several(seeds, "seed")]
    head = f"{contest.title}: {', '.join(counts)}; objective at the start {number(contest.start)}"
    if not found.races:
        return f"{head}; no estimator ends better than it began with every seed: no target"
    target = found.races[0].target
    way = "" if math.isnan(target.share) else f", {percent(target.share)} of the way of the best"
    return f"{head}; target: objective {number(target.value)}{way} ({target.rule})"


def race_lines(found: Told) -> Iterator[str]:
    """Who reaches the target first by each cost; costs with the same answer in one line."""
    groups: dict[str, list[str]] = {}
    for each in found.races:
        groups.setdefault(who(each), []).append(each.cost)
    for key, costs in groups.items():
        per = listed_costs(costs)
        of_costs = [each for each in found.races if each.cost in costs]
        if not key:
            yield f"Nobody reaches the target with every seed, per {per}"
            continue
        texts = [lead_text(each) for each in of_costs]
        same = texts[:1] if len({*texts}) == 1 else texts
        yield f"First to reach it, per {per}: {key}: {'; '.join(same)}"


def who(race: Race) -> str:
    """Who is first; empty where nobody gets there."""
    return race.first.label if race.first else ""


def listed_costs(costs: Sequence[str]) -> str:
    """The costs in words: "step, evaluation and second"."""
    names = [COSTS[cost].each for cost in costs]
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]


def lead_text(race: Race) -> str:
    """By how much the first leads, and who may be as soon."""
    assert race.first is not None
    took = amount(race.first.together, race.cost)
    ties = [each.label for each in race.ties]
    tie = f"ties with {named(ties)}" if ties else ""
    if race.next is None:
        return ", ".join(filter(None, [took, tie]))
    lead = f"{factor(race.next.ratio)} before {race.next.label}"
    return ", ".join(filter(None, [took, lead, tie]))


def named(labels: Sequence[str]) -> str:
    """The first labels, their arguments in brackets, and how many more there are."""
    more = len(labels) - MOST_NAMED
    rest = [f"{more} more"] if more > 0 else []
    return " and ".join([", ".join(map(subject, labels[:MOST_NAMED])), *rest])


def absent_lines(found: Told) -> Iterator[str]:
    """Who does not reach the target with every seed, and who has no curve."""
    if found.races:
        texts = [absent_text(each) for each in found.races[0].runners if each.times.never.any()]
        if texts:
            yield f"Not there by the end: {'; '.join(texts)}"
    if found.contest.failed:
        texts = [f"{label}: {reason}" for label, reason in found.contest.failed.items()]
        yield f"Failed: {'; '.join(texts)}"


def absent_text(runner: Runner) -> str:
    """One estimator that does not get there with every seed."""
    of = len(runner.times.never)
    notes = [f"{of - runner.times.reached} of {several(of, 'seed')}"]
    if runner.trained.diverged:
        notes.append(f"{runner.trained.diverged} diverged")
    if not runner.trained.is_unbiased:
        notes.append("biased")
    return f"{runner.label} ({', '.join(notes)})"


def diverged_lines(found: Told) -> Iterator[str]:
    """Who diverged, with how many seeds, and at which steps that was seen."""
    texts = [diverged_text(each) for each in found.contest.trained if each.diverged]
    if texts:
        yield f"Diverged: {'; '.join(texts)}"


def diverged_text(trained: Trained) -> str:
    """One estimator that diverged with some seed."""
    first, *others = dict.fromkeys(trained.broken_at)
    where = f"by steps {first} to {others[-1]}" if others else f"by step {first}"
    many = several(len(trained.curves), "seed")
    return f"{trained.label} ({trained.diverged} of {many}, {where})"


def held_out_lines(found: Told) -> Iterator[str]:
    """The objective of held-out data at the end, from the best; none where none is held out."""
    sign = found.contest.sign
    known = [each for each in found.endings if math.isfinite(each.held_out.value)]
    in_order = sorted(known, key=lambda each: sign * each.held_out.value)
    texts = [f"{each.label} {shown(each.held_out)}" for each in in_order[:MOST_NAMED]]
    more = len(in_order) - MOST_NAMED
    if more > 0:
        texts.append(f"{more} more in tables/{TABLE}.md")
    if texts:
        yield f"Held-out data at the end, from the best: {'; '.join(texts)}"


def worsened_lines(found: Told) -> Iterator[str]:
    """Who ends worse than it began: a gradient that is too noisy, or wrong."""
    contest = found.contest
    texts = [
        f"{each.label} (objective {shown(each.objective)})"
        for each in found.endings
        if worsens(contest, each.trained)
    ]
    if texts:
        yield f"Worse than the start ({number(contest.start)}), every seed: {'; '.join(texts)}"


def end_line(found: Told) -> str:
    """Who ends best, and by how much."""
    best, *others = found.endings
    if best.rank is None:
        return "At the end: every estimator diverged with some seed"
    kind = "" if best.trained.is_unbiased else ", biased"
    ties = [each.label for each in others if each.tie]
    behind = next((each for each in others if each.rank and not each.tie), None)
    texts = [f"objective {shown(best.objective)}"]
    if behind:
        texts.append(f"{shown(behind.behind)} better than {behind.label}")
    if ties:
        texts.append(f"ties with {named(ties)}")
    diverged = [each.label for each in others if each.rank is None]
    if diverged:
        texts.append(f"diverged: {named(diverged)}")
    return f"Best at the end: {best.label}{kind}: {', '.join(texts)}"


def correlation_lines(found: Told) -> Iterator[str]:
    """Whether an error of the gradient tells who trains better."""
    if found.correlations:
        texts = [f"{each.error} {shown(each.tau)}" for each in found.correlations]
        estimators = found.correlations[0].estimators
        yield f"Does variance tell? τ-b over {estimators} estimators: {'; '.join(texts)}"
    elif any(each.checkpoints for each in found.contest.trained):
        yield "Does variance tell? Too few estimators for a rank correlation"


def disagreement_lines(found: Told) -> Iterator[str]:
    """Where the quieter of two trains worse: a line for each quieter one, the worst pair in it."""
    groups: dict[str, list[Disagreement]] = {}
    for each in found.disagreements:
        groups.setdefault(each.quieter.label, []).append(each)
    kept = list(groups.values())[:MOST_NAMED]
    for group in kept:
        yield disagreement_line(group)
    if len(groups) > len(kept):
        yield f"… and {len(groups) - len(kept)} more, in tables/{DISAGREEMENTS}.md"


def disagreement_line(group: Sequence[Disagreement]) -> str:
    """The pair of one quieter estimator that differs most at the start, and how many others."""
    first, *others = group
    more = f" (and {several(len(others), 'estimator')} more)" if others else ""
    where = " at equal evaluations" if first.at == EQUAL_EVALUATIONS else ""
    reasons = "; ".join(reason_text(*each) for each in first.reasons)
    less = f"{first.quieter_by:.3g} × less relative RMSE at the start than"
    if math.isinf(first.quieter_by):
        less = "no error at the start, less than"
    worse = f"trains worse{where} by {shown(first.worse_by)}"
    if math.isinf(first.worse_by.value):
        worse = "diverges"
    return (
        f"Quieter but worse: {first.quieter.label} has {less} {first.better.label}{more}, "
        f"and {worse}: {reasons}"
    )


def reason_text(name: str, text: str) -> str:
    """A reason with what was found, where something was."""
    return f"{name} ({text})" if text else name


def difference(found: Interval) -> str:
    """A difference of objectives; infinite where one diverged."""
    return "divergence" if math.isinf(found.value) else shown(found)


def number(value: float) -> str:
    """An objective to four digits.

    >>> number(-93.2612), number(0.0500001)
    ('−93.26', '0.05')
    """
    return show(Interval(value, math.nan, math.nan))


def shown(found: Interval) -> str:
    """A number with its interval, unless that is one of rounding alone.

    >>> shown(Interval(1.632408123, 1.632408122, 1.632408124)), shown(Interval(2.0, 1.5, 2.5))
    ('1.632', '2.00 [1.50, 2.50]')
    """
    is_rounding = found.high - found.low <= ROUNDING * abs(found.value)
    return number(found.value) if is_rounding else show(found)


def geometric(found: Interval) -> str:
    """A geometric mean with its interval, which may be much longer above than below.

    >>> geometric(Interval(4.0, 4.0, 4.0)), geometric(Interval(2.0, 1.6, 2.5))
    ('4', '2.00 [1.60, 2.50]')
    >>> geometric(Interval(3.0, 0.125, 512.0))
    '3 [0.12, 510]'
    """
    value, low, high = found
    if high - low < NARROW * value:
        return f"{value:.4g}"
    if low > 0 and high > WIDE * low and math.isfinite(high):
        texts = [f"{float(f'{end:.2g}'):g}" for end in found]
        return "{} [{}, {}]".format(*texts)
    return show(found)


def factor(ratio: Ratio) -> str:
    """A factor with its interval, or as the bound that it is.

    >>> factor(Ratio(Interval(2.5, 2.0, math.inf), AT_LEAST))
    'more than 2.5 [2, ∞) ×'
    """
    value, low, high = ratio.interval
    if ratio.bound == NOTHING or math.isnan(value):
        return "? ×"
    if ratio.bound == AT_LEAST:
        return f"more than {value:.3g} [{low:.3g}, ∞) ×"
    if ratio.bound == AT_MOST:
        return f"less than {value:.3g} (0, {high:.3g}] ×"
    return f"{geometric(ratio.interval)} ×"


def amount(ratio: Ratio, cost: str) -> str:
    """What it took in the geometric mean over seeds.

    Args:
        ratio: of one that got there with every seed.
        cost: in COSTS.
    """
    value = ratio.interval.value
    if math.isnan(value):
        return "from the start"
    return seconds_text(value) if cost == "seconds" else f"{value:.3g} {COSTS[cost].each}s"
