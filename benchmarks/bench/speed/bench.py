"""`make bench`: how fast gradest is, as ratios within one run, what it takes to compile and to
store, and the targets.

Only ratios within one run mean anything: another run finds the machine in another mood. Each
section is written as soon as it is measured; those that are not measured again stay.
"""

import json
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NoReturn

import click
import pandas as pd

from gradest.benchmarks.bench.speed import compile_times, growth, throughput, whole_runs
from gradest.benchmarks.bench.speed import figure as bench_figure
from gradest.benchmarks.bench.speed.page import SECTIONS, markdown, targets_table
from gradest.benchmarks.bench.speed.targets import verdicts
from gradest.benchmarks.bench.speed.throughput import CASES, ESTIMATORS, Cell
from gradest.benchmarks.cli.main import complain
from gradest.benchmarks.cli.options import one_of, positive_integers
from gradest.benchmarks.errors import BadInput, ExitStatus, GradestError
from gradest.benchmarks.runtime.environment import environment, git_state, hardware
from gradest.benchmarks.sweeps.run import use_compilation_cache, write_atomically
from gradest.benchmarks.sweeps.store import make_folder

Rows = Callable[[], Iterable[dict[str, Any] | list[dict[str, Any]]]]
"""What measures a table: its rows, as they come, one or several at a time."""

TABLES: dict[str, dict[str, Rows]] = {
    "compile": {"compile": compile_times.rows, "recompilations": compile_times.recompilations},
    "default": {"default": whole_runs.default_rows},
    "memory": {"memory": whole_runs.memory_rows},
    "growth": {"growth": growth.rows},
}
"""The tables of each section but throughput, which can be restricted."""


def bench(sections: dict[str, dict[str, Rows]], folder: Path) -> None:
    """Measures the sections' tables: each a CSV that grows row by row; then bench.json, bench.md and the figure."""
    make_folder(folder)
    for section, parts in sections.items():
        begun = time.perf_counter()
        for name, measured in parts.items():
            rows: list[dict[str, Any]] = []
            for found in measured():
                rows += found if isinstance(found, list) else [found]
                write_atomically(
                    folder / f"{name}.csv",
                    pd.DataFrame(rows).to_csv(index=False, float_format="%.6g"),
                )
                print(
                    f"{name}: {json.dumps(rows[-1], ensure_ascii=False)}",
                    file=sys.stderr,
                    flush=True,
                )
        write(folder, section, time.perf_counter() - begun)
    print(targets_table(verdicts(tables_in(folder))))


def write(folder: Path, section: str, seconds: float) -> None:
    """Adds to bench.json what a section was measured with, and writes the page and the figure of all that is there."""
    path = folder / "bench.json"
    conditions = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    conditions[section] = {
        "seconds": round(seconds, 1),
        "environment": environment(),
        "hardware": hardware(),
        "git": git_state(),
    }
    write_atomically(path, json.dumps(conditions, indent=2) + "\n")
    tables = tables_in(folder)
    write_atomically(folder / "bench.md", markdown(tables, said_of(conditions)))
    if "throughput" in tables:
        bench_figure.draw(tables["throughput"], folder)


def tables_in(folder: Path) -> dict[str, pd.DataFrame]:
    """The tables that are there."""
    names = ["throughput", *(name for parts in TABLES.values() for name in parts)]
    return {name: pd.read_csv(path) for name in names if (path := folder / f"{name}.csv").exists()}


def said_of(conditions: dict[str, Any]) -> str:
    """On what the sections were measured."""
    said = {
        f"{one['hardware']['processor']}, {one['hardware']['cores']} cores, jax {one['environment']['jax']}, commit "
        f"{(one['git']['commit'] or 'unknown')[:12]}{' and changes' if one['git']['dirty'] else ''}"
        for one in conditions.values()
    }
    minutes = sum(one["seconds"] for one in conditions.values()) / 60
    return f"On {'; on '.join(sorted(said))}; {minutes:.0f} minutes."


def cells_of(
    problems: Iterable[str], dims: tuple[int, ...], samples: tuple[int, ...]
) -> list[Cell]:
    """The cells of these problems, at these D and L or at their own."""
    return [
        (name, dim, num_samples)
        for name in problems
        for dim in positive_integers("--dim", dims, CASES[name].dims)
        for num_samples in positive_integers("--num-samples", samples, CASES[name].samples)
    ]


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--only", multiple=True, metavar="SECTION", help=f"One of {', '.join(SECTIONS)}.")
@click.option(
    "--problem", "problems", multiple=True, help=f"Throughput only: one of {', '.join(CASES)}."
)
@click.option(
    "--estimator", "labels", multiple=True, help=f"Throughput only: one of {', '.join(ESTIMATORS)}."
)
@click.option("--dim", "dims", multiple=True, type=int, help="Throughput only: D.")
@click.option("--num-samples", "samples", multiple=True, type=int, help="Throughput only: L.")
@click.option(
    "--output", type=click.Path(path_type=Path), default=Path("results/bench"), show_default=True
)
def command(
    only: tuple[str, ...],
    problems: tuple[str, ...],
    labels: tuple[str, ...],
    dims: tuple[int, ...],
    samples: tuple[int, ...],
    output: Path,
) -> None:
    """How fast gradest is. Options may be repeated; one that is for throughput only leaves out the other sections."""
    names = one_of("--only", only, SECTIONS)
    if problems or labels or dims or samples:
        if only and "throughput" not in only:
            raise BadInput(
                f"--only {', '.join(only)}: expected throughput with --problem, --estimator, --dim, --num-samples"
            )
        names = only or ("throughput",)
    cells = cells_of(one_of("--problem", problems, CASES), dims, samples)
    wanted = one_of("--estimator", labels, ESTIMATORS)
    if not any(throughput.fitting(cell, wanted) for cell in cells):
        raise BadInput(
            f"--estimator {', '.join(wanted)}: expected one for a problem and L that are asked for"
        )
    sections: dict[str, dict[str, Rows]] = TABLES | {
        "throughput": {"throughput": lambda: throughput.rows(cells, wanted)}
    }
    use_compilation_cache()
    bench({name: sections[name] for name in SECTIONS if name in names}, output)


def main(args: list[str] | None = None) -> NoReturn:
    """Exits with a status; bad input is one clear line."""
    try:
        command.main(args, prog_name="bench", standalone_mode=False)
    except (click.ClickException, GradestError) as error:
        sys.exit(complain(error))
    except (KeyboardInterrupt, click.Abort):
        click.echo("gradest: interrupted; the tables have every finished row", err=True)
        sys.exit(ExitStatus.INTERRUPTED)
    sys.exit(0)


if __name__ == "__main__":
    main()
