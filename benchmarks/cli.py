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

from benchmarks.errors import BadInput, GradvarError

if TYPE_CHECKING:
    from benchmarks.sweep import Plan, Sweep

INTERRUPTED = 130

sweep_argument = click.argument("sweep", default="default")
output_option = click.option(
    "--output", "-o", type=click.Path(path_type=Path), help="Results folder  [default: results/NAME]"
)
seed_option = click.option("--seed", type=int, help="Overrides the sweep's seed.")
replicates_option = click.option("--replicates", type=int, help="Overrides R, for every problem.")
precision_option = click.option(
    "--precision", type=float, help="Chooses R for each cell: the half-width of a variance's interval, relative to it."
)
max_replicates_option = click.option("--max-replicates", type=int, help="The most that --precision may choose.")
timeout_option = click.option("--cell-timeout", type=float, help="Seconds that --precision may choose R for.")
json_option = click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")


def for_a_sweep(command: Callable) -> Callable:
    """The argument and options of every command that reads a sweep."""

    @functools.wraps(command)
    def with_plan(
        sweep: str,
        output: Path | None,
        as_json: bool,
        **overrides: float | None,
    ) -> int:
        plan = load_plan(sweep, **overrides)
        return command(plan, output or Path("results") / plan.sweep.name, as_json)

    decorated: Callable = with_plan
    for decorate in (
        json_option, timeout_option, max_replicates_option, precision_option, replicates_option, seed_option,
        output_option, sweep_argument,
    ):  # fmt: skip
        decorated = decorate(decorated)
    return decorated


class Commands(click.Group):
    """A group that names the nearest command to one that it does not know."""

    def resolve_command(self, context: click.Context, args: list[str]) -> Any:
        if args and not args[0].startswith("-") and args[0] not in self.commands:
            from problems.arguments import nearest

            known = list(self.commands)
            raise BadInput(f"command {args[0]!r}: expected one of {', '.join(known)}{nearest(args[0], known)}")
        return super().resolve_command(context, args)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="gradvar")
def cli() -> None:
    """Measure Monte Carlo gradient estimators: variance, bias and cost against the number of samples L.

    Exit status: 0 all there, 1 our fault, 2 bad input, 3 some cells failed, 5 store damaged, 6 store in use, 130
    interrupted. --debug, anywhere, shows tracebacks.
    """


@cli.command()
@for_a_sweep
def run(plan: "Plan", folder: Path, as_json: bool) -> int:
    """Measure SWEEP, a preset or a TOML file, and draw it. A rerun goes on where an earlier one stopped."""
    return measure_and_draw(plan, folder, as_json)


@cli.command()
@click.argument("run", default="default")
@click.option(
    "--replicates", type=click.IntRange(min=1), required=True, help="How many more; they add to the sweep's R."
)
@output_option
@json_option
def extend(run: str, replicates: int, output: Path | None, as_json: bool) -> int:
    """Add replicates to a finished run: the same numbers as one run of the total.

    RUN is the name of a run in results/, or the folder of one. A problem with an R of its own grows in proportion.
    """
    from benchmarks.run import recorded_sweep
    from benchmarks.sweep import lengthened

    folder = output or run_folder(run)
    return measure_and_draw(resolved(lengthened(recorded_sweep(folder), replicates)), folder, as_json)


def measure_and_draw(plan: "Plan", folder: Path, as_json: bool) -> int:
    """Measures what is missing and draws all."""
    from benchmarks.progress import show_progress
    from benchmarks.report import write_report
    from benchmarks.run import run_sweep, use_compilation_cache

    use_compilation_cache()
    with show_progress(len(plan.measurable)) as progress:
        summary = run_sweep(plan, folder, progress)
        progress.note("drawing")
        written = write_report(folder)
    say_skipped(plan.reasons)
    report = {
        "folder": str(folder), "cells": summary.counts, "reused": summary.reused,
        "seconds": round(summary.seconds, 2), "files": len(written) + 2,
    }  # fmt: skip
    emit(report if as_json else f"{folder}: {counted(summary.counts)} in {summary.seconds:.0f} s; {len(written)} files")
    return 3 if summary.counts["failed"] else 0


@cli.command()
@sweep_argument
@output_option
@json_option
def report(sweep: str, output: Path | None, as_json: bool) -> int:
    """Draw the figures, tables and numbers of a finished run again, from its measurements.csv alone.

    SWEEP is the name of a run in results/, or the folder of one.
    """
    from benchmarks.report import write_report

    written = write_report(output or run_folder(sweep))
    emit({"files": [str(path) for path in written]} if as_json else "\n".join(map(str, written)))
    return 0


@cli.command(name="list")
@json_option
def list_(as_json: bool) -> int:
    """Print which estimator can be used on which problem.

    In JSON, `supports` has for each problem and estimator null, or the reason why not.
    """
    from estimators import ESTIMATORS
    from problems import PROBLEMS

    built = {name: cls() for name, cls in ESTIMATORS.items()}
    supports = {}
    for name, cls in PROBLEMS.items():
        problem = cls()
        supports[name] = {label: estimator.supports(problem) for label, estimator in built.items()}
    if as_json:
        emit({"problems": list(PROBLEMS), "estimators": list(ESTIMATORS), "supports": supports})
        return 0
    heading = [f"{'':22}", *ESTIMATORS]
    rows = [
        [f"{name:22}", *(f"{'–' if reason else '✓':^{len(label)}}" for label, reason in row.items())]
        for name, row in supports.items()
    ]
    emit("\n".join("  ".join(row).rstrip() for row in [heading, *rows]))
    return 0


@cli.command()
@click.argument("name")
@json_option
def describe(name: str, as_json: bool) -> int:
    """Print what a problem, an estimator or a preset is: formula, arguments, bias, cost, source."""
    from benchmarks.describe import description

    found = description(name)
    emit(found if as_json else found["text"])
    return 0


@cli.command()
@for_a_sweep
def plan(found: "Plan", folder: Path, as_json: bool) -> int:
    """Print what `gradvar run SWEEP` would measure, without measuring it. With a precision, R is the most allowed."""
    draws = sum(cell.num_samples * cell.replicates for cell in found.measurable)
    costs = [
        [
            n * cell.replicates
            for n in found.estimators[cell.estimator].cost(found.problems[cell.problem], cell.num_samples)
        ]
        for cell in found.measurable
    ]
    totals = {"f_evals": sum(f for f, _ in costs), "grad_evals": sum(g for _, g in costs)}
    if as_json:
        cells = [
            {"cell": c.id, "label": c.label, "estimator_args": c.estimator.json, "skipped": found.reasons.get(c.id)}
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
    from benchmarks.store import read_outcomes

    outcomes = read_outcomes(folder)
    counts = dict.fromkeys(("ok", "unreliable", "failed", "pending"), 0) | {"skipped": len(found.reasons)}
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


def load_plan(name: str, **overrides: float | None) -> "Plan":
    """The sweep with the command line's overrides, resolved and checked."""
    from benchmarks.sweep import load_sweep, override

    return resolved(override(load_sweep(name), **overrides))


def resolved(sweep: "Sweep") -> "Plan":
    """The sweep's cells, in its precision."""
    import jax

    from benchmarks.sweep import resolve

    with jax.enable_x64(sweep.dtype == "float64"):
        return resolve(sweep)


def run_folder(name: str) -> Path:
    """The folder of a run: itself, or that of its name in results/."""
    return Path(name) if Path(name, "measurements.csv").exists() else Path("results") / name


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
    click.echo(result if isinstance(result, str) else json.dumps(result, indent=2, ensure_ascii=False))


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
    try:
        with terminable():
            status = cli.main([w for w in words if w != "--debug"], prog_name="gradvar", standalone_mode=False)
    except (KeyboardInterrupt, click.Abort):
        click.echo(
            "gradvar: interrupted; every finished cell is kept, and the same command goes on from there", err=True
        )
        sys.exit(INTERRUPTED)
    except Exception as error:
        if debug:
            raise
        sys.exit(complain(error))
    sys.exit(status or 0)


def complain(error: Exception) -> int:
    """One line on stderr for each thing that is wrong, and the exit status."""
    if isinstance(error, click.ClickException):
        lines, status = [error.format_message()], BadInput.status
    elif isinstance(error, GradvarError):
        lines, status = str(error).splitlines(), error.status
    else:
        lines = [
            f"internal error: {type(error).__name__}: {error}; --debug shows where",
            "please report it: it is our fault",
        ]
        status = GradvarError.status
    for line in lines:
        click.echo(f"gradvar: {line}", err=True)
    return status
