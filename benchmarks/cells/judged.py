"""What only the whole run says of a row: which tails show at another L, which biases are found."""

import numpy as np
import pandas as pd

from gradest.benchmarks.folders.columns import SORTED_BY
from gradest.benchmarks.statistics import tails

FALSE_DISCOVERIES = 0.05
"""The share of false ones among the biases that a sweep reports.

It is the level of the equivalence test too.
"""


def judged(table: pd.DataFrame) -> pd.DataFrame:
    """The rows with what only the whole run says of them.

    That is which tails show at another L, and which biases are discoveries.
    """
    return with_findings(with_hidden_tails(table))


def with_findings(table: pd.DataFrame) -> pd.DataFrame:
    """The rows with `bias_q` and `bias_finding`.

    Rows are judged with those that claim the same: many that are biased and say so would lower the
    bar for those that claim to have none. Of unreliable rows nothing is found: where one replicate
    carries the variance, a mean that lacks such a one looks biased.
    """
    from scipy.stats import false_discovery_control  # imports for half a second

    table = table.assign(bias_q=np.nan, bias_finding=None)
    tested = table[table.bias_p.notna() & (table.status == "ok")]
    for _, rows in tested.groupby("unbiased"):
        q = false_discovery_control(rows.bias_p.astype(float))
        is_biased = q < FALSE_DISCOVERIES
        is_equivalent = rows.equivalence_p < FALSE_DISCOVERIES
        findings = np.select([is_biased, is_equivalent], ["biased", "equivalent"], "none found")
        table.loc[rows.index, "bias_q"] = q
        table.loc[rows.index, "bias_finding"] = findings
    return table


def with_hidden_tails(table: pd.DataFrame) -> pd.DataFrame:
    """The rows, those called unreliable whose tail shows at a smaller L alone.

    An average of draws has the tail of one draw, but shows it only among many more replicates.
    """
    for _, rows in table.groupby(list(SORTED_BY[:-1]), sort=False):
        shown = rows[(rows.status == "unreliable") & (rows.tail_index_high < 4)]
        if shown.empty:
            continue
        first = shown.loc[shown.num_samples.idxmin()]
        is_heavy = (rows.status == "ok") & (rows["kurtosis"] > tails.HEAVY_TAIL)
        hidden = rows.index[is_heavy & (rows.num_samples > first.num_samples)]
        table.loc[hidden, "status"] = "unreliable"
        table.loc[hidden, "reason"] = (
            f"tail index {first.tail_index:.1f} at L = {first.num_samples}: so at every L"
        )
    return table
