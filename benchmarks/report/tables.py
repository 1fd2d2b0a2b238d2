"""Tables for a paper (LaTeX, Markdown) and a macro for every headline number."""

import json
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import pandas as pd

from gradest.benchmarks.analysis.crossovers import Overtaking
from gradest.benchmarks.analysis.labels import estimator_label, problem_label, slug, words
from gradest.benchmarks.analysis.numerals import percent, show
from gradest.benchmarks.analysis.results import ESTIMATOR, PLACE, slope_of
from gradest.benchmarks.statistics.intervals import Interval

DIGITS = dict(
    zip(
        "0123456789",
        ["Zero", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine"],
        strict=True,
    )
)


class Table(NamedTuple):
    """One problem's table: a title, a header, rows of text."""

    name: str
    title: str
    header: list[str]
    rows: list[list[str]]


def tables(measurements: pd.DataFrame) -> Iterator[Table]:
    """A table for each problem, θ and group: each estimator's variance at every L, its slope, bias
    and cost.

    Where an argument of the problem was swept there is one table for all its values, with a column
    for it.
    """
    measured = measurements[measurements.status.isin(["ok", "unreliable"])]
    measured = measured.assign(row=list(measured.itertuples()))
    for (problem, point, group), rows in measured.groupby(["problem", "point", "group"], sort=True):
        levels = sorted(rows.num_samples.unique())
        swept = swept_arguments(rows.problem_args.unique())
        header = [*swept, "estimator", *(f"L = {level}" for level in levels)]
        header += ["slope", "bias / gradient", "f + ∇f", "µs"]
        lines = [
            (
                [json.loads(args)[key] for key in swept],
                [estimator_label(*estimator), *cells_of(cells, levels)],
            )
            for (args, *estimator), cells in rows.groupby(["problem_args", *ESTIMATOR], sort=True)
        ]
        body = [
            [*map(str, values), *texts] for values, texts in sorted(lines, key=lambda line: line[0])
        ]
        where = (
            problem_label(problem, rows.problem_args.iloc[0])
            if not swept
            else problem_label(problem, "{}")
        )
        yield Table(
            f"{problem.replace(':', '_')}_{point}_{group}",
            f"{where}, {point}: variance, group {group}",
            header,
            body,
        )


def crossover_table(found: list[Overtaking]) -> Table:
    """Every place where one estimator overtakes another."""
    body = [[o.where, words(o.line.axis), show(o.found.at), o.above, o.below] for o in found]
    header = ["where", "along", "crossover", "lower variance above it", "lower variance below it"]
    return Table("crossovers", "Where one estimator overtakes another", header, body)


def swept_arguments(texts: Iterable[str]) -> list[str]:
    """The arguments that differ among problems, θ's place in training aside."""
    read = [json.loads(text) for text in texts]
    return [
        key
        for key in read[0]
        if key != "train_steps" and len({str(given.get(key)) for given in read}) > 1
    ]


def cells_of(rows: pd.DataFrame, levels: list[int]) -> list[str]:
    """One estimator's line: bias and cost are those at the largest L measured."""
    by_level = {row.num_samples: row for row in rows.row}
    last = by_level[max(by_level)]
    variances = [variance_text(by_level[level]) if level in by_level else "–" for level in levels]
    return [
        *variances,
        *slope_and_bias(rows, last),
        f"{last.f_evals}+{last.grad_evals}",
        f"{last.seconds * 1e6:.3g}",
    ]


def slope_and_bias(rows: pd.DataFrame, last) -> list[str]:
    """The slope of ln variance on ln L with its interval, and what was found of the bias."""
    slope = slope_of(rows)
    return [show(slope) if slope else "–", FINDINGS.get(last.bias_finding, lambda _: "–")(last)]


def biased_text(row) -> str:
    """A bias that was found: relative to the gradient and along it, or absolute where the gradient is zero."""
    relative = Interval(row.bias_relative, row.bias_relative_low, row.bias_relative_high)
    return f"‖bias‖ = {row.bias_norm:.3g}" if math.isnan(relative.value) else show(relative)


def undetected_text(row) -> str:
    """That no bias was found, and which could have been: no claim that there is none."""
    relative = row.exact_norm > 0
    size = (
        percent(row.bias_detectable / row.exact_norm)
        if relative
        else f"‖bias‖ = {row.bias_detectable:.3g}"
    )
    return f"none found, detectable from {size}"


FINDINGS: dict[Any, Callable[[Any], str]] = {
    "biased": biased_text,
    "equivalent": lambda row: f"unbiased within {percent(row.equivalence_margin)}",
    "none found": undetected_text,
}
"""What a table says of a bias, by the finding. "Unbiased" only where a test of equivalence within a margin said so."""


def variance_text(row) -> str:
    """A variance with its interval, or a zero that is one to rounding."""
    if str(row.reason).startswith("variance zero"):
        return "0"
    return show(Interval(row.variance, row.variance_low, row.variance_high)) + (
        "?" if row.status != "ok" else ""
    )


def markdown(table: Table) -> str:
    """The table for a README."""
    lines = [table.header, ["---"] * len(table.header), *table.rows]
    return f"### {table.title}\n\n" + "".join("| " + " | ".join(line) + " |\n" for line in lines)


def latex(table: Table) -> str:
    """The table for a paper: needs booktabs; a `tabular` to be put in a float of one's own."""
    lines = [
        f"% {table.title}",
        rf"\begin{{tabular}}{{l{'r' * (len(table.header) - 1)}}}",
        r"\toprule",
        " & ".join(map(escape, table.header)) + r" \\",
        r"\midrule",
        *(" & ".join(map(escape, row)) + r" \\" for row in table.rows),
        r"\bottomrule",
        r"\end{tabular}",
    ]
    return "\n".join(lines) + "\n"


LATEX = {
    "∇": r"$\nabla$",
    "µ": r"$\mu$",
    "τ": r"$\tau$",
    "σ": r"$\sigma$",
    "∂": r"$\partial$",
    "‖": r"$\|$",
    "–": "--",
    "_": r"\_",
    "%": r"\%",
    "&": r"\&",
}


def escape(text: str) -> str:
    """Text as LaTeX, exponents and minus signs typeset."""
    for plain, command in LATEX.items():
        text = text.replace(plain, command)
    text = re.sub(r"(-?[\d.]+)e([+-])0*(\d+)", lambda m: power(*m.groups()), text)
    return re.sub(r"(?<![\w$^{])-([\d.]+)", r"$-$\1", text)


def power(mantissa: str, sign: str, exponent: str) -> str:
    """A number in scientific notation, typeset."""
    return rf"${mantissa} \times 10^{{{sign.replace('+', '')}{exponent}}}$"


def numbers(measurements: pd.DataFrame, crossovers: list[Overtaking]) -> str:
    r"""numbers.tex: \gradest… macros for every measured variance, its interval, every slope and
    crossover.

    A macro's name is made of the problem, its arguments that differ from the defaults, θ's name,
    the group, the estimator and L, in letters only:
    `\gradestGaussianSquareInitMeanPathwiseLOneVariance`.
    """
    measured = measurements[measurements.status == "ok"]
    measured = measured.assign(row=list(measured.itertuples()))
    lines = [
        "% Written by gradest; \\input this file and cite the macros. Every interval is at 95 %.",
        macro("Cells", str(measurements.cell.nunique())),
        macro("Seed", ", ".join(map(str, sorted(measurements.seed.unique())))),
    ]
    for key, rows in measured.groupby([*PLACE, *ESTIMATOR], sort=True):
        problem, args, point, group, estimator, estimator_args = key
        name = [slug(problem, args), point, group, estimator_label(estimator, estimator_args)]
        for row in rows.row:
            at = [*name, f"L{row.num_samples}"]
            text = variance_text(row)
            value, _, interval = text.partition(" ")
            lines.append(macro(letters(*at, "variance"), escape(value)))
            if interval:
                lines.append(macro(letters(*at, "variance", "interval"), escape(interval)))
        if slope := slope_of(rows):
            lines.append(macro(letters(*name, "slope"), escape(show(slope))))
    return "\n".join([*lines, *crossover_macros(crossovers)]) + "\n"


def crossover_macros(found: list[Overtaking]) -> Iterator[str]:
    r"""Each crossover and its interval: `\gradest<where>PathwiseAgainstScoreFunctionCrossoverK`.

    The first of the two names is that of the lower variance above the place; a further one of the
    same two is numbered.
    """
    seen: Counter[str] = Counter()
    for o in found:
        level = [] if o.line.num_samples is None else [f"L{o.line.num_samples}"]
        place = [slug(o.line.problem, o.line.args), o.line.point, o.line.group, *level]
        name = letters(*place, o.above, "against", o.below, "crossover", o.line.axis)
        seen[name] += 1
        value, _, interval = show(o.found.at).partition(" ")
        again = letters(str(seen[name])) if seen[name] > 1 else ""
        yield macro(name + again, escape(value))
        if interval:
            yield macro(f"{name}{again}Interval", escape(interval))


def macro(name: str, value: str) -> str:
    r"""One \newcommand."""
    return rf"\newcommand{{\gradest{name}}}{{{value}}}"


def letters(*words: str) -> str:
    """Words as one name in camel case, digits spelled out: TeX names have no others.

    >>> letters("gaussian_square", "L16")
    'GaussianSquareLOneSix'
    """
    parts = re.findall(r"[A-Za-z]+|\d", re.sub(r"τ", "temperature", "_".join(words)))
    return "".join(DIGITS.get(part, part[:1].upper() + part[1:]) for part in parts)
