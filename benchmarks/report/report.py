"""All that is written of a finished run: summary, figures, tables and numbers to cite.

They come from its measurements.csv, and from its leave_one_out.csv where there is one.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from gradest.benchmarks.analysis.results import refuse_no_run
from gradest.benchmarks.analysis.verification import verified_run
from gradest.benchmarks.comparisons.leaderboard import filed
from gradest.benchmarks.drawing.saving import files_of_figure, saving
from gradest.benchmarks.drawing.styles import SCREEN, Print
from gradest.benchmarks.errors import BadInput
from gradest.benchmarks.figures.spec import FigureSpec
from gradest.benchmarks.folders.lock import held
from gradest.benchmarks.folders.record import FOLDERS, PAGE, Drawing
from gradest.benchmarks.page.page import page
from gradest.benchmarks.paper.methods import name_of
from gradest.benchmarks.paper.references import FILE as REFERENCES
from gradest.benchmarks.paper.references import refs
from gradest.benchmarks.paper.table import paper_table
from gradest.benchmarks.report.macros import numbers
from gradest.benchmarks.report.summary import FILE, Findings, health, summary, told_tables
from gradest.benchmarks.report.tables import Table, crossover_table, latex, markdown, tables
from gradest.benchmarks.reproductions.figures import figures_of
from gradest.benchmarks.reproductions.numbers import FILE as NUMBERS
from gradest.benchmarks.reproductions.numbers import headlines, published_lines
from gradest.benchmarks.runtime.files import make_folder, write_atomically
from gradest.benchmarks.training_shown.tables import training_tables
from gradest.problems.arguments import nearest, shown

SCRIPT = "figures.py"

SCRIPT_TEXT = '''\
"""Draws the figures of this run anew, from its CSV files: python figures.py [FOLDER]

The folder is drawn/ beside this file, unless another is named. Change what you like.
"""

import sys
from pathlib import Path
from typing import NamedTuple

import gradest

HERE = Path(__file__).resolve().parent
FOLDER = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "drawn"
FOLDER.mkdir(parents=True, exist_ok=True)

run = gradest.load(HERE, unverified=True)
for name in run.figures:
    figure = run.figure(name, style="paper", width="3.25in", legend="right", font="cm")
    figure.savefig(FOLDER / f"{name}.pdf")
'''
"""What is written beside a run as SCRIPT."""


class Report(NamedTuple):
    """What was written of a run."""

    files: list[Path]
    found: Findings
    """What they say."""


def write_report(folder: Path, *, unverified: bool = False, how: Print = SCREEN) -> Report:
    """Writes summary.md, the page, figures/, tables/, what else a paper takes, and figures.py.

    Always the same bytes.

    Without leave_one_out.csv slopes and crossovers are left out, and the summary says so. Figures
    and tables of earlier reports that are not written again are removed; files of others stay.

    Args:
        folder: a finished run's.
        unverified: draws tables that were changed after the run, and the summary says so.
        how: how figures are printed.

    Returns:
        The files written, and what was found in the run.

    Raises:
        BadInput: the folder does not hold what a run writes, or not as it was written.
        StoreInUse: another process writes there.
    """
    refuse_no_run(folder)
    make_folder(folder)
    with held(folder):
        found = Findings(verified_run(folder, unverified=unverified))
        run = found.run
        for name in FOLDERS:
            make_folder(folder / name)
        drawing = Drawing(folder, vouched=not run.changed)
        specs = announced(figures_of(run, found.boards, found.contests), drawing, how)
        with saving(specs, folder / "figures", how) as drawn:
            texts = texts_of(found) | {SCRIPT: SCRIPT_TEXT, PAGE: page_of(found)}
            drawing.begin(*texts)
            for name, text in texts.items():
                write_atomically(folder / name, text)
        drawing.finish()
    return Report([*drawn, *(folder / name for name in texts)], found)


def write_figures(
    folder: Path, names: Sequence[str], *, unverified: bool = False, how: Print = SCREEN
) -> list[Path]:
    """Writes some of a run's figures, and nothing else; other files stay as they are.

    Args:
        folder: a finished run's.
        names: of figures, or what their names begin with.
        unverified: draws tables that were changed after the run.
        how: how figures are printed.

    Returns:
        The files written.

    Raises:
        BadInput: no figure has such a name, or as for `write_report`.
        StoreInUse: another process writes there.
    """
    refuse_no_run(folder)
    make_folder(folder)
    with held(folder):
        run = verified_run(folder, unverified=unverified)
        chosen = named_so(list(figures_of(run)), names)
        make_folder(folder / "figures")
        drawing = Drawing(folder, vouched=not run.changed)
        with saving(announced(chosen, drawing, how), folder / "figures", how) as drawn:
            pass
        drawing.finish(all_renewed=False)
    return drawn


def named_so(specs: Sequence[FigureSpec], names: Sequence[str]) -> list[FigureSpec]:
    """The figures whose names begin with one of these.

    Raises:
        BadInput: one of them begins no figure's name.
    """
    known = [spec.name for spec in specs]
    for name in names:
        if not any(each.startswith(name) for each in known):
            raise BadInput(
                f"--only {shown(name)}: expected the name of a figure, or its beginning: one of "
                f"{', '.join(known)}{nearest(name, known)}"
            )
    return [spec for spec in specs if spec.name.startswith(tuple(names))]


def announced(specs: Iterable[FigureSpec], drawing: Drawing, how: Print) -> Iterator[FigureSpec]:
    """The figures, each after the drawing was told of its files."""
    for spec in specs:
        drawing.begin(*(f"figures/{file}" for file in files_of_figure(spec.name, how)))
        yield spec


def texts_of(found: Findings) -> dict[str, str]:
    """What is written of a run beside its figures, by the file's name."""
    run = found.run
    all_tables = [*tables(run.measurements), *told_tables(found)]
    if found.crossings:
        all_tables.append(crossover_table(found.crossings))
    published = published_lines(run)
    if published:
        all_tables.append(Table(NUMBERS, *published))
    all_tables += [Table(*each) for each in training_tables(found.told)]
    texts = {}
    for table in all_tables:
        texts[f"tables/{table.name}.md"] = markdown(table)
        texts[f"tables/{table.name}.tex"] = latex(table)
    boards = filed(found.boards)
    texts["leaderboard.csv"] = boards.to_csv(index=False)
    texts["tables/paper.tex"] = paper_table(boards, name_of(run))
    texts[REFERENCES] = refs(run)
    texts["numbers.tex"] = numbers(run.measurements, found.crossings)
    texts[FILE] = summary(found)
    return texts


def page_of(found: Findings) -> str:
    """The page of a run: its answer, its curves and its health in one file."""
    run = found.run
    said = [*headlines(run), *found.unexpected, *found.slopes, *health(run)]
    return page(run, said, found.levels, found.told)
