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

from gradest.benchmarks.bench.speed import figure
from gradest.benchmarks.bench.speed.compile_times import compile_rows, recompilations
from gradest.benchmarks.bench.speed.growth import growth_rows
from gradest.benchmarks.bench.speed.page import SECTIONS, bench_page, targets_table
from gradest.benchmarks.bench.speed.targets import verdicts
from gradest.benchmarks.bench.speed.throughput import (
    BENCHED_ESTIMATORS,
    CASES,
    BenchCell,
    fitting,
    throughput_rows,
)
from gradest.benchmarks.bench.speed.whole_runs import default_rows, memory_rows
from gradest.benchmarks.cli.main import run_and_exit
from gradest.benchmarks.errors import BadInput
from gradest.benchmarks.options import one_of, positive_integers
from gradest.benchmarks.runtime.configure import configure
from gradest.benchmarks.runtime.environment import environment, hardware
from gradest.benchmarks.runtime.files import make_folder, write_atomically
from gradest.benchmarks.runtime.program_cache import use_compilation_cache
from gradest.benchmarks.runtime.source_code import git_state

Rows = Callable[[], Iterable[dict[str, Any] | list[dict[str, Any]]]]
"""What measures a table: its rows, as they come, one or several at a time."""

TABLES: dict[str, dict[str, Rows]] = {
    "compile": {"compile": compile_rows, "recompilations": recompilations},
    "default": {"default": default_rows},
    "memory": {"memory": memory_rows},
    "growth": {"growth": growth_rows},
}
"""The tables of each section but throughput, which can be restricted."""

RESULTS = Path("results/bench")


def bench(sections: dict[str, dict[str, Rows]], folder: Path) -> None:
    """Measures the tables of the sections, and prints how the targets fare.

    Args:
        sections: for each its tables.
        folder: what is written into: each table as a CSV that grows row by row; after each section
            bench.json, bench.md and the figure.
    """
    make_folder(folder)
    for section, tables in sections.items():
        begun = time.perf_counter()
        for name, rows in tables.items():
            write_table(folder / f"{name}.csv", rows)
        write(folder, section, time.perf_counter() - begun)
    print(targets_table(verdicts(tables_in(folder))))


def write_table(path: Path, rows: Rows) -> None:
    """Measures one table, row by row: each is written at once, and its last shown on stderr."""
    known: list[dict[str, Any]] = []
    for measured in rows():
        known += measured if isinstance(measured, list) else [measured]
        write_atomically(path, pd.DataFrame(known).to_csv(index=False, float_format="%.6g"))
        shown = json.dumps(known[-1], ensure_ascii=False)
        print(f"{path.stem}: {shown}", file=sys.stderr, flush=True)


def write(folder: Path, section: str, seconds: float) -> None:
    """Adds what a section was measured with, and writes the page and the figure of all tables.

    Args:
        folder: where the tables are.
        section: which of them are new.
        seconds: how long they took.
    """
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
    write_atomically(folder / "bench.md", bench_page(tables, in_words(conditions)))
    if "throughput" in tables:
        figure.draw(tables["throughput"], folder)


def tables_in(folder: Path) -> dict[str, pd.DataFrame]:
    """The tables that are there."""
    names = ["throughput", *(name for tables in TABLES.values() for name in tables)]
    paths = {name: folder / f"{name}.csv" for name in names}
    return {name: pd.read_csv(path) for name, path in paths.items() if path.exists()}


def in_words(conditions: dict[str, Any]) -> str:
    """On what the sections were measured."""
    machines = sorted({machine(section) for section in conditions.values()})
    minutes = sum(section["seconds"] for section in conditions.values()) / 60
    return f"On {'; on '.join(machines)}; {minutes:.0f} minutes."


def machine(section: dict[str, Any]) -> str:
    """On what one section was measured."""
    commit = (section["git"]["commit"] or "unknown")[:12]
    changes = " and changes" if section["git"]["dirty"] else ""
    return (
        f"{section['hardware']['processor']}, {section['hardware']['cores']} cores, "
        f"jax {section['environment']['jax']}, commit {commit}{changes}"
    )


def cells_of(
    problems: Iterable[str], dims: tuple[int, ...], samples: tuple[int, ...]
) -> list[BenchCell]:
    """The cells of these problems, at these D and L or at their own."""
    return [
        BenchCell(name, dim, num_samples)
        for name in problems
        for dim in positive_integers("--dim", dims, CASES[name].dims)
        for num_samples in positive_integers("--num-samples", samples, CASES[name].samples)
    ]


def section_names(only: tuple[str, ...], restricted: bool) -> tuple[str, ...]:
    """The sections that are asked for; options that restrict throughput leave out the others.

    Raises:
        BadInput: there is no such section, or throughput is restricted that is not asked for.
    """
    names = one_of("--only", only, SECTIONS)
    if not restricted:
        return names
    if only and "throughput" not in only:
        raise BadInput(
            f"--only {', '.join(only)}: expected throughput with --problem, --estimator, --dim, "
            "--num-samples"
        )
    return only or ("throughput",)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--only", multiple=True, metavar="SECTION", help=f"One of {', '.join(SECTIONS)}.")
@click.option(
    "--problem", "problems", multiple=True, help=f"Throughput only: one of {', '.join(CASES)}."
)
@click.option(
    "--estimator",
    "labels",
    multiple=True,
    help=f"Throughput only: one of {', '.join(BENCHED_ESTIMATORS)}.",
)
@click.option("--dim", "dims", multiple=True, type=int, help="Throughput only: D.")
@click.option("--num-samples", "samples", multiple=True, type=int, help="Throughput only: L.")
@click.option("--output", type=click.Path(path_type=Path), default=RESULTS, show_default=True)
def command(
    only: tuple[str, ...],
    problems: tuple[str, ...],
    labels: tuple[str, ...],
    dims: tuple[int, ...],
    samples: tuple[int, ...],
    output: Path,
) -> None:
    """How fast gradest is.

    Options may be repeated; one that is for throughput only leaves out the other sections.
    """
    names = section_names(only, restricted=bool(problems or labels or dims or samples))
    cells = cells_of(one_of("--problem", problems, CASES), dims, samples)
    wanted = one_of("--estimator", labels, BENCHED_ESTIMATORS)
    if not any(fitting(cell, wanted) for cell in cells):
        raise BadInput(
            f"--estimator {', '.join(wanted)}: expected one for a problem and L that are asked for"
        )
    throughput: dict[str, Rows] = {"throughput": lambda: throughput_rows(cells, wanted)}
    sections = TABLES | {"throughput": throughput}
    configure()
    use_compilation_cache()
    bench({name: sections[name] for name in SECTIONS if name in names}, output)


def main(words: list[str] | None = None) -> NoReturn:
    """Exits with a status; bad input is one clear line."""
    run_and_exit(command, words, "bench", "the tables have every finished row")


if __name__ == "__main__":
    main()
