"""Times of a finished run's cells, over again: warm, interleaved, in several processes, one after
the other.

Within one process everything that an interpreter starts with is the same for all its calls: where
its memory lies, which cores it got, what the compiler chose. So the median of its calls says little
about another process, and an interval over calls is too narrow. Here the unit is the process. In
each, the estimators of one problem, θ and L are called in turn, so that what slows the machine for
a while slows all of them.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TextIO

import jax
import numpy as np

from gradest.benchmarks.errors import BadInput
from gradest.benchmarks.measurement.checkpoints import params_at
from gradest.benchmarks.measurement.replicates import (
    LEAST_TIMED,
    compile_cell,
    forget_programs,
    number_of_batches,
    zero_center,
)
from gradest.benchmarks.runtime.environment import environment
from gradest.benchmarks.runtime.processes import failed, start
from gradest.benchmarks.sweeps.run import Progress, sources_of, use_caches, write_results
from gradest.benchmarks.sweeps.store import open_store
from gradest.benchmarks.sweeps.sweep import Cell, Plan, Sweep, resolve
from gradest.estimators.base import Estimator
from gradest.problems.base import Params, Problem


class Timed(NamedTuple):
    """How a timing ended."""

    cells: int
    processes: int
    reused: int
    """Times of a cell in a process that were there already."""
    counts: dict[str, int]
    """Of the run's cells, by status."""


def time_run(plan: Plan, folder: Path, processes: int, progress: Progress) -> Timed:
    """Times every measured cell of the folder's run in so many processes, those that are not there
    yet.

    Interrupted, every finished group of cells is kept, and the next call goes on from there.

    Raises:
        BadInput: fewer than two processes, or nothing was measured here with these versions on this
            hardware.
    """
    if processes < 2:
        raise BadInput(
            f"--processes {processes}: expected at least 2: one says nothing of how much another would differ"
        )
    with open_store(folder) as store:
        versions, outcomes = environment(plan.sweep.generator), store.outcomes()
        here = {cell.id: versions | sources_of(cell, plan) for cell in plan.measurable}
        cells = {
            cell: int(outcomes[cell.id].rows[0]["replicates"])
            for cell in plan.measurable
            if cell.id in outcomes
            and outcomes[cell.id].environment == here[cell.id]
            and outcomes[cell.id].status in ("ok", "unreliable")
        }
        if not cells:
            raise BadInput(
                f"run {folder}: nothing was measured there with these versions on this hardware: expected a finished "
                "run; `gradest run` makes one"
            )
        environments = {json.dumps(one): one for one in here.values()}
        times = {text: store.timings(one) for text, one in environments.items()}
        there = {
            (cell.id, timing.process)
            for cell in cells
            for timing in times[json.dumps(here[cell.id])].get(cell.id, [])
        }
        wanted = [(cell, process) for process in range(processes) for cell in cells]
        progress.start(sum((cell.id, process) not in there for cell, process in wanted))
        for process in range(processes):
            missing = {cell: cells[cell] for cell in cells if (cell.id, process) not in there}
            begun = time.perf_counter()
            for seconds in in_a_process(plan.sweep, missing):
                for name, value in seconds.items():
                    store.keep_timings(process, {name: value}, here[name])
                each = (time.perf_counter() - begun) / len(seconds)
                for cell in (cell for cell in missing if cell.id in seconds):
                    progress(cell, f"process {process + 1} of {processes}", each)
                begun = time.perf_counter()
        counts = write_results(plan, store, folder)
    return Timed(
        len(cells), processes, sum((cell.id, process) in there for cell, process in wanted), counts
    )


def in_a_process(sweep: Sweep, cells: dict[Cell, int]) -> Iterator[dict[str, float]]:
    """The seconds of an estimate of each cell, by its id, a group at a time, from a fresh
    interpreter.

    Raises:
        GradestError: it ended before it had timed everything.
    """
    groups: dict[tuple, dict[str, int]] = {}
    for cell, replicates in cells.items():
        groups.setdefault((cell.problem, cell.point, cell.num_samples), {})[cell.id] = replicates
    if not groups:
        return
    task = {
        "sweep": sweep.model_dump(by_alias=True, exclude_none=True),
        "groups": list(groups.values()),
    }
    with tempfile.TemporaryFile("w+") as said, tempfile.TemporaryFile("w+") as given:
        json.dump(task, given)
        given.seek(0)
        worker = start(__name__, text=True, stdin=given, stdout=subprocess.PIPE, stderr=said)
        assert worker.stdout is not None
        try:
            yield from map(json.loads, worker.stdout)
        finally:
            worker.stdout.close()
            if sys.exc_info()[0] is not None:
                worker.kill()
            status = worker.wait()
        if status:
            raise failed("a timing process", status, said, "; what it had timed is kept")


def work(task: dict[str, Any], out: TextIO) -> None:
    """What a timing process does: a line of JSON for each group, the seconds of an estimate by cell."""
    sweep = Sweep.model_validate(task["sweep"])
    with jax.enable_x64(sweep.dtype == "float64"):
        plan = resolve(sweep)
        use_caches(plan)
        cells = {cell.id: cell for cell in plan.measurable}
        for group in task["groups"]:
            calls = {}
            for cell_id, replicates in group.items():
                cell = cells[cell_id]
                problem = plan.problems[cell.problem]
                params = params_at(problem, cell.problem.label, cell.seed)
                calls[cell_id] = call_of(
                    problem,
                    plan.estimators[cell.estimator],
                    params,
                    cell.key,
                    num_samples=cell.num_samples,
                    replicates=replicates,
                )
            print(json.dumps(interleaved(calls)), file=out, flush=True)
            forget_programs()


class Call(NamedTuple):
    """A compiled call, and how many estimates it makes."""

    run: Callable[[], Any]
    estimates: int


def call_of(
    problem: Problem,
    estimator: Estimator,
    params: Params,
    key: jax.Array,
    *,
    num_samples: int,
    replicates: int,
    summed: bool = True,
) -> Call:
    """One call as `measure` makes it, compiled and warm, or the estimates of it alone, not
    `summed`.

    A state is as it starts: its numbers change no times.
    """
    ready = compile_cell(
        problem, estimator, params, num_samples=num_samples, replicates=replicates, key=key
    )
    first, stride = np.arange(ready.rows, dtype=np.uint32), np.uint32(number_of_batches(replicates))
    alone: Callable[..., Any] = ready.moments.estimates.run
    call = partial(ready.moments.__call__, zero_center(params)) if summed else alone
    run: Callable[[], Any] = partial(
        call, problem, estimator, params, ready.states, key, first, stride
    )
    for _ in range(2):
        jax.block_until_ready(run())
    return Call(run, ready.rows * ready.block)


def interleaved(calls: dict[str, Call], rounds: int = LEAST_TIMED) -> dict[str, float]:
    """The median seconds of an estimate by each call: all are made in turn, each round beginning with the next one."""
    names = list(calls)
    seconds: dict[str, list[float]] = {name: [] for name in names}
    for number in range(rounds):
        first = number % len(names)
        for name in [*names[first:], *names[:first]]:
            begun = time.perf_counter()
            jax.block_until_ready(calls[name].run())
            seconds[name].append((time.perf_counter() - begun) / calls[name].estimates)
    return {name: float(np.median(values)) for name, values in seconds.items()}


if __name__ == "__main__":
    work(json.load(sys.stdin), sys.stdout)
