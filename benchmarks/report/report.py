"""All that is written of a finished run: summary, figures, tables and numbers to cite.

They come from its measurements.csv, and from its leave_one_out.csv where there is one.
"""

from pathlib import Path

from gradest.benchmarks.analysis.crossovers import find_crossovers
from gradest.benchmarks.analysis.results import Run, read_run
from gradest.benchmarks.figures.figures import figures
from gradest.benchmarks.figures.saving import saving
from gradest.benchmarks.report.macros import numbers
from gradest.benchmarks.report.summary import FILE, summary
from gradest.benchmarks.report.tables import crossover_table, latex, markdown, tables
from gradest.benchmarks.runtime.files import make_folder, write_atomically


def write_report(folder: Path) -> list[Path]:
    """Writes summary.md, figures/, tables/ and numbers.tex; the same input gives the same bytes.

    Without leave_one_out.csv slopes and crossovers are left out, and the summary says so.

    Args:
        folder: a finished run's.

    Returns:
        The files written.

    Raises:
        BadInput: the folder does not hold what a run writes.
    """
    run = read_run(folder)
    for name in ("figures", "tables"):
        make_folder(folder / name)
    for old in (folder / "tables").glob("*"):
        old.unlink()
    with saving(figures(run.measurements), folder / "figures") as drawn:
        texts = texts_of(run)
        for name, text in texts.items():
            write_atomically(folder / name, text)
    return [*drawn, *(folder / name for name in texts)]


def texts_of(run: Run) -> dict[str, str]:
    """What is written of a run beside its figures, by the file's name."""
    crossings = find_crossovers(run.measurements)
    all_tables = list(tables(run.measurements))
    if crossings:
        all_tables.append(crossover_table(crossings))
    texts = {}
    for table in all_tables:
        texts[f"tables/{table.name}.md"] = markdown(table)
        texts[f"tables/{table.name}.tex"] = latex(table)
    texts["numbers.tex"] = numbers(run.measurements, crossings)
    texts[FILE] = summary(run, crossings)
    return texts
