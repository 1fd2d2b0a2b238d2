"""published.csv: every published number of a sweep beside ours."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd

from gradest.benchmarks.cells.cell import Cell
from gradest.benchmarks.cells.rows import bounds
from gradest.benchmarks.folders.published_columns import PUBLISHED_COLUMNS, PublishedRow
from gradest.benchmarks.published.agreement import agreeing, agreement
from gradest.benchmarks.published.entries import Number
from gradest.benchmarks.published.matching import Match
from gradest.benchmarks.published.metrics import Measured
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


def published_table(
    paper: str, matches: Sequence[Match], measurements: pd.DataFrame, kept: Kept
) -> pd.DataFrame:
    """The table, in the order of the sweep's file.

    Args:
        paper: the sweep's name.
        matches: the numbers and their cells.
        measurements: of the run.
        kept: what it has of the replicates.
    """
    by_place = {(row["cell"], row["group"]): row for row in measurements.to_dict("records")}
    rows = [
        row_of(paper, match, by_place.get((match.cell.id, match.number.entry.group)), kept)
        for match in matches
    ]
    table = pd.DataFrame(rows, columns=list(PUBLISHED_COLUMNS))
    counted = table.not_counted.isna()
    table["agrees"] = pd.Series([None] * len(table), dtype=object)
    table.loc[counted, "agrees"] = agreeing(table.p[counted].astype(float))
    return table


def row_of(paper: str, match: Match, row: Mapping[str, Any] | None, kept: Kept) -> dict[str, Any]:
    """One number; `agrees` is for all of them together to say."""
    number, entry = match.number, match.number.entry
    found = compared(number, row, kept(match.cell).get(entry.group, KeptGroup()))
    why, doubt = doubt_of(row, found["p"])
    columns = {
        "paper": paper,
        "figure": entry.figure,
        "cell": match.cell.id,
        "group": entry.group,
        "metric": entry.metric,
        "not_counted": entry.not_counted or why,
        "how": entry.how,
        "source": entry.source,
        "note": "; ".join(filter(None, [entry.note, doubt])) or None,
    }
    return vars(PublishedRow(**columns, **found))


def compared(number: Number, row: Mapping[str, Any] | None, kept: KeptGroup) -> dict[str, Any]:
    """A number beside ours, as far as there is one."""
    entry = number.entry
    if row is None or not is_measured(row):
        return {"published": number.value, "p": math.nan}
    measured = Measured(row, kept.moments, entry.draws, entry.coordinate, kept.expectation(row))
    found = agreement(entry.metric, number.value, entry.relative_error, measured)
    zero = str(row["reason"]).startswith(ZERO) and not found.p >= 0
    return {
        **bounds("published", found.published),
        **bounds("ours", found.ours),
        "ratio": found.ratio,
        "p": 0.0 if zero else found.p,
    }


def is_measured(row: Mapping[str, Any]) -> bool:
    """Whether a row has numbers."""
    return row["status"] in ("ok", "unreliable")


def doubt_of(row: Mapping[str, Any] | None, p: float) -> tuple[str | None, str]:
    """Why nothing can be said of a number: in a word, and in more."""
    if row is None or not is_measured(row):
        return "not measured", "" if row is None else str(row["reason"])
    if row["status"] == "unreliable":
        return "unreliable", f"ours: {row['reason']}"
    if math.isnan(p):
        return "not known", "ours has no number"
    return None, ""
