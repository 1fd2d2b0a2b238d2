"""The answer of a run in words: who is best at which places, by how much, and who ties."""

from collections.abc import Mapping, Sequence

from gradest.benchmarks.analysis.numerals import show
from gradest.benchmarks.analysis.places import Place
from gradest.benchmarks.comparisons.answers import Answer, Leader
from gradest.benchmarks.comparisons.levels import BUDGET, RULE, level_text
from gradest.benchmarks.report.surprises import signed
from gradest.benchmarks.report.tables import Table
from gradest.benchmarks.statistics.intervals import Interval

TABLE = "answer"
"""The table of each place's answer."""

EQUAL_COST = (
    "The unbiased estimator of the least relative RMSE at each place, 95 %, at equal cost: "
    f"{BUDGET}; tables/{TABLE}.md. {RULE} A biased one with less noise is named after it."
)

NARROW = 1e-3
"""Relative width of an interval below which a factor is said without it."""

NO_ANSWER = "No place has two estimators whose errors and costs are known."

MOST_PLACES = 2
"""How many places of one answer are written out, those with the clearest lead first."""


def answer_lines(found: Sequence[Answer], names: Mapping[Place, str]) -> list[str]:
    """A line for all places that have the same answer, the one that most have first.

    What is biased is never an answer where an unbiased one was measured.

    Args:
        found: a run's answers.
        names: of the places.
    """
    groups: dict[tuple[str, ...], list[Answer]] = {}
    for each in found:
        groups.setdefault(who(each), []).append(each)
    in_order = sorted(groups.values(), key=order_of)
    return [answer_line(group, len(found), names) for group in in_order] or [NO_ANSWER]


def order_of(group: Sequence[Answer]) -> tuple[bool, bool, int]:
    """What lines are sorted by: ties of all come last, before them what no unbiased one is in."""
    first = group[0]
    return is_tie_of_all(first), bool(named(first).row.biased), -len(group)


def who(answer: Answer) -> tuple[str, ...]:
    """What places with the same answer have in common; () where all estimators tie."""
    if is_tie_of_all(answer):
        return ()
    first = named(answer)
    return (first.row.label, "exact") if first.is_exact else (first.row.label,)


def named(answer: Answer) -> Leader:
    """Who is named as the answer: the best unbiased one, where there is one."""
    if answer.best.row.biased and answer.unbiased:
        return answer.unbiased
    return answer.best


def is_tie_of_all(answer: Answer) -> bool:
    """Whether no estimator stands out at a place."""
    return not (answer.best.next or answer.best.is_exact)


def answer_line(group: Sequence[Answer], of: int, names: Mapping[Place, str]) -> str:
    """Who is best at some of so many places, and by how much."""
    first = named(group[0])
    places = f"{len(group)} of {of}"
    if is_tie_of_all(group[0]):
        return f"no estimator stands out ({places}): {some([names[a.place] for a in group])}"
    in_order = sorted(group, key=clearest_first)
    texts = [", ".join(filter(None, (names[a.place], lead_text(a)))) for a in in_order]
    return f"{first.row.label}{kind_of(first)} ({places}): {some(texts)}"


def clearest_first(answer: Answer) -> tuple[bool, float]:
    """What places of one answer are sorted by: those with a biased one ahead, the largest lead."""
    return named(answer) is answer.best, -size_of(named(answer).factor)


def kind_of(leader: Leader) -> str:
    """What is to be said beside the name of the answer."""
    if leader.is_exact:
        return ", exact"
    return ", biased, as all are" if leader.row.biased else ""


def some(texts: Sequence[str]) -> str:
    """MOST_PLACES of the texts, and how many more there are."""
    more = len(texts) - MOST_PLACES
    return "; ".join([*texts[:MOST_PLACES], *([f"{more} more"] if more > 0 else [])])


def size_of(lead: Interval | None) -> float:
    """A lead as a number to sort by."""
    return 0.0 if lead is None else lead.value


def lead_text(answer: Answer) -> str:
    """By how much the answer of a place is ahead of whom; who ties, and what has less noise."""
    first = named(answer)
    if first.is_exact:
        return ties_text(first)
    parts = [f"{times(first.factor)} before {first.next}"] if first.next else []
    if first.row.biased:
        parts.insert(0, f"wrong by {signed(first.row.bias_relative)}")
    notes = "; ".join(filter(None, (ties_text(first), less_noise_text(answer))))
    return ", ".join(parts) + (f" ({notes})" if notes else "")


def less_noise_text(answer: Answer) -> str:
    """The biased one that has less error than the answer, and by how much it is wrong."""
    best = answer.best
    if named(answer) is best:
        return ""
    wrong = f"less noise but wrong by {signed(best.row.bias_relative)}"
    return f"{wrong}: {best.row.label}, {times(answer.lead)} less error"


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


def answer_table(found: Sequence[Answer], names: Mapping[Place, str]) -> Table:
    """The best of all at each place, with all ties; before a biased one the best unbiased.

    Args:
        found: a run's answers.
        names: of the places.
    """
    rows = []
    for each in found:
        for among, leader in (("unbiased", each.unbiased), ("all", each.best)):
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
