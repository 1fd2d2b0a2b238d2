"""published.csv: every published number of a sweep beside ours."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd

from gradest.benchmarks.cells.cell import Cell
from gradest.benchmarks.cells.rows import bounds
from gradest.benchmarks.folders.published_columns import PUBLISHED_COLUMNS, PublishedRow
from gradest.benchmarks.published.agreement import agreeing, agreement
from gradest.benchmarks.published.entries import Number
from gradest.benchmarks.published.matching import Match
from gradest.benchmarks.published.metrics import Measured
from gradest.benchmarks.published.whole import WHOLE, in_group
from gradest.benchmarks.statistics.moments import Moments

Kept = Callable[[Cell], Mapping[str, Moments]]
"""The moments of a cell's replicates, by the group of θ; empty where none were kept."""


def nothing_kept(cell: Cell) -> Mapping[str, Moments]:
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
    both = pd.concat([measurements, in_group(measurements, WHOLE)])
    by_place = {(row["cell"], row["group"]): row for row in both.to_dict("records")}
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
    found = compared(number, row, kept(match.cell).get(entry.group))
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


def compared(
    number: Number, row: Mapping[str, Any] | None, moments: Moments | None
) -> dict[str, Any]:
    """A number beside ours, as far as there is one."""
    entry = number.entry
    if row is None or not is_measured(row):
        return {"published": number.value, "p": math.nan}
    measured = Measured(row, moments, entry.draws, entry.coordinate)
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
