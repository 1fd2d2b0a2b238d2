"""A recommendation as text of 80 columns, as JSON and as HTML."""

import html
import json
import math
import textwrap
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gradest.benchmarks.analysis.labels import noteworthy, place_label
from gradest.benchmarks.analysis.numerals import percent, show
from gradest.benchmarks.recommending.answers import Answer, Findings
from gradest.benchmarks.recommending.ranking import BACKWARDS, FREE
from gradest.benchmarks.statistics.intervals import Interval
from gradest.estimators import ESTIMATORS
from gradest.problems import PROBLEMS
from gradest.problems.registry.naming import parse, written

WIDTH = 80

HEADER = ("", "estimator", "L", "error", "bias; compute")

NOTE = "error = √(variance + bias²) / ‖gradient‖ of one estimate, 95 %"

COMPUTE = "×: the compute, in times that of 1, for the same error by more samples"

UNMEASURED = "* an L that was not measured: the variance is proportional to 1/L"

SHORT = "+ the largest L measured that is paid for; the budget pays for more"

OWN = "gradest:OwnProblem"
"""Under which results name a problem that was made of functions."""

MOST_NOISE = 1.0
"""The error of an estimate that is zero."""

GAP = "  "


def as_text(found: Findings) -> str:
    """The rankings for a terminal: what to use first at each place, then what is left out."""
    rows = list(found.frame.itertuples())
    signs = {sign_of(row) for row in rows}
    head = [NOTE, *([COMPUTE] if any(map(has_compute, rows)) else [])]
    head += [note for note in (UNMEASURED, SHORT) if note[0] in signs]
    blocks = ["\n".join(head), *(text_of_answer(each, found) for each in found.answers)]
    notes = [*found.notes]
    if found.interrupted:
        notes.append("Interrupted: the ranking is that of the rounds before.")
    rest = [*map(wrapped, notes), *reason_lines(found)]
    return "\n\n".join([*blocks, "\n".join(rest)] if rest else blocks)


def text_of_answer(answer: Answer, found: Findings) -> str:
    """The ranking at one place."""
    title = wrapped(f"{title_of(answer)}: {found.budget.text}")
    rows = answer.frame.itertuples()
    table = table_lines([HEADER, *map(cells_of, rows)])
    return "\n".join([title, *table, *map(wrapped, sentences(answer))])


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
        f"{row.num_samples}{sign_of(row)}",
        "–" if math.isnan(error.value) else show(error),
        "; ".join(filter(None, [bias_text(row), compute_text(row)])),
    )


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
    return not (row.tie or row.biased or sign_of(row) == "+") and math.isfinite(row.ratio)


def compute_text(row: Any) -> str:
    """How many times the compute of the best an estimator needs for its error."""
    return f"{number_text(row.ratio)} ×" if has_compute(row) else ""


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
    return bool(cls and cls.unbiased and cls.differentiates_f and not row.unbiased)


def table_lines(table: list[tuple[str, ...]]) -> list[str]:
    """The rows of a table in WIDTH columns; a name that is too long goes on in further lines."""
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    others = sum(widths) - widths[NAME] + len(GAP) * len(widths)
    widths[NAME] = min(widths[NAME], max(WIDTH - others, LEAST_NAME))
    lines = []
    for row in table:
        first, *more = textwrap.wrap(row[NAME], widths[NAME], break_on_hyphens=False)
        aligned = [
            cell.rjust(width) if index in RIGHT else cell.ljust(width)
            for index, (cell, width) in enumerate(zip(with_name(row, first), widths, strict=True))
        ]
        lines.append(GAP + GAP.join(aligned).rstrip())
        lines += [GAP + " " * widths[0] + GAP + text for text in more]
    return lines


NAME = 1
"""The column of names."""

LEAST_NAME = 20

RIGHT = (0, 2)
"""The columns of numbers that stand at the right."""


def with_name(row: tuple[str, ...], name: str) -> tuple[str, ...]:
    """A row with another name."""
    return (*row[:NAME], name, *row[NAME + 1 :])


def sentences(answer: Answer) -> list[str]:
    """What to use, and what is to be said of it."""
    best = answer.best
    bias = f", biased by {percent(answer.first.bias_relative)}" if is_found(answer) else ""
    texts = [f"Use {best.estimator}, L = {best.num_samples}{bias}."]
    others = [name for name in answer.ties if name != best.estimator]
    if others:
        texts.append(f"A tie: as good may be {', '.join(others)}.")
    unbiased = answer.best_unbiased
    if best.biased and unbiased is not None:
        error = f"error {show(unbiased.relative_rmse)}"
        texts.append(
            f"It is biased; the best unbiased one: {unbiased.estimator}, "
            f"L = {unbiased.num_samples}, {error}."
        )
    elif best.biased:
        texts.append("It is biased, and no unbiased one was found.")
    if best.relative_rmse.value > MOST_NOISE:
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


def reason_lines(found: Findings) -> list[str]:
    """Who is not in the ranking, by the reason."""
    lines = [f"failed: {name}: {reason}" for name, reason in found.failures.items()]
    if found.left_out:
        lines.append("Left out:")
    for reason, names in by_reason(found.left_out).items():
        lines.append(f"{', '.join(names)}: {reason}")
    return [wrapped(line) for line in lines]


def by_reason(left_out: Mapping[str, str]) -> dict[str, list[str]]:
    """The names with each reason; of variants that share it with their estimator only that."""
    names: dict[str, list[str]] = defaultdict(list)
    for text, reason in left_out.items():
        name = parse(text)[0]
        if left_out.get(name) != reason or text == name:
            names[reason].append(text)
    return dict(names)


def wrapped(text: str) -> str:
    """A text in WIDTH columns, what follows its first line indented; `L = 4` stays together."""
    together = text.replace(" = ", "\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}")
    filled = textwrap.fill(
        together, WIDTH, subsequent_indent=GAP, break_on_hyphens=False, break_long_words=False
    )
    return filled.replace("\N{NO-BREAK SPACE}", " ")


def as_json(found: Findings) -> dict[str, Any]:
    """One answer as an object; several, from a run of several places, under `answers`."""
    answers = [json_of(answer, found) for answer in found.answers]
    return answers[0] if len(answers) == 1 else {"answers": answers}


def json_of(answer: Answer, found: Findings) -> dict[str, Any]:
    """The ranking at one place."""
    problem, arguments, point, group = answer.place
    limits = found.budget._asdict().items()
    return {
        "problem": short_name(problem, arguments),
        "point": point,
        "group": group,
        "budget": {name: value for name, value in limits if value is not None},
        "recommended": answer.best.estimator,
        "ranking": [ranked_json(row) for row in answer.frame.itertuples()],
    }


def short_name(problem: str, arguments: str) -> str:
    """A problem as a user writes it, with the arguments that are not its defaults."""
    return written(problem, noteworthy(PROBLEMS.get(problem), arguments))


def ranked_json(row: Any) -> dict[str, Any]:
    """A row of a ranking."""
    return {
        "estimator": row.estimator,
        "estimator_args": json.loads(row.estimator_args),
        "num_samples": int(row.num_samples),
        "relative_rmse": finite(row.relative_rmse),
        "low": finite(row.relative_rmse_low),
        "high": finite(row.relative_rmse_high),
        "bias_relative": finite(row.bias_relative),
        "unbiased": not row.biased,
        "tie": bool(row.tie),
    }


def finite(value: float) -> float | None:
    """A number as JSON has it: none where there is none."""
    return float(value) if math.isfinite(value) else None


def as_html(found: Findings) -> str:
    """The rankings for a notebook."""
    parts = []
    for answer in found.answers:
        rows = [cells_of(row) for row in answer.frame.itertuples()]
        head = "".join(f"<th>{html.escape(name)}</th>" for name in HEADER)
        body = "".join(map(html_row, rows))
        caption = html.escape(f"{title_of(answer)}: {found.budget.text}")
        said = "".join(f"<p>{html.escape(text)}</p>" for text in sentences(answer))
        parts.append(f"<table><caption>{caption}</caption><tr>{head}</tr>{body}</table>{said}")
    return f"<div>{''.join(parts)}<p>{html.escape(NOTE)}</p></div>"


def html_row(cells: tuple[str, ...]) -> str:
    """A row of a table."""
    return "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in cells) + "</tr>"


@dataclass(frozen=True, repr=False)
class Recommendation(Findings):
    """What `recommend` returns, which shows itself at a prompt and in a notebook."""

    def __repr__(self) -> str:
        return as_text(self)

    def _repr_html_(self) -> str:
        return as_html(self)
