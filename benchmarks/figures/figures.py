"""All figures of a run, as data, from its measurements alone.

No problem, estimator, argument or group is known by name.
"""

import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from gradest.benchmarks.analysis.labels import LONGEST_NAME, problem_label, slug, unique
from gradest.benchmarks.analysis.places import place_names
from gradest.benchmarks.analysis.results import ESTIMATOR, called_zero, labelled
from gradest.benchmarks.comparisons.leaderboard import Board, boards_of, levels_of
from gradest.benchmarks.figures.arguments import (
    ArgumentSweep,
    against_argument,
    argument_sweeps,
    estimator_sweeps,
)
from gradest.benchmarks.figures.bias import bias
from gradest.benchmarks.figures.leaders import leading_figures
from gradest.benchmarks.figures.lines import variance_vs_samples
from gradest.benchmarks.figures.looks import look_of
from gradest.benchmarks.figures.spec import FigureSpec, Style

MOST_SEPARATE = 8
"""A problem's argument of more values has no figures for each beside those along it."""


def figures(
    measurements: pd.DataFrame, boards: Sequence[Board] | None = None
) -> Iterator[FigureSpec]:
    """Every figure that the measurements support, each under a name of its own.

    Args:
        measurements: a run's, as `read_run` gives them.
        boards: the run's leaderboards; they are made where they are not given.

    Returns:
        The figures one by one: those of the whole run first, then those along arguments.
    """
    taken: set[str] = set()
    made = boards_of(levels_of(measurements)) if boards is None else boards
    for spec in supported(measurements, made):
        yield dataclasses.replace(spec, name=unique(spec.name[:LONGEST_NAME], taken))


def supported(measurements: pd.DataFrame, boards: Sequence[Board]) -> Iterator[FigureSpec]:
    """The figures; names that differ in what a file's name cannot hold are alike."""
    table = labelled(measurements)
    styles = styles_in(table)
    table = table[table.status.isin(["ok", "unreliable"]) & table.variance.notna()]
    if table.empty:
        return
    names = place_names(table)
    yield from leading_figures(table, names, boards)
    table["zero"] = is_zero(table)
    table["exact_snr"] = table.exact_norm / np.sqrt(table.exact_variance)
    table["exact_bias_squared"] = np.nan

    of_problems = list(argument_sweeps(table))
    along_problems = index_of(of_problems)
    for sweep in of_problems:
        yield from against_argument(sweep, styles)
    many = [sweep for sweep in of_problems if sweep.rows.value.nunique() > MOST_SEPARATE]
    table = table.drop(index_of(many))

    of_estimators = list(estimator_sweeps(table))
    if of_estimators:
        styles_without = styles_in(pd.concat([sweep.rows for sweep in of_estimators]))
        for sweep in of_estimators:
            yield from against_argument(sweep, styles_without)
    swept = index_of(of_estimators)
    drawn = swept.union(along_problems)

    biased = bias(without_rows(table[np.isfinite(table.bias_relative)], drawn), names)
    if biased:
        yield biased
    for (problem, setting), rows in table.groupby(["problem", "setting"]):
        yield from variances(problem, setting, without_rows(rows, swept), styles)


def variances(
    problem: str, setting: str, rows: pd.DataFrame, styles: dict[str, Style]
) -> Iterator[FigureSpec]:
    """The figure along L of one problem with one choice of its arguments.

    Args:
        problem: its name.
        setting: its arguments, without θ's.
        rows: its measurements that are not along an estimator's argument.
        styles: the style of each label.
    """
    name = f"variance_vs_samples_{slug(problem, setting)}"
    figure = variance_vs_samples(name, problem_label(problem, setting), rows, styles)
    if figure:
        yield figure


def without_rows(rows: pd.DataFrame, others: pd.Index) -> pd.DataFrame:
    """The rows that are not among the others."""
    return rows.drop(rows.index.intersection(others))


def styles_in(table: pd.DataFrame) -> dict[str, Style]:
    """The styles of a labelled table's estimators, by their labels."""
    estimators = table[["label", *ESTIMATOR]].drop_duplicates("label").sort_values("label")
    return {
        label: look_of(name, arguments)
        for label, name, arguments in estimators.itertuples(index=False)
    }


def index_of(sweeps: list[ArgumentSweep]) -> pd.Index:
    """Where in the table the rows of the sweeps are."""
    if not sweeps:
        return pd.Index([])
    return pd.concat([sweep.rows for sweep in sweeps]).index.unique()


def is_zero(table: pd.DataFrame) -> pd.Series:
    """Where a variance is zero, or so far below the other estimators' that it is their rounding."""
    place = ["problem", "problem_args", "point", "group", "num_samples"]
    others = table.groupby(place).variance.transform("median")
    rounding = 8 * table["dtype"].map(lambda name: np.finfo(name).eps)
    return called_zero(table) | (table.variance <= 0) | (table.variance < rounding**2 * others)
