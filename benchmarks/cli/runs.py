"""What `gradest run`, `extend` and `time` do: they measure, and draw what was measured."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from gradest.benchmarks.analysis.numerals import several
from gradest.benchmarks.analysis.results import find_run, recorded_sweep
from gradest.benchmarks.cli.output import counted, emit, tell
from gradest.benchmarks.cli.plans import folder_of, load_plan
from gradest.benchmarks.cli.progress import Reporter, show_progress
from gradest.benchmarks.distributing.cluster import Cluster
from gradest.benchmarks.distributing.executor import Distributed
from gradest.benchmarks.distributing.merging import merge as merge_runs
from gradest.benchmarks.distributing.processes import Processes, leave_gpus_to_workers
from gradest.benchmarks.distributing.shards import Shard, part_of, shard_of
from gradest.benchmarks.errors import BadInput, ExitStatus
from gradest.benchmarks.folders.training_columns import TRAINING_TABLES
from gradest.benchmarks.outcomes import Outcome
from gradest.benchmarks.plans.staleness import Stale, refuse_to_extend, stale_in
from gradest.benchmarks.plans.status import (
    failed_lines,
    skipped_lines,
    status_of,
    training_lines,
    unmeasured_lines,
)
from gradest.benchmarks.report.report import Report, write_report
from gradest.benchmarks.report.summary import FILE, news
from gradest.benchmarks.sweeps.executors import Executor, Local, Untimed
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
from gradest.benchmarks.training.runs import seeds_in
from gradest.benchmarks.training.seeds import DIVERGED
from gradest.benchmarks.training.tables import counts_of_trainings

TABLES = 3
"""Files that are written before anything is drawn: two tables and the manifest."""


def run(
    sweep: str,
    output: Path | None,
    as_json: bool,
    workers: int,
    scheduler: str | None,
    shard: str | None,
    **asked: Any,
) -> ExitStatus:
    """Measures a sweep, wherever it was asked for, and draws it."""
    place = place_of(workers, scheduler, shard)
    if workers > 1:
        leave_gpus_to_workers()
    plan = load_plan(sweep, **asked)
    if place.shard:
        return measure_shard(plan, place.shard, output, as_json)
    folder = output or folder_of(plan)
    with executor_of(place) as executor:
        status = measure_and_draw(plan, folder, as_json, executor)
    if isinstance(executor, Untimed):
        tell([UNTIMED.format(folder=folder)])
        tell([UNTIMED_TRAININGS] if plan.sweep.training else [])
    return status


UNTIMED = "seconds are left out, taken beside other work: `gradest time {folder}` takes them"
"""What is said after a run in several processes."""


UNTIMED_TRAININGS = "those of trainings nothing takes later: --workers 1 takes them as it trains"
"""What is said of seconds besides, where it trained."""


class Place(NamedTuple):
    """Where cells are measured."""

    workers: int
    scheduler: str | None
    shard: Shard | None


def place_of(workers: int, scheduler: str | None, shard: str | None) -> Place:
    """Where the command line has cells measured.

    Raises:
        BadInput: in two places at once.
    """
    given = {"--workers": workers > 1, "--scheduler": scheduler, "--shard": shard}
    chosen = [option for option, value in given.items() if value]
    if len(chosen) > 1:
        raise BadInput(f"{' and '.join(chosen)}: expected one of them")
    return Place(workers, scheduler, shard_of(shard) if shard is not None else None)


@contextmanager
def executor_of(place: Place) -> Iterator[Executor]:
    """What measures there; leaving it, its processes have ended."""
    if place.scheduler is None and place.workers == 1:
        yield Local()
        return
    pool: Cluster | Processes
    if place.scheduler is not None:
        pool = Cluster(place.scheduler, lambda line: tell([line]))
    else:
        pool = Processes(place.workers)
    with pool:
        yield Untimed(Distributed(pool))


def measure_shard(plan: Plan, shard: Shard, output: Path | None, as_json: bool) -> ExitStatus:
    """Measures a part of a sweep; `gradest merge` draws what all make."""
    use_caches(plan)
    part = part_of(plan, shard)
    whole = folder_of(plan)
    folder = output or whole.with_name(f"{whole.name}-{shard.number}-of-{shard.of}")
    with show_progress(len(part.cells) + len(seeds_in(plan, part.cells))) as progress:
        summary = run_sweep(plan, folder, progress, Untimed(Local()), part)
    outcomes = {c: o for c, o in read_outcomes(folder).items() if c in part.cells}
    failed = [*failed_lines(plan, outcomes), *training_lines(plan, summary.trainings)]
    tell([*summary.remarks, *failed])
    if as_json:
        emit({"folder": str(folder), "shard": shard.name, "cells": summary.counts})
    else:
        measured = f"{folder}: {several(len(outcomes), 'cell')} of shard {shard.name}"
        emit(f"{measured} in {summary.seconds:.0f} s; `gradest merge` joins and draws the shards")
    some_failed = failed_lines(plan, outcomes) or any_failed(summary.trainings)
    return ExitStatus.CELLS_FAILED if some_failed else ExitStatus.OK


def merge(runs: tuple[str, ...], output: Path, as_json: bool) -> ExitStatus:
    """Joins runs of one sweep, and draws what they make."""
    merged = merge_runs(runs, output)
    pending = merged.counts["pending"]
    if merged.missing or pending:
        shards = f" (shard {', '.join(merged.missing)})" if merged.missing else ""
        lacking = f"{several(pending, 'cell')} missing{shards}"
        tell([f"{lacking}: merged into {output} too, they are added"])
    tell(failed_lines(merged.plan, merged.outcomes))
    with show_progress(len(merged.plan.measurable)) as progress:
        written = draw(output, progress).files
    counts = merged.counts
    if as_json:
        about = {"folder": str(output), "cells": counts, "missing_shards": merged.missing}
        emit(about | {"files": len(written) + TABLES})
    else:
        merged_text = f"{counted(counts)} of {several(len(runs), 'run')}"
        emit(f"{output}: {merged_text}\nRead {output / FILE} first.")
    incomplete = counts["failed"] or pending
    return ExitStatus.CELLS_FAILED if incomplete else ExitStatus.OK


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


def measure_and_draw(
    plan: Plan, folder: Path, as_json: bool, executor: Executor | None = None
) -> ExitStatus:
    """Measures what is missing, draws all, and says what matters most of it."""
    use_caches(plan)
    stale = stale_in(plan, folder)
    tell(each.text for each in stale)
    with show_progress(len(plan.measurable) + len(seeds_in(plan))) as progress:
        summary = run_sweep(plan, folder, progress, executor)
        report = draw(folder, progress)
    tell([*summary.remarks, *skipped_lines(plan), *unmeasured_lines(plan)])
    outcomes = read_outcomes(folder)
    tell([*failed_lines(plan, outcomes), *training_lines(plan, summary.trainings)])
    said = news(report.found)
    written = report.files
    if as_json:
        failures = status_of(plan, outcomes).failures
        about = summary_as_json(summary, written, said, stale) | {"failures": failures}
        if plan.sweep.training:
            about["files"] = len(written) + tables_of(plan)
            about["trainings"] = counts_of_trainings(seeds_in(plan), summary.trainings)
        emit(about)
    else:
        counts = counted(summary.counts)
        files = len(written) + tables_of(plan)
        first = f"{folder}: {counts} in {summary.seconds:.0f} s; {files} files"
        emit("\n".join([first, *said, f"Read {folder / FILE} first."]))
    some_failed = summary.counts["failed"] or nothing_came_of(summary.trainings)
    return ExitStatus.CELLS_FAILED if some_failed else ExitStatus.OK


def tables_of(plan: Plan) -> int:
    """Files of a run that are written before anything is drawn."""
    return TABLES + len(TRAINING_TABLES) if plan.sweep.training else TABLES


def any_failed(trainings: Mapping[str, Outcome]) -> bool:
    """Whether some training failed; that one diverged is a finding."""
    return any(outcome.status == "failed" for outcome in trainings.values())


def nothing_came_of(trainings: Mapping[str, Outcome]) -> bool:
    """Whether some training of a whole run failed, or all of them diverged."""
    ended = {outcome.status for outcome in trainings.values()}
    return any_failed(trainings) or ended == {DIVERGED}


def draw(folder: Path, progress: Reporter) -> Report:
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
