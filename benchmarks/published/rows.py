"""published.csv: every published number of a sweep beside ours."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd

from gradest.benchmarks.cells.cell import Cell
from gradest.benchmarks.cells.rows import bounds
from gradest.benchmarks.folders.published_columns import PUBLISHED_COLUMNS, PublishedRow
from gradest.benchmarks.paper_metrics.measured import Measured
from gradest.benchmarks.published.agreement import Agreement, Reading, agreeing, agreement
from gradest.benchmarks.published.entries import Number, Published
from gradest.benchmarks.published.matching import Match
from gradest.benchmarks.published.seeds import agreement_along
from gradest.benchmarks.published.trained import Trained, at_step
from gradest.benchmarks.published.whole import WHOLE, in_group
from gradest.benchmarks.statistics.moments import Moments


class KeptGroup(NamedTuple):
    """What a run has of the replicates of one cell and group, beside its row."""

    moments: Moments | None = None
    gradient: Sequence[float] | None = None
    """The exact gradient, where it is known and short."""

    def expectation(self, row: Mapping[str, Any]) -> Sequence[float] | None:
        """E g, where it is known: the gradient of an estimator that claims no bias, and has none
        that was found."""
        is_gradient = row["unbiased"] and row["bias_finding"] != "biased"
        return self.gradient if is_gradient else None


Kept = Callable[[Cell], Mapping[str, KeptGroup]]
"""What is kept of a cell, by the group of θ; empty where nothing is."""


def nothing_kept(cell: Cell) -> Mapping[str, KeptGroup]:
    """Where there is no store."""
    del cell
    return {}


ZERO = "variance zero"
"""Begins the reason of a row without variance."""


class Found(NamedTuple):
    """What came of comparing one number."""

    agreement: Agreement | None
    """None where ours has nothing."""
    fault: str | None = None
    """Why it cannot be counted, in a word."""
    reason: str = ""
    """The same in more words."""
    is_zero: bool = False
    """Whether ours has no variance at all, which no number above 0 agrees with."""

    @property
    def columns(self) -> dict[str, Any]:
        """Those of published.csv."""
        if self.agreement is None:
            return {"p": math.nan}
        found = self.agreement
        return {
            **bounds("published", found.published),
            **bounds("ours", found.ours),
            "ratio": found.ratio,
            "p": 0.0 if self.is_zero else found.p,
        }


def published_table(
    paper: str,
    matches: Sequence[Match],
    measurements: pd.DataFrame,
    kept: Kept,
    trained: Trained | None = None,
    alone: Sequence[Published] = (),
) -> pd.DataFrame:
    """The table, in the order of the sweep's file; then the numbers without a cell.

    Args:
        paper: the sweep's name.
        matches: the numbers and their cells.
        measurements: of the run.
        kept: what it has of the replicates.
        trained: its trainings, where the sweep trains.
        alone: numbers without a cell.
    """
    both = pd.concat([measurements, in_group(measurements, WHOLE)])
    by_place = {(row["cell"], row["group"]): row for row in both.to_dict("records")}

    def found_of(match: Match) -> Found:
        if trained is not None and match.number.step is not None:
            return compared_along(match, trained)
        group = match.number.entry.group or ""
        row = by_place.get((match.cell.id, group))
        nothing = KeptGroup()
        group_kept = nothing if group == WHOLE else kept(match.cell).get(group, nothing)
        return compared(match.number, row, group_kept)

    rows = [row_of(paper, match, found_of(match)) for match in matches]
    rows += [row_alone(paper, entry) for entry in alone]
    table = pd.DataFrame(rows, columns=list(PUBLISHED_COLUMNS)).astype({"step": "Int64"})
    counted = table.not_counted.isna()
    table["agrees"] = pd.Series([None] * len(table), dtype=object)
    table.loc[counted, "agrees"] = agreeing(table.p[counted].astype(float))
    return table


def row_of(paper: str, match: Match, found: Found) -> dict[str, Any]:
    """One number; `agrees` is for all of them together to say."""
    number, entry = match.number, match.number.entry
    columns = columns_of(paper, entry) | {
        "cell": match.cell.id,
        "step": number.step,
        "published": number.value,
        "not_counted": entry.not_counted or found.fault,
        "note": "; ".join(filter(None, [entry.note, found.reason])) or None,
    }
    return vars(PublishedRow(**columns | found.columns))


def row_alone(paper: str, entry: Published) -> dict[str, Any]:
    """A number that has no cell."""
    own = {"published": entry.value, "not_counted": entry.not_counted, "note": entry.note}
    return vars(PublishedRow(**columns_of(paper, entry) | own))


def columns_of(paper: str, entry: Published) -> dict[str, Any]:
    """What all numbers of an entry have alike."""
    return {
        "paper": paper,
        "figure": entry.figure,
        "group": entry.group,
        "metric": entry.metric,
        "how": entry.how,
        "source": entry.source,
    }


def compared(number: Number, row: Mapping[str, Any] | None, kept: KeptGroup) -> Found:
    """A number beside ours, as far as there is one."""
    entry = number.entry
    if row is None or not is_measured(row):
        return Found(None, "not measured", "" if row is None else str(row["reason"]))
    measured = Measured(row, kept.moments, entry.draws, entry.coordinate, kept.expectation(row))
    found = agreement(entry.metric, number.value, reading_of(entry), measured)
    is_zero = is_called_zero(row) and not found.p >= 0
    if row["status"] == "unreliable":
        return Found(found, "unreliable", f"ours: {row['reason']}", is_zero)
    return Found(found, *unknown(found, is_zero), is_zero)


def compared_along(match: Match, trained: Trained) -> Found:
    """A number along training beside ours, of which there is one for each seed."""
    number, entry = match.number, match.number.entry
    there = at_step(match, trained)
    if not there.seeds:
        return Found(None, there.fault, there.reason)
    reading, seeds = reading_of(entry), entry.seeds or 1
    found = agreement_along(entry.metric, number.value, reading, seeds, there.seeds)
    if there.fault:
        return Found(found, there.fault, there.reason)
    is_zero = all(is_called_zero(each.row) for each in there.seeds) and not found.p >= 0
    return Found(found, *unknown(found, is_zero), is_zero)


def unknown(found: Agreement, is_zero: bool) -> tuple[str | None, str]:
    """Why nothing can be said of a comparison, in a word and in more; mostly nothing."""
    if math.isnan(found.p) and not is_zero:
        return "not known", "ours has no number"
    return None, ""


def reading_of(entry: Published) -> Reading:
    """How well an entry's numbers were read."""
    return Reading(entry.relative_error, entry.absolute_error)


def is_called_zero(row: Mapping[str, Any]) -> bool:
    """Whether a row was found to have no variance."""
    return str(row["reason"]).startswith(ZERO)


def is_measured(row: Mapping[str, Any]) -> bool:
    """Whether a row has numbers."""
    return row["status"] in ("ok", "unreliable")
