"""Running a sweep: every cell that is not there yet, kept as soon as it ends."""

import itertools
import time
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import jax

from gradest.benchmarks.errors import BadInput
from gradest.benchmarks.folders.ownership import refuse_foreign
from gradest.benchmarks.measurement.batching import extends
from gradest.benchmarks.measurement.replicates import program
from gradest.benchmarks.runtime.devices import refuse_devices
from gradest.benchmarks.runtime.environment import environment, is_ours, sources
from gradest.benchmarks.runtime.program_cache import keep_in, use_compilation_cache
from gradest.benchmarks.sweeps.cell import Setting, Task, run_task, setting_or_reason
from gradest.benchmarks.sweeps.executors import Executor, Local
from gradest.benchmarks.sweeps.output import timings_of, write_results
from gradest.benchmarks.sweeps.plan import Cell, Choice, Plan
from gradest.benchmarks.sweeps.schema import preset_names
from gradest.benchmarks.sweeps.store import Outcome, Store, Summaries, open_store, read_outcomes
from gradest.problems.cache import cache_folder

AHEAD = 16
"""How many programs are compiled at a time."""


@dataclass(frozen=True)
class Summary:
    """How a run ended."""

    folder: Path
    counts: dict[str, int]
    reused: int
    seconds: float


class Progress(Protocol):
    """Who is told how a run goes."""

    def start(self, missing: int) -> None:
        """Before the first cell: how many are to be measured."""

    def __call__(self, cell: Cell, status: str, seconds: float) -> None:
        """After each cell."""


def run_sweep(
    plan: Plan, folder: Path, progress: Progress, executor: Executor | None = None
) -> Summary:
    """Measures what is missing in a folder's store, then writes the run's tables and manifest.

    Interrupted, every finished cell is kept and the next run goes on from there.

    Args:
        plan: what to measure.
        folder: the run's; made where it is not there.
        progress: told of each cell.
        executor: where cells are measured; this process, one at a time, where there is none.

    Raises:
        BadInput: the folder cannot be written, or holds files of others where the run's would be,
            or the generator cannot be used on several devices.
        StoreInUse: another run holds the store.
        StoreDamaged: the store cannot be read.
    """
    started = time.perf_counter()
    refuse_devices(plan.sweep.generator)
    refuse_foreign(folder, {cell.problem.name for cell in plan.cells})
    here = environments_of(plan)
    with open_store(folder) as store:
        reused = len(still_valid(store.outcomes(), here))
        outcomes = measure_plan(plan, progress, store, executor)
        counts = write_results(plan, outcomes, timings_of(store, outcomes), folder)
    return Summary(folder, counts, reused, time.perf_counter() - started)


def measure_plan(
    plan: Plan,
    progress: Progress,
    store: Store | None = None,
    executor: Executor | None = None,
) -> dict[str, Outcome]:
    """Measures the cells of a plan that are not in the store yet.

    Args:
        plan: what to measure.
        progress: told of each cell.
        store: where cells are kept as they end, and shorter runs are gone on from; without one
            everything is measured, and kept nowhere.
        executor: where cells are measured; this process, one at a time, where there is none.

    Returns:
        What became of each measurable cell, by its id.

    Raises:
        BadInput: the generator cannot be used on several devices.
    """
    refuse_devices(plan.sweep.generator)
    executor = executor or Local()
    here = environments_of(plan)
    outcomes = still_valid(store.outcomes(), here) if store else {}
    missing = [cell for cell in plan.measurable if cell.id not in outcomes]
    progress.start(len(missing))
    with jax.enable_x64(plan.sweep.dtype == "float64"):
        for result in executor.map(run_task, tasks(plan, missing, here, store, executor)):
            if store:
                store.keep(result.cell.id, result.outcome, result.summaries)
            outcomes[result.cell.id] = result.outcome
            progress(result.cell, result.outcome.status, result.seconds)
    return outcomes


def tasks(
    plan: Plan,
    cells: list[Cell],
    here: dict[str, dict[str, str]],
    store: Store | None,
    executor: Executor,
) -> Iterator[Task]:
    """The tasks of these cells, made one after the other as they are asked for.

    Those that run the same compiled program come one after the other. θ of a problem, and the
    gradient there, are made for the first of its tasks.

    Args:
        plan: that the cells are of.
        cells: to be measured.
        here: what each would be measured with, by its id.
        store: where shorter runs are.
        executor: that the tasks are for.
    """
    settings: dict[Choice, Setting | str] = {}
    for groups in together(by_program(plan, cells)):
        executor.prepare(plan, [group[0] for group in groups])
        for cell in itertools.chain(*groups):
            problem, estimator = plan.parts(cell)
            if cell.problem not in settings:
                settings[cell.problem] = setting_or_reason(problem, cell)
            now = here[cell.id]
            earlier = earlier_runs(cell, now, store) if store else ()
            yield Task(cell, problem, estimator, settings[cell.problem], now, earlier)


def earlier_runs(cell: Cell, here: dict[str, str], store: Store) -> tuple[Summaries, ...]:
    """The shorter runs that a cell may be gone on from, measured in this environment.

    They are large: where R is known, it is the longest one alone.
    """
    runs = store.shorter(cell.series, here)
    if cell.precision is not None:
        return tuple(runs)
    return tuple(itertools.islice((r for r in runs if extends(r.replicates, cell.replicates)), 1))


def environments_of(plan: Plan) -> dict[str, dict[str, str]]:
    """What each measurable cell would be measured with, by its id.

    Besides versions and hardware these are a user's own files: where one was changed, the cell is
    measured again.
    """
    here = environment(plan.sweep.generator)
    return {cell.id: here | sources(*plan.parts(cell)) for cell in plan.measurable}


def still_valid(
    outcomes: dict[str, Outcome], here: dict[str, dict[str, str]]
) -> dict[str, Outcome]:
    """Those of the outcomes that are not measured again.

    Args:
        outcomes: by the ids of their cells.
        here: what each cell of a plan would be measured with.
    """
    return {
        cell: outcome
        for cell, outcome in outcomes.items()
        if outcome.status != "failed" and outcome.environment == here.get(cell)
    }


def elsewhere_lines(plan: Plan, folder: Path) -> list[str]:
    """What is to be said of cells in a folder's store that other versions or hardware measured.

    They are measured again. There is a line for each version, or whatever else is other.
    """
    counts = measured_elsewhere(plan, read_outcomes(folder))
    return [
        f"cells there that were measured with {what}: {count}; `gradest run` measures them again"
        for what, count in counts.items()
    ]


def measured_elsewhere(plan: Plan, outcomes: dict[str, Outcome]) -> Counter[str]:
    """How many of a plan's cells other versions or hardware measured, by what is other.

    Args:
        plan: what is to be measured here.
        outcomes: what became of cells, by id; failed ones do not count.
    """
    if not outcomes:
        return Counter()
    here = environments_of(plan)
    counts: Counter[str] = Counter()
    for cell in plan.measurable:
        outcome = outcomes.get(cell.id)
        if outcome and outcome.status != "failed" and outcome.environment != here[cell.id]:
            items = outcome.environment.items() - here[cell.id].items()
            counts[", ".join(f"{key} {value}" for key, value in sorted(items))] += 1
    return counts


def refuse_to_extend(plan: Plan, folder: Path) -> None:
    """Refuses to add replicates to a run that other versions or hardware measured.

    Args:
        plan: of the finished run.
        folder: of the run.

    Raises:
        BadInput: cells were measured, and none of them here; the message says what to do instead.
    """
    outcomes = read_outcomes(folder)
    elsewhere = measured_elsewhere(plan, outcomes)
    if not elsewhere or still_valid(outcomes, environments_of(plan)):
        return  # what another version measured is measured again, and the others are gone on with
    sweep = plan.sweep.name if plan.sweep.name in preset_names() else "SWEEP"
    raise BadInput(
        f"run {folder}: its cells were measured with {'; '.join(elsewhere)}, and no replicates "
        f"can be added to those here: `gradest run {sweep} -o {folder}` measures them again, "
        "and then they can be extended"
    )


def by_program(plan: Plan, cells: list[Cell]) -> list[list[Cell]]:
    """The cells, those that run the same compiled program next to each other."""
    groups: dict[Hashable, list[Cell]] = {}
    for cell in cells:
        key = (program(*plan.parts(cell), cell.num_samples), cell.replicates)
        groups.setdefault(key, []).append(cell)
    return list(groups.values())


def together(groups: list[list[Cell]]) -> Iterable[list[list[Cell]]]:
    """The groups whose programs are compiled, and kept in memory, at the same time."""
    return (groups[start : start + AHEAD] for start in range(0, len(groups), AHEAD))


def use_caches(plan: Plan) -> None:
    """Compiled programs are kept in the user's cache folder: a second run compiles nothing.

    Where everything is ours it traces nothing either. What a user's own classes are traced from we
    cannot know: there JAX's own cache has the last word, and only one of the two can be used.
    """
    things = (*plan.problems.values(), *plan.estimators.values())
    if all(is_ours(type(thing)) for thing in things):
        keep_in(cache_folder() / "programs")
    else:
        use_compilation_cache()
