"""A finding against ourselves: measured variances that miss what is known exactly."""

from typing import Any

import numpy as np
import pandas as pd

from gradest.benchmarks.analysis.labels import estimator_label, row_label
from gradest.benchmarks.analysis.numerals import percent, several
from gradest.benchmarks.analysis.results import ESTIMATOR, called_zero, is_sure
from gradest.benchmarks.statistics.known_variances import Known, Miss, is_precise, misses


def rows_with_truth(table: pd.DataFrame) -> pd.DataFrame:
    """The rows that are reliable and precise enough, and whose variance is known exactly."""
    rows = table[is_sure(table) & (table.exact_variance > 0)]
    precise = [is_precise(row.replicates, row.kurtosis) for row in rows.itertuples()]
    return rows[np.array(precise, bool)]


def not_zero(table: pd.DataFrame) -> pd.DataFrame:
    """The rows that vary, though their variance is zero exactly."""
    varies = (table.variance > 0) & ~called_zero(table)
    return table[(table.status == "ok") & (table.exact_variance == 0) & varies]


def missed(table: pd.DataFrame) -> list[tuple[pd.DataFrame, Miss]]:
    """What misses its exact variance by more than chance over the run, with its rows."""
    rows = rows_with_truth(table)
    known = [
        Known(tuple(getattr(row, key) for key in ESTIMATOR), row.jackknifed, row.exact_variance)
        for row in rows.itertuples()
    ]
    return [(rows.iloc[list(miss.rows)], miss) for miss in misses(known)]


def headline(table: pd.DataFrame) -> str:
    """How much was found, for the end of a run; empty where nothing was."""
    places = {index for rows, _ in missed(table) for index in rows.index}
    places |= {*not_zero(table).index}
    if not places:
        return ""
    return (
        f"Against ourselves: {several(len(places), 'row')} with a variance that is known exactly "
        "miss it by more than chance: an estimator, its exact variance or the measurement is wrong."
    )


def against_ourselves(table: pd.DataFrame) -> list[str]:
    """A line for each estimator that misses over its rows, and for each row that misses."""
    texts: list[str] = []
    outside: dict[Any, str] = {}
    for rows, miss in missed(table):
        named = [row for row in rows.itertuples() if misses_its_interval(row)]
        if len(rows) > 1:
            first = rows.iloc[0]
            texts.append(
                f"{estimator_label(first.estimator, first.estimator_args)}: in {len(rows)} rows "
                f"together, variances {away(miss.excess)} the exact ones, p = {miss.p:.1g}"
            )
        for row in named:
            outside.setdefault(row.Index, line(row))
    for row in not_zero(table).itertuples():
        outside.setdefault(row.Index, line(row))
    return [*texts, *outside.values()]


def misses_its_interval(row: Any) -> bool:
    """Whether a row's exact variance lies outside its interval."""
    return not row.variance_low <= row.exact_variance <= row.variance_high


def line(row: Any) -> str:
    """One row, its interval and what it should hold."""
    interval = f"[{row.variance_low:.5g}, {row.variance_high:.5g}]"
    found = f"variance {row.variance:.5g} {interval}, exactly {row.exact_variance:.5g}"
    return f"{row_label(row)}: {found}"


def away(excess: float) -> str:
    """By how much something is larger, or smaller, in words."""
    return f"{percent(abs(excess))} {'above' if excess > 0 else 'below'}"
