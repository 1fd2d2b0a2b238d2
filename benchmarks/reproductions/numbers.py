"""A paper's numbers beside ours in words: how many agree, which do not, and a table of all."""

import math
from typing import Any, NamedTuple

import pandas as pd

from gradest.benchmarks.analysis.labels import estimator_label, problem_label
from gradest.benchmarks.analysis.numerals import several
from gradest.benchmarks.analysis.results import Run
from gradest.benchmarks.reproductions.statements import statements
from gradest.benchmarks.reproductions.values import figures_asked

TITLE = "Published numbers beside ours"

HEADER = ("where", "L", "step", "metric", "published", "ours", "ours / published", "agrees", "note")

FILE = "published"
"""Of the table, without the suffix."""


class Count(NamedTuple):
    """How many of a paper's numbers agree."""

    agree: int
    counted: int
    shown: int
    """All of them, those that are not counted too."""

    @property
    def text(self) -> str:
        """In words.

        >>> Count(17, 18, 20).text
        '17 of 18 published numbers agree; 2 more are shown and not counted'
        """
        more = self.shown - self.counted
        rest = f"; {more} more {'is' if more == 1 else 'are'} shown and not counted" if more else ""
        return f"{self.agree} of {several(self.counted, 'published number')} agree{rest}"


def count_of(published: pd.DataFrame) -> Count:
    """How many numbers of published.csv agree."""
    counted = published[published.not_counted.isna()]
    return Count(int(counted.agrees.eq(True).sum()), len(counted), len(published))


def headlines(run: Run) -> list[str]:
    """What a summary says: how many numbers agree, a line for each that does not, then what the
    paper states without numbers."""
    stated = [text for asked in figures_asked(run) for text in statements(asked, run)]
    return [*number_lines(run), *stated]


def number_lines(run: Run) -> list[str]:
    """How many numbers agree, then a line for each that does not."""
    if run.published is None or run.published.empty:
        return []
    rows = with_cells(run)
    apart = rows[rows.agrees.eq(False) & rows.not_counted.isna()]
    return [f"{count_of(run.published).text}.", *map(difference_text, apart.itertuples())]


def difference_text(row: Any) -> str:
    """A number that does not agree, in words."""
    theirs = as_published(row)
    ours = digits(row.ours, row.ours_low, row.ours_high)
    step = "" if pd.isna(row.step) else f", step {row.step}"
    place = f"{row.figure}: {where(row)}, L = {row.num_samples}{step}"
    return f"{place}: published {theirs}, ours {ours}"


def where(row: Any) -> str:
    """The problem and the estimator of a number in words."""
    estimator = estimator_label(row.estimator, row.estimator_args)
    return f"{estimator} on {problem_label(row.problem, row.problem_args)}"


def with_cells(run: Run) -> pd.DataFrame:
    """published.csv with what measurements.csv says of the cells, as far as they are there."""
    assert run.published is not None
    columns = ["problem", "problem_args", "estimator", "estimator_args", "num_samples"]
    cells = run.measurements[["cell", *columns]].drop_duplicates("cell")
    known = run.published.cell.isna() | run.published.cell.isin(cells.cell)
    return run.published[known].merge(cells, on="cell", how="left").astype({"num_samples": "Int64"})


def published_lines(run: Run) -> tuple[str, list[str], list[list[str]]] | None:
    """The table of all published numbers: title, header and rows; None where there are none."""
    if run.published is None or run.published.empty:
        return None
    rows = [cells_of(row) for row in with_cells(run).itertuples()]
    return TITLE, *without_empty(list(HEADER), rows)


def without_empty(header: list[str], rows: list[list[str]]) -> tuple[list[str], list[list[str]]]:
    """A table without the column of steps, where no number is of training."""
    at = header.index("step")
    if any(row[at] for row in rows):
        return header, rows
    return [*header[:at], *header[at + 1 :]], [[*row[:at], *row[at + 1 :]] for row in rows]


def cells_of(row: Any) -> list[str]:
    """One number as a line of the table."""
    return [
        row.figure if pd.isna(row.cell) else f"{row.figure}: {where(row)}",
        "" if pd.isna(row.num_samples) else f"{row.num_samples}",
        "" if pd.isna(row.step) else f"{row.step}",
        row.metric,
        as_published(row),
        digits(row.ours, row.ours_low, row.ours_high),
        "–" if math.isnan(row.ratio) else f"{row.ratio:.3g}",
        verdict(row),
        row.note if isinstance(row.note, str) else "",
    ]


LEAST_DIGITS, MOST_DIGITS = 3, 6
"""That a number is printed to."""


def digits(value: float, low: float, high: float) -> str:
    """A number with its interval, to the second digit of the interval's width.

    Papers print about three digits; there are no fewer. A dash stands where there is no number.

    >>> digits(1.5e-5, 1.2e-5, 8e-4), digits(math.nan, math.nan, math.nan)
    ('1.5e-05 [1.2e-05, 0.0008]', '–')
    >>> digits(0.2496, 0.24959, 0.24961)
    '0.2496 [0.24959, 0.24961]'
    """
    if math.isnan(value):
        return "–"
    if math.isnan(low) or math.isnan(high):
        return f"{value:.{LEAST_DIGITS}g}"
    number = LEAST_DIGITS
    if 0 < high - low < abs(value):
        number = math.ceil(math.log10(abs(value) / (high - low))) + 1
    number = min(max(number, LEAST_DIGITS), MOST_DIGITS)
    return f"{value:.{number}g} [{low:.{number}g}, {high:.{number}g}]"


def as_published(row: Any) -> str:
    """What was published, to the digits that it was read to, with what it may stand for."""
    _, _, interval = digits(row.published, row.published_low, row.published_high).partition(" ")
    return f"{row.published:.{MOST_DIGITS}g} {interval}".rstrip()


def verdict(row: Any) -> str:
    """Whether a number agrees, or why that is not said."""
    if isinstance(row.not_counted, str):
        return f"not counted: {row.not_counted}"
    return "yes" if row.agrees else "no"
