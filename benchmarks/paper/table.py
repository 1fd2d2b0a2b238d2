r"""tables/paper.tex: estimators by places at equal cost, in tables that fit a column of a paper.

A table is as wide as a column of a two-column article, 3.25 in, in 9-point text. What does not fit
is left out, and the file's comments say what: places at which the estimators differ least, beyond
MOST_PLACES, and at which the worst is within SPREAD of the best; the estimators that are farthest
from the best over the places shown, beyond MOST_ESTIMATORS. A run of one place has a column for
each budget instead.
"""

import math
import re
from collections.abc import Hashable, Iterator, Sequence
from typing import Any, NamedTuple

import pandas as pd

from gradest.benchmarks.analysis.labels import estimator_label, place_label, safe_name
from gradest.benchmarks.analysis.numerals import concise
from gradest.benchmarks.analysis.results import ESTIMATOR, PLACE
from gradest.benchmarks.comparisons.levels import BUDGET, MORE, RULE
from gradest.benchmarks.paper.latex import comment, escape, in_fonts
from gradest.benchmarks.paper.widths import COLUMN, SEPARATION, SIZE, width_of, wrapped
from gradest.benchmarks.statistics.intervals import Interval

MOST_PLACES, MOST_ESTIMATORS = 12, 30
"""What is shown at most."""

SPREAD = 1.1
"""A place is shown where the worst error is so many times the best."""

LABELS = 0.38 * COLUMN
"""The widest that estimators' names may be, in points; longer ones take several lines."""

EXACT = 1e-6
"""Below that a relative error is rounding, in single precision."""

BUDGETS = {False: BUDGET, True: "as many evaluations of f and ∇f as stand over a column"}
"""How many evaluations: at each place, and at the only one."""

UNKNOWN_ERRORS = "no relative RMSE is known: the gradient is zero, or there is none to compare with"


class Cell(NamedTuple):
    """A number of the table."""

    text: str
    bold: bool = False
    biased: bool = False
    unreliable: bool = False
    more: bool = False
    """Whether the budget pays for more than the L that was measured."""

    @property
    def mark(self) -> str:
        """What follows the number."""
        signs = {"†": self.biased, "?": self.unreliable, "+": self.more}
        return "".join(sign for sign, holds in signs.items() if holds)

    @property
    def width(self) -> float:
        """In print, in points."""
        printed = re.sub(r"e[+]?(-?)0*", r" × 10\1", self.text)
        return width_of(printed, bold=self.bold) + width_of(self.mark)

    @property
    def latex(self) -> str:
        """In LaTeX."""
        number = escape(self.text)
        weight = r"\boldmath " if "$" in number else ""
        return (rf"\textbf{{{weight}{number}}}" if self.bold else number) + escape(self.mark)


class Column(NamedTuple):
    """A place, or one budget of the only place."""

    title: str
    """In words, for the caption."""
    head: str
    """Over the numbers; empty for a letter that the caption explains."""
    cells: dict[str, Cell]
    """By the estimator's label."""

    @property
    def width(self) -> float:
        """Of the widest number, in points."""
        return max([width_of(self.head or "(m)"), *(cell.width for cell in self.cells.values())])


class Chosen(NamedTuple):
    """What is shown of a run."""

    columns: list[Column]
    labels: list[str]
    """The estimators', the best first."""
    of_budgets: bool
    """Whether the columns are the budgets of one place."""
    left_out: list[str]
    """What is not shown, and why, a line each."""


def paper_table(board: pd.DataFrame, name: str) -> str:
    """The text of tables/paper.tex: one `table`, or several where one cannot hold all places.

    Args:
        board: a run's leaderboards, as leaderboard.csv has them.
        name: the run's, for the labels: `\\label{tab:NAME}`, `\\label{tab:NAME-2}`.
    """
    chosen = chosen_of(board)
    lines = [
        comment("Written by gradest. It needs booktabs: \\usepackage{booktabs}."),
        *map(comment, chosen.left_out),
    ]
    first = f"tab:{safe_name(name)}"
    for number, columns in enumerate(fitting(chosen), 1):
        label = f"{first}-{number}" if number > 1 else first
        lines += ["", *table_lines(columns, chosen, label, first)]
    return "\n".join(lines) + "\n"


def chosen_of(board: pd.DataFrame) -> Chosen:
    """The places, or the budgets of the only one, and the estimators that are shown."""
    rows = board[(board.among == "all") & board.relative_rmse.notna()]
    if rows.empty:
        return Chosen([], [], False, [f"No table: {UNKNOWN_ERRORS}."])
    of_budgets = len(rows[PLACE].drop_duplicates()) == 1
    if of_budgets:
        parts: dict[Hashable, pd.DataFrame] = dict(list(rows.groupby("budget", sort=True)))
        left_out: list[str] = []
    else:
        parts, left_out = telling_places(rows)
    columns = [column_of(key, part, of_budgets=of_budgets) for key, part in parts.items()]
    ranked = by_mean_factor(list(parts.values()))
    more = ranked[MOST_ESTIMATORS:]
    if more:
        left_out.append(f"Left out, the farthest from the best: {'; '.join(more)}.")
    return Chosen(columns, ranked[:MOST_ESTIMATORS], of_budgets, left_out)


def telling_places(rows: pd.DataFrame) -> tuple[dict[Hashable, pd.DataFrame], list[str]]:
    """The places where estimators differ most, at the largest budget of each; what is left out."""
    largest = rows.groupby(PLACE).budget.transform("max")
    places = dict(list(rows[rows.budget == largest].groupby(PLACE, sort=False)))
    spread = {place: spread_of(part) for place, part in places.items()}
    in_order = sorted(places, key=lambda place: -spread[place])
    telling = [place for place in in_order if spread[place] >= SPREAD][:MOST_PLACES]
    shown = telling or in_order[:1]
    absent = [place_label(*place) for place in in_order if place not in shown]
    left_out = [f"Left out, as estimators differ less there: {text}." for text in absent]
    return {place: part for place, part in places.items() if place in shown}, left_out


def spread_of(rows: pd.DataFrame) -> float:
    """How many times the best error of a place the worst one is, exact ones aside."""
    errors = rows.relative_rmse[rows.relative_rmse > EXACT]
    return float(errors.max() / errors.min()) if len(errors) else 1.0


def column_of(key: Any, rows: pd.DataFrame, *, of_budgets: bool) -> Column:
    """The numbers at one place, or at one budget of the only place."""
    title = place_label(*next(rows[PLACE].itertuples(index=False, name=None)))
    head = str(int(key)) if of_budgets else ""
    return Column(title, head, {label_of(row): cell_of(row) for row in rows.itertuples()})


def label_of(row: Any) -> str:
    """A row's estimator in words, as they are printed."""
    return in_fonts(estimator_label(row.estimator, row.estimator_args))


def cell_of(row: Any) -> Cell:
    """A row's error; bold where none is surely less."""
    error = Interval(row.relative_rmse, row.relative_rmse_low, row.relative_rmse_high)
    text = concise(error) if error.value > EXACT else "0"
    more = not pd.isna(row.paid_samples)
    return Cell(text, bool(row.tie), bool(row.biased), row.status == "unreliable", more)


def by_mean_factor(parts: Sequence[pd.DataFrame]) -> list[str]:
    """The estimators' labels by the geometric mean of their factor over the best one."""
    factors: dict[str, list[float]] = {}
    for rows in parts:
        errors = rows.relative_rmse.clip(lower=EXACT)
        for label, factor in zip(
            map(label_of, rows[ESTIMATOR].itertuples()), errors / errors.min(), strict=True
        ):
            factors.setdefault(label, []).append(math.log(factor))
    return sorted(factors, key=lambda label: sum(factors[label]) / len(factors[label]))


def fitting(chosen: Chosen) -> Iterator[list[Column]]:
    """The columns in tables, as many in each as a paper's column holds."""
    room = COLUMN - label_width(chosen.labels)
    table: list[Column] = []
    for column in chosen.columns:
        if table and sum(each.width + 2 * SEPARATION for each in [*table, column]) > room:
            yield table
            table = []
        table.append(column)
    if table:
        yield table


def label_width(labels: Sequence[str]) -> float:
    """The width of the column of estimators, in points."""
    lines = [wrapped(label, LABELS) for label in labels]
    first = [width_of(line) for line, *_ in lines]
    others = [SIZE + width_of(line) for _, *rest in lines for line in rest]
    return max([width_of("estimator"), *first, *others])


def table_lines(columns: list[Column], chosen: Chosen, label: str, first: str) -> list[str]:
    """One `table`; those after the first refer to its caption."""
    letters = [column.head or f"({chr(ord('a') + i)})" for i, column in enumerate(columns)]
    shown = [name for name in chosen.labels if any(name in column.cells for column in columns)]
    body = [line for name in shown for line in rows_of(name, columns)]
    if label == first:
        caption = caption_of(columns, chosen, letters)
    else:
        caption = rf"As Table~\ref{{{first}}}. {escape(titles_of(columns, chosen, letters))}"
    return [
        r"\begin{table}[t]",
        r"  \centering",
        rf"  \caption{{{caption}}}",
        rf"  \label{{{label}}}",
        rf"  \fontsize{{{SIZE:g}}}{{{SIZE + 2:g}}}\selectfont",
        rf"  \setlength{{\tabcolsep}}{{{SEPARATION:g}pt}}",
        rf"  \begin{{tabular}}{{@{{}}l{'r' * len(columns)}@{{}}}}",
        r"    \toprule",
        "    " + " & ".join(["estimator", *map(escape, letters)]) + r" \\",
        r"    \midrule",
        *(f"    {line}" for line in body),
        r"    \bottomrule",
        r"  \end{tabular}",
        r"\end{table}",
    ]


def rows_of(label: str, columns: Sequence[Column]) -> list[str]:
    """An estimator's line, and those that its name goes on in."""
    first, *others = [escape(line) for line in wrapped(label, LABELS)]
    names = [guarded(first), *(rf"\quad {line}" for line in others)]
    cells = [column.cells.get(label) for column in columns]
    numbers = [cell.latex if cell else "--" for cell in cells]
    empty = [""] * len(columns)
    return [
        *(" & ".join([name, *empty]) + r" \\[-1pt]" for name in names[:-1]),
        " & ".join([names[-1], *numbers]) + r" \\",
    ]


def guarded(text: str) -> str:
    """A text that begins a row: a bracket there is not the line break's before it."""
    return "{}" + text if text.startswith(("[", "*")) else text


def caption_of(columns: Sequence[Column], chosen: Chosen, letters: Sequence[str]) -> str:
    """What the numbers are."""
    cells = [cell for column in chosen.columns for cell in column.cells.values()]
    texts = [
        "Relative RMSE of one gradient estimate at equal cost: "
        f"{BUDGETS[chosen.of_budgets]}. {RULE}",
        "In brackets, in units of the last digit: the longer side of the 95 % interval. "
        "Bold: the best, and what may be as good.",
    ]
    if any(cell.biased for cell in cells):
        texts.append("†: biased, in theory or as it was found.")
    if any(cell.unreliable for cell in cells):
        texts.append("?: unreliable.")
    if any(cell.more for cell in cells):
        texts.append(MORE)
    return escape(" ".join([*texts, titles_of(columns, chosen, letters)]))


def titles_of(columns: Sequence[Column], chosen: Chosen, letters: Sequence[str]) -> str:
    """Which places the columns are."""
    if chosen.of_budgets:
        return f"{columns[0].title}."
    pairs = zip(letters, columns, strict=True)
    return "; ".join(f"{letter} {column.title}" for letter, column in pairs) + "."
