"""What is drawn and written from a run's measurements.csv, and from its leave_one_out.csv where there is one."""

from pathlib import Path

from gradest.benchmarks.analysis.crossovers import overtakings
from gradest.benchmarks.analysis.results import read_run
from gradest.benchmarks.figures.figures import figures
from gradest.benchmarks.figures.saving import saving
from gradest.benchmarks.report.summary import FILE, summary
from gradest.benchmarks.report.tables import crossover_table, latex, markdown, numbers, tables
from gradest.benchmarks.runtime.files import make_folder, write_atomically

FORMATS = {".md": markdown, ".tex": latex}


def write_report(folder: Path) -> list[Path]:
    """summary.md, figures/, tables/ and numbers.tex; the same input gives the same bytes.

    Without leave_one_out.csv slopes and crossovers are left out, and the summary says so.
    """
    run = read_run(folder)
    for name in ("figures", "tables"):
        make_folder(folder / name)
    for old in (folder / "tables").glob("*"):
        old.unlink()
    with saving(figures(run.measurements), folder / "figures") as drawn:
        found = overtakings(run.measurements)
        texts = {
            f"tables/{table.name}{suffix}": render(table)
            for table in [*tables(run.measurements), *([crossover_table(found)] if found else [])]
            for suffix, render in FORMATS.items()
        }
        texts |= {"numbers.tex": numbers(run.measurements, found), FILE: summary(run, found)}
        for name, text in texts.items():
            write_atomically(folder / name, text)
    return [*drawn, *(folder / name for name in texts)]
