"""Tables for a paper (LaTeX, Markdown) and a macro for every headline number."""

import json
import math
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float

from benchmarks.labels import estimator_label, problem_label, slug
from benchmarks.measure import number_of_batches
from benchmarks.statistics import Interval, t_quantile

PROBLEM = ["problem", "problem_args", "point"]
ESTIMATOR = ["estimator", "estimator_args"]

DIGITS = dict(
    zip("0123456789", ["Zero", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine"], strict=True)
)


class Table(NamedTuple):
    """One problem's table: a title, a header, rows of text."""

    name: str
    title: str
    header: list[str]
    rows: list[list[str]]


def tables(measurements: pd.DataFrame) -> Iterator[Table]:
    """A table for each problem, θ and group: each estimator's variance at every L, its slope, bias and cost.

    Where an argument of the problem was swept there is one table for all its values, with a column for it.
    """
    measured = measurements[measurements.status.isin(["ok", "unreliable"])]
    for (problem, point, group), rows in measured.groupby(["problem", "point", "group"], sort=True):
        levels = sorted(rows.num_samples.unique())
        swept = swept_arguments(rows.problem_args.unique())
        header = [*swept, "estimator", *(f"L = {level}" for level in levels)]
        header += ["slope", "bias / gradient", "f + ∇f", "µs"]
        lines = [
            ([json.loads(args)[key] for key in swept], [estimator_label(*estimator), *cells_of(cells, levels)])
            for (args, *estimator), cells in rows.groupby(["problem_args", *ESTIMATOR], sort=True)
        ]
        body = [[*map(str, values), *texts] for values, texts in sorted(lines, key=lambda line: line[0])]
        where = problem_label(problem, rows.problem_args.iloc[0]) if not swept else problem_label(problem, "{}")
        yield Table(f"{problem}_{point}_{group}", f"{where}, {point}: variance, group {group}", header, body)


def swept_arguments(texts: Iterable[str]) -> list[str]:
    """The arguments that differ among problems, θ's place in training aside."""
    read = [json.loads(text) for text in texts]
    return [key for key in read[0] if key != "train_steps" and len({str(given.get(key)) for given in read}) > 1]


def cells_of(rows: pd.DataFrame, levels: list[int]) -> list[str]:
    """One estimator's line: bias and cost are those at the largest L measured."""
    by_level = {row.num_samples: row for row in rows.itertuples()}
    last = by_level[max(by_level)]
    variances = [variance_text(by_level[level]) if level in by_level else "–" for level in levels]
    return [*variances, *slope_and_bias(rows, last), f"{last.f_evals}+{last.grad_evals}", f"{last.seconds * 1e6:.3g}"]


def slope_and_bias(rows: pd.DataFrame, last) -> list[str]:
    """The slope of ln variance on ln L and the relative bias, each with its interval."""
    slope = slope_of(rows)
    bias = Interval(last.bias_relative, last.bias_relative_low, last.bias_relative_high)
    return [show(slope) if slope else "–", "–" if math.isnan(bias.value) else show(bias)]


def slope_of(rows: pd.DataFrame) -> Interval | None:
    """The slope of ln variance on ln L over one estimator's rows of one group; None where it has no meaning."""
    rows = rows[~rows.reason.fillna("").str.startswith("variance zero")]
    if rows.empty:
        return None
    intervals = [Interval(*row) for row in rows[["variance", "variance_low", "variance_high"]].itertuples(index=False)]
    return log_log_slope(rows.num_samples.to_numpy(), intervals, number_of_batches(int(rows.replicates.iloc[0])))


def log_log_slope(samples: Float[np.ndarray, " n"], measured: list[Interval], batches: int) -> Interval | None:
    """The slope of ln(variance) on ln(L) by least squares, weighted by the measured precision; None for one L.

    Each ln(variance) has the standard error that its interval implies; the cells at different L are independent.
    """
    value = np.array([interval.value for interval in measured])
    width = np.array([np.log(i.high / i.low) if i.low > 0 else np.nan for i in measured])
    quantile = t_quantile(batches - 1)
    error = width / (2 * quantile)
    usable = (value > 0) & (error > 0) & np.isfinite(error)
    if len(np.unique(samples[usable])) < 2:
        return None
    x, y, weight = np.log(samples[usable]), np.log(value[usable]), error[usable] ** -2
    x = x - np.average(x, weights=weight)
    precision = (weight * x**2).sum()
    slope = float((weight * x * y).sum() / precision)
    half = float(quantile / np.sqrt(precision))
    return Interval(slope, slope - half, slope + half)


def variance_text(row) -> str:
    """A variance with its interval, or a zero that is one to rounding."""
    if str(row.reason).startswith("variance zero"):
        return "0"
    return show(Interval(row.variance, row.variance_low, row.variance_high)) + ("?" if row.status != "ok" else "")


def show(interval: Interval) -> str:
    """A value and its interval with two digits of its half-width.

    >>> show(Interval(86.913, 84.2, 89.7))
    '86.9 [84.2, 89.7]'
    >>> show(Interval(1.5e-7, 1.42e-7, 1.58e-7))
    '1.500e-07 [1.420e-07, 1.580e-07]'
    """
    half = (interval.high - interval.low) / 2
    if not (half > 0 and math.isfinite(half)):
        return f"{interval.value:.4g}"
    decimals = 1 - math.floor(math.log10(half))
    size = max(abs(interval.low), abs(interval.high))
    if decimals > 6 or size >= 1e6:
        digits = max(1, math.floor(math.log10(size)) + decimals)
        value, low, high = (f"{number:.{digits}e}" if number else "0" for number in interval)
    else:
        value, low, high = (f"{round(number, decimals):.{max(decimals, 0)}f}" for number in interval)
    return f"{value} [{low}, {high}]"


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


def numbers(measurements: pd.DataFrame) -> str:
    r"""numbers.tex: \gradvar… macros for every measured variance, its interval, and every slope.

    A macro's name is made of the problem, its arguments that differ from the defaults, θ's name, the group, the
    estimator and L, in letters only: `\gradvarGaussianSquareInitMeanPathwiseLOneVariance`.
    """
    measured = measurements[measurements.status == "ok"]
    lines = [
        "% Written by gradvar; \\input this file and cite the macros. Every interval is at 95 %.",
        macro("Cells", str(measurements.cell.nunique())),
        macro("Seed", ", ".join(map(str, sorted(measurements.seed.unique())))),
    ]
    for key, rows in measured.groupby([*PROBLEM, "group", *ESTIMATOR], sort=True):
        problem, args, point, group, estimator, estimator_args = key
        words = [slug(problem, args), point, group, estimator_label(estimator, estimator_args)]
        for row in rows.itertuples():
            at = [*words, f"L{row.num_samples}"]
            text = variance_text(row)
            value, _, interval = text.partition(" ")
            lines.append(macro(letters(*at, "variance"), escape(value)))
            if interval:
                lines.append(macro(letters(*at, "variance", "interval"), escape(interval)))
        if slope := slope_of(rows):
            lines.append(macro(letters(*words, "slope"), escape(show(slope))))
    return "\n".join(lines) + "\n"


def macro(name: str, value: str) -> str:
    r"""One \newcommand."""
    return rf"\newcommand{{\gradvar{name}}}{{{value}}}"


def letters(*words: str) -> str:
    """Words as one name in camel case, digits spelled out: TeX names have no others.

    >>> letters("gaussian_square", "L16")
    'GaussianSquareLOneSix'
    """
    parts = re.findall(r"[A-Za-z]+|\d", re.sub(r"τ", "temperature", "_".join(words)))
    return "".join(DIGITS.get(part, part[:1].upper() + part[1:]) for part in parts)
