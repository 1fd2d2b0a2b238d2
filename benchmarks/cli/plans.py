"""What `gradest plan`, `status`, `list`, `describe`, `check` and `new` do: nothing is measured."""

import re
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gradest.benchmarks.analysis.numerals import several
from gradest.benchmarks.analysis.results import find_run, is_run, recorded_outcomes, recorded_sweep
from gradest.benchmarks.catalogue import listing
from gradest.benchmarks.catalogue.describe import description
from gradest.benchmarks.catalogue.facts import as_text, catalogue
from gradest.benchmarks.catalogue.mathematics import in_unicode
from gradest.benchmarks.catalogue.papers import as_json as papers_as_json
from gradest.benchmarks.catalogue.papers import as_text as papers_as_text
from gradest.benchmarks.catalogue.papers import paper_presets
from gradest.benchmarks.catalogue.starting import start
from gradest.benchmarks.checks.check import check
from gradest.benchmarks.cli.output import counted, emit, tell
from gradest.benchmarks.errors import BadInput, ExitStatus
from gradest.benchmarks.plans.forecast import forecast, places_of
from gradest.benchmarks.plans.staleness import compared
from gradest.benchmarks.plans.status import (
    fault_lines,
    minibatch_lines,
    points_of,
    skipped_lines,
    status_of,
    totals_of,
    training_lines,
    trainings_text,
    unmeasured_lines,
)
from gradest.benchmarks.presets import preset_names
from gradest.benchmarks.runtime.program_cache import use_compilation_cache
from gradest.benchmarks.sweeps.plan import Plan, resolve
from gradest.benchmarks.sweeps.schema import Sweep, is_file, load_sweep, override
from gradest.benchmarks.sweeps.selection import reset, selected
from gradest.benchmarks.sweeps.store import read_store
from gradest.benchmarks.terminal import columns_there
from gradest.benchmarks.training.runs import seeds_in
from gradest.benchmarks.training.tables import counts_of_trainings


def load_plan(
    name: str,
    problems: Sequence[str] = (),
    estimators: Sequence[str] = (),
    settings: Sequence[str] = (),
    **overrides: float | str | None,
) -> Plan:
    """The cells of a sweep, with what the command line says in place of the sweep's own.

    Args:
        name: of a preset, or of a file.
        problems: those alone to measure; none is all.
        estimators: likewise.
        settings: keys with their values, `key=value`.
        overrides: a sweep's keys; None overrides nothing.

    Raises:
        BadInput: no such sweep, or anything in it that cannot be.
    """
    return asked_of(load_sweep(name), problems, estimators, settings, **overrides)


def asked_of(
    sweep: Sweep,
    problems: Sequence[str],
    estimators: Sequence[str],
    settings: Sequence[str],
    **overrides: float | str | None,
) -> Plan:
    """The cells of a sweep that are asked for; the other arguments are those of `load_plan`."""
    sweep = selected(override(sweep, **overrides), problems, estimators)
    sweep = reset(sweep, settings)
    plan = resolve(sweep)
    tell(f"note: {note}" for note in sweep.notes)  # an error comes alone
    return plan


def folder_of(plan: Plan) -> Path:
    """Where a sweep's results go, unless somebody says otherwise."""
    return Path("results") / plan.sweep.name


def show_plan(sweep: str, output: Path | None, as_json: bool, **asked: Any) -> ExitStatus:
    """Prints what `gradest run` would measure."""
    plan = load_plan(sweep, **asked)
    folder = output or folder_of(plan)
    totals = totals_of(plan)
    expected = forecast(plan, folder)
    places = places_of(plan)
    points = points_of(plan)
    there, trained, stale = compared(plan, read_store(folder))
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
        sizes = {choice.label: size for choice, size in plan.minibatch_sizes.items()}
        known = {"there": there, "stale": stale_as_json, "places": places, **expected.as_json}
        about = {"minibatch_sizes": sizes, "points": points, "cells": cells, **known}
        if plan.sweep.training:
            about["trainings_there"] = trained
            about["trainings"] = [
                {"training": seed.id, "label": seed.label, "steps": seed.how.steps}
                for seed in seeds_in(plan)
            ]
        emit({"sweep": plan.sweep.name, **totals.as_json, **about})
        return ExitStatus.OK
    known_text = f"\n{there} of the cells are there already" if there else ""
    known_text += f"\n{trained} of the trainings are there already" if trained else ""
    without = "without training, " if plan.sweep.training else ""
    time = f"{without}{expected.text}"
    lines = [f"{plan.sweep.name}: {totals.text}", time, *minibatch_lines(plan)]
    lines += trainings_text(plan)
    lines += [f"θ of {place}: {origin}" for place, origin in points.items()]
    listed = [f"  {place}: {several(count, 'cell')}" for place, count in places.items()]
    emit("\n".join([*lines, f"results into {folder}{known_text}", "places:", *listed]))
    tell([*skipped_lines(plan), *(each.text for each in stale)])
    return ExitStatus.OK


def show_status(sweep: str, output: Path | None, as_json: bool, **asked: Any) -> ExitStatus:
    """Prints how far a run has come: of a sweep, or of a folder as its manifest has it."""
    if sweep in preset_names() or is_file(Path(sweep)) or not is_run(sweep):
        plan = load_plan(sweep, **asked)
        folder = output or folder_of(plan)
    else:
        found = find_run(sweep)
        plan = asked_of(recorded_sweep(found), **asked)
        folder = output or found
    kept = read_store(folder)
    outcomes = kept.outcomes or recorded_outcomes(folder)
    status = status_of(plan, outcomes)
    stale = compared(plan, kept).stale
    tell(each.text for each in stale)
    others = len(outcomes.keys() - {cell.id for cell in plan.cells})
    other_trainings = len(kept.trainings.keys() - {seed.id for seed in seeds_in(plan)})
    trained = counts_of_trainings(seeds_in(plan), kept.trainings)
    about = {"trainings": trained} if plan.sweep.training else {}
    if as_json:
        emit(
            {
                "folder": str(folder),
                "cells": status.counts,
                "of_other_settings": others,
                "trainings_of_other_settings": other_trainings,
                "failures": status.failures,
                "stale": [each.as_json for each in stale],
            }
            | about
        )
    else:
        of_others = {"cell": others, "training": other_trainings}
        other_text = [
            f"{several(count, what)} of other settings there"
            for what, count in of_others.items()
            if count
        ]
        if about:
            other_text += [f"trainings: {counted(trained)}", *training_lines(plan, kept.trainings)]
        emit("\n".join([f"{folder}: {counted(status.counts)}", *other_text, *status.failures]))
    some_failed = status.failures or trained["failed"]
    return ExitStatus.CELLS_FAILED if some_failed else ExitStatus.OK


def show_catalogue(
    variable: str | None, only_unbiased: bool, in_full: bool, papers: bool, as_json: bool
) -> ExitStatus:
    """Prints what there is."""
    if papers:
        if variable or only_unbiased or in_full:
            raise BadInput("--papers: expected it alone, or with --json")
        return show_papers(as_json)
    found = listing.wanted(variable, only_unbiased=only_unbiased)
    if as_json:
        emit(listing.as_json(found))
    elif in_full:
        emit(as_text(listing.restricted(catalogue(), found)))
    else:
        emit(listing.as_list(found))
    return ExitStatus.OK


def show_papers(as_json: bool) -> ExitStatus:
    """Prints the papers that presets repeat."""
    found = paper_presets()
    emit(papers_as_json(found) if as_json else papers_as_text(found, columns_there()))
    return ExitStatus.OK


def show_description(name: str, as_bibtex: bool, as_tex: bool, as_json: bool) -> ExitStatus:
    """Prints what a name stands for."""
    facts = description(name)
    if as_bibtex and not facts["bibtex"]:
        raise BadInput(f"{name}: expected a name that stands for a paper; it states none")
    if as_json:
        emit(facts)
    elif as_bibtex or facts["kind"] == "preset":
        emit(facts["bibtex" if as_bibtex else "text"])
    else:
        text = facts["text"] if as_tex else in_unicode(facts["text"])
        emit(wrapped(text, columns_there()))
    return ExitStatus.OK


def wrapped(text: str, width: int) -> str:
    """A text whose lines are no longer than that; what goes on in a further line is indented."""
    lines = []
    for line in text.splitlines():
        indent = len(line) - len(line.lstrip())
        is_fact = indent or re.match(r"[\w ∇]+: ", line)
        further = " " * (indent + (4 if is_fact else 0))
        lines += textwrap.wrap(line, width, subsequent_indent=further, break_on_hyphens=False) or [
            ""
        ]
    return "\n".join(lines)


def check_target(target: str, problems: tuple[str, ...], fast: bool, as_json: bool) -> ExitStatus:
    """Checks an estimator or a problem, and says how it goes."""
    use_compilation_cache()
    report = check(target, lambda line: tell([line]), problems, fast=fast)
    emit(report.as_json if as_json else report.text)
    return ExitStatus.GATE_FAILED if report.counts()["failed"] else ExitStatus.OK


def write_new(kind: str, name: str, output: Path | None) -> ExitStatus:
    """Writes a file to begin a class with."""
    started = start(kind, name, output)
    emit("\n".join([f"{started.path} is written; next:", *started.following]))
    return ExitStatus.OK
