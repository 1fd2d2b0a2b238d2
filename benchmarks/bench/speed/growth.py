"""How the time of a measurement grows with R, L, D and the number of cells: exponents, from rounds in one process."""

import math
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Float

from gradest.benchmarks.bench.speed.rounds import timed
from gradest.benchmarks.measurement.replicates import cell_key, measure
from gradest.benchmarks.statistics.intervals import Interval, median
from gradest.benchmarks.statistics.trends import fit_time
from gradest.benchmarks.sweeps.plan import Cell, resolve
from gradest.benchmarks.sweeps.run import run_sweep
from gradest.benchmarks.sweeps.schema import Sweep
from gradest.estimators import estimator
from gradest.problems import problem

ROUNDS = 6
"""The fewest whose range is a 95 % interval of their median."""

ESTIMATORS = ("score_function", "pathwise")
FACTORS = (1, 4, 16)


class Size(NamedTuple):
    """Of a measurement of a Gaussian toy: R·L is past a million from the smallest on."""

    replicates: int = 64_000
    num_samples: int = 16
    dim: int = 10


AXES = {"R": "replicates", "L": "num_samples", "D": "dim"}

CELLS = (5, 10, 20, 40)
CELL_REPLICATES, CELL_SAMPLES = 20_000, 16


def exponent(sizes: Float[np.ndarray, " n"], seconds: Float[np.ndarray, "rounds n"]) -> Interval:
    """The slope of ln(seconds) on ln(size): the median of the rounds' least squares, with its
    interval.

    >>> exponent([1, 2, 4], [[1, 2, 4], [2, 4, 8], [1, 4, 16]]).value
    1.0
    """
    x = np.log(np.asarray(sizes, float))
    x = x - x.mean()
    return median(np.log(np.asarray(seconds, float)) @ x / (x**2).sum())


def rows() -> Iterator[dict[str, Any]]:
    """A row of growth.csv for each axis and estimator."""
    for name in ESTIMATORS:
        yield from measurements(name)
    yield cells()


def measurements(name: str) -> Iterator[dict[str, Any]]:
    """Of one estimator: along R, along L, along both at once, and along D."""
    along = {axis: [scaled(axis, factor) for factor in FACTORS] for axis in AXES}
    along["R·L"] = [size for axis in ("R", "L") for size in along[axis]]
    sizes = list(dict.fromkeys(size for every in along.values() for size in every))
    seconds = in_rounds([measuring(name, size) for size in sizes])
    for axis, those in along.items():
        measured = [
            size.replicates * size.num_samples if axis == "R·L" else getattr(size, AXES[axis])
            for size in those
        ]
        yield row(axis, name, measured, seconds[:, [sizes.index(size) for size in those]])


def row(
    axis: str, name: str, sizes: list[int], seconds: Float[np.ndarray, "rounds n"]
) -> dict[str, Any]:
    """Of growth.csv."""
    found = exponent(np.array(sizes), seconds)
    line = fit_time(np.array(sizes), np.median(seconds, axis=0))
    assert line is not None
    return {
        "axis": axis,
        "estimator": name,
        "least": min(sizes),
        "most": max(sizes),
        "exponent": found.value,
        "exponent_low": found.low,
        "exponent_high": found.high,
        "seconds_least": float(np.median(seconds[:, np.argmin(sizes)])),
        "seconds_most": float(np.median(seconds[:, np.argmax(sizes)])),
        "seconds_fixed": line.fixed,
        "seconds_each": line.per_sample,
    }


def scaled(axis: str, factor: int) -> Size:
    """The smallest measurement, larger along one axis."""
    least = Size()
    return least._replace(**{AXES[axis]: factor * getattr(least, AXES[axis])})


def in_rounds(calls: list[Callable[[], Any]]) -> Float[np.ndarray, "rounds n"]:
    """Seconds of each call, all warm and made in turn, each round beginning with the next one."""
    for call in calls:
        call()
    seconds = np.full((ROUNDS, len(calls)), math.nan)
    for number in range(ROUNDS):
        for place in range(len(calls)):
            chosen = (number + place) % len(calls)
            seconds[number, chosen] = timed(calls[chosen])
    return seconds


def measuring(name: str, size: Size) -> Callable[[], Any]:
    """A measurement of this size, all that belongs to it included."""
    toy, one = problem("gaussian_square", dim=size.dim), estimator(name)
    params, key = (
        toy.init_params(jax.random.key(0)),
        cell_key(0, "growth", "init", size.num_samples),
    )

    def call() -> None:
        measure(
            toy,
            one,
            params,
            num_samples=size.num_samples,
            replicates=size.replicates,
            key=key,
            least_timed=0,
        )

    return call


def cells() -> dict[str, Any]:
    """Along the number of cells of a sweep, all of one program."""
    seconds = in_rounds([sweeping(count) for count in CELLS])
    return row("cells", "score_function", list(CELLS), seconds)


def sweeping(count: int) -> Callable[[], Any]:
    """A sweep of so many cells, into a new folder."""
    sweep = Sweep.model_validate(
        {
            "schema": 1,
            "name": "growth",
            "replicates": CELL_REPLICATES,
            "samples": [CELL_SAMPLES],
            "problem": [
                {"name": "gaussian_square", "k": [0.1 * number for number in range(count)]}
            ],
            "estimator": [{"name": "score_function"}],
        }
    )

    def call() -> None:
        with tempfile.TemporaryDirectory() as folder:
            run_sweep(resolve(sweep), Path(folder), Unheard())

    return call


class Unheard:
    """Progress that nobody is told of."""

    def start(self, missing: int) -> None:
        """Nothing."""

    def __call__(self, cell: Cell, status: str, seconds: float) -> None:
        """Nothing."""
