"""What `gradest plan` and `gradest status` do: nothing is measured, and nothing is drawn."""

from pathlib import Path

from gradest.benchmarks.analysis.status import (
    compared,
    fault_lines,
    skipped_lines,
    status_of,
    totals_of,
    unmeasured_lines,
)
from gradest.benchmarks.cli.output import counted, emit, tell
from gradest.benchmarks.errors import ExitStatus
from gradest.benchmarks.sweeps.plan import Plan, resolve
from gradest.benchmarks.sweeps.schema import load_sweep, override
from gradest.benchmarks.sweeps.store import read_store


def load_plan(name: str, **overrides: float | str | None) -> Plan:
    """The cells of a sweep, with what the command line says in place of the sweep's own.

    Args:
        name: of a preset, or of a file.
        overrides: a sweep's keys; None overrides nothing.

    Raises:
        BadInput: no such sweep, or anything in it that cannot be.
    """
    return resolve(override(load_sweep(name), **overrides))


def folder_of(plan: Plan) -> Path:
    """Where a sweep's results go, unless somebody says otherwise."""
    return Path("results") / plan.sweep.name


def show_plan(
    sweep: str, output: Path | None, as_json: bool, **overrides: float | str | None
) -> ExitStatus:
    """Prints what `gradest run` would measure."""
    plan = load_plan(sweep, **overrides)
    folder = output or folder_of(plan)
    totals = totals_of(plan)
    there, stale = compared(plan, read_store(folder))
    tell([*fault_lines(plan), *unmeasured_lines(plan)])
    if as_json:
        cells = [
            {
                "cell": cell.id,
                "label": cell.label,
                "estimator_args": cell.estimator.json,
                "skipped": plan.reasons.get(cell.id),
                "fails": plan.faults.get(cell.id) or None,
            }
            for cell in plan.cells
        ]
        stale_as_json = [each.as_json for each in stale]
        known = {"there": there, "stale": stale_as_json}
        emit({"sweep": plan.sweep.name, **totals.as_json, "cells": cells, **known})
        return ExitStatus.OK
    known_text = f"\n{there} of the cells are there already" if there else ""
    emit(f"{plan.sweep.name}: {totals.text}\nresults into {folder}{known_text}")
    tell([*skipped_lines(plan), *(each.text for each in stale)])
    return ExitStatus.OK


def show_status(
    sweep: str, output: Path | None, as_json: bool, **overrides: float | str | None
) -> ExitStatus:
    """Prints how far a run has come."""
    plan = load_plan(sweep, **overrides)
    folder = output or folder_of(plan)
    kept = read_store(folder)
    status = status_of(plan, kept.outcomes)
    stale = compared(plan, kept).stale
    tell(each.text for each in stale)
    if as_json:
        emit(
            {
                "folder": str(folder),
                "cells": status.counts,
                "failures": status.failures,
                "stale": [each.as_json for each in stale],
            }
        )
    else:
        emit("\n".join([f"{folder}: {counted(status.counts)}", *status.failures]))
    return ExitStatus.CELLS_FAILED if status.failures else ExitStatus.OK
