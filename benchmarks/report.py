"""Everything that is drawn or written from measurements.csv: it alone is needed, so a report can be made anywhere."""

from pathlib import Path

import pandas as pd

from benchmarks.errors import BadInput
from benchmarks.figures import draw_figures
from benchmarks.run import COLUMNS, WHOLE, write_atomically
from benchmarks.store import make_folder
from benchmarks.tables import latex, markdown, numbers, tables

FORMATS = {".md": markdown, ".tex": latex}


def read_measurements(folder: Path) -> pd.DataFrame:
    """The folder's measurements.csv.

    Raises:
        BadInput: it is not there, is not CSV, or lacks a column.
    """
    path = folder / "measurements.csv"
    try:
        table = pd.read_csv(path, dtype={"reason": str} | dict.fromkeys(WHOLE, "Int64"))
    except FileNotFoundError as error:
        raise BadInput(f"report: {path} is not there: expected the folder of a run; `gradvar run` makes one") from error
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError, ValueError, OSError) as error:
        raise BadInput(f"report: {path} cannot be read: {error}") from error
    if missing := [column for column in COLUMNS if column not in table]:
        raise BadInput(f"report: {path}: expected the columns of a run; missing: {', '.join(missing)}")
    return table


def write_report(folder: Path) -> list[Path]:
    """figures/, tables/ and numbers.tex from the folder's measurements.csv; the same input gives the same bytes."""
    measurements = read_measurements(folder)
    for name in ("figures", "tables"):
        make_folder(folder / name)
    for old in (folder / "tables").glob("*"):
        old.unlink()
    written = draw_figures(measurements, folder / "figures")
    for table in tables(measurements):
        for suffix, render in FORMATS.items():
            path = folder / "tables" / f"{table.name}{suffix}"
            write_atomically(path, render(table))
            written.append(path)
    write_atomically(folder / "numbers.tex", numbers(measurements))
    return [*written, folder / "numbers.tex"]
