"""The measurements of all of θ, made of those of its groups."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from gradest.benchmarks.analysis.results import ZERO, called_zero
from gradest.benchmarks.errors import BadInput
from gradest.benchmarks.published.whole import WHOLE
from gradest.benchmarks.statistics.intervals import Jackknifed
from gradest.problems.arguments import nearest, shown

OF_A_GROUP = ("bias_relative_low", "bias_relative_high", "cosine", "snr")
"""Columns of which those of the groups do not say what that of all of θ is."""

SUMMED = ("variance", "bias_squared", "minibatch_variance", "dim")
"""Columns in which the groups add up."""


def in_group(measured: pd.DataFrame, group: str) -> pd.DataFrame:
    """The rows of one group of θ, or those of WHOLE.

    Raises:
        BadInput: there is no such group.
    """
    if group == WHOLE:
        return whole(measured)
    refuse_other_groups(group, measured.group)
    return measured[measured.group == group]


def refuse_other_groups(group: str, groups: Iterable[str]) -> None:
    """Refuses the name of a group that is none of these, nor WHOLE.

    Raises:
        BadInput: with the nearest.
    """
    known = sorted({*groups, WHOLE})
    if group not in known:
        expected = f"expected one of {', '.join(known)}{nearest(group, known)}"
        raise BadInput(f"group {shown(group)}: {expected}")


def whole(table: pd.DataFrame) -> pd.DataFrame:
    """The measurements of all groups of θ together: one row for each cell."""
    measured = table[table.group.notna()]
    rows = [together(rows) for _, rows in measured.groupby("cell", sort=False)]
    return pd.DataFrame(rows, columns=table.columns).reset_index(drop=True)


def together(rows: pd.DataFrame) -> pd.Series:
    """One row for the groups of a cell: errors add, and so do the squares of lengths."""
    row = rows.iloc[0].copy()
    if len(rows) == 1:
        return row
    row["group"] = WHOLE
    row["jackknifed"] = summed(rows.jackknifed)
    row["jackknifed_bias"] = summed(rows.jackknifed_bias)
    for name in SUMMED:
        row[name] = rows[name].sum()
    row["own_variance"] = rows.own_variance.sum(skipna=False)
    squares = rows.exact_norm.to_numpy(float) ** 2
    row["exact_norm"] = float(np.sqrt(squares.sum()))
    row["bias_relative"] = np.nan
    if squares.sum() > 0:  # ⟨bias, ∇⟩ adds over groups, and is zero where ∇ is
        along = np.where(squares > 0, rows.bias_relative.to_numpy(float), 0.0)
        row["bias_relative"] = float(along @ squares / squares.sum())
    row["kurtosis"] = rows["kurtosis"].max()
    # what has an interval is made anew from the batches of all groups
    unknown = [name for name in rows.columns if name.startswith(("mse", "relative_rmse"))]
    unknown += [f"{name}_{end}" for name in APART for end in ENDS]
    for name in (*unknown, *OF_A_GROUP):
        row[name] = np.nan
    worst = rows[rows.status == "unreliable"]
    row["status"] = "ok" if worst.empty else "unreliable"
    if worst.empty:
        row["reason"] = ZERO if called_zero(rows).all() else ""
    else:
        row["reason"] = worst.reason.iloc[0]
    row["bias_p"] = min(1.0, len(rows) * rows.bias_p.min())
    if (rows.bias_finding == "biased").any():
        row["bias_finding"] = "biased"
    return row


APART = ("variance", "bias_squared", "own_variance")
"""Sums whose intervals do not follow from those of the groups."""

ENDS = ("low", "high")
"""Of an interval."""


def summed(parts: Iterable[Any]) -> Jackknifed | None:
    """The sum of statistics, the same batch left out of each."""
    known = list(parts)
    if any(part is None for part in known):
        return None
    return Jackknifed(sum(part.value for part in known), sum(part.without for part in known))
