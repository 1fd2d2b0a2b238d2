"""Ratios with intervals: two runs compared cell by cell, or a run's estimators with one of them.

Where two cells share their random numbers their ratio is jackknifed batch by batch
(`intervals.combine`), so that what they share cancels; where they do not, their errors are
independent (`products.quotient`).
"""

import json
import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from gradest.benchmarks.analysis.labels import estimator_label, place_label, short_label, sort_key
from gradest.benchmarks.analysis.numerals import percent
from gradest.benchmarks.analysis.results import ESTIMATOR, Run, is_zero
from gradest.benchmarks.comparisons.metrics import METRICS, Estimate, Metric
from gradest.benchmarks.comparisons.pairing import (
    EVERYWHERE,
    HARDWARE,
    CellRows,
    agree_on_devices,
    cells_of,
    differing,
    groups_of,
    refuse_revisions,
    same_draws,
    same_generator,
    warn_of_cells,
    warn_of_devices,
    warn_of_environments,
    warn_of_files,
)
from gradest.benchmarks.errors import BadInput
from gradest.benchmarks.statistics.intervals import (
    UNKNOWN,
    Interval,
    combine,
    interval,
)
from gradest.benchmarks.statistics.products import product, quotient
from gradest.benchmarks.sweeps.plan import Choice
from gradest.estimators import ESTIMATORS, named_estimator
from gradest.problems.arguments import nearest, shown
from gradest.problems.registry.lookup import build


class Ratio(NamedTuple):
    """The ratio of a metric in two cells, with its interval."""

    interval: Interval
    gain: float | None
    """How many times wider it would be, on the log scale, were the pairing not used: infinite where
    the cells are the same; None where they are not paired."""
    both_zero: bool = False
    """Whether the metric is 0 in both cells, which have no ratio."""


class CellRatios(NamedTuple):
    """The ratios of two matched cells, in one group of θ."""

    problem: str
    problem_args: str
    point: str
    group: str
    """Empty where a cell failed."""
    estimator: str
    estimator_args: str
    num_samples: int
    doubt: str
    """Why it counts for nothing, or ""."""
    biased: str
    """Which of the cells were found biased, and by how much along the gradient, or ""."""
    paired: bool
    ratios: dict[str, Ratio | None]
    gated: dict[str, bool]
    """Whether each ratio counts for `above`."""

    @property
    def label(self) -> str:
        """The two cells in words."""
        estimator = estimator_label(self.estimator, self.estimator_args)
        place = place_label(self.problem, self.problem_args, self.point, self.group)
        return f"{estimator} on {place}, L = {self.num_samples}"

    @property
    def order(self) -> tuple:
        """Sorts by problem, its arguments as numbers, θ, group, estimator and L."""
        args = sort_key(json.loads(self.problem_args).values())
        estimator = (self.estimator, self.estimator_args)
        return (self.problem, args, self.point, self.group, *estimator, self.num_samples)


class Comparison(NamedTuple):
    """All ratios of two runs, or of a run's estimators over one of them."""

    rows: list[CellRatios]
    warnings: list[str]
    only_first: int
    """Cells that only the first run has, or that have no reference."""
    only_second: int

    def above(self, threshold: float) -> list[tuple[CellRatios, str]]:
        """The cells and metrics whose ratio's whole interval lies above 1 + threshold."""
        return [
            (row, name)
            for row in self.rows
            for name, each in row.ratios.items()
            if each and row.gated[name] and each.interval.low > 1 + threshold
        ]


class Terms(NamedTuple):
    """On what terms cells are compared."""

    metrics: list[str]
    names: tuple[str, str]
    """What the first and the second cell are called."""
    same_generator: bool
    """Whether both drew with one and the same random number generator."""
    same_hardware: bool


def compare_runs(first: Run, second: Run, metrics: list[str]) -> Comparison:
    """The second run's cells over the first's.

    Args:
        first: a run.
        second: another, of cells that are also in the first.
        metrics: names in METRICS.

    Raises:
        BadInput: the runs have different revisions of a problem, or no cell in common.
    """
    refuse_revisions(first, second)
    key = [*EVERYWHERE, *ESTIMATOR]
    here = cells_of(first.measurements, key)
    there = cells_of(second.measurements, key)
    common = here.keys() & there.keys()
    if not common:
        raise BadInput(
            f"{first.folder} and {second.folder} have no cell in common: "
            "expected runs of the same sweep"
        )
    same_hardware = not differing(first, second, HARDWARE)
    terms = Terms(metrics, ("A", "B"), same_generator(first, second), same_hardware)
    cells = [(here[cell], there[cell]) for cell in common]
    rows = [row for pair in cells for row in compared(*pair, terms)]
    devices = not same_hardware and terms.same_generator
    return Comparison(
        sorted(rows, key=lambda row: row.order),
        [
            *warn_of_files((first, "A"), (second, "B")),
            *warn_of_environments(first, second),
            *warn_of_cells(cells),
            *(warn_of_devices(cells) if devices else []),
        ],
        only_first=len(here.keys() - there.keys()),
        only_second=len(there.keys() - here.keys()),
    )


def compare_estimators(run: Run, reference: str, metrics: list[str]) -> Comparison:
    """Every other estimator of the run over the reference.

    Args:
        run: whose estimators.
        reference: `name[argument=value,…]`.
        metrics: names in METRICS.

    Raises:
        BadInput: no such estimator, or it is not in the run.
    """
    name, args = parse_estimator(reference)
    table = run.measurements
    is_reference = (table.estimator == name) & (table.estimator_args == args)
    references = cells_of(table[is_reference], EVERYWHERE)
    if not references:
        tried = table[table.status != "skipped"][ESTIMATOR].drop_duplicates()
        known = [short_label(*each) for each in tried.itertuples(index=False)]
        raise BadInput(
            f"--reference {shown(reference)}: {run.folder} has no such cell: expected one of "
            f"{', '.join(known)}{nearest(reference, known)}"
        )
    others = cells_of(table[~is_reference], [*EVERYWHERE, *ESTIMATOR])
    reference_of = {cell: references.get(cell[: len(EVERYWHERE)]) for cell in others}
    pairs = [(first, others[cell]) for cell, first in reference_of.items() if first]
    if not pairs:
        beside = "has no other estimator beside it to compare"
        raise BadInput(f"--reference {shown(reference)}: {run.folder} {beside}")
    terms = Terms(metrics, ("the reference", "this"), same_generator(run, run), same_hardware=True)
    rows = [row for pair in pairs for row in compared(*pair, terms)]
    return Comparison(
        sorted(rows, key=lambda row: row.order),
        warn_of_files((run, str(run.folder))),
        only_first=len(others) - len(pairs),
        only_second=0,
    )


def parse_estimator(text: str) -> tuple[str, str]:
    """An estimator's registered name and all its arguments as JSON, from `name[argument=value,…]`.

    Raises:
        BadInput: it is not written so, or there is no such estimator or argument.

    >>> parse_estimator("measure_valued[coupled=false]")
    ('measure_valued', '{"coupled": false}')
    """
    try:
        name, args = named_estimator(text)
        build("estimator", ESTIMATORS, name, args)
    except ValueError as error:
        raise BadInput(f"--reference {shown(text)}: {error}") from error
    return name, Choice.of(ESTIMATORS, name, args).json


def compared(first: CellRows, second: CellRows, terms: Terms) -> Iterator[CellRatios]:
    """The ratios in each group that both cells have; one without any where either failed."""
    failed = [name for name, cell in zip(terms.names, (first, second), strict=True) if None in cell]
    if failed:
        yield CellRatios(
            **identity(next(iter(second.values()))),
            group="",
            doubt=f"failed in {' and '.join(failed)}",
            biased="",
            paired=False,
            ratios={},
            gated={},
        )
        return
    for group in groups_of(first, second):
        yield compared_in_group(first[group], second[group], group, terms)


def compared_in_group(first: Any, second: Any, group: str, terms: Terms) -> CellRatios:
    """The ratios of two cells' rows of one group."""
    cells = zip(terms.names, (first, second), strict=True)
    unreliable = [name for name, row in cells if row.status != "ok"]
    paired = terms.same_generator and same_draws(first, second)
    if paired and not terms.same_hardware:
        paired = agree_on_devices(first, second)
    # a time from one process does not say how much another would differ, nor does one from other
    # hardware
    timed = terms.same_hardware and all(map(is_timed, (first, second)))
    return CellRatios(
        **identity(second),
        group=group,
        doubt=f"unreliable in {' and '.join(unreliable)}" if unreliable else "",
        biased=biased_text(first, second, terms.names),
        paired=paired,
        ratios={name: ratio_of(METRICS[name], first, second, paired) for name in terms.metrics},
        gated={name: not unreliable and (name != "work" or timed) for name in terms.metrics},
    )


def is_timed(row: Any) -> bool:
    """Whether a row was timed in several processes; some were in none."""
    return bool(pd.notna(row.timing_processes) and row.timing_processes > 1)


def biased_text(first: Any, second: Any, names: tuple[str, str]) -> str:
    """Which of two cells were found biased, and by how much along the gradient."""
    found = [
        f"{name} by {percent(row.bias_relative)}" if math.isfinite(row.bias_relative) else name
        for name, row in zip(names, (first, second), strict=True)
        if row.bias_finding == "biased"
    ]
    return f"biased: {' and '.join(found)}" if found else ""


def identity(row: Any) -> dict[str, Any]:
    """Which cell a measurement's row is of."""
    names = ("problem", "problem_args", "point", *ESTIMATOR)
    return {name: getattr(row, name) for name in names} | {"num_samples": int(row.num_samples)}


def ratio_of(metric: Metric, first: Any, second: Any, paired: bool, tests: int = 1) -> Ratio | None:
    """A metric in the second row over that in the first; None where it means nothing in one.

    Args:
        metric: of which the ratio is.
        first: a row.
        second: another.
        paired: whether they used the same random numbers.
        tests: of how many intervals, which hold at once, this is one.
    """
    below = metric.of(first)
    above = metric.of(second)
    if below is None or above is None:
        return None
    if metric.of_noise and (is_zero(first) or is_zero(second)):
        value = ratio_with_zero(is_zero(first), is_zero(second))
        return Ratio(Interval(value, value, value), None, both_zero=math.isnan(value))
    if below.interval.value == above.interval.value == 0:
        return Ratio(UNKNOWN, None, both_zero=True)
    return ratio(below, above, paired, tests)


def ratio_with_zero(first_is_zero: bool, second_is_zero: bool) -> float:
    """The second over the first where one of them is zero, or both."""
    if first_is_zero and second_is_zero:
        return math.nan
    return math.inf if first_is_zero else 0.0


def ratio(first: Estimate, second: Estimate, paired: bool, tests: int = 1) -> Ratio:
    r"""second/first.

    Where they are paired, $\ln s_B^2 - \ln s_A^2$ is jackknifed on the same left-out batches.
    """
    factor = quotient(second.factor, first.factor)
    unpaired = product(quotient(alone(second, tests), alone(first, tests)), factor)
    if not (paired and first.jackknifed and second.jackknifed):
        return Ratio(unpaired, None)
    both = combine(np.divide, second.jackknifed, first.jackknifed)
    heavy = first.heavy or second.heavy
    together = product(interval(both, heavy=heavy, tests=tests), factor)
    width = log_width(together)
    return Ratio(together, math.inf if width == 0 else log_width(unpaired) / width)


def alone(estimate: Estimate, tests: int = 1) -> Interval:
    """The interval on the log scale, from the batches where they are known."""
    if estimate.jackknifed is None:
        return estimate.interval
    return interval(estimate.jackknifed, heavy=estimate.heavy, tests=tests)


def log_width(bounds: Interval) -> float:
    """The width of an interval on the log scale."""
    return math.log(bounds.high / bounds.low) if bounds.low > 0 else math.nan
