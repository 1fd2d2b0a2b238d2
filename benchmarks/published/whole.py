"""All groups of θ together: what papers say of a whole gradient."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

WHOLE = "all of θ"
"""The group of all groups together."""

OF_WHOLE = ("variance", "variance_mean", "ln_variance", "ln_variance_mean", "std")
"""The metrics that all groups together have: those made of the trace alone, which adds."""

ADDED = ("variance", "variance_low", "variance_high", "exact_variance", "dim")


def in_group(table: pd.DataFrame, group: str, by: Sequence[str] = ("cell",)) -> pd.DataFrame:
    """The rows of a group of θ, or of all groups together.

    Args:
        table: of measurements, a row for each group.
        group: of θ, or WHOLE.
        by: the columns in which the rows of all groups are alike, those of no others.
    """
    if group != WHOLE:
        return table[table.group == group]
    parts = [rows.to_dict("records") for _, rows in table.groupby(list(by), sort=False)]
    made = pd.DataFrame([together(rows) for rows in parts], columns=table.columns)
    return made.astype(table.dtypes.to_dict())  # a column without a value keeps its type


def together(rows: Sequence[Mapping[Any, Any]]) -> dict[Any, Any]:
    r"""One row for all groups, in the columns that the metrics of OF_WHOLE are made of.

    The trace is the sum of the groups'. So are the ends of its interval, as if all groups erred
    together, which is the most; and the kurtosis is the largest, which that of the sum of
    $v_g = \|g - E g\|^2$ is at most: $(E (\sum v_g)^2)^{1/2} \le \sum \kappa_g^{1/2} E v_g$.

    Args:
        rows: of measurements, one for each group.

    >>> numbers = dict.fromkeys(ADDED, 2.0) | {"status": "ok", "kurtosis": 3.0}
    >>> whole = together([numbers, numbers | {"variance": 5.0, "kurtosis": 1.5}])
    >>> whole["variance"], whole["variance_high"], whole["kurtosis"]
    (7.0, 4.0, 3.0)
    """
    worst = next((row for row in rows if row["status"] != "ok"), rows[0])
    sums = {name: sum(row[name] for row in rows) for name in ADDED}
    return {**worst, **sums, "group": WHOLE, "kurtosis": max(row["kurtosis"] for row in rows)}
