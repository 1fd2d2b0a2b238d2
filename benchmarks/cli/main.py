"""The command line. JAX is imported inside the commands, so that --help answers at once."""

import contextlib
import functools
import json
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from gradest.benchmarks.errors import BadInput, GradestError
from gradest.benchmarks.runtime.processes import collect_rarely, limit_threads

if TYPE_CHECKING:
    from gradest.benchmarks.sweeps.sweep import Plan, Sweep

GATE_FAILED, INTERRUPTED = 4, 130

sweep_argument = click.argument("sweep", default="default")
output_option = click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path),
    help="Results folder  [default: results/NAME]",
)
seed_option = click.option("--seed", type=int, help="Overrides the sweep's seed.")
generator_option = click.option("--generator", help="Of random numbers: threefry or philox.")
replicates_option = click.option("--replicates", type=int, help="Overrides R, for every problem.")
precision_option = click.option(
    "--precision",
    type=float,
    help="Chooses R for each cell: the half-width of a variance's interval, relative to it.",
)
max_replicates_option = click.option(
    "--max-replicates", type=int, help="The most that --precision may choose."
)
timeout_option = click.option(
    "--cell-timeout", type=float, help="Seconds that --precision may choose R for."
)
json_option = click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")


def for_a_sweep(command: Callable) -> Callable:
    """The argument and options of every command that reads a sweep."""

    @functools.wraps(command)
    def with_plan(
        sweep: str,
        output: Path | None,
        as_json: bool,
        **overrides: float | str | None,
    ) -> int:
        plan = load_plan(sweep, **overrides)
        return command(plan, output or Path("results") / plan.sweep.name, as_json)

    decorated: Callable = with_plan
    for decorate in (
        json_option,
        timeout_option,
        max_replicates_option,
        precision_option,
        replicates_option,
        generator_option,
        seed_option,
        output_option,
        sweep_argument,
    ):
        decorated = decorate(decorated)
    return decorated


class Commands(click.Group):
    """A group that names the nearest command to one that it does not know."""

    def resolve_command(self, context: click.Context, args: list[str]) -> Any:
        if args and not args[0].startswith("-") and args[0] not in self.commands:
            from gradest.problems.arguments import nearest

            known = list(self.commands)
            raise BadInput(
                f"command {args[0]!r}: expected one of {', '.join(known)}{nearest(args[0], known)}"
            )
        return super().resolve_command(context, args)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="gradest")
def cli() -> None:
    """Measure Monte Carlo gradient estimators: variance, bias and cost against the number of
    samples L.

    Exit status: 0 all there, 1 our fault, 2 bad input, 3 some cells failed, 4 a check or gate
    failed, 5 store damaged, 6 store in use, 130 interrupted. --debug, anywhere, shows tracebacks.
    """


@cli.command()
@for_a_sweep
def run(plan: "Plan", folder: Path, as_json: bool) -> int:
    """Measure SWEEP, a preset or a TOML file, and draw it. A rerun goes on where an earlier one stopped."""
    return measure_and_draw(plan, folder, as_json)


@cli.command()
@click.argument("run", default="default")
@click.option(
    "--replicates",
    type=click.IntRange(min=1),
    required=True,
    help="How many more; they add to the sweep's R.",
)
@output_option
@json_option
def extend(run: str, replicates: int, output: Path | None, as_json: bool) -> int:
    """Add replicates to a finished run: the same numbers as one run of the total.

    RUN is the name of a run in results/, or the folder of one. A problem with an R of its own grows
    in proportion.
    """
    from gradest.benchmarks.analysis.results import recorded_sweep
    from gradest.benchmarks.sweeps.sweep import lengthened

    folder = output or run_folder(run)
    return measure_and_draw(
        resolved(lengthened(recorded_sweep(folder), replicates)), folder, as_json
    )


@cli.command(name="time")
@sweep_argument
@click.option(
    "--processes",
    type=int,
    default=5,
    show_default=True,
    help="How many, one after the other; 2 or more.",
)
@output_option
@json_option
def time_(sweep: str, processes: int, output: Path | None, as_json: bool) -> int:
    """Time the cells of a finished run again, in several processes, and draw it again.

    SWEEP is the name of a run in results/, the folder of one, or a sweep's file. Each process is a
    fresh interpreter. In it the estimators of one problem, θ and L are called in turn, compiled and
    warm; a time is the median of its calls. From the processes come the seconds of
    measurements.csv, with an interval over processes. A rerun adds the processes that are not there
    yet.
    """
    from gradest.benchmarks.analysis.results import recorded_sweep
    from gradest.benchmarks.cli.progress import show_progress
    from gradest.benchmarks.report.report import write_report
    from gradest.benchmarks.sweeps.sweep import load_sweep
    from gradest.benchmarks.sweeps.timing import time_run

    folder = output or run_folder(load_sweep(sweep).name if Path(sweep).is_file() else sweep)
    plan = resolved(recorded_sweep(folder))
    with show_progress(len(plan.measurable) * processes) as progress:
        timed = time_run(plan, folder, processes, progress)
        progress.note("drawing")
        write_report(folder)
    new = timed.cells * processes - timed.reused
    report = {
        "folder": str(folder),
        "cells": timed.cells,
        "processes": processes,
        "timed": new,
        "reused": timed.reused,
    }
    said = f"{folder}: {timed.cells} cells × {processes} processes, {timed.reused} of these times were there already"
    emit(report if as_json else said)
    return 0


def measure_and_draw(plan: "Plan", folder: Path, as_json: bool) -> int:
    """Measures what is missing, draws all, and says what matters most of it."""
    from gradest.benchmarks.cli.progress import show_progress
    from gradest.benchmarks.sweeps.run import run_sweep, use_caches

    use_caches(plan)
    with show_progress(len(plan.measurable)) as progress:
        summary = run_sweep(plan, folder, progress)
        progress.note("drawing")
        try:
            # not before: what only draws takes half a second to import
            from gradest.benchmarks.analysis.results import read_run
            from gradest.benchmarks.report.report import write_report
            from gradest.benchmarks.report.summary import FILE, headlines

            written = write_report(folder)
        except (
            KeyboardInterrupt
        ) as interrupt:  # `extend`, called again, would add as many replicates again
            raise KeyboardInterrupt(
                f"all is measured; gradest report {folder} draws it"
            ) from interrupt
    say_skipped(plan.reasons)
    found = headlines(read_run(folder))
    report = {
        "folder": str(folder),
        "cells": summary.counts,
        "reused": summary.reused,
        "seconds": round(summary.seconds, 2),
        "files": len(written) + 3,
        "summary": str(folder / FILE),
        "headlines": found,
    }
    said = f"{folder}: {counted(summary.counts)} in {summary.seconds:.0f} s; {len(written)} files"
    emit(report if as_json else "\n".join([said, *found, f"Read {folder / FILE} first."]))
    return 3 if summary.counts["failed"] else 0


@cli.command()
@sweep_argument
@output_option
@json_option
def report(sweep: str, output: Path | None, as_json: bool) -> int:
    """Draw the figures, tables, numbers and summary of a finished run again, from its CSV files
    alone.

    SWEEP is the name of a run in results/, or the folder of one. Of the two files measurements.csv
    is enough; without leave_one_out.csv slopes and crossovers are left out.
    """
    from gradest.benchmarks.report.report import write_report
    from gradest.benchmarks.report.summary import FILE

    folder = output or run_folder(sweep)
    written = write_report(folder)
    report = {"files": [str(path) for path in written], "summary": str(folder / FILE)}
    emit(report if as_json else "\n".join([*map(str, written), f"Read {folder / FILE} first."]))
    return 0


@cli.command()
@click.argument("first", metavar="A")
@click.argument("second", metavar="[B]", required=False)
@click.option(
    "--reference", help="Compare A's other estimators with this one: name[argument=value,…]."
)
@click.option(
    "--metric",
    "metrics",
    multiple=True,
    help="variance, work or bias; may be repeated  [default: all]",
)
@click.option(
    "--fail-above", help="Exit with status 4 where a ratio is surely above 1 + this: 5% or 0.05."
)
@json_option
def compare(
    first: str,
    second: str | None,
    reference: str | None,
    metrics: tuple[str, ...],
    fail_above: str | None,
    as_json: bool,
) -> int:
    """Compare run B with run A cell by cell, or the estimators of A with a --reference: ratios with
    95 % intervals.

    A and B are names of runs in results/, or folders. A ratio is B's over A's, or an estimator's
    over the reference's: of the variance, of the work-normalised variance (variance × seconds), of
    ‖bias‖ where both were found biased. Cells on the same random numbers are paired: "gain" is how
    many times wider the interval would be without that.

    --fail-above 5% is a gate: the exit status is 4 where some ratio's whole interval lies above
    1.05. Unreliable and failed cells never count, and work only where both were timed in several
    processes (`gradest time`) on the same hardware.
    """
    from gradest.benchmarks.analysis import ratios as comparing
    from gradest.benchmarks.analysis.results import find_run, read_run
    from gradest.benchmarks.cli.options import fraction, one_of
    from gradest.benchmarks.report import comparison

    threshold = None if fail_above is None else fraction("--fail-above", fail_above)
    if bool(second) == bool(reference):
        got = "both" if second else "neither"
        raise BadInput(
            f"compare {first}: expected a second run or --reference ESTIMATOR; got {got}"
        )
    chosen = [*one_of("--metric", metrics, comparing.METRICS)]
    run = read_run(find_run(first))
    if second:
        found = comparing.compare_runs(run, read_run(find_run(second)), chosen)
    else:
        found = comparing.compare_estimators(run, str(reference), chosen)
    for warning in found.warnings:
        click.echo(f"warning: {warning}", err=True)
    for count, name in ((found.only_first, "A"), (found.only_second, "B")):
        if count:
            click.echo(
                f"{count} cells only in {name}"
                if second
                else f"{count} cells without the reference",
                err=True,
            )
    above = [] if threshold is None else found.above(threshold)
    failures = [
        f"{name} of {row.label}: {comparison.ratio_text(row.ratios[name])}" for row, name in above
    ]
    if as_json:
        emit(
            {
                "a": str(run.folder),
                "b": second,
                "reference": reference,
                "fail_above": threshold,
                "above": failures,
            }
            | comparison.as_json(found, chosen)
        )
    else:
        emit(comparison.as_text(found, chosen))
    for failure in failures:
        click.echo(f"above {fail_above}: {failure}", err=True)
    return 4 if above else 0


@cli.command(name="list")
@json_option
def list_(as_json: bool) -> int:
    """Print the catalogue: every estimator and problem, and what each is for.

    In JSON, `supports` has for each problem and estimator null, or the reason why not.
    """
    from gradest.benchmarks.catalogue.catalogue import catalogue, columns
    from gradest.estimators import ESTIMATORS
    from gradest.problems import PROBLEMS

    if not as_json:
        emit(columns(catalogue()))
        return 0
    built = {name: cls() for name, cls in ESTIMATORS.items()}
    refuses = {}
    for name, cls in PROBLEMS.items():
        problem = cls()
        refuses[name] = {label: estimator.refuses(problem) for label, estimator in built.items()}
    emit({"problems": list(PROBLEMS), "estimators": list(ESTIMATORS), "supports": refuses})
    return 0


@cli.command()
@click.argument("name")
@click.option(
    "--bibtex",
    is_flag=True,
    help="Print the papers of a problem or an estimator, to be cited, instead.",
)
@json_option
def describe(name: str, bibtex: bool, as_json: bool) -> int:
    """Print what a problem, an estimator or a preset is: formula, arguments, bias, cost, source."""
    from gradest.benchmarks.catalogue.describe import description

    found = description(name)
    if bibtex and not found["bibtex"]:
        raise BadInput(f"{name}: expected a name that stands for a paper; it states none")
    emit(found if as_json else found["bibtex" if bibtex else "text"])
    return 0


@cli.command()
@click.argument("target")
@json_option
def check(target: str, as_json: bool) -> int:
    """Check TARGET, an estimator or a problem of your own, written MODULE:CLASS, or a registered
    one.

    MODULE is a file in the current folder, or any module that can be imported. Shapes, dtypes,
    purity, agreement under jit and vmap, recompilation, extreme θ, claims, stated costs, bias, 1/L,
    precision, learned gradients: on every problem that it supports.
    """
    from gradest.benchmarks.checks.check import check as check_target
    from gradest.benchmarks.sweeps.run import use_compilation_cache

    use_compilation_cache()
    found = check_target(target, lambda line: click.echo(line, err=True))
    emit(found.as_json if as_json else found.text)
    return GATE_FAILED if found.counts()["failed"] else 0


@cli.command()
@for_a_sweep
def plan(found: "Plan", folder: Path, as_json: bool) -> int:
    """Print what `gradest run SWEEP` would measure, without measuring it. With a precision, R is the most allowed."""
    draws = sum(cell.num_samples * cell.replicates for cell in found.measurable)
    costs = [
        [
            n * cell.replicates
            for n in found.estimators[cell.estimator].evaluations(
                found.problems[cell.problem], cell.num_samples
            )
        ]
        for cell in found.measurable
    ]
    totals = {"f_evals": sum(f for f, _ in costs), "grad_evals": sum(g for _, g in costs)}
    if as_json:
        cells = [
            {
                "cell": c.id,
                "label": c.label,
                "estimator_args": c.estimator.json,
                "skipped": found.reasons.get(c.id),
            }
            for c in found.cells
        ]
        emit({"sweep": found.sweep.name, "draws": draws, **totals, "cells": cells})
        return 0
    emit(
        f"{found.sweep.name}: {len(found.measurable)} cells to measure, {len(found.reasons)} skipped\n"
        f"{len(found.problems)} problems × {len(found.estimators)} estimators; {draws:.3g} draws, "
        f"{totals['f_evals']:.3g} evaluations of f, {totals['grad_evals']:.3g} of its gradient\n"
        f"results into {folder}"
    )
    say_skipped(found.reasons)
    return 0


@cli.command()
@for_a_sweep
def status(found: "Plan", folder: Path, as_json: bool) -> int:
    """Print how far a run of SWEEP has come; it may still be running."""
    from gradest.benchmarks.sweeps.store import read_outcomes

    outcomes = read_outcomes(folder)
    counts = dict.fromkeys(("ok", "unreliable", "failed", "pending"), 0) | {
        "skipped": len(found.reasons)
    }
    failures = []
    for cell in found.measurable:
        outcome = outcomes.get(cell.id)
        counts[outcome.status if outcome else "pending"] += 1
        if outcome and outcome.status == "failed":
            failures.append(f"failed: {cell.label}: {outcome.reason}")
    if as_json:
        emit({"folder": str(folder), "cells": counts, "failures": failures})
    else:
        emit("\n".join([f"{folder}: {counted(counts)}", *failures]))
    return 3 if failures else 0


def load_plan(name: str, **overrides: float | str | None) -> "Plan":
    """The sweep with the command line's overrides, resolved and checked."""
    from gradest.benchmarks.sweeps.sweep import load_sweep, override

    return resolved(override(load_sweep(name), **overrides))


def resolved(sweep: "Sweep") -> "Plan":
    """The sweep's cells, in its precision."""
    import jax

    from gradest.benchmarks.sweeps.sweep import resolve

    with jax.enable_x64(sweep.dtype == "float64"):
        return resolve(sweep)


def run_folder(name: str) -> Path:
    """The folder of a run: itself, or that of its name in results/."""
    from gradest.benchmarks.analysis.results import find_run

    return find_run(name)


def counted(counts: dict[str, int]) -> str:
    """The counts that are not zero, in words."""
    return ", ".join(f"{count} {status}" for status, count in counts.items() if count) or "nothing"


def say_skipped(reasons: dict[str, str]) -> None:
    """On stderr: why cells were skipped, each reason once."""
    for reason in sorted(set(reasons.values())):
        count = sum(other == reason for other in reasons.values())
        click.echo(f"skipped {count} cells: {reason}", err=True)


def emit(result: dict[str, Any] | str) -> None:
    """To stdout: text as it is, an object as JSON."""
    click.echo(
        result if isinstance(result, str) else json.dumps(result, indent=2, ensure_ascii=False)
    )


@contextlib.contextmanager
def terminable() -> Iterator[None]:
    """SIGTERM ends a run as Ctrl-C does: what is finished is kept."""

    def interrupt(*_: object) -> NoReturn:
        raise KeyboardInterrupt

    previous = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)


def main(args: list[str] | None = None) -> NoReturn:
    """Runs one command and exits with its status; every error is one clear line unless --debug is given."""
    words = list(sys.argv[1:] if args is None else args)
    debug = "--debug" in words
    collect_rarely()
    limit_threads()
    try:
        with terminable():
            status = cli.main(
                [w for w in words if w != "--debug"], prog_name="gradest", standalone_mode=False
            )
    except (KeyboardInterrupt, click.Abort) as interrupt:
        kept = "every finished cell is kept, and the same command goes on from there"
        said = str(interrupt.__cause__ or interrupt)  # click raises its own from ours
        click.echo(f"gradest: interrupted; {said or kept}", err=True)
        sys.exit(INTERRUPTED)
    except Exception as error:
        if debug:
            raise
        sys.exit(complain(error))
    sys.exit(status or 0)


def run_and_exit(command: click.Command, words: list[str] | None, name: str, kept: str) -> NoReturn:
    """Runs the command of a bench and exits with its status; bad input is one clear line.

    Args:
        command: what is run.
        words: its arguments; None for those of the process.
        name: what its help calls it.
        kept: what is there when it is interrupted, for the line that says so.
    """
    try:
        command.main(words, prog_name=name, standalone_mode=False)
    except (click.ClickException, GradestError) as error:
        sys.exit(complain(error))
    except (KeyboardInterrupt, click.Abort):
        click.echo(f"gradest: interrupted; {kept}", err=True)
        sys.exit(INTERRUPTED)
    sys.exit(0)


def complain(error: Exception) -> int:
    """One line on stderr for each thing that is wrong, and the exit status."""
    if isinstance(error, click.ClickException):
        lines, status = [error.format_message()], BadInput.status
    elif isinstance(error, GradestError):
        lines, status = str(error).splitlines(), error.status
    else:
        lines = [
            f"internal error: {type(error).__name__}: {error}; --debug shows where",
            "please report it: it is our fault",
        ]
        status = GradestError.status
    for line in lines:
        click.echo(f"gradest: {line}", err=True)
    return status
