"""scaling.md and its figure."""

from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from gradest.benchmarks.drawing.saving import save_alone
from gradest.benchmarks.runtime.environment import hardware
from gradest.benchmarks.runtime.files import write_atomically

PAGE = """# Time against workers

Simulated by list scheduling (`make bench-scaling`). Orders are groups of cells that run one
program, those with the most draws first; each takes what its cells took in the reference run,
set-up and R
estimates, on {reference}. Who sends them takes {overhead:.1f} ms an order, measured by a real
dask cluster here with orders that do nothing ({hardware}). θ and exact gradients, which are
made once a problem before, and the start of workers are not in it.

{table}

"Bound" is the longest order: no number of workers takes less.

{bounds}

![time against workers](scaling.png)
"""

SHOWN = (1, 2, 10, 100, 1_000)


def write(table: pd.DataFrame, overhead: float, folder: Path) -> None:
    """Writes scaling.csv, scaling.md and the figure.

    Args:
        table: from the simulation.
        overhead: seconds of an order.
        folder: made where it is not there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(folder / "scaling.csv", table.to_csv(index=False, float_format="%.6g"))
    text = PAGE.format(
        overhead=1e3 * overhead,
        hardware="{processor}, {cores} cores".format(**hardware()),
        reference="two CPU cores",
        table=text_of(table),
        bounds="\n".join(bounds_of(table)),
    )
    write_atomically(folder / "scaling.md", text)
    save_alone(folder, "scaling", lambda: figure_of(table))


def text_of(table: pd.DataFrame) -> str:
    """Seconds by preset and workers, in Markdown."""
    heads = ["preset", "orders", *(f"{count:,}" for count in SHOWN), "bound"]
    lines = [f"| {' | '.join(heads)} |", f"|{' --- |' * len(heads)}"]
    for preset, rows in table.groupby("preset", sort=False):
        first = rows.iloc[0]
        known = rows.set_index("workers").seconds
        took = [f"{known[count]:.3g}" for count in SHOWN]
        cells = [str(preset), str(first.orders), *took, f"{first.longest_seconds:.3g}"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def bounds_of(table: pd.DataFrame) -> list[str]:
    """The longest order of each preset, by its longest cell."""
    first = table.drop_duplicates("preset")
    return [
        f"- {row.preset}: {row.longest}, {row.longest_seconds:.3g} s" for row in first.itertuples()
    ]


def figure_of(table: pd.DataFrame) -> Figure:
    """Seconds against workers, a line for each preset."""
    figure = Figure(figsize=(4.5, 3.2), layout="constrained")
    axes = figure.subplots()
    for preset, rows in table.groupby("preset", sort=False):
        axes.loglog(rows.workers, rows.seconds, marker=".", label=str(preset))
    axes.set_xlabel("workers")
    axes.set_ylabel("seconds, simulated")
    axes.legend(frameon=False, fontsize="small")
    return figure
