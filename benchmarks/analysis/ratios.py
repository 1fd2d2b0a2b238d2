"""Two runs compared cell by cell, or the estimators of one run with one of them: ratios with
intervals.

Where two cells share their random numbers their ratio is jackknifed batch by batch
(`statistics.combine`), so that what they share cancels; where they do not, their errors are
independent (`statistics.quotient`).
"""

import json
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from gradest.benchmarks.analysis.labels import estimator_label, place_label
from gradest.benchmarks.analysis.numerals import show
from gradest.benchmarks.analysis.pairing import (
    HARDWARE,
    differing,
    generators,
    refuse_revisions,
    same_draws,
    warn_of_cells,
    warn_of_environments,
    warn_of_files,
)
from gradest.benchmarks.analysis.results import ESTIMATOR, Run
from gradest.benchmarks.errors import BadInput
from gradest.benchmarks.statistics.intervals import (
    Interval,
    Jackknifed,
    combine,
    interval,
    product,
    quotient,
)
from gradest.benchmarks.statistics.tails import HEAVY_TAIL
from gradest.benchmarks.sweeps.sweep import Choice
from gradest.estimators import ESTIMATORS
from gradest.problems.arguments import nearest
from gradest.problems.registry import build

ONE = Interval(1.0, 1.0, 1.0)
EVERYWHERE = ["problem", "problem_args", "point", "num_samples"]
"""What a cell is a measurement of, but for the estimator."""


class Estimate(NamedTuple):
    """A cell's value of a metric."""

    interval: Interval
    jackknifed: Jackknifed | None
    """The same batch by batch, where that is known."""
    factor: Interval = ONE
    """What multiplies it and has an error of its own."""
    heavy: bool = False


class Metric(NamedTuple):
    """Something of which ratios are taken."""

    title: str
    of: Callable[[Any], Estimate | None]
    """A row's estimate, or None where the metric means nothing there."""


def variance_of(row: Any) -> Estimate:
    """s²."""
    whole = Interval(row.variance, row.variance_low, row.variance_high)
    return Estimate(whole, row.jackknifed, heavy=row.kurtosis > HEAVY_TAIL)


def work_of(row: Any) -> Estimate:
    """s² times the seconds of an estimate."""
    return variance_of(row)._replace(
        factor=Interval(row.seconds, row.seconds_low, row.seconds_high)
    )


def bias_of(row: Any) -> Estimate | None:
    """‖bias‖, where one was found."""
    if row.bias_finding != "biased":
        return None
    squared = Interval(row.bias_squared, row.bias_squared_low, row.bias_squared_high)
    whole = Interval(*(math.sqrt(max(bound, 0.0)) for bound in squared))
    return Estimate(whole, row.jackknifed_bias and combine(root, row.jackknifed_bias))


def root(values: Any) -> Any:
    """The square root; not a number where there is none."""
    return np.sqrt(np.where(np.asarray(values) > 0, values, np.nan))


METRICS = {
    "variance": Metric("variance", variance_of),
    "work": Metric("work-normalised variance", work_of),
    "bias": Metric("‖bias‖", bias_of),
}


class Ratio(NamedTuple):
    """Of a metric in two cells, with its interval."""

    interval: Interval
    gain: float | None
    """How many times wider it would be, on the log scale, were the pairing not used: infinite where
    the cells are the same; None where they are not paired."""


class Row(NamedTuple):
    """Two matched cells, in one group of θ."""

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
    paired: bool
    ratios: dict[str, Ratio | None]
    gated: dict[str, bool]
    """Whether each ratio counts for `above`."""

    @property
    def label(self) -> str:
        """The row in words."""
        place = place_label(self.problem, self.problem_args, self.point, self.group)
        return f"{estimator_label(self.estimator, self.estimator_args)} on {place}, L = {self.num_samples}"


class Comparison(NamedTuple):
    """What came out."""

    rows: list[Row]
    warnings: list[str]
    only_first: int
    """Cells that only the first run has, or that have no reference."""
    only_second: int

    def above(self, threshold: float) -> list[tuple[Row, str]]:
        """The rows and metrics whose ratio's whole interval lies above 1 + threshold."""
        return [
            (row, name)
            for row in self.rows
            for name, ratio in row.ratios.items()
            if ratio and row.gated[name] and ratio.interval.low > 1 + threshold
        ]


def compare_runs(first: Run, second: Run, metrics: list[str]) -> Comparison:
    """The second run's cells over the first's.

    Raises:
        BadInput: the runs have different revisions of a problem, or no cell in common.
    """
    refuse_revisions(first, second)
    names = ("A", "B")
    here, there = (cells_of(run.measurements, [*EVERYWHERE, *ESTIMATOR]) for run in (first, second))
    common = here.keys() & there.keys()
    if not common:
        raise BadInput(
            f"{first.folder} and {second.folder} have no cell in common: expected runs of the same sweep"
        )
    prng = [generators(run) for run in (first, second)]
    same_generator = prng[0] == prng[1] and len(prng[0]) == 1
    same_hardware = differing(first, second, HARDWARE) == []
    rows = [
        row
        for key in common
        for row in compared(here[key], there[key], names, metrics, same_generator, same_hardware)
    ]
    warnings = [*warn_of_files((first, "A"), (second, "B")), *warn_of_environments(first, second)]
    warnings += warn_of_cells([(here[key], there[key]) for key in common])
    return Comparison(
        sorted(rows, key=in_order),
        warnings,
        len(here.keys() - there.keys()),
        len(there.keys() - here.keys()),
    )


def compare_estimators(run: Run, reference: str, metrics: list[str]) -> Comparison:
    """Every other estimator of the run over the reference, `name[argument=value,…]`.

    Raises:
        BadInput: no such estimator, or it is not in the run.
    """
    name, args = parse_estimator(reference)
    table = run.measurements
    is_reference = (table.estimator == name) & (table.estimator_args == args)
    if not (is_reference & (table.status != "skipped")).any():
        present = (
            table[table.status != "skipped"][ESTIMATOR].drop_duplicates().itertuples(index=False)
        )
        known = [short_label(*each) for each in present]
        raise BadInput(
            f"--reference {reference!r}: {run.folder} has no such cell: expected one of {', '.join(known)}"
            f"{nearest(reference, known)}"
        )
    references = cells_of(table[is_reference], EVERYWHERE)
    others = cells_of(table[~is_reference], [*EVERYWHERE, *ESTIMATOR])
    matched = [key for key in others if key[: len(EVERYWHERE)] in references]
    if not matched:
        raise BadInput(
            f"--reference {reference!r}: {run.folder} has no other estimator beside it to compare"
        )
    same_generator = len(generators(run)) == 1
    rows = [
        row
        for key in matched
        for row in compared(
            references[key[: len(EVERYWHERE)]],
            others[key],
            ("the reference", "this"),
            metrics,
            same_generator,
            True,
        )
    ]
    return Comparison(
        sorted(rows, key=in_order),
        warn_of_files((run, str(run.folder))),
        len(others) - len(matched),
        0,
    )


def parse_estimator(text: str) -> tuple[str, str]:
    """An estimator's name and all its arguments as JSON, from `name[argument=value,…]`.

    >>> parse_estimator("measure_valued[coupled=false]")
    ('measure_valued', '{"coupled": false}')
    """
    name, bracket, rest = text.strip().partition("[")
    if bool(bracket) != rest.endswith("]"):
        raise BadInput(f"--reference {text!r}: expected name[argument=value,…], or the name alone")
    given = {}
    for part in filter(None, rest.removesuffix("]").split(",")):
        key, equals, value = part.partition("=")
        if not equals:
            raise BadInput(f"--reference {text!r}: {part!r}: expected argument=value")
        given[key.strip()] = read_value(value.strip())
    try:
        build("estimator", ESTIMATORS, name, given)
    except ValueError as error:
        raise BadInput(f"--reference {text!r}: {error}") from error
    return name, Choice.of(ESTIMATORS, name, given).json


def read_value(text: str) -> Any:
    """A number, true or false as TOML and JSON write them, or else the text itself."""
    try:
        return json.loads(text)
    except ValueError:
        return text.strip("\"'")


def short_label(name: str, args: str) -> str:
    """`name[argument=value,…]` with the arguments that are not the defaults: what `parse_estimator` reads."""
    usual = json.loads(Choice.of(ESTIMATORS, name, {}).json) if name in ESTIMATORS else {}
    given = [f"{key}={value}" for key, value in json.loads(args).items() if usual.get(key) != value]
    return name + (f"[{','.join(given)}]" if given else "")


def cells_of(table: pd.DataFrame, key: list[str]) -> dict[tuple, dict[str, Any]]:
    """The cells that were tried, by `key`: each one's rows by group, "" for one that failed."""
    cells: dict[tuple, dict[str, Any]] = {}
    for row in table[table.status != "skipped"].itertuples(index=False):
        group = row.group if isinstance(row.group, str) else ""
        cells.setdefault(tuple(getattr(row, name) for name in key), {})[group] = row
    return cells


def in_order(row: Row) -> tuple:
    """Sorts rows by problem, its arguments as numbers, θ, group, estimator and L."""
    args = list(json.loads(row.problem_args).values())
    return (
        row.problem,
        args,
        row.point,
        row.group,
        row.estimator,
        row.estimator_args,
        row.num_samples,
    )


def compared(
    first: dict[str, Any],
    second: dict[str, Any],
    names: tuple[str, str],
    metrics: list[str],
    same_generator: bool,
    same_hardware: bool,
) -> Iterator[Row]:
    """A row for each group that both cells have; one row where either failed."""
    failed = [name for name, cell in zip(names, (first, second), strict=True) if "" in cell]
    if failed:
        yield row_of(
            next(iter(second.values())), "", f"failed in {' and '.join(failed)}", False, {}, {}
        )
        return
    for group in sorted(first.keys() & second.keys()):
        a, b = first[group], second[group]
        doubtful = [name for name, row in zip(names, (a, b), strict=True) if row.status != "ok"]
        doubt = f"unreliable in {' and '.join(doubtful)}" if doubtful else ""
        paired = same_generator and same_draws(a, b)
        ratios = {name: ratio_of(METRICS[name], a, b, paired) for name in metrics}
        # a time from one process does not say how much another would differ, nor does one from
        # other hardware
        timed = same_hardware and bool(min(a.timing_processes, b.timing_processes) > 1)
        gated = {name: not doubt and (name != "work" or timed) for name in metrics}
        yield row_of(b, group, doubt, paired, ratios, gated)


def row_of(
    row: Any,
    group: str,
    doubt: str,
    paired: bool,
    ratios: dict[str, Ratio | None],
    gated: dict[str, bool],
) -> Row:
    """The row of a comparison that a measurement's row gives its name to."""
    return Row(
        row.problem,
        row.problem_args,
        row.point,
        group,
        row.estimator,
        row.estimator_args,
        int(row.num_samples),
        doubt,
        paired,
        ratios,
        gated,
    )


def ratio_of(metric: Metric, first: Any, second: Any, paired: bool) -> Ratio | None:
    """The second's over the first's; None where the metric means nothing in one of them."""
    a, b = metric.of(first), metric.of(second)
    if a is None or b is None:
        return None
    zero = [is_zero(row) for row in (first, second)]
    if metric.of is not bias_of and any(zero):
        value = math.nan if all(zero) else math.inf if zero[0] else 0.0
        return Ratio(Interval(value, value, value), None)
    return ratio(a, b, paired)


def is_zero(row: Any) -> bool:
    """Whether a row's variance is zero, to rounding."""
    return str(row.reason).startswith("variance zero") or row.variance == 0


def ratio(first: Estimate, second: Estimate, paired: bool) -> Ratio:
    r"""second/first: $\ln s_B^2 - \ln s_A^2$ jackknifed on the same left-out batches where they are paired."""
    factor = quotient(second.factor, first.factor)
    apart = product(quotient(alone(second), alone(first)), factor)
    if not (paired and first.jackknifed and second.jackknifed):
        return Ratio(apart, None)
    both = combine(np.divide, second.jackknifed, first.jackknifed)
    together = product(interval(both, heavy=first.heavy or second.heavy), factor)
    width = log_width(together)
    return Ratio(together, math.inf if width == 0 else log_width(apart) / width)


def alone(estimate: Estimate) -> Interval:
    """The interval on the log scale, from the batches where they are known."""
    return (
        interval(estimate.jackknifed, heavy=estimate.heavy)
        if estimate.jackknifed
        else estimate.interval
    )


def log_width(interval: Interval) -> float:
    """Of an interval, on the log scale."""
    return math.log(interval.high / interval.low) if interval.low > 0 else math.nan


def parse_metrics(names: Sequence[str]) -> list[str]:
    """The metrics of these names, each once; all where there are none.

    Raises:
        BadInput: no such metric.
    """
    for name in names:
        if name not in METRICS:
            raise BadInput(
                f"--metric {name!r}: expected one of {', '.join(METRICS)}{nearest(name, METRICS)}"
            )
    return list(dict.fromkeys(names)) or list(METRICS)


def parse_threshold(text: str) -> float:
    """A fraction, from "5%" or "0.05".

    Raises:
        BadInput: it is neither, or negative.
    """
    percent = text.strip().endswith("%")
    try:
        value = float(text.strip().removesuffix("%")) / (100 if percent else 1)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value >= 0):
        raise BadInput(
            f"--fail-above {text!r}: expected a percentage such as 5% or a fraction such as 0.05, not below 0"
        )
    if not percent and value >= 1:
        raise BadInput(
            f"--fail-above {text!r}: expected a fraction below 1 or a percentage; did you mean {text.strip()}%?"
        )
    return value


def as_text(comparison: Comparison, metrics: list[str]) -> str:
    """An aligned table, with a heading for each problem, θ and group."""
    header = ["estimator", "L", *(METRICS[name].title for name in metrics), "paired", "gain", ""]
    places = [
        place_label(row.problem, row.problem_args, row.point, row.group) for row in comparison.rows
    ]
    table = [header, *(line_of(row, metrics) for row in comparison.rows)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = ["  ".join(map(str.ljust, cells, widths)).rstrip() for cells in table]
    text, last = [lines[0]], ""
    for place, line in zip(places, lines[1:], strict=True):
        text += [*(["", place] if place != last else []), line]
        last = place
    return "\n".join(text)


def line_of(row: Row, metrics: list[str]) -> list[str]:
    """A row as it is printed; the gain is that of the first metric that has one."""
    texts = [ratio_text(row.ratios.get(name)) for name in metrics]
    gain = next((r.gain for r in row.ratios.values() if r and r.gain is not None), None)
    gain_text = (
        ""
        if gain is None
        else ""
        if math.isnan(gain)
        else "identical"
        if math.isinf(gain)
        else f"{gain:.2g}×"
    )
    return [
        estimator_label(row.estimator, row.estimator_args),
        str(row.num_samples),
        *texts,
        "yes" if row.paired else "no",
        gain_text,
        row.doubt,
    ]


def ratio_text(ratio: Ratio | None) -> str:
    """A ratio with its interval; a dash where it means nothing."""
    if ratio is None:
        return "–"
    value, low, high = ratio.interval
    if math.isnan(value):
        return "both 0"
    if not math.isfinite(value):
        return "∞"
    return show(ratio.interval) if low != high else f"{value:.4g}"


def as_json(comparison: Comparison, metrics: list[str]) -> dict[str, Any]:
    """The comparison as data: what is no number is null."""
    rows = []
    for row in comparison.rows:
        found = row._asdict()
        gated = found.pop("gated")
        ratios = found.pop("ratios")
        for name in metrics:
            ratio = ratios.get(name)
            found[name] = ratio and {
                "ratio": finite(ratio.interval.value),
                "low": finite(ratio.interval.low),
                "high": finite(ratio.interval.high),
                "gain": finite(ratio.gain),
                "gated": gated[name],
            }
        rows.append(found)
    return {
        "rows": rows,
        "warnings": comparison.warnings,
        "only_in_a": comparison.only_first,
        "only_in_b": comparison.only_second,
    }


def finite(value: float | None) -> float | None:
    """The value, or None where it is no number."""
    return None if value is None or not math.isfinite(value) else float(value)
