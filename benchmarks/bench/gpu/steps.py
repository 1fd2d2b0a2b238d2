"""The steps of the bench on a GPU: each is a command in a process of its own, with its limit.

So each has all of the device's memory, and one that fails or takes too long costs no other.
"""

import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

from gradest.benchmarks.bench.gpu import measure
from gradest.benchmarks.bench.speed import whole_runs
from gradest.benchmarks.runtime.processes import start

GRADEST = whole_runs.__name__
"""The module by which a command of gradest is run."""

MEASURE = measure.__name__
"""That by which a sweep is measured, and nothing drawn."""

NETWORK = """\
schema = 1
name = "network"
replicates = {replicates}
samples = [1, {most}]
problem = [{{name = "vae_bernoulli", num_images = {images}}}]

[[estimator]]
name = "score_function"
baseline = ["none", "leave_one_out"]

[[estimator]]
name = "gumbel_softmax"
"""
"""Where the products of a network in fewer digits made an unbiased gradient look biased."""

CELLS = """\
schema = 1
name = "cells"
replicates = {replicates}
samples = {levels}

[[problem]]
name = ["gaussian_square", "bernoulli_square"]
dim = 10

[[problem]]
name = ["vae_gaussian", "vae_bernoulli"]
num_images = {images}
replicates = 250

[[estimator]]
name = "score_function"
baseline = {baselines}

[[estimator]]
name = ["pathwise", "gumbel_softmax"]
"""
"""What is measured on both kinds of device, and compared."""


class Size(NamedTuple):
    """How much is measured."""

    network: dict[str, int]
    """What NETWORK is filled with."""
    cells: dict[str, Any]
    """What CELLS is filled with."""
    preset: str
    """What is run with an empty cache, and again."""
    levels: tuple[int, ...]
    """L at which throughput is measured."""
    peers: tuple[str, ...]
    labels: tuple[str, ...]
    """The estimators that are compared with peers."""
    patience: int = 1
    """Times as long as on a GPU that a step may take."""


FULL = Size(
    {"replicates": 2_000, "most": 64, "images": 64},
    {
        "replicates": 20_000,
        "levels": [1, 16],
        "images": 8,
        "baselines": ["none", "leave_one_out", "mean"],
    },
    "default",
    (1, 16, 256),
    ("torch_batched", "jax_batched"),
    ("pathwise", "score_function"),
)
SMALL = Size(
    {"replicates": 40, "most": 2, "images": 2},
    {"replicates": 100, "levels": [2], "images": 2, "baselines": ["mean"]},
    "quick",
    (1,),
    ("torch_batched", "jax_batched"),
    ("pathwise",),
    patience=4,
)


class Step(NamedTuple):
    """A command."""

    name: str
    module: str
    words: tuple[str, ...]
    seconds: int
    """After which it is stopped."""
    settings: dict[str, str] = {}  # noqa: RUF012 (nobody changes it)
    """Variables of its environment."""


class Ended(NamedTuple):
    """How a step went."""

    name: str
    seconds: float
    status: str
    """Empty where all went well."""


def steps(size: Size, folder: Path) -> list[Step]:
    """What is run, the most wanted first.

    Args:
        size: how much.
        folder: what the steps write into; their sweeps are written there now.
    """
    network, cells = folder / "network.toml", folder / "cells.toml"
    network.write_text(NETWORK.format(**size.network), encoding="utf-8")
    cells.write_text(CELLS.format(**size.cells), encoding="utf-8")
    cached = {"GRADEST_CACHE": str(folder / "cache")}
    on_cpu = {"JAX_PLATFORMS": "cpu", "CUDA_VISIBLE_DEVICES": ""}
    peer_words = several("--peer", size.peers) + several("--estimator", size.labels)
    levels = several("--num-samples", size.levels)

    def measured(name: str, sweep: Path, seconds: int, **settings: str) -> Step:
        own = {"GRADEST_CACHE": str(folder / "programs")}
        return Step(name, MEASURE, (str(sweep), str(folder / name)), seconds, own | settings)

    def run(name: str, seconds: int) -> Step:
        words = ("run", size.preset, "-o", str(folder / name))
        return Step(name, GRADEST, words, seconds, cached)

    compared = ("compare", str(folder / "here"), str(folder / "on_cpu"), "--json")
    peers = ("--only", "gaussian_square", "--dim", "10", *levels, *peer_words)
    toys = ("--only", "throughput", "--problem", "gaussian_square", "--dim", "10", *levels)
    asked = [
        measured("network", network, 60),
        measured("here", cells, 60),
        measured("on_cpu", cells, 60, **on_cpu),
        Step("agreement", GRADEST, compared, 30, on_cpu),
        run("cold", 150),
        run("warm", 90),
        Step(
            "throughput",
            "gradest.benchmarks.bench.speed",
            (*toys, *several("--estimator", size.labels), "--output", str(folder)),
            120,
        ),
        Step(
            "peers",
            "gradest.benchmarks.bench.peers",
            (*peers, "--python", sys.executable, "--output", str(folder)),
            150,
        ),
    ]
    return [step._replace(seconds=size.patience * step.seconds) for step in asked]


def several(option: str, values: tuple) -> tuple[str, ...]:
    """An option given once for each value.

    >>> several("--dim", (1, 10))
    ('--dim', '1', '--dim', '10')
    """
    return tuple(word for value in values for word in (option, str(value)))


def taken(step: Step, folder: Path, left: float) -> Ended:
    """Takes a step, its output into files that are called after it.

    Args:
        step: what is run.
        folder: of the files.
        left: seconds that the whole bench has yet.
    """
    limit = min(step.seconds, left)
    begun = time.perf_counter()
    out, err = folder / f"{step.name}.out", folder / f"{step.name}.err"
    if limit <= 0:
        return Ended(step.name, 0.0, "no time was left")
    with out.open("w") as stdout, err.open("w") as stderr:
        process = start(
            step.module, *step.words, settings=step.settings, stdout=stdout, stderr=stderr
        )
        try:
            status = process.wait(limit)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            return Ended(step.name, limit, f"stopped after {limit:.0f} s")
        except BaseException:
            process.kill()
            raise
    seconds = time.perf_counter() - begun
    if not status:
        return Ended(step.name, seconds, "")
    lines = [line for line in err.read_text().splitlines() if not line.startswith(whole_runs.PEAK)]
    return Ended(step.name, seconds, f"status {status}: {(lines or ['it said nothing'])[-1]}")
