"""Running a sweep: every cell that is not there yet, kept as soon as it ends."""

import itertools
import time
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import jax

from gradest.benchmarks.cells.cell import Cell
from gradest.benchmarks.cells.measuring import run_task
from gradest.benchmarks.folders.ownership import refuse_foreign
from gradest.benchmarks.measurement.batching import extends
from gradest.benchmarks.measurement.checkpoints import is_trained, standard_estimators
from gradest.benchmarks.measurement.reference import needs_reference
from gradest.benchmarks.measurement.replicates import program
from gradest.benchmarks.outcomes import Extension, Origin, Outcome, Summaries
from gradest.benchmarks.published.rows import KeptGroup
from gradest.benchmarks.runtime.environment import code_of, digest_of
from gradest.benchmarks.runtime.program_cache import keep_in, use_compilation_cache
from gradest.benchmarks.runtime.source_code import git_state
from gradest.benchmarks.sweeps.executors import Executor, Jobs, Local
from gradest.benchmarks.sweeps.output import timings_of, write_results
from gradest.benchmarks.sweeps.plan import Choice, Plan, resolve
from gradest.benchmarks.sweeps.schema import Sweep
from gradest.benchmarks.sweeps.selection import lengthened
from gradest.benchmarks.sweeps.store import Store, open_store
from gradest.benchmarks.training.runs import TRAINS, seeds_in, train_plan, valid_trainings
from gradest.estimators.base import Estimator
from gradest.problems.base import Problem
from gradest.problems.cache import private_folder
from gradest.problems.registry.own_folders import is_ours

MEASURES = "gradest.benchmarks.cells.measuring"
"""The module that every number of a cell comes through."""


@dataclass(frozen=True)
class Part:
    """A part of a run, where others measure the others."""

    name: str
    """Which it is, as its manifest says."""
    threads: int
    """How many XLA has where it is measured, which its manifest says too."""
    cells: frozenset[str]
    """The ids of its cells."""


@dataclass(frozen=True)
class Summary:
    """How a run ended."""

    folder: Path
    counts: dict[str, int]
    reused: int
    seconds: float
    remarks: tuple[str, ...] = ()
    """What was damaged in the store besides cells, a line each."""
    trainings: dict[str, Outcome] = field(default_factory=dict)
    """What became of trainings, by id."""


class Progress(Protocol):
    """Who is told how a run goes."""

    def start(self, missing: int) -> None:
        """Before the first cell: how many are to be measured, trainings among them."""

    def __call__(self, cell: Any, status: str, seconds: float) -> None:
        """After each cell, and after each training, a `Seed`."""


def run_sweep(
    plan: Plan,
    folder: Path,
    progress: Progress,
    executor: Executor | None = None,
    part: Part | None = None,
) -> Summary:
    """Measures what is missing in a folder's store, then writes the run's tables and manifest.

    Interrupted, every finished cell is kept and the next run goes on from there.

    Args:
        plan: what to measure.
        folder: the run's; made where it is not there.
        progress: told of each cell.
        executor: where cells are measured and θ is trained; this process, one at a time, where
            there is none.
        part: of the plan, which is all that is measured.

    Raises:
        BadInput: the folder cannot be written, or holds files of others where the run's would be,
            or the generator cannot be used on several devices.
        StoreInUse: another run holds the store.
        StoreDamaged: the store cannot be read.
    """
    started = time.perf_counter()
    executor = executor or Local()
    refuse_foreign(folder, {cell.problem.name for cell in plan.cells})
    here = origins_of(plan, executor)
    with open_store(folder) as store:
        reused = len(still_valid(store.outcomes(), here))
        cells = part.cells if part else None
        origins = origins_of(plan, executor, TRAINS) if plan.sweep.training else {}
        seeds = seeds_in(plan, cells)
        valid = valid_trainings(seeds, store.trainings.outcomes(), origins)
        missing = len(seeds) - len(valid)
        outcomes = measure_plan(plan, progress, store, executor, part, missing)
        if missing:
            keep_codes(store, plan, TRAINS)
        make = partial(executor.train, plan)
        trained = train_plan(plan, progress, origins, store.trainings, cells, make)
        timings = timings_of(store, outcomes)
        codes = store.codes(outcomes)
        about = {"part": part.name, "xla_threads": part.threads} if part else {}
        kept = partial(kept_in, store, outcomes)
        counts = write_results(plan, outcomes, timings, folder, codes, about, kept, trained=trained)
        remarks = tuple(dict.fromkeys(store.lost))
    seconds = time.perf_counter() - started
    return Summary(folder, counts, reused, seconds, remarks, trained)


def measure_plan(
    plan: Plan,
    progress: Progress,
    store: Store | None = None,
    executor: Executor | None = None,
    part: Part | None = None,
    trainings: int = 0,
) -> dict[str, Outcome]:
    """Measures the cells of a plan that are not in the store yet.

    Args:
        plan: what to measure.
        progress: told of each cell.
        store: where cells are kept as they end, and shorter runs are gone on from; without one
            everything is measured, and kept nowhere.
        executor: where cells are measured; this process, one at a time, where there is none.
        part: of the plan, which is all that is measured.
        trainings: how many are made afterwards, which `progress` is told of beside the cells.

    Returns:
        What became of each measurable cell, by its id.

    Raises:
        BadInput: the generator cannot be used on several devices.
    """
    executor = executor or Local()
    here = origins_of(plan, executor)
    outcomes = still_valid(store.outcomes(), here) if store else {}
    missing = [cell for cell in plan.measurable if cell.id not in outcomes]
    if part:
        missing = [cell for cell in missing if cell.id in part.cells]
    if store:
        prepare(store, plan, missing)
    state: Any = git_state()
    progress.start(len(missing) + trainings)

    def earlier(cell: Cell) -> tuple[Summaries, ...]:
        return earlier_runs(cell, here[cell.id], store) if store else ()

    jobs = Jobs(plan, by_program(plan, missing), here, earlier)
    with jax.enable_x64(plan.sweep.dtype == "float64"):
        for result in executor.map(run_task, jobs):
            outcome = result.outcome._replace(code=here[result.cell.id].code, **state)
            if store:
                store.keep(result.cell.id, outcome, result.summaries)
            outcomes[result.cell.id] = outcome
            progress(result.cell, outcome.status, result.seconds)
    return outcomes


def prepare(store: Store, plan: Plan, missing: list[Cell]) -> None:
    """What is committed before the first cell: the code that the missing ones are measured with.

    Rows that were found damaged go: their cells are among the missing.
    """
    store.discard_damaged()
    if missing:
        keep_codes(store, plan)


def keep_codes(store: Store, plan: Plan, through: str = MEASURES) -> None:
    """Commits the code that a plan's cells are measured, or trained, with."""
    for code in codes_by_digest(plan, through).values():
        store.keep_code(code)


def earlier_runs(cell: Cell, here: Origin, store: Store) -> tuple[Summaries, ...]:
    """The shorter runs that a cell may be gone on from, measured with all that is here.

    They are large: where R is known, it is the longest one alone.
    """
    runs = store.shorter(cell.series, here)
    if cell.precision is not None:
        return tuple(runs)
    return tuple(itertools.islice((r for r in runs if extends(r.replicates, cell.replicates)), 1))


def kept_in(store: Store, outcomes: Mapping[str, Outcome], cell: Cell) -> Mapping[str, KeptGroup]:
    """What is kept of a cell's replicates, by the group of θ; empty where nothing is."""
    outcome = outcomes.get(cell.id)
    kept = summaries_of(store, cell, outcome) if outcome else None
    if outcome is None or kept is None:
        return {}
    gradients = {row["group"]: row.get("gradient") for row in outcome.rows}
    return {group: KeptGroup(moments, gradients[group]) for group, moments in kept.moments.items()}


def summaries_of(store: Store, cell: Cell, outcome: Outcome) -> Summaries | None:
    """What a longer run of a cell goes on from; None where there is nothing."""
    if not outcome.rows:
        return None
    replicates = outcome.rows[0].get("replicates")
    runs = store.shorter(cell.series, outcome.origin)
    return next((run for run in runs if run.replicates == replicates), None)


def begin_extension(sweep: Sweep, more: int, folder: Path) -> tuple[Plan, bool]:
    """What `gradest extend` is to measure; it is kept in the store before anything is.

    So the same command, called again after it was killed at any point, goes on to the same R.

    Args:
        sweep: as the run's manifest records it.
        more: how many replicates were asked for.
        folder: of the run.

    Returns:
        The plan, and whether such an extension had been begun and not ended.

    Raises:
        BadInput: R was chosen by precision, or a sum does not split.
    """
    now = sweep.model_dump_json(by_alias=True, exclude_none=True)
    with open_store(folder) as store:
        begun = store.extension
        if begun and begun.more == more and now in (begun.base, begun.target):
            return resolve(Sweep.model_validate_json(begun.target)), True
        longer = lengthened(sweep, more)
        plan = resolve(longer)
        target = longer.model_dump_json(by_alias=True, exclude_none=True)
        store.keep_extension(Extension(more, now, target))
    return plan, False


def end_extension(folder: Path) -> None:
    """From now on `gradest extend` adds replicates again: those that were asked for are there."""
    with open_store(folder) as store:
        store.keep_extension(None)


def codes_of(plan: Plan, through: str = MEASURES) -> dict[str, dict[str, str]]:
    """The code that each measurable cell would be measured with, by its id: see `code_of`.

    Args:
        plan: that the cells are of.
        through: the module that measures, or trains.
    """
    helpers: dict[Choice, tuple[Estimator, ...]] = {}
    made: dict[tuple[Choice, Choice], dict[str, str]] = {}
    codes = {}
    for cell in plan.measurable:
        problem, estimator = plan.parts(cell)
        if cell.problem not in helpers:
            helpers[cell.problem] = helpers_of(problem)
        pair = cell.problem, cell.estimator
        if pair not in made:
            made[pair] = code_of(through, problem, estimator, *helpers[cell.problem])
        codes[cell.id] = made[pair]
    return codes


def helpers_of(problem: Problem) -> tuple[Estimator, ...]:
    """The estimators that a problem's cells depend on besides their own.

    They train θ, or stand in for an exact gradient that is not known.
    """
    needs_others = is_trained(problem) or needs_reference(problem)
    return standard_estimators() if needs_others else ()


def codes_by_digest(plan: Plan, through: str = MEASURES) -> dict[str, dict[str, str]]:
    """All the code that a plan's cells would be measured, or trained, with, by its digest."""
    return {digest_of(code): code for code in codes_of(plan, through).values()}


def origins_of(
    plan: Plan, executor: Executor | None = None, through: str = MEASURES
) -> dict[str, Origin]:
    """What each measurable cell would be measured with, by its id.

    That is versions and hardware, and the code, a user's own too: where any of it was changed, the
    cell is measured again.

    Args:
        plan: that the cells are of.
        executor: where they would be measured; this process where there is none.
        through: the module that measures, or trains.
    """
    here = (executor or Local()).environment(plan.sweep.generator)
    return {cell: Origin(here, digest_of(code)) for cell, code in codes_of(plan, through).items()}


def still_valid(outcomes: dict[str, Outcome], here: dict[str, Origin]) -> dict[str, Outcome]:
    """Those of the outcomes that are not measured again.

    Args:
        outcomes: by the ids of their cells.
        here: what each cell of a plan would be measured with.
    """
    return {
        cell: outcome
        for cell, outcome in outcomes.items()
        if outcome.status != "failed" and outcome.origin == here.get(cell)
    }


def by_program(plan: Plan, cells: list[Cell]) -> list[list[Cell]]:
    """The cells, those that run the same compiled program next to each other."""
    groups: dict[Hashable, list[Cell]] = {}
    for cell in cells:
        key = (program(*plan.parts(cell), cell.num_samples), cell.replicates)
        groups.setdefault(key, []).append(cell)
    return list(groups.values())


def use_caches(plan: Plan) -> None:
    """Compiled programs of a plan are kept in the user's cache folder: see `use_caches_for`."""
    use_caches_for([*plan.problems.values(), *plan.estimators.values()])


def use_caches_for(things: Iterable[Problem | Estimator]) -> None:
    """Compiled programs are kept in the user's cache folder: a second run compiles nothing.

    Where everything is ours it traces nothing either. What a user's own classes are traced from we
    cannot know: there JAX's own cache has the last word, and only one of the two can be used. So it
    is where a problem is made of functions, whose names do not say what they are.
    """
    if all(is_ours(type(thing)) and getattr(thing, "named", True) for thing in things):
        keep_in(private_folder("programs"))
    else:
        use_compilation_cache()
