"""Whole runs of `gradest`: the presets' seconds, and how much memory runs take.

Each is a process of its own, which itself says its peak of memory when it ends. Asked of its parent
the peak would be that of the parent, where this is the larger: Linux hands it on.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from gradest.benchmarks.errors import GradestError
from gradest.benchmarks.presets import preset_names
from gradest.benchmarks.runtime.processes import start

RUN_REPLICATES = (10_000, 100_000, 1_000_000, 10_000_000)
RUN_ESTIMATORS = ("score_function", "pathwise")

SWEEP = """\
schema = 1
name = "memory"
replicates = {replicates}
samples = [1]
problem = [{{name = "gaussian_square", dim = 10}}]
estimator = [{{name = "{estimator}"}}]
"""

DEFAULT = "default"

PEAK = "peak memory in MiB: "
"""Begins the last line on stderr of a process that is run here."""


class CommandRun(NamedTuple):
    """What is known of a command that ended well."""

    seconds: float
    peak_mib: float
    out: str


def run_command(*words: str, cache: Path) -> CommandRun:
    """Runs a command of gradest in a process of its own.

    Args:
        words: the command and its arguments.
        cache: the folder of its cache.

    Raises:
        GradestError: it ended with another status than 0.
    """
    begun = time.perf_counter()
    process = start(
        __name__,
        *words,
        settings={"GRADEST_CACHE": str(cache)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    out, err = process.communicate()
    seconds = time.perf_counter() - begun
    *lines, last = err.splitlines() or [""]
    is_whole = last.startswith(PEAK)
    if process.returncode or not is_whole:
        reason = lines[-1] if lines and is_whole else last
        raise GradestError(
            f"gradest {' '.join(words)} ended with status {process.returncode}: {reason}"
        )
    return CommandRun(seconds, float(last.removeprefix(PEAK)), out)


def peak_mib() -> float:
    """The most memory that this process has had, in MiB."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 2**10
    except (OSError, StopIteration):  # no Linux
        size = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return size / (2**20 if sys.platform == "darwin" else 2**10)


def default_rows() -> Iterator[dict[str, Any]]:
    """A row of default.csv for each run of the `default` sweep: one with no cache, two warm."""
    with tempfile.TemporaryDirectory() as name:
        top = Path(name)
        for number, state in enumerate(("cold", "warm", "warm")):
            yield {"cache": state} | run_preset(DEFAULT, top / f"run{number}", top / "cache")


def run_preset(preset: str, folder: Path, cache: Path) -> dict[str, Any]:
    """Runs a preset into a new folder; gives its seconds and its peak of memory."""
    ran = run_command("run", preset, "--json", "-o", str(folder), cache=cache)
    return {
        "seconds": ran.seconds,
        "measuring_seconds": json.loads(ran.out)["seconds"],
        "peak_mib": ran.peak_mib,
    }


def memory_rows() -> Iterator[dict[str, Any]]:
    """A row of memory.csv for each R and estimator, and for each preset but `default`."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        cache = folder / "cache"
        for estimator in RUN_ESTIMATORS:
            for replicates in RUN_REPLICATES:
                yield memory_row(estimator, replicates, folder, cache)
        for preset in preset_names():
            if preset != DEFAULT:
                ran = run_preset(preset, folder / preset, cache)
                yield {"run": preset, "peak_mib": ran["peak_mib"], "seconds": ran["seconds"]}


def memory_row(estimator: str, replicates: int, folder: Path, cache: Path) -> dict[str, Any]:
    """The row of one R and estimator."""
    sweep = folder / f"{estimator}_{replicates}.toml"
    sweep.write_text(SWEEP.format(replicates=replicates, estimator=estimator), encoding="utf-8")
    ran = run_command("run", str(sweep), "-o", str(folder / sweep.stem), cache=cache)
    return {
        "run": f"Gaussian square, D = 10, L = 1, {estimator}",
        "replicates": replicates,
        "peak_mib": ran.peak_mib,
        "seconds": ran.seconds,
    }


if __name__ == "__main__":
    from gradest.benchmarks.cli.main import main

    try:
        main()
    finally:
        print(f"{PEAK}{peak_mib():.1f}", file=sys.stderr)
