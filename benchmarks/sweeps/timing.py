"""Times of a finished run's cells, over again: warm, interleaved, in several processes, one after
the other.

Within one process everything that an interpreter starts with is the same for all its calls: where
its memory lies, which cores it got, what the compiler chose. So the median of its calls says little
about another process, and an interval over calls is too narrow. Here the unit is the process. In
each, the estimators of one problem, θ and L are called in turn, so that what slows the machine for
a while slows all of them: the calls of a measurement, which make many estimates at a time, and at
the least and the largest L of each estimator one gradient alone.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import jax

from gradest.benchmarks.cells.alone import gradient_alone
from gradest.benchmarks.cells.cell import Cell
from gradest.benchmarks.errors import BadInput
from gradest.benchmarks.limits import MOST_PROCESSES
from gradest.benchmarks.measurement.checkpoints import params_at
from gradest.benchmarks.measurement.replicates import LEAST_TIMED, forget_programs
from gradest.benchmarks.measurement.rounds import Timeable, call_of, interleaved
from gradest.benchmarks.outcomes import Origin
from gradest.benchmarks.runtime.processes import as_data, data_alone, failed, start
from gradest.benchmarks.sweeps.output import alone_name, timings_of, write_results
from gradest.benchmarks.sweeps.plan import Plan, resolve
from gradest.benchmarks.sweeps.run import (
    Progress,
    kept_in,
    origins_of,
    still_valid,
    use_caches,
)
from gradest.benchmarks.sweeps.schema import Sweep
from gradest.benchmarks.sweeps.store import Store, open_store
from gradest.problems.arguments import shown

MOST_LEVELS = 3
"""So many Ls of an estimator are all timed alone; of more, the least and the largest."""


class Asked(NamedTuple):
    """What is timed of a cell."""

    cell: Cell
    replicates: int | None
    """R of the measurement whose calls are timed; None where it is one gradient alone."""

    @property
    def name(self) -> str:
        """Under which its times are kept."""
        return alone_name(self.cell.id) if self.replicates is None else self.cell.id


class Timed(NamedTuple):
    """How a timing ended."""

    cells: int
    processes: int
    taken: int
    """Times that were taken."""
    reused: int
    """Times in a process that were there already."""
    counts: dict[str, int]
    """Of the run's cells, by status."""
    remarks: tuple[str, ...]
    """What was damaged in the store, a line each."""


def time_run(plan: Plan, folder: Path, processes: int, progress: Progress) -> Timed:
    """Times every measured cell of a run in several processes, where that has not been done.

    Interrupted, every finished group of cells is kept, and the next call goes on from there.

    Args:
        plan: of the run.
        folder: of the run.
        processes: how many, one after the other.
        progress: told of each cell in each process.

    Raises:
        BadInput: fewer than two processes, too many, or nothing was measured here with these
            versions on this hardware.
    """
    refuse_processes(processes)
    with open_store(folder) as store:
        outcomes = store.outcomes()
        here = origins_of(plan)
        valid = still_valid(outcomes, here)
        cells = {
            cell: int(valid[cell.id].rows[0]["replicates"])
            for cell in plan.measurable
            if cell.id in valid
        }
        if not cells:
            raise BadInput(
                f"run {folder}: nothing was measured there with these versions on this hardware: "
                "expected a finished run; `gradest run` makes one"
            )
        asked = [Asked(cell, replicates) for cell, replicates in cells.items()]
        asked += [Asked(cell, None) for cell in cells_alone(cells)]
        there = timed_already(store, asked, here)
        wanted = {(each.name, process) for process in range(processes) for each in asked}
        progress.start(len(wanted - there))
        for process in range(processes):
            missing = [each for each in asked if (each.name, process) not in there]
            begun = time.perf_counter()
            for seconds in in_a_process(plan.sweep, missing):
                ended = [each for each in missing if each.name in seconds]
                share = (time.perf_counter() - begun) / len(ended)
                for each in ended:
                    times = {each.name: seconds[each.name]}
                    store.keep_timings(process, times, here[each.cell.id])
                for each in ended:
                    progress(each.cell, f"process {process + 1} of {processes}", share)
                begun = time.perf_counter()
        timings = timings_of(store, outcomes)
        trained = store.trainings.outcomes()
        codes = store.codes(outcomes)
        kept = partial(kept_in, store, outcomes)
        counts = write_results(plan, outcomes, timings, folder, codes, kept=kept, trained=trained)
        remarks = tuple(dict.fromkeys(store.lost))
    reused = len(wanted & there)
    return Timed(len(cells), processes, len(wanted) - reused, reused, counts, remarks)


def cells_alone(cells: Iterable[Cell]) -> list[Cell]:
    """The cells of which one gradient is timed alone.

    They are all Ls of a problem, θ and estimator where there are few, else the least and the
    largest: a line needs two.
    """
    lines: dict[tuple, list[Cell]] = {}
    for cell in sorted(cells, key=lambda cell: cell.num_samples):
        lines.setdefault((cell.problem, cell.point, cell.estimator), []).append(cell)
    chosen = []
    for line in lines.values():
        chosen += line if len(line) <= MOST_LEVELS else [line[0], line[-1]]
    return chosen


def refuse_processes(processes: int) -> None:
    """Refuses to time in too few processes, or in more than anybody waits for.

    Raises:
        BadInput: with how many there may be.
    """
    if processes < 2:
        raise BadInput(
            f"--processes {processes}: expected at least 2: "
            "one says nothing of how much another would differ"
        )
    if processes > MOST_PROCESSES:
        raise BadInput(f"--processes {shown(processes)}: expected at most {MOST_PROCESSES:,}")


def timed_already(
    store: Store, asked: Iterable[Asked], here: dict[str, Origin]
) -> set[tuple[str, int]]:
    """The names of what is asked for, each with the processes in which it was timed.

    Times that were taken with anything other than what is here do not count.
    """
    there = set()
    by_origin: dict[str, list[str]] = {}
    origins = {}
    for each in asked:
        text = json.dumps(here[each.cell.id])
        origins[text] = here[each.cell.id]
        by_origin.setdefault(text, []).append(each.name)
    for text, names in by_origin.items():
        timings = store.timings(origins[text])
        there |= {(name, timing.process) for name in names for timing in timings.get(name, [])}
    return there


def in_a_process(sweep: Sweep, asked: Iterable[Asked]) -> Iterator[dict[str, float]]:
    """Times cells in a fresh interpreter, those of one problem, θ and L in turn.

    Args:
        sweep: that the cells are of.
        asked: what is timed.

    Yields:
        The seconds of an estimate, by name, of what is asked for in one group.

    Raises:
        GradestError: the process ended before it had timed everything.
    """
    groups: dict[tuple, list[tuple[str, int | None]]] = {}
    for cell, replicates in asked:
        group = groups.setdefault((cell.problem, cell.point, cell.num_samples), [])
        group.append((cell.id, replicates))
    if not groups:
        return
    job = {
        "sweep": sweep.model_dump(by_alias=True, exclude_none=True),
        "groups": list(groups.values()),
    }
    with tempfile.TemporaryFile("w+") as stderr, tempfile.TemporaryFile("w+") as stdin:
        json.dump(job, stdin)
        stdin.seek(0)
        worker = start(__name__, text=True, stdin=stdin, stdout=subprocess.PIPE, stderr=stderr)
        assert worker.stdout is not None
        try:
            yield from map(json.loads, worker.stdout)
        finally:
            worker.stdout.close()
            if sys.exc_info()[0] is not None:
                worker.kill()
            status = worker.wait()
        if status:
            raise failed("a timing process", status, stderr, "; what it had timed is kept")


@data_alone()
def work(job: dict[str, Any]) -> None:
    """What a timing process does: it prints a line of JSON for each group.

    That has the seconds of an estimate by cell.

    Args:
        job: the sweep, and groups of what is asked for: the names of cells with their replicates.
    """
    sweep = Sweep.model_validate(job["sweep"])
    with jax.enable_x64(sweep.dtype == "float64"):
        plan = resolve(sweep)
        use_caches(plan)
        cells = {cell.id: cell for cell in plan.measurable}
        for group in job["groups"]:
            asked = [Asked(cells[name], replicates) for name, replicates in group]
            medians = interleaved({each.name: timeable(plan, each) for each in asked}).medians()
            with as_data():
                print(json.dumps(medians), flush=True)
            forget_programs()


def timeable(plan: Plan, asked: Asked) -> Timeable:
    """What is asked for, compiled and warm."""
    cell, replicates = asked
    problem, estimator = plan.parts(cell)
    params = params_at(problem, cell.seed)
    given = problem, estimator, params, cell.key
    if replicates is None:
        return gradient_alone(*given, cell.num_samples, rounds=LEAST_TIMED)
    return call_of(*given, num_samples=cell.num_samples, replicates=replicates)


if __name__ == "__main__":
    work(json.load(sys.stdin))
