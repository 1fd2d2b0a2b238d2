"""What commands share: their group, arguments and options, and what completes them at a prompt."""

import importlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from gradest.benchmarks.errors import BadInput
from gradest.benchmarks.runtime.source_code import installed_version


def imported(name: str) -> Callable[..., Any]:
    """The function that a dotted name stands for."""
    module, _, function = name.rpartition(".")
    return getattr(importlib.import_module(module), function)


def completed_from(*lists: str) -> Callable[..., list[CompletionItem]]:
    """Completes a word by names, or else as a file's path.

    Args:
        lists: functions under gradest.benchmarks, each of which lists names.
    """

    def complete(_: click.Context, __: click.Parameter, start: str) -> list[CompletionItem]:
        names = [name for each in lists for name in imported(f"gradest.benchmarks.{each}")()]
        fitting = [CompletionItem(name) for name in names if name.startswith(start)]
        return fitting or [CompletionItem(start, type="file")]

    return complete


def in_a_folder(_: click.Context, __: click.Parameter, path: Path | None) -> Path | None:
    """Refuses a file to be written into a folder that is not there: its name may be mistyped.

    The folder of a run's results is made, as it is nobody's yet, and what is done there is said.

    Raises:
        BadInput: with the folder.
    """
    if path is not None and not path.parent.exists():
        raise BadInput(f"-o {path}: folder {path.parent} is not there: expected one that is")
    return path


PRESETS = "presets.preset_names"
RUNS = "analysis.results.run_names"
REGISTERED = "catalogue.facts.registered_names"

sweep_argument = click.argument("sweep", default="default", shell_complete=completed_from(PRESETS))
output_option = click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path),
    help="Results folder, made where it is not there  [default: results/NAME]",
)
of_a_run = click.argument(
    "name", metavar="[RUN]", required=False, shell_complete=completed_from(RUNS)
)
copy_option = click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path),
    help="A new folder, into which RUN is copied first: RUN stays as it is. Without RUN, the "
    "folder of the run  [default: RUN's]",
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
unverified_option = click.option(
    "--unverified",
    is_flag=True,
    help="Takes files that were changed after the run as they are, and says so.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")

alone = partial(click.option, multiple=True, shell_complete=completed_from(REGISTERED))
problems_option = alone(
    "--problem", "-p", "problems", help="This problem alone, name[argument=value] too; repeatable."
)
estimators_option = alone("--estimator", "-e", "estimators", help="This estimator alone, likewise.")
set_option = click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="KEY=VALUE",
    help="Overrides a key of the sweep: --set samples=1,8; repeatable.",
)

SWEEP_PARAMETERS = (
    sweep_argument,
    problems_option,
    estimators_option,
    set_option,
    output_option,
    seed_option,
    generator_option,
    replicates_option,
    precision_option,
    max_replicates_option,
    timeout_option,
    json_option,
)


MACHINE_PARAMETERS = (
    click.option(
        "--workers",
        type=click.IntRange(min=1),
        default=1,
        show_default=True,
        help="Processes on this machine, which share its cores and have a GPU each.",
    ),
    click.option("--scheduler", metavar="ADDRESS", help="Measures on a dask cluster that runs."),
    click.option(
        "--shard", metavar="I/N", help="Measures the I-th of N parts alone; `gradest merge` joins."
    ),
)


RECOMMENDATION_PARAMETERS = (
    click.argument("problem", shell_complete=completed_from(REGISTERED)),
    click.option("--budget", help="Seconds that a gradient may cost, with a unit: 1ms, 30us."),
    click.option(
        "--evaluations",
        type=int,
        help="Of f and of its gradient together, that it may cost  [default: 128]",
    ),
    click.option("--samples", type=int, help="L, the samples of a gradient."),
    click.option(
        "--at",
        multiple=True,
        metavar="ARG=VALUE",
        help="An argument of the problem, train_steps=1000 say; may be repeated.",
    ),
    click.option("--group", help="Of θ, the only one that counts."),
    click.option("--only-unbiased", is_flag=True, help="Never recommends one that is biased."),
    click.option("--no-grad-f", is_flag=True, help="Leaves out those that differentiate f."),
    click.option(
        "--from",
        "run",
        metavar="RUN",
        shell_complete=completed_from(RUNS),
        help="Answers from a finished run, without measuring.",
    ),
    click.option(
        "--seconds",
        type=float,
        help="After so many no other estimator is begun; two are measured whatever it is  "
        "[default: 60]",
    ),
    click.option(
        "--output",
        "-o",
        type=click.Path(path_type=Path, dir_okay=False),
        callback=in_a_folder,
        help="The sweep of the three best  [default: recommended.toml; with --from none]",
    ),
    click.option(
        "--confirm",
        is_flag=True,
        help="Trains the best three a little, and says whether the order holds.",
    ),
    click.option("--verbose", is_flag=True, help="Names the candidates that no time was left for."),
    json_option,
)


PRINT_PARAMETERS = (
    click.option(
        "--style",
        default="screen",
        show_default=True,
        help="screen; paper: 3.25 in wide, no titles, Computer Modern; talk: 10 in, 16-point text.",
    ),
    click.option("--width", help="Of figures, with a unit: 3.25in, 84mm, 345pt."),
    click.option("--no-title", is_flag=True, help="Leaves out the titles of figures."),
    click.option(
        "--legend",
        default="right",
        show_default=True,
        help="right: names at the ends of lines, and a key under the panels; none: neither.",
    ),
    click.option("--font", help="Of figures: sans or cm (Computer Modern)  [default: the style's]"),
    click.option(
        "--format",
        "formats",
        multiple=True,
        help="Of figures: png, svg or pdf; may be given again  [default: all three]",
    ),
)


def for_a_sweep(command: Callable) -> Callable:
    """The argument and options of every command that reads a sweep."""
    for declare in reversed(SWEEP_PARAMETERS):
        command = declare(command)
    return command


def for_a_run(command: Callable) -> Callable:
    """The argument and options of the command that measures a sweep."""
    for declare in reversed(MACHINE_PARAMETERS):
        command = declare(command)
    return for_a_sweep(command)


def for_a_recommendation(command: Callable) -> Callable:
    """The argument and options of the command that recommends."""
    for declare in reversed(RECOMMENDATION_PARAMETERS):
        command = declare(command)
    return command


def for_printing(command: Callable) -> Callable:
    """The options of a command that draws figures."""
    for declare in reversed(PRINT_PARAMETERS):
        command = declare(command)
    return command


class Commands(click.Group):
    """A group that names the nearest command to one that it does not have."""

    def resolve_command(self, context: click.Context, args: list[str]) -> Any:
        if args and not args[0].startswith("-") and args[0] not in self.commands:
            known = list(self.commands)
            words = imported("gradest.problems.arguments.instead")
            expected = words(args[0], known, f"one of {', '.join(known)}")
            name = imported("gradest.problems.arguments.shown")(args[0])
            raise BadInput(f"command {name}: {expected}")
        return super().resolve_command(context, args)


def show_version(context: click.Context, _: click.Parameter, wanted: bool) -> None:
    """Prints the version, where that was asked for, and ends."""
    if wanted:
        click.echo(f"gradest, version {installed_version()}")
        context.exit()
