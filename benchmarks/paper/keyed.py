r"""Numbers by their keys: `\gradest{problem/group/estimator/L/metric}`, for numbers.tex.

The problem and the estimator are written as at the prompt, `vae_bernoulli[num_images=8]` and
`score_function[baseline=leave_one_out]`; the group of all of θ is `all`. In a key ASCII letters and
digits and `_ . + - = , [ ]` stand for themselves, and Greek letters are spelled; a colon and a
slash within a name are a full stop, and anything else is a hyphen. Names that would be alike are
numbered: the second ends in `_2`. `…/interval` is a number's interval, and
`problem/group/estimator/slope` the slope of ln variance on ln L. An unknown key is printed between
question marks, and LaTeX warns of it. Rows that are not reliable have no keys.
"""

import math
import re
from collections.abc import Hashable, Iterable, Iterator
from typing import Any

import pandas as pd

from gradest.benchmarks.analysis.labels import greek_name, short_label, unique
from gradest.benchmarks.analysis.numerals import show
from gradest.benchmarks.analysis.results import ESTIMATOR, PLACE, is_zero, slope_of
from gradest.benchmarks.comparisons.leaderboard import relative_error
from gradest.benchmarks.paper.latex import escape
from gradest.benchmarks.statistics.intervals import Interval

DEFINITIONS = r"""% \gradest{problem/group/estimator/L/metric}; .../interval is its interval
\newcommand{\gradestat}[1]{\def\gradestkey{#1}}
\newcommand{\gradestset}[3]{%
  \expandafter\def\csname gradest@\gradestkey/#1\endcsname{#2}%
  \if\relax\detokenize{#3}\relax\else
    \expandafter\def\csname gradest@\gradestkey/#1/interval\endcsname{#3}%
  \fi}
\newcommand{\gradest}[1]{%
  \ifcsname gradest@#1\endcsname\csname gradest@#1\endcsname\else\gradestunknown{#1}\fi}
\DeclareRobustCommand{\gradestunknown}[1]{%
  \PackageWarning{gradest}{no number has the key \detokenize{#1}}%
  \textbf{??\texttt{\detokenize{#1}}??}}"""
"""In LaTeX: how a number is kept, and how it is found."""

METRICS = ("variance", "mse", "bias_relative", "snr", "cosine", "seconds")
"""Columns that have intervals, `relative_rmse` aside."""

PLAIN = ("bias_norm", "f_evals", "grad_evals")
"""Columns that have none."""


def keyed_numbers(measurements: pd.DataFrame) -> list[str]:
    """The lines of numbers.tex that hold every number under its key.

    Args:
        measurements: a run's, as `read_run` gives them.
    """
    rows = measurements[(measurements.status == "ok") & measurements.group.notna()]
    rows = rows.assign(row=list(rows.itertuples()))
    lines = DEFINITIONS.splitlines()
    names = key_names(rows)
    for (problem, args, _, group, *estimator), cells in rows.groupby([*PLACE, *ESTIMATOR]):
        key = "/".join((names[problem, args], names[group], names[tuple(estimator)]))
        for row in sorted(cells.row, key=lambda row: row.num_samples):
            lines.append(rf"\gradestat{{{key}/{row.num_samples}}}")
            lines += [setting(*each) for each in numbers_of(row)]
        slope = slope_of(cells)
        if slope:
            lines += [rf"\gradestat{{{key}}}", setting("slope", show(slope))]
    return lines


def key_names(rows: pd.DataFrame) -> dict[Any, str]:
    """What each problem, group and estimator is called in keys."""
    problems = pairs_of(rows, PLACE[:2])
    estimators = pairs_of(rows, ESTIMATOR)
    groups = sorted(set(rows.group))
    return {
        **named(problems, (short_label(*each) for each in problems)),
        **named(groups, (group or "all" for group in groups)),
        **named(estimators, (short_label(*each) for each in estimators)),
    }


def pairs_of(rows: pd.DataFrame, columns: list[str]) -> list[tuple[str, str]]:
    """The pairs of values of two columns, each once and in order."""
    return sorted(set(rows[columns].itertuples(index=False, name=None)))


def named(things: Iterable[Hashable], texts: Iterable[str]) -> dict[Any, str]:
    """A name for each thing, from its text, no two alike."""
    taken: set[str] = set()
    return {thing: unique(key_of(text), taken) for thing, text in zip(things, texts, strict=True)}


def key_of(text: str) -> str:
    """A text as part of a key.

    >>> key_of("my_module:Mine[k=-1.5]"), key_of("∂/∂ μ"), key_of("100 %")
    ('my_module.Mine[k=-1.5]', '-.--mu', '100--')
    """
    spelled = "".join(greek_name(char) or char for char in text)
    return re.sub(r"[^A-Za-z0-9_.+=,\[\]-]", "-", re.sub("[:/]", ".", spelled))


def numbers_of(row: Any) -> Iterator[tuple[str, str]]:
    """What one row has a key for, and the number with its interval."""
    error = relative_error(row)
    if math.isfinite(error.value):
        yield "relative_rmse", show(error)
    for name in METRICS:
        ends = (getattr(row, name + end) for end in ("", "_low", "_high"))
        estimate = Interval(*ends)
        if name == "variance" and is_zero(row):
            yield name, "0"
        elif math.isfinite(estimate.value):
            yield name, show(estimate)
    for name in PLAIN:
        value = getattr(row, name)
        if pd.notna(value):
            yield name, f"{value:.4g}" if name == "bias_norm" else str(int(value))


def setting(name: str, text: str) -> str:
    """A number, as `show` gives it, under a name."""
    value, _, bounds = text.partition(" ")
    return rf"\gradestset{{{name}}}{{{anywhere(value)}}}{{{anywhere(bounds)}}}"


def anywhere(text: str) -> str:
    r"""A text in LaTeX that may stand within mathematics too.

    >>> print(anywhere("-1.5"))
    \ensuremath{-}1.5
    """
    return re.sub(r"\$([^$]*)\$", r"\\ensuremath{\1}", escape(text))
