"""A comparison as text and as JSON."""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from gradest.benchmarks.analysis.labels import estimator_label, place_label
from gradest.benchmarks.analysis.numerals import show
from gradest.benchmarks.comparisons.leaderboard import ROUNDING
from gradest.benchmarks.comparisons.metrics import METRICS
from gradest.benchmarks.comparisons.ratios import CellRatios, Comparison, Ratio
from gradest.benchmarks.terminal import GAP, WIDTH, table_lines, wrapped

LEAST_NAME = 12
"""Characters of the column of names."""

NO_TIMES = (
    "No times of both: work-normalised variances are not known; `gradest time RUN` times a run."
)
"""What is said where no two cells have times."""

UNPAIRED = "unpaired"
"""In place of a gain, where two cells have no random numbers in common."""


def as_text(
    comparison: Comparison, metrics: list[str], notes: Sequence[str] = (), width: int = WIDTH
) -> str:
    """A table for each problem, θ and group; where the metrics do not fit beside each other, one
    for each.

    Args:
        comparison: what to print.
        metrics: the names of its columns of ratios.
        notes: lines over the table.
        width: columns of the terminal.
    """
    if "work" in metrics and not any(row.ratios.get("work") for row in comparison.rows):
        notes = [*notes, NO_TIMES]
    blocks = ["\n".join(notes)] if notes else []
    beside = metrics if fits(comparison, metrics, width) else []
    for place, rows in by_place(comparison.rows).items():
        known = [name for name in metrics if any(row.ratios.get(name) for row in rows)]
        together = [beside] if beside else [[name] for name in known or metrics[:1]]
        tables = ["\n".join(table_of(rows, names, width)) for names in together]
        tables[-1] = "\n".join([tables[-1], *(wrapped(note, width) for note in notes_of(rows))])
        blocks.append("\n".join([wrapped(place, width), *tables]))
    return "\n\n".join(blocks)


def by_place(rows: Iterable[CellRatios]) -> dict[str, list[CellRatios]]:
    """The rows of each problem, θ and group, by these in words."""
    places: dict[str, list[CellRatios]] = defaultdict(list)
    for row in rows:
        places[place_label(row.problem, row.problem_args, row.point, row.group)].append(row)
    return places


def fits(comparison: Comparison, metrics: list[str], width: int) -> bool:
    """Whether columns of all metrics fit beside the longest name."""
    table = [header_of(metrics), *(cells_of(row, metrics) for row in comparison.rows)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return len(metrics) == 1 or sum(widths) + len(GAP) * (len(widths) - 1) <= width


def table_of(rows: list[CellRatios], metrics: list[str], width: int) -> list[str]:
    """The lines of a place's table."""
    table = [header_of(metrics), *(cells_of(row, metrics) for row in rows)]
    return table_lines(table, width, least=LEAST_NAME, further=GAP)


def header_of(metrics: list[str]) -> list[str]:
    """The headings of a table's columns."""
    return ["estimator", "L", *(METRICS[name].title for name in metrics), "gain"]


def cells_of(row: CellRatios, metrics: list[str]) -> list[str]:
    """Two cells as they are printed; the gain is that of the first metric that has one."""
    ratios = [row.ratios.get(name) for name in metrics]
    gains = [ratio.gain for ratio in ratios if ratio and ratio.gain is not None]
    return [
        estimator_label(row.estimator, row.estimator_args),
        str(row.num_samples),
        *map(ratio_text, ratios),
        gain_text(gains[0] if gains else math.nan) if row.paired else UNPAIRED,
    ]


def notes_of(rows: list[CellRatios]) -> list[str]:
    """What is to be said of some of a place's cells, once for all of which it holds."""
    holds: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        for note in filter(None, (row.doubt, row.biased)):
            label = estimator_label(row.estimator, row.estimator_args)
            holds[note].append(f"{label}, L = {row.num_samples}")
    return [
        note if len(names) == len(rows) else f"{note}: {'; '.join(names)}"
        for note, names in holds.items()
    ]


def gain_text(gain: float) -> str:
    """How many times wider the interval would be without the pairing."""
    if math.isnan(gain):
        return ""
    if math.isinf(gain):
        return "identical"
    return f"{gain:.2g}×"


def ratio_text(ratio: Ratio | None) -> str:
    """A ratio with its interval; a dash where it means nothing or is not known."""
    if ratio is None:
        return "–"
    value, low, high = ratio.interval
    if ratio.both_zero:
        return "both 0"
    if math.isnan(value):
        return "–"
    if not math.isfinite(value):
        return "∞"
    is_known = high - low > ROUNDING * value  # else it is rounding that the interval is of
    return show(ratio.interval) if is_known else f"{value:.4g}"


def as_json(comparison: Comparison, metrics: list[str]) -> dict[str, Any]:
    """The comparison as data: what is no number is null.

    Args:
        comparison: what to give.
        metrics: the names of its ratios.
    """
    return {
        "rows": [row_as_json(row, metrics) for row in comparison.rows],
        "warnings": comparison.warnings,
        "only_in_a": comparison.only_first,
        "only_in_b": comparison.only_second,
    }


def row_as_json(row: CellRatios, metrics: list[str]) -> dict[str, Any]:
    """Two cells as data, a ratio under each metric's name."""
    fields = row._asdict()
    gated = fields.pop("gated")
    ratios = fields.pop("ratios")
    for name in metrics:
        ratio = ratios.get(name)
        fields[name] = ratio and {
            "ratio": finite(ratio.interval.value),
            "low": finite(ratio.interval.low),
            "high": finite(ratio.interval.high),
            "gain": finite(ratio.gain),
            "gated": gated[name],
        }
    return fields


def finite(value: float | None) -> float | None:
    """The value, or None where it is no number."""
    return None if value is None or not math.isfinite(value) else float(value)
