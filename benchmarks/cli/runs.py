"""What `gradest run`, `extend` and `time` do: they measure, and draw what was measured."""

from pathlib import Path
from typing import Any

from gradest.benchmarks.analysis.results import find_run, read_run, recorded_sweep
from gradest.benchmarks.analysis.status import (
    Stale,
    failed_lines,
    refuse_to_extend,
    skipped_lines,
    stale_cells,
    status_of,
    unmeasured_lines,
)
from gradest.benchmarks.cli.output import counted, emit, tell
from gradest.benchmarks.cli.plans import folder_of, load_plan
from gradest.benchmarks.cli.progress import Reporter, show_progress
from gradest.benchmarks.comparisons.crossovers import find_crossovers
from gradest.benchmarks.errors import ExitStatus
from gradest.benchmarks.report.report import write_report
from gradest.benchmarks.report.summary import FILE, news
from gradest.benchmarks.sweeps.plan import Plan, resolve
from gradest.benchmarks.sweeps.run import (
    Summary,
    begin_extension,
    end_extension,
    run_sweep,
    use_caches,
)
from gradest.benchmarks.sweeps.schema import load_sweep
from gradest.benchmarks.sweeps.store import read_outcomes
from gradest.benchmarks.sweeps.timing import cells_alone, time_run

TABLES = 3
"""Files that are written before anything is drawn: two tables and the manifest."""


def run(sweep: str, output: Path | None, as_json: bool, **asked: Any) -> ExitStatus:
    """Measures a sweep and draws it."""
    plan = load_plan(sweep, **asked)
    return measure_and_draw(plan, output or folder_of(plan), as_json)


def extend(name: str, replicates: int, output: Path | None, as_json: bool) -> ExitStatus:
    """Adds replicates to a finished run; called again after it was killed, it goes on."""
    folder = output or find_run(name)
    sweep = recorded_sweep(folder)
    refuse_to_extend(resolve(sweep), folder)
    plan, has_begun = begin_extension(sweep, replicates, folder)
    if has_begun:
        begun = f"the extension by {replicates} that was begun there goes on"
        tell([f"{folder}: {begun} to R = {plan.sweep.replicates}; called again, it adds to that"])
    status = measure_and_draw(plan, folder, as_json)
    end_extension(folder)
    return status


def measure_and_draw(plan: Plan, folder: Path, as_json: bool) -> ExitStatus:
    """Measures what is missing, draws all, and says what matters most of it."""
    use_caches(plan)
    stale = stale_cells(plan, folder)
    tell(each.text for each in stale)
    with show_progress(len(plan.measurable)) as progress:
        summary = run_sweep(plan, folder, progress)
        written = draw(folder, progress)
    tell([*summary.remarks, *skipped_lines(plan), *unmeasured_lines(plan)])
    outcomes = read_outcomes(folder)
    tell(failed_lines(plan, outcomes))
    finished = read_run(folder)
    said = news(finished, find_crossovers(finished.measurements))
    if as_json:
        failures = status_of(plan, outcomes).failures
        emit(summary_as_json(summary, written, said, stale) | {"failures": failures})
    else:
        counts = counted(summary.counts)
        first = f"{folder}: {counts} in {summary.seconds:.0f} s; {len(written) + TABLES} files"
        emit("\n".join([first, *said, f"Read {folder / FILE} first."]))
    return ExitStatus.CELLS_FAILED if summary.counts["failed"] else ExitStatus.OK


def draw(folder: Path, progress: Reporter) -> list[Path]:
    """Draws a run whose cells are all measured.

    Raises:
        KeyboardInterrupt: with what to do next.
    """
    progress.note("drawing")
    try:
        return write_report(folder)
    except KeyboardInterrupt as interrupt:
        advice = f"all is measured; gradest report {folder} draws it"
        raise KeyboardInterrupt(advice) from interrupt


def summary_as_json(
    summary: Summary, written: list[Path], said: list[str], stale: list[Stale]
) -> dict[str, Any]:
    """How a run ended, in JSON."""
    return {
        "folder": str(summary.folder),
        "cells": summary.counts,
        "reused": summary.reused,
        "stale": [each.as_json for each in stale],
        "seconds": round(summary.seconds, 2),
        "files": len(written) + TABLES,
        "summary": str(summary.folder / FILE),
        "headlines": said,
    }


def time_again(sweep: str, processes: int, output: Path | None, as_json: bool) -> ExitStatus:
    """Times a finished run in several processes, and draws it again."""
    folder = output or find_run(load_sweep(sweep).name if Path(sweep).is_file() else sweep)
    plan = resolve(recorded_sweep(folder))
    times = len(plan.measurable) + len(cells_alone(plan.measurable))
    with show_progress(times * processes) as progress:
        timed = time_run(plan, folder, processes, progress)
        draw(folder, progress)
    tell(timed.remarks)
    if as_json:
        emit(
            {
                "folder": str(folder),
                "cells": timed.cells,
                "processes": processes,
                "timed": timed.taken,
                "reused": timed.reused,
            }
        )
    else:
        emit(
            f"{folder}: {timed.cells} cells × {processes} processes, "
            f"{timed.reused} of these times were there already"
        )
    return ExitStatus.OK
