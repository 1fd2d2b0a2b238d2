"""A ranking as text, as LaTeX and as HTML."""

import io
import math
from collections.abc import Iterator
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from gradest.benchmarks import notebook
from gradest.benchmarks.analysis.labels import place_label
from gradest.benchmarks.analysis.numerals import percent, several, show
from gradest.benchmarks.analysis.results import PLACE
from gradest.benchmarks.comparisons.budgets import seconds_text
from gradest.benchmarks.comparisons.levels import MORE, level_text
from gradest.benchmarks.paper.latex import comment, escape
from gradest.benchmarks.statistics.intervals import Interval

HEADER = ("", "estimator", "L", "error", "bias", "f + ∇f", "time")
ERROR = "error = √(variance + bias²) / ‖gradient‖ of one estimate, 95 %"
SAME = "= may be the best"
BIASED = "* biased"

OWN = "gradest:OwnProblem"
"""Under which results name a problem that was made of functions."""


def cells_of(row: Any) -> tuple[str, ...]:
    """A row of a ranking in words, a cell for each of HEADER."""
    error = Interval(row.relative_rmse, row.relative_rmse_low, row.relative_rmse_high)
    same = "=" if row.tie and row.rank > 1 else ""
    return (
        f"{same}{row.rank}",
        row.label + ("*" if row.biased else ""),
        level_text(row),
        "–" if math.isnan(error.value) else show(error),
        bias_text(row),
        f"{row.f_evals} + {row.grad_evals}",
        seconds_text(row.seconds),
    )


def bias_text(row: Any) -> str:
    """The bias along the gradient where one was found; of what is known to be biased, that not."""
    if row.bias_finding != "biased":
        return "none found" if row.biased else ""
    return "found" if math.isnan(row.bias_relative) else percent(row.bias_relative)


def places(table: pd.DataFrame) -> Iterator[tuple[str, list[Any]]]:
    """Each place of a ranking in words, with its rows."""
    for place, rows in table.groupby(PLACE, sort=False):
        yield place_label(*place).replace(OWN, "own objective"), list(rows.itertuples())


def text_ranking(table: pd.DataFrame, left_out: int = 0) -> str:
    """A ranking for a terminal.

    Args:
        table: from `leaderboard`.
        left_out: how many cells failed or were skipped.
    """
    lines = []
    for place, rows in places(table):
        body = [HEADER, *map(cells_of, rows)]
        widths = [max(map(len, column)) for column in zip(*body, strict=True)]
        lines += [place, *("  ".join(map(str.ljust, line, widths)).rstrip() for line in body), ""]
    lines.append(note_of(table))
    if left_out:
        lines.append(f"{several(left_out, 'cell')} without numbers: .failures says why")
    return "\n".join(lines)


def note_of(table: pd.DataFrame) -> str:
    """What the signs in a ranking mean."""
    notes = [ERROR]
    if len(table) and (table.tie & (table["rank"] > 1)).any():
        notes.append(SAME)
    if len(table) and table.biased.any():
        notes.append(BIASED)
    if len(table) and table.paid_samples.notna().any():
        notes.append(MORE.removesuffix("."))
    return "; ".join(notes)


def latex_ranking(table: pd.DataFrame) -> str:
    """A ranking for a paper, with booktabs: the best bold, what is biased with an asterisk."""
    lines = [f"% {ERROR}; {BIASED}"]
    for place, rows in places(table):
        lines += [
            comment(place),
            r"\begin{tabular}{lrl}",
            r"\toprule",
            r"estimator & $L$ & error \\",
            r"\midrule",
        ]
        for row in rows:
            _, label, samples, error, *_ = map(escape, cells_of(row))
            best = rf"\textbf{{{error}}}" if row.tie else error
            lines.append(rf"{label} & {samples} & {best} \\")
        lines += [r"\bottomrule", r"\end{tabular}"]
    return "\n".join(lines) + "\n"


def html_ranking(table: pd.DataFrame, pictures: list[str]) -> str:
    """A ranking for a notebook, with pictures as inline SVG."""
    tables = (notebook.table(title, HEADER, map(html_row, rows)) for title, rows in places(table))
    return notebook.block([*tables, notebook.paragraphs([note_of(table)]), *pictures])


def html_row(row: Any) -> notebook.Row:
    """A row of the table: what may be the best stands out, what is biased stands back."""
    names = [name for name, holds in (("best", row.tie), ("biased", row.biased)) if holds]
    return names, cells_of(row)


def svg_of(figure: Figure) -> str:
    """A figure as an element of a page."""
    file = io.StringIO()
    figure.savefig(file, format="svg", metadata={"Date": None})
    text = file.getvalue()
    return text[text.index("<svg") :]
