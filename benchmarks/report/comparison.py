"""A comparison as text and as JSON."""

import math
from collections.abc import Sequence
from typing import Any

from gradest.benchmarks.analysis.labels import estimator_label, place_label
from gradest.benchmarks.analysis.numerals import show
from gradest.benchmarks.comparisons.metrics import METRICS
from gradest.benchmarks.comparisons.ratios import CellRatios, Comparison, Ratio


def as_text(comparison: Comparison, metrics: list[str], notes: Sequence[str] = ()) -> str:
    """An aligned table, with a heading for each problem, θ and group.

    Args:
        comparison: what to print.
        metrics: the names of its columns of ratios.
        notes: lines over the table.
    """
    header = ["estimator", "L", *(METRICS[name].title for name in metrics), "paired", "gain", ""]
    table = [header, *(line_of(row, metrics) for row in comparison.rows)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = ["  ".join(map(str.ljust, cells, widths)).rstrip() for cells in table]
    text = [*notes, lines[0]]
    last = ""
    for row, line in zip(comparison.rows, lines[1:], strict=True):
        place = place_label(row.problem, row.problem_args, row.point, row.group)
        if place != last:
            text += ["", place]
        text.append(line)
        last = place
    return "\n".join(text)


def line_of(row: CellRatios, metrics: list[str]) -> list[str]:
    """Two cells as they are printed; the gain is that of the first metric that has one."""
    gains = [ratio.gain for ratio in row.ratios.values() if ratio and ratio.gain is not None]
    return [
        estimator_label(row.estimator, row.estimator_args),
        str(row.num_samples),
        *(ratio_text(row.ratios.get(name)) for name in metrics),
        "yes" if row.paired else "no",
        gain_text(gains[0]) if gains else "",
        "; ".join(filter(None, (row.doubt, row.biased))),
    ]


def gain_text(gain: float) -> str:
    """How many times wider the interval would be without the pairing."""
    if math.isnan(gain):
        return ""
    if math.isinf(gain):
        return "identical"
    return f"{gain:.2g}×"


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
