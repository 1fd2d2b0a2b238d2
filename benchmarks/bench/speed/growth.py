"""How the time of a measurement grows with R, L, D and the number of cells: exponents."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Float

from gradest.benchmarks.cells.cell import Cell
from gradest.benchmarks.measurement.replicates import cell_key, measure
from gradest.benchmarks.measurement.rounds import Call, interleaved
from gradest.benchmarks.statistics.intervals import Interval
from gradest.benchmarks.statistics.times import fit_time, median
from gradest.benchmarks.sweeps.plan import resolve
from gradest.benchmarks.sweeps.run import run_sweep
from gradest.benchmarks.sweeps.schema import Sweep
from gradest.estimators import estimator
from gradest.problems import problem

ROUNDS = 6
"""The fewest whose range is a 95 % interval of their median."""

GROWING_ESTIMATORS = ("score_function", "pathwise")
FACTORS = (1, 4, 16)


class Size(NamedTuple):
    """Of a measurement of a Gaussian toy: R·L is past a million from the smallest on."""

    replicates: int = 64_000
    num_samples: int = 16
    dim: int = 10


AXES: dict[str, Callable[[Size], int]] = {
    "R": lambda size: size.replicates,
    "L": lambda size: size.num_samples,
    "D": lambda size: size.dim,
    "R·L": lambda size: size.replicates * size.num_samples,
}
"""What a measurement's time is to grow with."""


def larger(field: str) -> list[Size]:
    """The smallest measurement, and those with one of its sizes multiplied."""
    least = Size()
    return [least._replace(**{field: factor * getattr(least, field)}) for factor in FACTORS]


ALONG_R = larger("replicates")
ALONG_L = larger("num_samples")
ALONG_D = larger("dim")
ALONG = {"R": ALONG_R, "L": ALONG_L, "D": ALONG_D, "R·L": ALONG_R + ALONG_L}
"""The measurements along each axis."""

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


def growth_rows() -> Iterator[dict[str, Any]]:
    """A row of growth.csv for each axis and estimator."""
    for name in GROWING_ESTIMATORS:
        yield from measurement_rows(name)
    yield cells_row()


def measurement_rows(name: str) -> Iterator[dict[str, Any]]:
    """The rows of one estimator: along R, along L, along D, and along R and L at once."""
    sizes = list(dict.fromkeys(size for along in ALONG.values() for size in along))
    seconds = in_rounds([measuring(name, size) for size in sizes])
    seconds_of = dict(zip(sizes, seconds.T, strict=True))
    for axis, along in ALONG.items():
        measured = [AXES[axis](size) for size in along]
        yield row(axis, name, measured, np.stack([seconds_of[size] for size in along], axis=1))


def row(
    axis: str, name: str, sizes: Sequence[int], seconds: Float[np.ndarray, "rounds n"]
) -> dict[str, Any]:
    """One row of growth.csv.

    Args:
        axis: what grows.
        name: the estimator.
        sizes: what it grows to.
        seconds: of each size, round by round.
    """
    slope = exponent(np.array(sizes), seconds)
    line = fit_time(np.array(sizes), np.median(seconds, axis=0))
    assert line is not None
    return {
        "axis": axis,
        "estimator": name,
        "least": min(sizes),
        "most": max(sizes),
        "exponent": slope.value,
        "exponent_low": slope.low,
        "exponent_high": slope.high,
        "seconds_least": float(np.median(seconds[:, np.argmin(sizes)])),
        "seconds_most": float(np.median(seconds[:, np.argmax(sizes)])),
        "seconds_fixed": line.fixed,
        "seconds_each": line.per_sample,
    }


def in_rounds(calls: Sequence[Callable[[], Any]]) -> Float[np.ndarray, "rounds n"]:
    """Seconds of each call, warm, in rounds."""
    for call in calls:
        call()
    timeable = {str(place): Call(call, 1) for place, call in enumerate(calls)}
    seconds, _ = interleaved(timeable, ROUNDS)
    return np.array(list(seconds.values())).T


def measuring(name: str, size: Size) -> Callable[[], Any]:
    """A measurement of this size, all that belongs to it included."""
    toy = problem("gaussian_square", dim=size.dim)
    candidate = estimator(name)
    params = toy.init_params(jax.random.key(0))
    key = cell_key(0, "growth", "init", size.num_samples)

    def call() -> None:
        measure(
            toy,
            candidate,
            params,
            num_samples=size.num_samples,
            replicates=size.replicates,
            key=key,
            least_timed=0,
        )

    return call


def cells_row() -> dict[str, Any]:
    """The row along the number of cells of a sweep, all of one program."""
    seconds = in_rounds([sweeping(count) for count in CELLS])
    return row("cells", "score_function", CELLS, seconds)


def sweeping(count: int) -> Callable[[], Any]:
    """A sweep of so many cells, into a new folder."""
    ks = [0.1 * number for number in range(count)]
    sweep = Sweep.model_validate(
        {
            "schema": 1,
            "name": "growth",
            "replicates": CELL_REPLICATES,
            "samples": [CELL_SAMPLES],
            "problem": [{"name": "gaussian_square", "k": ks}],
            "estimator": [{"name": "score_function"}],
        }
    )

    def call() -> None:
        with tempfile.TemporaryDirectory() as folder:
            run_sweep(resolve(sweep), Path(folder), Silent())

    return call


class Silent:
    """Progress that is not shown."""

    def start(self, missing: int) -> None:
        """Takes how many cells there are to measure."""

    def __call__(self, cell: Cell, status: str, seconds: float) -> None:
        """Takes how one of them went."""
