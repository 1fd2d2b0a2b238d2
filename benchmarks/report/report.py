"""All that is written of a finished run: summary, figures, tables and numbers to cite.

They come from its measurements.csv, and from its leave_one_out.csv where there is one.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

from gradest.benchmarks.analysis.results import Run, refuse_no_run
from gradest.benchmarks.analysis.verification import verified_run
from gradest.benchmarks.comparisons.crossovers import find_crossovers
from gradest.benchmarks.comparisons.leaderboard import leaderboards
from gradest.benchmarks.figures.figures import figures
from gradest.benchmarks.figures.saving import files_of, saving
from gradest.benchmarks.figures.spec import FigureSpec
from gradest.benchmarks.folders.lock import held
from gradest.benchmarks.folders.record import FOLDERS, PAGE, Drawing
from gradest.benchmarks.page.page import page
from gradest.benchmarks.report.macros import numbers
from gradest.benchmarks.report.summary import (
    FILE,
    biased_lines,
    doubtful_lines,
    headlines,
    summary,
)
from gradest.benchmarks.report.tables import crossover_table, latex, markdown, tables
from gradest.benchmarks.runtime.files import make_folder, write_atomically


def write_report(folder: Path, *, unverified: bool = False) -> list[Path]:
    """Writes summary.md, the page, figures/, tables/, leaderboard.csv and numbers.tex.

    Always the same bytes.

    Without leave_one_out.csv slopes and crossovers are left out, and the summary says so. Figures
    and tables of earlier reports that are not written again are removed; files of others stay.

    Args:
        folder: a finished run's.
        unverified: draws tables that were changed after the run, and the summary says so.

    Returns:
        The files written.

    Raises:
        BadInput: the folder does not hold what a run writes, or not as it was written.
        StoreInUse: another process writes there.
    """
    refuse_no_run(folder)
    make_folder(folder)
    with held(folder):
        run = verified_run(folder, unverified=unverified)
        for name in FOLDERS:
            make_folder(folder / name)
        drawing = Drawing(folder, vouched=not run.changed)
        specs = announced(figures(run.measurements), drawing)
        with saving(specs, folder / "figures") as drawn:
            texts = texts_of(run) | {PAGE: page_of(run)}
            drawing.begin(*texts)
            for name, text in texts.items():
                write_atomically(folder / name, text)
        drawing.finish()
    return [*drawn, *(folder / name for name in texts)]


def announced(specs: Iterable[FigureSpec], drawing: Drawing) -> Iterator[FigureSpec]:
    """The figures, each after the drawing was told of its files."""
    for spec in specs:
        drawing.begin(*(f"figures/{file}" for file in files_of(spec.name)))
        yield spec


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
    texts["leaderboard.csv"] = leaderboards(run.measurements).to_csv(index=False)
    texts["numbers.tex"] = numbers(run.measurements, crossings)
    texts[FILE] = summary(run, crossings)
    return texts


def page_of(run: Run) -> str:
    """The page of a run: its answer, its curves and its health in one file."""
    table = run.measurements
    return page(run, [*headlines(run), *biased_lines(table), *doubtful_lines(table)])
