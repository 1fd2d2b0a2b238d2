"""The columns of published.csv: a paper's numbers beside ours."""

from dataclasses import dataclass

from gradest.benchmarks.folders.columns import column, columns_of, number, optional

FILE = "published.csv"


@dataclass(frozen=True, kw_only=True)
class PublishedRow:
    """A row of published.csv: one published number, and what the run has in its place."""

    paper: str = column("the sweep's name")
    figure: str = column("the paper's figure or table")
    cell: str | None = optional(
        "name of the cell, as in measurements.csv; empty where there is none"
    )
    step: int | None = optional("of training, where the number is of θ after it")
    group: str | None = optional("group of θ; empty for the objective")
    metric: str = column("what the number is; docs/how-numbers-come-about.md has the formulas")
    published: float = number("the published number")
    published_low: float = number(
        "lower end of what it may stand for: 95 %, reading, draws and, along training, seeds"
    )
    published_high: float = number("upper end of the same")
    ours: float = number("the same metric of ours")
    ours_low: float = number("lower end of the 95 % interval of ours")
    ours_high: float = number("upper end of the 95 % interval of ours")
    ratio: float = number("ours / published; of a logarithm, of what it is one of")
    p: float = number("p-value of so large a difference, were both right")
    agrees: bool | None = optional("whether they agree at 95 % (Benjamini–Hochberg over the paper)")
    not_counted: str | None = optional("why the number is shown alone, in a word or two")
    how: str = column("how it was read: `printed`, `vector` or `raster`")
    source: str = column("where it was read")
    note: str | None = optional("what else is to be said")


PUBLISHED_COLUMNS = columns_of(PublishedRow)
"""Of published.csv, in this order."""
