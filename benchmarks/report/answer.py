"""The answer of a run in words: who is best at which places, by how much, and who ties."""

from collections.abc import Mapping, Sequence

import pandas as pd

from gradest.benchmarks.analysis.numerals import show
from gradest.benchmarks.analysis.places import Place, place_names
from gradest.benchmarks.comparisons.answers import Answer, Leader, answers
from gradest.benchmarks.comparisons.levels import BUDGET, RULE, level_text
from gradest.benchmarks.report.surprises import signed
from gradest.benchmarks.report.tables import Table
from gradest.benchmarks.statistics.intervals import Interval

TABLE = "answer"
"""The table of each place's answer."""

EQUAL_COST = (
    f"Least relative RMSE at each place, 95 %, at equal cost: {BUDGET}; tables/{TABLE}.md. {RULE}"
)

NARROW = 1e-3
"""Relative width of an interval below which a factor is said without it."""

NO_ANSWER = "No place has two estimators whose errors and costs are known."

MOST_PLACES = 2
"""How many places of one answer are written out, those with the clearest lead first."""


def answer_lines(table: pd.DataFrame) -> list[str]:
    """A line for all places that have the same answer, the one that most have first.

    Args:
        table: a run's measurements.
    """
    found = answers(table)
    names = place_names(table)
    groups: dict[tuple[str, ...], list[Answer]] = {}
    for each in found:
        groups.setdefault(who(each), []).append(each)
    in_order = sorted(groups.values(), key=lambda group: (is_tie_of_all(group[0]), -len(group)))
    return [answer_line(group, len(found), names) for group in in_order] or [NO_ANSWER]


def who(answer: Answer) -> tuple[str, ...]:
    """What places with the same answer have in common; () where all estimators tie."""
    best, unbiased = answer.best, answer.unbiased
    if best.is_exact:
        return (best.row.label, "exact")
    if not best.next:
        return ()
    if best.row.biased and unbiased:
        return (best.row.label, "biased", unbiased.row.label)
    return (best.row.label,)


def is_tie_of_all(answer: Answer) -> bool:
    """Whether no estimator stands out at a place."""
    return not (answer.best.next or answer.best.is_exact)


def answer_line(group: Sequence[Answer], of: int, names: Mapping[Place, str]) -> str:
    """Who is best at some of so many places, and by how much."""
    best = group[0].best
    places = f"{len(group)} of {of}"
    if is_tie_of_all(group[0]):
        return f"no estimator stands out ({places}): {some([names[a.place] for a in group])}"
    in_order = sorted(group, key=lambda each: -size_of(lead_of(each)))
    texts = [", ".join(filter(None, (names[a.place], lead_text(a)))) for a in in_order]
    kind = kind_of(best)
    return f"{best.row.label}{kind} ({places}): {some(texts)}"


def kind_of(leader: Leader) -> str:
    """What is to be said beside the name of the best."""
    if leader.is_exact:
        return ", exact"
    return ", biased" if leader.row.biased else ""


def some(texts: Sequence[str]) -> str:
    """MOST_PLACES of the texts, and how many more there are."""
    more = len(texts) - MOST_PLACES
    return "; ".join([*texts[:MOST_PLACES], *([f"{more} more"] if more > 0 else [])])


def lead_of(answer: Answer) -> Interval | None:
    """By how much the best of a place leads: before the best unbiased one where it is biased."""
    return answer.lead if answer.best.row.biased and answer.unbiased else answer.best.factor


def size_of(lead: Interval | None) -> float:
    """A lead as a number to sort by."""
    return 0.0 if lead is None else lead.value


def lead_text(answer: Answer) -> str:
    """By how much the best of a place is ahead of whom, its bias, and who ties."""
    best, unbiased = answer.best, answer.unbiased
    if best.is_exact:
        return ties_text(best)
    if not best.row.biased:
        return joined(f"{times(best.factor)} before {best.next}", best)
    bias = f"bias {signed(best.row.bias_relative)}"
    if unbiased is None:
        return joined(f"{bias}, {times(best.factor)} before {best.next}", best)
    lead = f"{times(answer.lead)} before {unbiased.row.label}, the best unbiased"
    return joined(f"{bias}, {lead}", best)


def joined(lead: str, leader: Leader) -> str:
    """A lead, with the ties in brackets."""
    ties = ties_text(leader)
    return f"{lead} ({ties})" if ties else lead


def times(factor: Interval | None) -> str:
    """A factor with its interval, unless that is narrower than a last digit."""
    if factor is None:
        return "? ×"
    is_narrow = factor.high - factor.low < NARROW * factor.value
    return f"{factor.value:.4g} ×" if is_narrow else f"{show(factor)} ×"


def ties_text(leader: Leader) -> str:
    """Who ties with the best."""
    if not leader.ties:
        return ""
    first, *others = leader.ties
    return f"ties with {first}{f' and {len(others)} more' if others else ''}"


def answer_table(table: pd.DataFrame) -> Table:
    """The best of all and the best unbiased at each place, with all ties.

    Args:
        table: a run's measurements.
    """
    names = place_names(table)
    rows = []
    for each in answers(table):
        for among, leader in (("all", each.best), ("unbiased", each.unbiased)):
            if leader is None or (among == "unbiased" and not each.best.row.biased):
                continue
            rows.append([names[each.place], str(each.budget), among, *cells_of(leader)])
    header = ["place", "evaluations", "among", "best", "L", "relative RMSE", "bias"]
    header += ["next", "× its error", "ties with"]
    return Table(TABLE, "The least relative RMSE at equal cost", header, rows)


def cells_of(leader: Leader) -> list[str]:
    """One leader's cells of the table."""
    row = leader.row
    error = Interval(row.relative_rmse, row.relative_rmse_low, row.relative_rmse_high)
    return [
        row.label,
        level_text(row),
        "0" if leader.is_exact else show(error),
        signed(row.bias_relative) if row.biased else "–",
        leader.next or "–",
        show(leader.factor) if leader.factor else "–",
        "; ".join(leader.ties) or "–",
    ]
