"""`make bench`: the speed of every estimator as a ratio to the draws alone, interleaved in one run, medians of many.

The floor of a cell is the time of drawing the same count of the same normals (or logistics) in the fastest of several
shapes, and nothing else. (Measure-valued on one Bernoulli can be above: it draws nothing.) Only ratios within one run
mean anything: another run finds the machine in another mood.
"""

import math
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd

from benchmarks.measure import cell_key, flat, layout
from benchmarks.programs import COMPILER, block_moments
from benchmarks.run import use_compilation_cache
from benchmarks.store import make_folder
from estimators import ESTIMATORS, Estimator, estimator
from problems import Problem, problem

DRAWS = {"gaussian_square": jax.random.normal, "bernoulli_square": jax.random.logistic}
FLOORS = ((2**17,), (2**20,), (64, 2**11), (64, 2**14), (1024, 2**10))
"""Shapes in which the draws alone are timed: the fastest is the floor."""
DIMS, SAMPLES, REPEATS, REPLICATES = (1, 10, 100), (1, 16, 256), 7, 4_000


def floor(draw: Callable, shape: tuple[int, ...], key: jax.Array) -> jax.Array:
    """The sums over the last axis of so many draws: made, read once, and not kept."""
    return draw(key, shape).sum(-1)


def timed(call: Callable[[], object]) -> float:
    """Seconds until the result is there."""
    begun = time.perf_counter()
    jax.block_until_ready(call())
    return time.perf_counter() - begun


def contenders(toy: Problem) -> dict[str, Estimator]:
    """The estimators that fit, the score function with and without its cheapest good baseline."""
    found = {name: estimator(name) for name in ESTIMATORS}
    found["score_function[leave_one_out]"] = estimator("score_function", baseline="leave_one_out")
    return {name: candidate for name, candidate in found.items() if not candidate.supports(toy)}


def bench_cell(name: str, dim: int, num_samples: int) -> list[dict]:
    """One problem at one D and L: every estimator and the floor in turn, so many times."""
    toy = problem(name, dim=dim)
    params = toy.init_params(jax.random.key(0))
    key = cell_key(0, name, "init", num_samples)
    center = {group: jnp.zeros_like(flat(leaf)) for group, leaf in params.items()}
    calls: dict[str, tuple[Callable[[], object], float]] = {}
    for label, candidate in contenders(toy).items():
        if candidate.refuses_samples(num_samples):
            continue
        _, block = layout(toy, candidate, params, num_samples, 1, REPLICATES)
        states = jax.tree.map(lambda leaf: leaf[None], candidate.init(toy, params, key))
        arguments = (toy, candidate, params, states, key, np.zeros(1, np.uint32), np.uint32(1), center)
        calls[label] = (partial(block_moments, *arguments, num_samples=num_samples, block=block), block)
    for shape in FLOORS:
        draw = jax.jit(partial(floor, DRAWS[name], shape), compiler_options=COMPILER)
        calls[f"floor {shape}"] = (partial(draw, key), math.prod(shape) / (num_samples * dim))
    for call, _ in calls.values():
        timed(call)
    seconds: dict[str, list[float]] = {label: [] for label in calls}
    for _ in range(REPEATS):
        for label, (call, estimates) in calls.items():
            seconds[label].append(timed(call) / estimates)
    median = {label: float(np.median(times)) for label, times in seconds.items()}
    fastest = min(median.pop(f"floor {shape}") for shape in FLOORS)
    return [
        {
            "problem": name,
            "dim": dim,
            "num_samples": num_samples,
            "estimator": label,
            "microseconds": median[label] * 1e6,
            "of_floor": fastest / median[label],
        }
        for label in median
    ]


def main() -> None:
    """Prints the table and writes results/bench/bench.csv."""
    use_compilation_cache()
    rows = [row for name in DRAWS for dim in DIMS for samples in SAMPLES for row in bench_cell(name, dim, samples)]
    table = pd.DataFrame(rows)
    folder = Path("results/bench")
    make_folder(folder)
    table.to_csv(folder / "bench.csv", index=False)
    wide = table.pivot_table(index=["problem", "dim", "num_samples"], columns="estimator", values="of_floor")
    print("throughput as a fraction of the draws alone (1 = as fast as the random numbers)")
    print(wide.to_string(float_format="{:.2f}".format, na_rep="–"))


if __name__ == "__main__":
    main()
