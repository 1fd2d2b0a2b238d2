"""Whether two runs have the same numbers, to the last digit.

`python -m tests.support.same_numbers OLD NEW`.

OLD and NEW are folders of runs. What is timed is left out, since no two runs share it. Everything
else in measurements.csv and leave_one_out.csv must be the same text, but for what was renamed on
purpose between the versions that made them, which is listed here.
"""

import csv
import sys
from pathlib import Path

TIMED = ("seconds", "compile_seconds", "timing_processes", "work_normalised_variance")
"""Columns, and beginnings of columns, that no two runs share."""

RENAMED_COLUMNS: dict[str, str] = {}
"""Columns of version 0.3, with their names now."""

RENAMED_VALUES: dict[str, dict[str, str]] = {}
"""For a column of now, its values in version 0.3 with their names now."""

FILES = ("measurements.csv", "leave_one_out.csv")


def read(path: Path) -> list[dict[str, str]]:
    """The rows of a file, in today's names, without what is timed."""
    with path.open(encoding="utf-8", newline="") as file:
        return [today(row) for row in csv.DictReader(file)]


def today(row: dict[str, str]) -> dict[str, str]:
    """One row in today's names, without what is timed."""
    renamed = {RENAMED_COLUMNS.get(column, column): value for column, value in row.items()}
    return {
        column: RENAMED_VALUES.get(column, {}).get(value, value)
        for column, value in renamed.items()
        if not column.startswith(TIMED)
    }


def differences(old: Path, new: Path) -> list[str]:
    """What differs, a line each; a column that only the new run has is no difference."""
    found = []
    for name in FILES:
        before, after = read(old / name), read(new / name)
        if len(before) != len(after):
            found.append(f"{name}: {len(before)} rows, then {len(after)}")
            continue
        for number, (one, other) in enumerate(zip(before, after, strict=True), 2):
            found += [
                f"{name}:{number}: {column}: {value!r}, then {other.get(column)!r}"
                for column, value in one.items()
                if other.get(column) != value
            ]
    return found


def main(old: str, new: str) -> int:
    """Prints what differs; 0 where nothing does."""
    found = differences(Path(old), Path(new))
    for line in found[:20]:
        print(line)
    print(f"{len(found)} differences")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
