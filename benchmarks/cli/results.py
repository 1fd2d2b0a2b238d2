"""What `gradest report`, `open`, `cite`, `compare` and `verify` do, with runs that are finished."""

import dataclasses
import webbrowser
from pathlib import Path
from typing import Any

from gradest.benchmarks.analysis import verification
from gradest.benchmarks.analysis.copies import run_or_copy
from gradest.benchmarks.analysis.numerals import several
from gradest.benchmarks.analysis.results import find_run
from gradest.benchmarks.analysis.verification import Verification, read_files, verified_run
from gradest.benchmarks.cli.output import emit, tell
from gradest.benchmarks.comparisons.metrics import METRICS
from gradest.benchmarks.comparisons.pairing import changed_lines
from gradest.benchmarks.comparisons.ratios import (
    Comparison,
    compare_estimators,
    compare_runs,
)
from gradest.benchmarks.drawing.options import formats_of, print_of
from gradest.benchmarks.errors import BadInput, ExitStatus
from gradest.benchmarks.folders.record import PAGE
from gradest.benchmarks.options import fraction, one_of
from gradest.benchmarks.paper.references import citations, refs
from gradest.benchmarks.report import comparison as rendering
from gradest.benchmarks.report.report import write_figures, write_report
from gradest.benchmarks.report.summary import FILE
from gradest.benchmarks.terminal import columns_there


def verify(run: str, as_json: bool) -> ExitStatus:
    """Compares a run's files with what was written."""
    found = verification.verify(run)
    if as_json:
        emit(
            {
                "folder": str(found.folder),
                "files": found.files,
                "cells": found.cells,
                "differences": [each._asdict() for each in found.differences],
            }
        )
    else:
        emit("\n".join([*(each.text for each in found.differences), verdict(found)]))
    return ExitStatus.GATE_FAILED if found.differences else ExitStatus.OK


def verdict(found: Verification) -> str:
    """What was compared, and with what result."""
    compared = several(found.files, "file")
    if found.cells is not None:
        compared += f" and {several(found.cells, 'cell')} of the store"
    if found.differences:
        return f"{found.folder}: {several(len(found.differences), 'difference')} in {compared}"
    return f"{found.folder}: {compared} are as they were written"


def report(
    name: str | None,
    output: Path | None,
    unverified: bool,
    as_json: bool,
    only: tuple[str, ...],
    style: str,
    no_title: bool,
    formats: tuple[str, ...],
    **printing: Any,
) -> ExitStatus:
    """Draws a finished run again, where it is or in a copy of it."""
    how = print_of(style, title=not no_title, **printing)
    how = dataclasses.replace(how, formats=formats_of(formats))
    folder = run_or_copy(name, output)
    doubt = read_files(folder).doubt
    tell([doubt] if doubt else [])
    summary = folder / FILE
    if only:
        paths = write_figures(folder, only, unverified=unverified, how=how)
    else:
        paths = write_report(folder, unverified=unverified, how=how).files
    written = [str(path) for path in paths]
    if as_json:
        emit({"files": written, "summary": str(summary)})
    else:
        emit("\n".join([*written, *([] if only else [f"Read {summary} first."])]))
    return ExitStatus.OK


def open_page(run: str, no_browser: bool) -> ExitStatus:
    """Shows a run's page in the browser."""
    folder = find_run(run)
    page = (folder / PAGE).resolve()
    if not page.is_file():
        raise BadInput(
            f"{folder / PAGE} is not there: expected a run with its page; "
            f"`gradest report {run}` writes it"
        )
    emit(str(page))
    if not no_browser and not webbrowser.open(page.as_uri()):
        tell(["no browser was found: the page is a file, open it where there is one"])
    return ExitStatus.OK


def cite(run: str, unverified: bool, as_json: bool) -> ExitStatus:
    """Prints what a paper that uses a run should cite, and how it was measured."""
    read = verified_run(find_run(run), unverified=unverified)
    tell([read.doubt] if read.doubt else [])
    tell(changed_lines((read, str(read.folder))))
    emit(citations(read) if as_json else refs(read).rstrip())
    return ExitStatus.OK


def compare(
    first: str,
    second: str | None,
    reference: str | None,
    metrics: tuple[str, ...],
    fail_above: str | None,
    unverified: bool,
    as_json: bool,
) -> ExitStatus:
    """Compares two runs, or the estimators of one."""
    threshold = None if fail_above is None else fraction("--fail-above", fail_above)
    if bool(second) == bool(reference):
        got = "both" if second else "neither"
        raise BadInput(
            f"compare {first}: expected a second run or --reference ESTIMATOR; got {got}"
        )
    chosen = [*one_of("--metric", metrics, METRICS)]
    runs = [verified_run(find_run(name), unverified=unverified) for name in (first, second) if name]
    names = ("A", "B") if second else (str(runs[0].folder),)
    if second:
        comparison = compare_runs(runs[0], runs[1], chosen)
    else:
        comparison = compare_estimators(runs[0], str(reference), chosen)
    tell(run.doubt for run in runs if run.doubt)
    tell(f"warning: {warning}" for warning in comparison.warnings)
    tell(unpaired_lines(comparison, of_two_runs=bool(second)))
    above = [] if threshold is None else comparison.above(threshold)
    failures = [
        f"{name} of {row.label}: {rendering.ratio_text(row.ratios[name])}" for row, name in above
    ]
    if as_json:
        asked = {
            "a": str(runs[0].folder),
            "b": second,
            "reference": reference,
            "fail_above": threshold,
            "above": failures,
        }
        emit(asked | rendering.as_json(comparison, chosen))
    else:
        notes = changed_lines(*zip(runs, names, strict=True))
        emit(rendering.as_text(comparison, chosen, notes, columns_there()))
    tell(f"above {fail_above}: {failure}" for failure in failures)
    return ExitStatus.GATE_FAILED if failures else ExitStatus.OK


def unpaired_lines(comparison: Comparison, *, of_two_runs: bool) -> list[str]:
    """How many cells have nothing to be compared with."""
    if of_two_runs:
        places = {"only in A": comparison.only_first, "only in B": comparison.only_second}
    else:
        places = {"without the reference": comparison.only_first}
    return [f"{count} cells {place}" for place, count in places.items() if count]
