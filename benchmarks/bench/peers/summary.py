"""What `make bench-peers` prints: how many times as fast ours are, cell by cell and in all."""

import pandas as pd

from gradest.benchmarks.measurement.rounds import ROUNDS

TIMED = "timed"
DISAGREES = "disagrees"
LACKS = "does not have it"
FAILED = "failed"
SKIPPED = "skipped"


def text_of(peer: str, status: str, times_faster: float) -> str:
    """How a peer did in a cell."""
    return f"{peer} {times_faster:.3g}×" if status == TIMED else f"{peer} {status}"


def print_table(table: pd.DataFrame) -> None:
    """Prints how many times as fast ours are, a line for each cell and a column for each peer.

    Under it stand each peer's extremes, and why others were not timed.

    Args:
        table: peers.csv.
    """
    times = table.times_faster.map("{:.3g}".format)
    shown = times.where(table.status == TIMED, table.status)
    wide = table.assign(shown=shown).pivot_table(
        index=["problem", "estimator", "dim", "num_samples"],
        columns="peer",
        values="shown",
        aggfunc="first",
    )
    print(f"\nsamples a second, ours over the peer's: medians of {ROUNDS} rounds")
    print(wide.to_string())
    for peer, rows in table[table.status == TIMED].groupby("peer"):
        ratio = rows.times_faster
        print(
            f"{peer}: {ratio.min():.3g} to {ratio.max():.3g} times, "
            f"median {ratio.median():.3g}, {len(rows)} cells"
        )
    untimed = table[table.status.isin([DISAGREES, FAILED, SKIPPED])]
    for (peer, status, reason), rows in untimed.groupby(["peer", "status", "reason"]):
        print(f"{peer} {status} in {len(rows)} cells: {reason}")
