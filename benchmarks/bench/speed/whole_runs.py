"""Whole runs of `gradest`, each in a process of its own: the presets' seconds, and how much memory runs take."""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gradest.benchmarks.bench.speed.own_process import Ran, run_command
from gradest.benchmarks.sweeps.schema import preset_names

REPLICATES = (10_000, 100_000, 1_000_000, 10_000_000)
ESTIMATORS = ("score_function", "pathwise")

SWEEP = """\
schema = 1
name = "memory"
replicates = {replicates}
samples = [1]
problem = [{{name = "gaussian_square", dim = 10}}]
estimator = [{{name = "{estimator}"}}]
"""

DEFAULT = "default"


def default_rows() -> Iterator[dict[str, Any]]:
    """A row of default.csv for each run of the `default` sweep: with an empty cache, then twice with what is there."""
    with tempfile.TemporaryDirectory() as name:
        for number, state in enumerate(("cold", "warm", "warm")):
            yield {"cache": state} | preset(
                DEFAULT, Path(name) / f"run{number}", Path(name) / "cache"
            )


def preset(name: str, folder: Path, cache: Path) -> dict[str, Any]:
    """A preset is run into a new folder."""
    ran = run_command("run", name, "--json", "-o", str(folder), cache=cache)
    return {
        "seconds": ran.seconds,
        "measuring_seconds": json.loads(ran.out)["seconds"],
        "peak_mib": ran.peak_mib,
    }


def memory_rows() -> Iterator[dict[str, Any]]:
    """A row of memory.csv for each R and estimator, and for each preset but `default`, which has a table of its own."""
    with tempfile.TemporaryDirectory() as name:
        folder, cache = Path(name), Path(name) / "cache"
        for estimator in ESTIMATORS:
            for replicates in REPLICATES:
                sweep = folder / f"{estimator}_{replicates}.toml"
                sweep.write_text(
                    SWEEP.format(replicates=replicates, estimator=estimator), encoding="utf-8"
                )
                ran: Ran = run_command(
                    "run", str(sweep), "-o", str(folder / sweep.stem), cache=cache
                )
                yield {
                    "run": f"Gaussian square, D = 10, L = 1, {estimator}",
                    "replicates": replicates,
                    "peak_mib": ran.peak_mib,
                    "seconds": ran.seconds,
                }
        for other in preset_names():
            if other != DEFAULT:
                found = preset(other, folder / other, cache)
                yield {"run": other, "peak_mib": found["peak_mib"], "seconds": found["seconds"]}
