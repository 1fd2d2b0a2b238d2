"""docs/columns.md, made of the columns of all tables: `make columns`."""

import dataclasses
from pathlib import Path
from typing import Any

from gradest.benchmarks.folders.columns import LeftOutRow, RankedRow, Row
from gradest.benchmarks.folders.published_columns import PublishedRow
from gradest.benchmarks.folders.training_columns import TrainingRow, TrajectoryRow
from gradest.benchmarks.runtime.files import write_atomically
from gradest.benchmarks.runtime.source_code import package_root

PAGE = """# The columns of a run's tables

Made from `benchmarks/folders/columns.py` by `make columns`. A number is empty where a cell was not
measured, or where there is none. In the column "unit", g is the unit of the gradient: f's over θ's.

## measurements.csv

A row for each cell and group of θ, in full precision.

{measurements}

## leave_one_out.csv

A row for each cell, group of θ and batch of replicates: the same statistics without that batch,
from which ratios, slopes and crossovers have their intervals.

{left_out}

## leaderboard.csv

A row for each place, budget and estimator that it pays for, among all and among the unbiased. The
budgets are the measured L of the place as evaluations, and twice the largest where some estimator
costs more, those that pay for two estimators; where none does, the least that does. Each estimator
takes the largest L that the budget pays for, measured or, where its variance there follows exactly
from those at measured ones, doubled from one of them.

{ranked}

## training.csv

Of a sweep with `[training]` alone: a row for each training with one seed and each step at which the
objective is recorded.

{training}

## trajectory.csv

Likewise: a row for each checkpoint of a training and each group of θ. It has the columns of
measurements.csv; `cell` is the cell whose problem, estimator and L were trained, `bias_q` and
`bias_finding` are among the rows of one seed and step, and these are its own:

{trajectory}

## published.csv

Of a sweep with `[[published]]` alone: a row for each published number, in the order of its file.

{published}
"""


def page() -> str:
    """The text of docs/columns.md."""
    rows = {"measurements": Row, "left_out": LeftOutRow, "ranked": RankedRow}
    rows |= {"training": TrainingRow, "published": PublishedRow}
    texts = {name: table(row) for name, row in rows.items()}
    texts["trajectory"] = table(TrajectoryRow, "seed", "step", "std_mean")
    return PAGE.format(**texts)


def table(row: type, *only: str) -> str:
    """A table's columns in Markdown, or some of them."""
    lines = ["| column | type | unit | meaning |", "| --- | --- | --- | --- |"]
    for field in dataclasses.fields(row):
        if only and field.name not in only:
            continue
        kind = WORDS[field.type]
        unit = field.metadata["unit"]
        meaning = field.metadata["meaning"]
        lines.append(f"| `{field.name}` | {kind} | {unit} | {meaning} |")
    return "\n".join(lines)


WORDS: dict[Any, str] = {
    str: "text",
    str | None: "text",
    int: "whole",
    int | None: "whole",
    float: "number",
    bool: "flag",
    bool | None: "flag",
}
"""The types of a field in words."""


def main() -> None:
    """Writes docs/columns.md of this checkout."""
    write_atomically(Path(package_root().parent, "docs", "columns.md"), page())


if __name__ == "__main__":
    main()
