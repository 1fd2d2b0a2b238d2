r"""numbers.tex: a macro for every headline number, and after them all numbers by their keys.

TeX's names have letters only, so that numbers are spelled and signs fall out: what differs in a
sign alone, 1.5 and 15, would have one name. Where that happens in a run, the signs are spelled out,
and what is alike even so is numbered.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import pandas as pd

from gradest.benchmarks.analysis.labels import estimator_label, greek_name, slug
from gradest.benchmarks.analysis.numerals import show
from gradest.benchmarks.analysis.results import ESTIMATOR, PLACE, slope_of
from gradest.benchmarks.comparisons.crossovers import LineCrossover
from gradest.benchmarks.paper.keyed import keyed_numbers
from gradest.benchmarks.paper.latex import escape
from gradest.benchmarks.report.tables import variance_text

DIGITS = {
    "0": "Zero",
    "1": "One",
    "2": "Two",
    "3": "Three",
    "4": "Four",
    "5": "Five",
    "6": "Six",
    "7": "Seven",
    "8": "Eight",
    "9": "Nine",
}


MOST_SYMBOLS = 3
"""Characters, at most, whose Unicode names read as one name."""

HEADING = "% Written by gradest; \\input this file and cite the macros. Every interval is at 95 %."


class Macro(NamedTuple):
    """A number, and what its name is made of."""

    parts: tuple[str, ...]
    """As they are spelled in short."""
    exact: tuple[str, ...]
    """With everything that tells it from others."""
    value: str
    """In LaTeX."""


def numbers(measurements: pd.DataFrame, crossings: list[LineCrossover]) -> str:
    r"""numbers.tex: macros for every measured variance, its interval, every slope and crossover.

    A macro's name is made of the problem, its arguments that differ from the defaults, θ's name,
    the group, the estimator and L, in letters only:
    `\gradestGaussianSquareInitMeanPathwiseLOneVariance`.

    Args:
        measurements: a run's, as `read_run` gives them.
        crossings: its crossovers.
    """
    seeds = ", ".join(map(str, sorted(measurements.seed.unique())))
    macros = [
        Macro(("cells",), ("cells",), str(measurements.cell.nunique())),
        Macro(("seed",), ("seed",), seeds),
        *measured_macros(measurements),
        *crossover_macros(crossings),
    ]
    names = names_of(macros)
    lines = [command(name, macro.value) for name, macro in zip(names, macros, strict=True)]
    return "\n".join([HEADING, *lines, *keyed_numbers(measurements)]) + "\n"


def measured_macros(measurements: pd.DataFrame) -> Iterator[Macro]:
    """Every variance with its interval, and every slope."""
    usable = measurements[measurements.status == "ok"]
    usable = usable.assign(row=list(usable.itertuples()))
    for key, rows in usable.groupby([*PLACE, *ESTIMATOR], sort=True):
        problem, args, point, group, estimator, estimator_args = key
        label = estimator_label(estimator, estimator_args)
        parts = (slug(problem, args), point, group, label)
        exact = (f"{problem} {args}", point, group, f"{estimator} {estimator_args}")
        for row in rows.row:
            level = (f"L{row.num_samples}", "variance")
            yield from with_interval((*parts, *level), (*exact, *level), variance_text(row))
        slope = slope_of(rows)
        if slope:
            yield Macro((*parts, "slope"), (*exact, "slope"), escape(show(slope)))


def crossover_macros(crossings: list[LineCrossover]) -> Iterator[Macro]:
    r"""Each crossover and its interval: `\gradest<where>PathwiseAgainstScoreFunctionCrossoverK`.

    The first of the two names is that of the lower variance above the place; a further one of the
    same two is numbered.
    """
    counts: Counter[tuple[str, ...]] = Counter()
    for each in crossings:
        line = each.line
        level = () if line.num_samples is None else (f"L{line.num_samples}",)
        pair = (each.above, "against", each.below, "crossover", line.axis)
        parts = (slug(line.problem, line.args), line.point, line.group, *level, *pair)
        exact = (f"{line.problem} {line.args}", line.point, line.group, *level, *pair)
        counts[exact] += 1
        number = (str(counts[exact]),) if counts[exact] > 1 else ()
        yield from with_interval((*parts, *number), (*exact, *number), show(each.crossover.at))


def with_interval(parts: tuple[str, ...], exact: tuple[str, ...], text: str) -> Iterator[Macro]:
    """A number, and its interval where the text has one."""
    value, _, bounds = text.partition(" ")
    yield Macro(parts, exact, escape(value))
    if bounds:
        yield Macro((*parts, "interval"), (*exact, "interval"), escape(bounds))


def names_of(macros: Sequence[Macro]) -> list[str]:
    """A name for each macro, no two alike: the short one unless another would have it too."""
    short = [letters(*macro.parts) for macro in macros]
    counts = Counter(short)
    taken = {name for name in short if counts[name] == 1}
    names = []
    for name, macro in zip(short, macros, strict=True):
        if counts[name] > 1:
            name = free_name(exactly(*macro.exact), taken)
            taken.add(name)
        names.append(name)
    return names


def free_name(name: str, taken: set[str]) -> str:
    """The name, or with the first number with which it is not taken."""
    number = 1
    free = name
    while free in taken:
        number += 1
        free = f"{name}Number{letters(str(number))}"
    return free


def command(name: str, value: str) -> str:
    r"""A value under a name of ours: one \newcommand."""
    return rf"\newcommand{{\gradest{name}}}{{{value}}}"


def exactly(*parts: str) -> str:
    """Texts as one name, points and minus signs of numbers spelled out, and symbols named.

    >>> exactly("k = -1.5"), exactly("k = 15"), exactly("∇")
    ('KMinusOnePointFive', 'KOneFive', 'Nabla')
    """
    spelled = [re.sub(r"(?<=\d)\.(?=\d)", " point ", part) for part in parts]
    spelled = [re.sub(r"(?<!\w)-(?=[\d.])", " minus ", part) for part in spelled]
    return letters(*(part if letters(part) else symbol_name(part) for part in spelled))


def symbol_name(text: str) -> str:
    """What Unicode calls the characters of a text that is no longer than a symbol; else nothing.

    >>> symbol_name("∇²")
    'nabla superscript two'
    """
    if len(text) > MOST_SYMBOLS:
        return ""
    return " ".join(unicodedata.name(char, "") for char in text).lower()


def letters(*parts: str) -> str:
    """Texts as one name in camel case, digits and Greek letters spelled out.

    TeX names have no others.

    >>> letters("gaussian_square", "L16"), letters("μ")
    ('GaussianSquareLOneSix', 'Mu')
    """
    text = "_".join(parts).replace("τ", "temperature")
    text = re.sub(r"[^\x00-\x7f]", lambda found: f"_{greek_name(found[0])}_", text)
    pieces = re.findall(r"[A-Za-z]+|\d", text)
    return "".join(DIGITS.get(piece, piece[:1].upper() + piece[1:]) for piece in pieces)
