"""Runs of one sweep, of which each has some of the cells, joined into one."""

import json
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from gradest.benchmarks.analysis.results import is_run, recorded_sweep
from gradest.benchmarks.analysis.verification import folder_of, verify
from gradest.benchmarks.cells.cell import Cell
from gradest.benchmarks.distributing.identity import disagreement
from gradest.benchmarks.distributing.shards import missing, part_of, shard_of
from gradest.benchmarks.errors import BadInput, ExitStatus, GradestError, listed
from gradest.benchmarks.folders.differences import texts_of
from gradest.benchmarks.folders.manifest import read_manifest
from gradest.benchmarks.folders.ownership import refuse_foreign
from gradest.benchmarks.outcomes import Outcome
from gradest.benchmarks.sweeps.executors import untimed
from gradest.benchmarks.sweeps.output import timings_of, write_results
from gradest.benchmarks.sweeps.plan import Plan, resolve
from gradest.benchmarks.sweeps.run import kept_in, summaries_of
from gradest.benchmarks.sweeps.schema import Sweep
from gradest.benchmarks.sweeps.store import Store, open_store, reading
from gradest.benchmarks.training.runs import seeds_in
from gradest.problems.arguments import shown


class NotAsWritten(GradestError):
    """A run that is to be merged was changed after it was written."""

    status = ExitStatus.GATE_FAILED


class Merged(NamedTuple):
    """How a merge ended."""

    folder: Path
    plan: Plan
    outcomes: dict[str, Outcome]
    counts: dict[str, int]
    missing: list[str]
    """The names of the shards of which cells are not there."""
    runs: int
    """How many different ones were joined."""


class Source(NamedTuple):
    """A run that is to be merged."""

    folder: Path
    sweep: Sweep
    part: str
    """Which part of a run it is, as its manifest says; "" where it is none."""
    threads: str
    """How many XLA had, likewise."""
    outcomes: dict[str, Outcome]
    """Of its cells, by their ids."""
    codes: dict[str, dict[str, str]]
    """For each digest of code the digests of its modules."""


def merge(names: Sequence[str], output: Path) -> Merged:
    """Joins runs into one, which is as if one process had measured all; times are left out.

    Args:
        names: folders of runs, or names of some in results/.
        output: the folder of what they make. Cells that it has already stay, with their times: they
            must agree with the runs' as the runs do.

    Raises:
        BadInput: the runs disagree in their sweep, in versions, hardware or code, or in a cell that
            two have; one is the output itself, or holds no store.
        NotAsWritten: a run was changed after it was written.
        StoreDamaged: a store cannot be read.
    """
    folders = list(dict.fromkeys(folder_of(name) for name in names))
    if output.resolve() in [folder.resolve() for folder in folders]:
        raise BadInput(f"--output {output}: expected a folder that is not among those merged")
    refuse_changed(folders)
    sources = [source_of(folder) for folder in folders]
    there = [source_of(output)] if is_run(str(output.absolute())) else []
    refuse_others([*there, *sources])
    plan = resolve(sources[0].sweep)
    refuse_foreign(output, {cell.problem.name for cell in plan.cells})
    with open_store(output) as store:
        for source in sources:
            for code in source.codes.values():
                store.keep_code(code)
            copy_cells(plan.measurable, source, store)
            copy_trainings(plan, source, store)
        known = {cell.id for cell in plan.measurable}
        outcomes = {cell: each for cell, each in store.outcomes().items() if cell in known}
        about = {"merged": merged_names(output, [*there, *sources])}
        trained = store.trainings.outcomes()
        kept = partial(kept_in, store, outcomes)
        codes = store.codes(outcomes)
        times = timings_of(store, outcomes)
        counts = write_results(plan, outcomes, times, output, codes, about, kept, trained=trained)
    shards = [shard_of(source.part, f"{source.folder}: part") for source in sources if source.part]
    lacking = [
        name for name in missing(shards) if part_of(plan, shard_of(name)).cells - outcomes.keys()
    ]
    return Merged(output, plan, outcomes, counts, lacking, len(sources))


def merged_names(output: Path, sources: Sequence[Source]) -> list[str]:
    """The parts, or runs, that what is in a folder was joined of, now and before."""
    before = (read_manifest(output) or {}).get("merged")
    names = [str(source.part or source.folder.name) for source in sources]
    if before:  # what is there is no other run beside those that it was joined of
        names = [*before, *(name for name in names if name != output.name)]
    return list(dict.fromkeys(names))


def refuse_changed(folders: Sequence[Path]) -> None:
    """Refuses runs of which something was changed after it was written.

    Raises:
        NotAsWritten: with what.
        StoreDamaged: a store cannot be read.
    """
    verifications = [verify(folder) for folder in folders]
    faults = [
        f"run {each.folder}: {texts_of(each.differences)}"
        for each in verifications
        if each.differences
    ]
    if faults:
        raise NotAsWritten(listed(faults))


def source_of(folder: Path) -> Source:
    """What a folder holds.

    Raises:
        BadInput: it has no store.
    """
    with reading(folder) as store:
        if store is None:
            raise BadInput(
                f"run {folder}: its store is not there, and without it cells cannot be merged: "
                "expected a folder as `gradest run` left it"
            )
        outcomes = store.outcomes()
        codes = {digest: code for digest, code in store.codes(outcomes).items() if code}
    manifest = read_manifest(folder) or {}
    part, threads = (str(manifest.get(key, "")) for key in ("part", "xla_threads"))
    return Source(folder, recorded_sweep(folder), part, threads, outcomes, codes)


def refuse_others(sources: Sequence[Source]) -> None:
    """Refuses runs that cannot be parts of one.

    Raises:
        BadInput: two disagree; both are named, and in what.
    """
    first = sources[0]
    faults = [other_sweep(first, each) for each in sources]
    faults += [other_threads(first, each) for each in sources]
    faults += [*other_environments(sources), *other_codes(sources), *other_rows(sources)]
    if any(faults):
        expected = "expected runs of one sweep, with the same versions, hardware and code"
        raise BadInput(listed(f"{fault}: {expected}" for fault in faults if fault))


def other_sweep(first: Source, second: Source) -> str:
    """In what two runs' sweeps differ; "" where in nothing."""
    here, there = (each.sweep.model_dump(by_alias=True) for each in (first, second))
    for key in {**here, **there}:
        if here.get(key) != there.get(key):
            values = shown(here.get(key)), shown(there.get(key))
            return f"{first.folder} has {key} = {values[0]}, {second.folder} has {values[1]}"
    return ""


def other_threads(first: Source, second: Source) -> str:
    """Of how many threads two parts' numbers are, where that is not the same; else ""."""
    if first.threads == second.threads or not (first.threads and second.threads):
        return ""
    counts = ({"XLA's threads": each.threads} for each in (first, second))
    fault = disagreement(str(first.folder), next(counts), str(second.folder), next(counts))
    return f"{fault} (PJRT_NPROC in every job sets them)"


def other_environments(sources: Sequence[Source]) -> Iterator[str]:
    """In what a run's cells were measured with something else than the first cell of all."""
    cells = [(each.folder, outcome) for each in sources for outcome in each.outcomes.values()]
    if not cells:
        return
    place, first = cells[0]
    for folder, outcome in cells:
        fault = disagreement(str(place), first.environment, str(folder), outcome.environment)
        if fault:
            yield fault


def other_codes(sources: Sequence[Source]) -> Iterator[str]:
    """Which modules two runs' cells were measured with that are not the same."""
    seen: dict[str, tuple[Path, str]] = {}
    for source in sources:
        for name, digest in ((n, d) for code in source.codes.values() for n, d in code.items()):
            folder, known = seen.setdefault(name, (source.folder, digest))
            if known != digest:
                yield disagreement(str(folder), {name: known}, str(source.folder), {name: digest})


def other_rows(sources: Sequence[Source]) -> Iterator[str]:
    """Which cells two runs have with other numbers."""
    seen: dict[str, tuple[Path, str]] = {}
    for source in sources:
        for cell, outcome in source.outcomes.items():
            if outcome.status == "failed":
                continue
            numbers = json.dumps([untimed(row) for row in outcome.rows])
            folder, known = seen.setdefault(cell, (source.folder, numbers))
            if known != numbers:
                yield f"{folder} and {source.folder} have other numbers of cell {cell}"


def copy_cells(cells: Sequence[Cell], source: Source, store: Store) -> None:
    """Copies cells of a run into a store, without their times.

    One that is there from the same versions, hardware and code stays, with its times, unless it
    failed. One that failed is put in the place of none that did not.

    Args:
        cells: those that are copied where the run has them.
        source: the run.
        store: where they go.
    """
    there = store.outcomes()
    with reading(source.folder) as theirs:
        assert theirs is not None
        for cell in cells:
            outcome = source.outcomes.get(cell.id)
            if outcome is None or not replaces(outcome, there.get(cell.id)):
                continue
            rows = [untimed(row) for row in outcome.rows]
            store.keep(cell.id, outcome._replace(rows=rows), summaries_of(theirs, cell, outcome))


def replaces(outcome: Outcome, there: Outcome | None) -> bool:
    """Whether an outcome is put in the place of the one that is there, if there is one."""
    if there is None:
        return True
    if outcome.status == "failed":
        return False
    return there.status == "failed" or there.origin != outcome.origin


def copy_trainings(plan: Plan, source: Source, store: Store) -> None:
    """Copies trainings of a run into a store, with their seconds: they were made alone.

    One that failed is put in the place of none that did not.

    Args:
        plan: of which they are.
        source: the run.
        store: where they go.
    """
    there = store.trainings.outcomes()
    with reading(source.folder) as theirs:
        assert theirs is not None
        found = theirs.trainings.outcomes()
    for seed in seeds_in(plan):
        outcome = found.get(seed.id)
        if outcome and not (outcome.status == "failed" and seed.id in there):
            store.trainings.keep(seed.id, outcome)
