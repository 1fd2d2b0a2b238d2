"""A recommendation as text of 80 columns, as JSON and as HTML."""

import json
import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gradest.benchmarks import notebook
from gradest.benchmarks.analysis.labels import noteworthy
from gradest.benchmarks.analysis.numerals import several
from gradest.benchmarks.comparisons.leaderboard import is_absolute
from gradest.benchmarks.recommending.answers import (
    HEADER,
    Answer,
    Findings,
    cells_of,
    doubts,
    has_compute,
    sentences,
    sign_of,
    title_of,
)
from gradest.benchmarks.recommending.candidates import TIME_SPENT
from gradest.benchmarks.recommending.ranking import BACKWARDS, FREE
from gradest.benchmarks.terminal import GAP, WIDTH, table_lines, wrapped
from gradest.problems import PROBLEMS
from gradest.problems.registry.naming import parse, written

NOTE = "error = √(variance + bias²) / ‖gradient‖ of one estimate, 95 %"

COMPUTE = "×: the compute, in times that of 1, for the same error by more samples"

UNMEASURED = "* an L that was not measured: the variance follows from those at measured ones"

MEAN = "n × L: the mean of n independent estimates, whose variance is 1/n of one's"

SHORT = "+ the budget pays for more than the L that was measured: it may be better"

NAME = HEADER.index("estimator")

NUMBERS = (HEADER.index(""), HEADER.index("L"))
"""The columns that stand at the right."""


def as_text(found: Findings, *, verbose: bool = False) -> str:
    """The rankings for a terminal: what to use first at each place, then what is left out.

    Args:
        found: the rankings.
        verbose: names the candidates that no time was left for, which are counted otherwise.
    """
    head = "\n".join(keys_of(found))
    blocks = [head, *(text_of_answer(each, found) for each in found.answers)]
    rest = [*remarks_of(found), *reason_lines(found, verbose=verbose)]
    return "\n\n".join([*blocks, "\n".join(map(wrapped, rest))] if rest else blocks)


def keys_of(found: Findings) -> list[str]:
    """What a number and the signs in the rankings mean."""
    rows = list(found.frame.itertuples())
    signs = {sign_of(row) for row in rows}
    keys = [NOTE, *([COMPUTE] if any(map(has_compute, rows)) else [])]
    if any(row.estimates > 1 for row in rows):
        keys.append(MEAN)
    return keys + [note for note in (UNMEASURED, SHORT) if note[0] in signs]


def remarks_of(found: Findings) -> list[str]:
    """What else is to be said, and whether measuring was interrupted."""
    if not found.interrupted:
        return [*found.notes]
    return [*found.notes, "Interrupted: the ranking is that of the rounds before."]


def text_of_answer(answer: Answer, found: Findings) -> str:
    """The ranking at one place."""
    title = wrapped(f"{title_of(answer)}: {found.budget.text}")
    rows = answer.frame.itertuples()
    lines = [HEADER, *map(cells_of, rows)]
    table = table_lines(lines, WIDTH - len(GAP), name=NAME, right=NUMBERS)
    said = [*doubts(answer), *sentences(answer, found.among), *training_lines(answer, found)]
    return "\n".join([title, *(GAP + line for line in table), *map(wrapped, said)])


def training_lines(answer: Answer, found: Findings) -> list[str]:
    """What training says of the order, where the first ones trained, and who failed in it."""
    confirmed = found.confirmed.get(answer.place)
    if confirmed is None:
        return []
    failed = [f"failed to train: {name}: {why}" for name, why in confirmed.failed.items()]
    return [confirmed.text, *failed]


def reason_lines(found: Findings, *, verbose: bool = False) -> list[str]:
    """Who is not in the ranking, by the reason; without `verbose` counted where time was short."""
    lines = [f"failed: {name}: {reason}" for name, reason in found.failures.items()]
    shown = dict(found.left_out)
    if found.unmeasured:
        late = several(len(found.unmeasured), "candidate")
        lines.append(
            f"{late} not measured: {TIME_SPENT}. More seconds measure more; what was compiled is "
            "kept."
        )
    if verbose:
        shown |= dict.fromkeys(found.unmeasured, TIME_SPENT)
    if shown:
        lines.append("Left out:")
    for reason, names in by_reason(shown).items():
        lines.append(f"{', '.join(names)}: {reason}")
    return lines


def by_reason(left_out: Mapping[str, str]) -> dict[str, list[str]]:
    """The names with each reason; of variants that share it with their estimator only that."""
    names: dict[str, list[str]] = defaultdict(list)
    for text, reason in left_out.items():
        name = parse(text)[0]
        if left_out.get(name) != reason or text == name:
            names[reason].append(text)
    return dict(names)


def as_json(found: Findings) -> dict[str, Any]:
    """One answer as an object; several, from a run of several places, under `answers`.

    Beside either is `left_out`: why other estimators are in no ranking, by name; and `unmeasured`,
    those that no time was left for.
    """
    answers = [json_of(answer, found) for answer in found.answers]
    answered = answers[0] if len(answers) == 1 else {"answers": answers}
    rest = {"left_out": dict(found.left_out), "unmeasured": [*found.unmeasured]}
    return answered | rest


def json_of(answer: Answer, found: Findings) -> dict[str, Any]:
    """The ranking at one place."""
    problem, arguments, point, group = answer.place
    limits = found.budget._asdict().items()
    confirmed = found.confirmed.get(answer.place)
    of_training = {"confirmed": confirmed.as_json} if confirmed else {}
    return {
        "problem": short_name(problem, arguments),
        "point": point,
        "group": group,
        "budget": {name: value for name, value in limits if value is not None},
        "recommended": answer.best.estimator,
        "ranking": [ranked_json(row) for row in answer.frame.itertuples()],
    } | of_training


def short_name(problem: str, arguments: str) -> str:
    """A problem as a user writes it, with the arguments that are not its defaults."""
    return written(problem, noteworthy(PROBLEMS.get(problem), arguments))


def ranked_json(row: Any) -> dict[str, Any]:
    """A row of a ranking."""
    return {
        "estimator": row.estimator,
        "estimator_args": json.loads(row.estimator_args),
        "num_samples": int(row.num_samples),
        "estimates": int(row.estimates),
        "absolute": is_absolute(row),
        "relative_rmse": finite(row.relative_rmse),
        "low": finite(row.relative_rmse_low),
        "high": finite(row.relative_rmse_high),
        "bias_relative": finite(row.bias_relative),
        "unbiased": not row.biased,
        "tie": bool(row.tie),
        "unreliable": str(row.reason) if row.status == "unreliable" else None,
        "points_away": row.barred == BACKWARDS,
        "compute": finite(row.compute) if has_compute(row) else None,
    }


def finite(value: float) -> float | None:
    """A number as JSON has it: none where there is none."""
    return float(value) if math.isfinite(value) else None


def as_html(found: Findings) -> str:
    """The rankings for a notebook."""
    parts = []
    for answer in found.answers:
        caption = f"{title_of(answer)}: {found.budget.text}"
        parts.append(notebook.table(caption, HEADER, map(html_row, answer.frame.itertuples())))
        said = [*sentences(answer, found.among), *training_lines(answer, found), *doubts(answer)]
        parts.append(notebook.paragraphs(said))
    parts.append(notebook.paragraphs([*keys_of(found), *remarks_of(found)]))
    count = len(found.left_out) + len(found.failures) + len(found.unmeasured)
    lines = reason_lines(found, verbose=True)
    parts.append(notebook.folded(f"{several(count, 'estimator')} not in the ranking", lines))
    return notebook.block(parts)


def html_row(row: Any) -> notebook.Row:
    """A row of the table: what may be the best stands out, what is barred stands back."""
    names = [name for name, is_so in (("best", row.tie), ("biased", row.barred != FREE)) if is_so]
    return names, cells_of(row)


@dataclass(frozen=True, repr=False)
class Recommendation(Findings):
    """What `recommend` returns, which shows itself at a prompt and in a notebook."""

    def __repr__(self) -> str:
        return as_text(self)

    def _repr_html_(self) -> str:
        return as_html(self)
