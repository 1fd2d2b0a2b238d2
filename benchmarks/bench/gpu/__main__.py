"""`benchmarks/bench/gpu.sh`: what is asked of a GPU, in one go of at most eight minutes."""

import json
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import NoReturn

import click

from gradest.benchmarks.bench.gpu.steps import FULL, SMALL, Size, steps, taken
from gradest.benchmarks.bench.gpu.table import as_markdown, table
from gradest.benchmarks.cli.main import run_and_exit
from gradest.benchmarks.runtime.files import make_folder, write_atomically
from gradest.benchmarks.runtime.source_code import git_state

RESULTS = Path("results/bench/gpu")

SECONDS = 470
"""That the bench may take, all in all: under eight minutes."""

KEPT = ("throughput.csv", "peers.csv")
"""What is kept of the steps' files beside the table."""

MANIFEST = Path("network") / "manifest.json"
"""That of the first run, which says what it was measured with."""


def bench(size: Size, seconds: float, output: Path) -> None:
    """Takes the steps, writes the table after each, and prints it at the end.

    Args:
        size: how much is measured.
        seconds: that it may take, all in all.
        output: the folder that is written into.
    """
    make_folder(output)
    end = time.perf_counter() + seconds
    ended = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for step in steps(size, folder):
            ended.append(taken(step, folder, end - time.perf_counter()))
            status = ended[-1].status or "done"
            print(f"{step.name}: {status}, {ended[-1].seconds:.1f} s", file=sys.stderr, flush=True)
            text = as_markdown(table(folder, ended), measured_with(folder))
            write_atomically(output / "gpu.md", text)
            keep(folder, output)
    seconds_of = {step.name: {"seconds": step.seconds, "status": step.status} for step in ended}
    record = {"git": git_state(), "steps": seconds_of}
    write_atomically(output / "gpu.json", json.dumps(record, indent=2) + "\n")
    print(text)


def keep(folder: Path, output: Path) -> None:
    """Copies what is kept of the steps' files."""
    for name in KEPT:
        if (folder / name).exists():
            shutil.copyfile(folder / name, output / name)


def measured_with(folder: Path) -> str:
    """On what the first run was measured, in a line."""
    if not (folder / MANIFEST).exists():
        return "On an unknown device."
    here = json.loads((folder / MANIFEST).read_text())["environments"][0]
    return f"On {here['device']}, jax {here['jax']}, gradest {here['gradest']}."


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--small", is_flag=True, help="Little of each, to see that it runs to its end.")
@click.option("--seconds", type=float, help="All in all  [default: 470; four times, if small].")
@click.option("--output", type=click.Path(path_type=Path), default=RESULTS, show_default=True)
def command(small: bool, seconds: float | None, output: Path) -> None:
    """What is asked of a GPU: bias, seconds, throughput, peers, and the same numbers as a CPU."""
    size = SMALL if small else FULL
    bench(size, seconds or size.patience * SECONDS, output)


def main(words: list[str] | None = None) -> NoReturn:
    """Exits with a status; bad input is one clear line."""
    run_and_exit(command, words, "bench_gpu", "the table has every finished step")


if __name__ == "__main__":
    main()
