"""Tables for a paper, in LaTeX and Markdown."""

import json
import math
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import pandas as pd

from gradest.benchmarks.analysis.labels import (
    POINT_ARGUMENT,
    estimator_label,
    problem_label,
    safe_name,
    sort_key,
    unique,
    words,
)
from gradest.benchmarks.analysis.numerals import percent, show
from gradest.benchmarks.analysis.results import ESTIMATOR, ZERO, slope_of
from gradest.benchmarks.comparisons.crossovers import LineCrossover
from gradest.benchmarks.markdown import markdown_table, plain
from gradest.benchmarks.minus import print_minus
from gradest.benchmarks.paper.latex import comment, latex_row
from gradest.benchmarks.statistics.intervals import Interval


class Table(NamedTuple):
    """A table of texts, under a title and a header."""

    name: str
    """Of its files, without the suffix."""
    title: str
    header: list[str]
    rows: list[list[str]]


def tables(measurements: pd.DataFrame) -> Iterator[Table]:
    """A table for each problem, θ and group: variance at every L, slope, bias and cost.

    Where an argument of the problem was swept there is one table for all its values, with a column
    for it.

    Args:
        measurements: a run's, as `read_run` gives them.
    """
    usable = measurements[measurements.status.isin(["ok", "unreliable"])]
    usable = usable.assign(row=list(usable.itertuples()))
    taken: set[str] = set()
    for (problem, point, group), rows in usable.groupby(["problem", "point", "group"], sort=True):
        levels = sorted(rows.num_samples.unique())
        swept = swept_arguments(rows.problem_args.unique())
        args = "{}" if swept else rows.problem_args.iloc[0]
        yield Table(
            unique(safe_name(f"{problem}_{point}_{group}"), taken),
            f"{problem_label(problem, args)}, {point}: variance, group {group}",
            [
                *swept,
                "estimator",
                *(f"L = {level}" for level in levels),
                "slope",
                "bias / gradient",
                "f + ∇f",
                "µs",
            ],
            lines_of(rows, swept, levels),
        )


def lines_of(rows: pd.DataFrame, swept: list[str], levels: list[int]) -> list[list[str]]:
    """A line for each estimator and each value of the swept arguments, by these values."""
    lines = []
    for (args, *estimator), cells in rows.groupby(["problem_args", *ESTIMATOR], sort=True):
        values = [json.loads(args).get(key, "") for key in swept]
        lines.append((values, [estimator_label(*estimator), *cells_of(cells, levels)]))
    lines.sort(key=lambda line: sort_key(line[0]))
    return [[*map(str, values), *texts] for values, texts in lines]


def crossover_table(crossings: list[LineCrossover]) -> Table:
    """A line for each place where one estimator overtakes another."""
    body = [
        [o.where, words(o.line.axis), show(o.crossover.at), o.above, o.below] for o in crossings
    ]
    header = ["where", "along", "crossover", "lower variance above it", "lower variance below it"]
    return Table("crossovers", "Where one estimator overtakes another", header, body)


def swept_arguments(texts: Iterable[str]) -> list[str]:
    """The arguments that differ among problems, θ's place in training aside.

    Args:
        texts: each problem's arguments as JSON.
    """
    problems = [json.loads(text) for text in texts]
    names = [key for key in problems[0] if key != POINT_ARGUMENT]
    return [key for key in names if len({str(args.get(key)) for args in problems}) > 1]


def cells_of(rows: pd.DataFrame, levels: list[int]) -> list[str]:
    """One estimator's numbers: bias and cost are those at the largest L measured."""
    by_level = {row.num_samples: row for row in rows.row}
    last = by_level[max(by_level)]
    slope = slope_of(rows)
    return [
        *(variance_text(by_level[level]) if level in by_level else "–" for level in levels),
        show(slope) if slope else "–",
        bias_text(last),
        f"{last.f_evals}+{last.grad_evals}",
        "–" if math.isnan(last.seconds) else f"{last.seconds * 1e6:.3g}",
    ]


def bias_text(row: Any) -> str:
    """What was found of a row's bias; a dash where there was nothing to find it by."""
    text_of = FINDINGS.get(row.bias_finding)
    return text_of(row) if text_of else "–"


def biased_text(row: Any) -> str:
    """A bias that was found: relative to the gradient, or its size where the gradient is zero."""
    relative = Interval(row.bias_relative, row.bias_relative_low, row.bias_relative_high)
    return f"‖bias‖ = {row.bias_norm:.3g}" if math.isnan(relative.value) else show(relative)


def undetected_text(row: Any) -> str:
    """Says that no bias was found, and which could have been: no claim that there is none."""
    if row.exact_norm > 0:
        size = percent(row.bias_detectable / row.exact_norm)
    else:
        size = f"‖bias‖ = {row.bias_detectable:.3g}"
    return f"none found, detectable from {size}"


def equivalent_text(row: Any) -> str:
    """Says that a bias is smaller than the margin of a test of equivalence."""
    return f"unbiased within {percent(row.equivalence_margin)}"


FINDINGS: dict[Any, Callable[[Any], str]] = {
    "biased": biased_text,
    "equivalent": equivalent_text,
    "none found": undetected_text,
}
"""What a table says of a bias, by the finding: "unbiased" only where a test of equivalence did."""


def variance_text(row: Any) -> str:
    """A variance with its interval, or a zero that is one to rounding."""
    if str(row.reason).startswith(ZERO):
        return "0"
    doubt = "" if row.status == "ok" else "?"
    return show(Interval(row.variance, row.variance_low, row.variance_high)) + doubt


def markdown(table: Table) -> str:
    """The table for a README."""
    rows = [list(map(plain, row)) for row in table.rows]
    body = markdown_table(list(map(plain, table.header)), rows)
    return print_minus(f"### {plain(table.title)}\n\n{body}\n")


def latex(table: Table) -> str:
    """The table for a paper: a `tabular` to be put in a float of one's own; it needs booktabs.

    pandas writes LaTeX with jinja2, which nothing else of ours needs.
    """
    lines = [
        comment(table.title),
        rf"\begin{{tabular}}{{l{'r' * (len(table.header) - 1)}}}",
        r"\toprule",
        latex_row(table.header),
        r"\midrule",
        *map(latex_row, table.rows),
        r"\bottomrule",
        r"\end{tabular}",
    ]
    return "\n".join(lines) + "\n"
