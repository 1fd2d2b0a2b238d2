"""The commands: what each takes, and what it says of itself in --help.

What a command does is in plans.py, runs.py or results.py, imported when the command
is called: with JAX that takes a second, and --help answers at once.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from gradest.benchmarks.cli.parameters import (
    PRESETS,
    REGISTERED,
    RUNS,
    Commands,
    completed_from,
    copy_option,
    for_a_recommendation,
    for_a_run,
    for_a_sweep,
    for_printing,
    imported,
    in_a_folder,
    json_option,
    of_a_run,
    show_version,
    unverified_option,
)
from gradest.benchmarks.errors import ExitStatus
from gradest.benchmarks.runtime.processes import data_alone, refuse_little_address_space


def body(name: str) -> Callable[..., ExitStatus]:
    """What a command does: the function `module.function` of this folder.

    What it emits is alone on stdout: what a user's classes print is not.

    Raises:
        BadInput: memory does not suffice to import it.
    """
    refuse_little_address_space(with_jax=not name.startswith("results."))
    return data_alone()(imported(f"{__package__}.{name}"))


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog='Completion of names, in bash: eval "$(_GRADEST_COMPLETE=bash_source gradest)"',
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=show_version,
    help="Show the version and exit.",
)
def cli() -> None:
    """Measure Monte Carlo gradient estimators: variance, bias and cost against the number of
    samples L.

    Exit status: 0 all there, 1 our fault, 2 bad input, 3 some cells failed, 4 a check or gate
    failed, 5 store damaged, 6 store in use, 130 interrupted, 141 nobody reads stdout. Anywhere:
    --debug shows tracebacks, --no-color (or NO_COLOR in the environment) leaves out colours.
    """


@cli.command()
@for_a_run
def run(**options: Any) -> ExitStatus:
    """Measure SWEEP, a preset or a TOML file, and draw it.

    A rerun goes on where an earlier one stopped; of several workers `gradest time` takes times.
    """
    return body("runs.run")(**options)


@cli.command()
@click.argument("runs", nargs=-1, required=True, shell_complete=completed_from(RUNS))
@click.option("--output", "-o", type=click.Path(path_type=Path), required=True, help="Their folder")
@json_option
def merge(**options: Any) -> ExitStatus:
    """Join RUNS of one sweep, as --shard makes them, into one, and draw it; each is verified first.

    The status is 4 where one was changed, 3 where cells are missing or failed.
    """
    return body("runs.merge")(**options)


@cli.command()
@of_a_run
@click.option(
    "--replicates",
    type=click.IntRange(min=1),
    required=True,
    help="How many more; they add to the sweep's R.",
)
@copy_option
@json_option
def extend(**options: Any) -> ExitStatus:
    """Add replicates to a finished run: the same numbers as one run of the total.

    RUN is the name of a run in results/, or the folder of one. A problem with an R of its own grows
    in proportion.
    """
    return body("runs.extend")(**options)


@cli.command()
@of_a_run
@click.option(
    "--processes",
    type=int,
    default=5,
    show_default=True,
    help="How many, one after the other; 2 or more.",
)
@copy_option
@json_option
def time(**options: Any) -> ExitStatus:
    """Time the cells of a finished run again, in several processes, and draw it again.

    RUN is the name of a run in results/, the folder of one, or a sweep's file. Each process is a
    fresh interpreter. In it the estimators of one problem, θ and L are called in turn, compiled and
    warm; a time is the median of its calls. At the least and the largest L of each estimator one
    gradient alone is timed too, as a user computes it. From the processes come the seconds of
    measurements.csv, with intervals over processes. A rerun adds the processes that are not there
    yet.
    """
    return body("runs.time_again")(**options)


@cli.command()
@of_a_run
@click.option(
    "--only",
    multiple=True,
    metavar="NAME",
    help="Draws the figures whose names begin so, and writes nothing else; may be repeated.",
)
@for_printing
@copy_option
@unverified_option
@json_option
def report(**options: Any) -> ExitStatus:
    """Draw the figures, tables, numbers and summary of a finished run again, from its CSV files
    alone.

    RUN is the name of a run in results/, or the folder of one. Of the two files measurements.csv
    is enough; without leave_one_out.csv slopes and crossovers are left out. A file that was changed
    after the run is refused.
    """
    return body("results.report")(**options)


@cli.command(name="open")
@click.argument("run", metavar="[RUN]", default="default", shell_complete=completed_from(RUNS))
@click.option("--no-browser", is_flag=True, help="Only prints where the page is.")
def open_(**options: Any) -> ExitStatus:
    """Open the page of a run, report.html, in the browser, and print where it is.

    RUN is the name of a run in results/, or the folder of one. The page is one file that needs no
    network: it can be sent as it is.
    """
    return body("results.open_page")(**options)


@cli.command()
@click.argument("run", metavar="[RUN]", default="default", shell_complete=completed_from(RUNS))
@json_option
def verify(**options: Any) -> ExitStatus:
    """Compare the files of a run with what was written: each with its checksum in manifest.json,
    the manifest with its own, measurements.csv with the store.

    RUN is the name of a run in results/, or the folder of one. The exit status is 4 where something
    differs, is missing, or has no checksum because an earlier version wrote it.
    """
    return body("results.verify")(**options)


@cli.command()
@click.argument("run", metavar="[RUN]", default="default", shell_complete=completed_from(RUNS))
@unverified_option
@json_option
def cite(**options: Any) -> ExitStatus:
    """Print the papers of a run's estimators and problems in BibTeX, gradest's and JAX's entries,
    and, as a comment, a sentence for a paper's section on methods: what stands in refs.bib.

    RUN is the name of a run in results/, or the folder of one.
    """
    return body("results.cite")(**options)


@cli.command()
@click.argument("first", metavar="A", shell_complete=completed_from(RUNS))
@click.argument("second", metavar="[B]", required=False, shell_complete=completed_from(RUNS))
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
@unverified_option
@json_option
def compare(**options: Any) -> ExitStatus:
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
    return body("results.compare")(**options)


@cli.command()
@for_a_recommendation
def recommend(**options: Any) -> ExitStatus:
    """Say which estimator to use on PROBLEM, and at which L, for what a gradient may cost.

    PROBLEM is a name, name[argument=value,…], or a class of your own, MODULE:CLASS. Every
    estimator and usual variant that suits it is measured at the largest L that the budget pays for,
    on common random numbers; the worse are dropped and the others measured longer, until the best
    is separated from the next. Ratios to the best have paired intervals that hold at 95 % over all
    rounds; a tie is said to be one. The most used are measured first: where --seconds do not
    suffice for all, the others are counted, and named with --verbose and in JSON.

    With --from a run answers, at each point and group of the problem: each estimator at the largest
    L that is paid for, measured or, where its variance there follows exactly from those at measured
    ones, doubled from one of them; seconds are a line a + bL through the run's times. Several
    answers are, in JSON, a list under "answers".

    With --confirm the best three of each answer train θ for 300 steps of Adam with five seeds, each
    with its L, and it is said whether the order holds: "confirmed" in JSON.

    The exit status is 3 where some candidates failed; the others are ranked.
    """
    return body("recommendations.recommend")(**options)


@cli.command(name="list")
@click.option("--variable", metavar="NAME", help="What is drawn: Bernoulli, Normal, …")
@click.option(
    "--unbiased",
    "only_unbiased",
    is_flag=True,
    help="Estimators that claim to be unbiased, and where they are not.",
)
@click.option("--long", "in_full", is_flag=True, help="All facts of each; wider than a screen.")
@click.option("--papers", is_flag=True, help="The papers that presets repeat, and nothing else.")
@json_option
def list_(**options: Any) -> ExitStatus:
    """Print the catalogue: every estimator, problem and preset, and what each is for.

    "bits +2" draws bits, and two kinds more: --long names them. In JSON, `supports` has for each
    problem and estimator null, or the reason why not.
    """
    return body("plans.show_catalogue")(**options)


@cli.command()
@click.argument("name", shell_complete=completed_from(REGISTERED, PRESETS))
@click.option(
    "--bibtex",
    "as_bibtex",
    is_flag=True,
    help="Print the papers of a problem, an estimator or a preset, to be cited, instead.",
)
@click.option("--tex", "as_tex", is_flag=True, help="Formulas in LaTeX, as docstrings have them.")
@json_option
def describe(**options: Any) -> ExitStatus:
    """Print what a problem, an estimator or a preset is: formula, arguments, bias, cost, source."""
    return body("plans.show_description")(**options)


@cli.command()
@click.argument("target", shell_complete=completed_from(REGISTERED))
@click.option(
    "-p",
    "--problem",
    "problems",
    multiple=True,
    shell_complete=completed_from(REGISTERED),
    help="Try an estimator on this problem alone; may be repeated  [default: all]",
)
@click.option(
    "--fast",
    is_flag=True,
    help="Fewer replicates, default arguments, problems that differ in kind.",
)
@json_option
def check(**options: Any) -> ExitStatus:
    """Check TARGET, an estimator or a problem of your own, written MODULE:CLASS, or a registered
    one.

    MODULE is a file in the current folder, or any module that can be imported. Shapes, dtypes,
    purity, agreement under jit and vmap, recompilation, extreme θ, claims, stated evaluations,
    bias, 1/L, precision, learned gradients: on every problem that it does not refuse, those of its
    own file first. Failures of one cause are told once, with the lines of the file that they came
    through.
    """
    return body("plans.check_target")(**options)


@cli.command()
@for_a_sweep
def plan(**options: Any) -> ExitStatus:
    """Print what `gradest run SWEEP` would measure; with a precision, R is the most allowed."""
    return body("plans.show_plan")(**options)


@cli.command()
@for_a_sweep
def status(**options: Any) -> ExitStatus:
    """Print how far a run of SWEEP, or the run in a folder, has come; it may still be running."""
    return body("plans.show_status")(**options)


@cli.command()
@click.argument("kind", type=click.Choice(["estimator", "problem"]))
@click.argument("name")
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path),
    callback=in_a_folder,
    help="The file  [default: NAME.py]",
)
def new(**options: Any) -> ExitStatus:
    """Write NAME.py, with an estimator or a problem to begin one's own with: it passes
    `gradest check`. A file that is there is left as it is.
    """
    return body("plans.write_new")(**options)
