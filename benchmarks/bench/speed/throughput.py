"""Samples a second of every estimator, each as a share of what it cannot be faster than, timed in
the same rounds.

A toy's estimate is compared with the draws alone and with the draws and evaluations of f that it is
said to cost. In a network it is compared with the value and gradient of f at as many fixed draws,
for as many replicates at a time (of the encoder, on which fixed draws do not depend, that has only
what enters the KL divergence).
"""

from collections.abc import Callable, Iterator
from functools import cache, partial
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Array, Float

from gradest.benchmarks.bench.speed.floor import (
    drawn,
    draws_alone,
    f_alone,
    floor_seconds,
    needed,
    quickest,
    share,
)
from gradest.benchmarks.bench.speed.rounds import Contender, contender, interleaved, our_call
from gradest.benchmarks.measurement.programs import COMPILER
from gradest.benchmarks.measurement.replicates import forget_programs
from gradest.benchmarks.measurement.rounds import Call
from gradest.benchmarks.statistics.intervals import median
from gradest.estimators import Estimator, estimator
from gradest.problems import Problem, problem
from gradest.problems.base import Params

BASELINES = ("none", "mean", "moving_average", "leave_one_out", "optimal")
ESTIMATORS = {
    **{
        f"score_function[{name}]" if name != "none" else "score_function": estimator(
            "score_function", baseline=name
        )
        for name in BASELINES
    },
    **{
        name: estimator(name)
        for name in (
            "pathwise",
            "measure_valued",
            "gumbel_softmax",
            "straight_through_gumbel",
            "straight_through",
        )
    },
}

Shares = dict[str, Float[np.ndarray, " rounds"]]
"""A reference's time over ours, round by round, by the column that it goes into."""


class References(NamedTuple):
    """What the estimators of one problem, D and L are compared with."""

    contenders: dict[str, Contender]
    shares: Callable[[str, dict[str, list[float]]], Shares]
    """From an estimator's label and the seconds of all contenders."""


Cell = tuple[str, int, int]
"""A problem, D and L."""


class Setting(NamedTuple):
    """A cell, its estimators, and the calls of these."""

    cell: Cell
    problem: Problem
    params: Params
    estimators: dict[str, Estimator]
    calls: dict[str, Call]


def made(name: str, dim: int) -> tuple[Problem, Params]:
    """The problem at this D, and θ."""
    case = CASES[name]
    built = problem(name, **{case.size: dim}, **case.given)
    return built, built.init_params(jax.random.key(0))


@cache
def draws_that_count(name: str, dim: int, label: str) -> list[bool]:
    """See `needed`: the same for every L."""
    toy, params = made(name, dim)
    return needed(toy, ESTIMATORS[label], params)


@cache
def evaluations_of_f(name: str, dim: int) -> dict[str, Contender]:
    """See `f_alone`: the same for every L."""
    return f_alone(*made(name, dim))


def alone(setting: Setting) -> References:
    """The draws, and f."""
    name, dim, num_samples = setting.cell
    counts = {
        label: drawn(
            setting.problem, one, setting.params, num_samples, draws_that_count(name, dim, label)
        )
        for label, one in setting.estimators.items()
    }
    samplers = {
        name: draws_alone(name)
        for name in sorted({name for count in counts.values() for name in count})
    }
    evaluations = evaluations_of_f(name, dim)

    def shares(label: str, seconds: dict[str, list[float]]) -> Shares:
        rates = {name: quickest(seconds, shapes) for name, shapes in samplers.items()}
        floor = floor_seconds(counts[label], rates)
        f = setting.estimators[label].evaluations(setting.problem, num_samples).f * quickest(
            seconds, evaluations
        )
        return {
            "of_floor": share(floor, seconds[label]),
            "of_floor_with_f": share(floor + f, seconds[label]),
        }

    return References(
        {name: one for shapes in (*samplers.values(), evaluations) for name, one in shapes.items()},
        shares,
    )


def network(setting: Setting) -> References:
    """A forward and a backward pass of the network, for each number of replicates that a call of ours makes."""
    references = {
        f"network {call.estimates}": contender(passes(setting, call.estimates), call.estimates)
        for call in setting.calls.values()
    }

    def shares(label: str, seconds: dict[str, list[float]]) -> Shares:
        reference = np.array(seconds[f"network {setting.calls[label].estimates}"])
        return {"of_network": share(reference, seconds[label])}

    return References(references, shares)


def passes(setting: Setting, replicates: int) -> Callable[[], Any]:
    """The value and the gradient of the mean of f over L fixed draws, for so many replicates at once."""
    q = setting.problem.distribution(setting.params)
    x = q.sample(jax.random.key(0), (replicates, setting.cell[-1]))

    @partial(jax.jit, compiler_options=COMPILER)
    def both(problem: Problem, params: Params, x: Array) -> Any:
        def mean(params: Params, x: Float[Array, "L points dim"]) -> Float[Array, ""]:
            return problem.objectives(params, x).mean(0).sum()

        return jax.vmap(jax.value_and_grad(mean), in_axes=(None, 0))(params, x)

    return partial(both, setting.problem, setting.params, x)


class Case(NamedTuple):
    """How a problem is benchmarked."""

    size: str
    """The argument that is D."""
    dims: tuple[int, ...]
    samples: tuple[int, ...]
    references: Callable[[Setting], References]
    given: dict[str, Any]
    """Its other arguments."""


DIMS, SAMPLES = (1, 10, 100), (1, 16, 256, 4096)
CASES = {
    "gaussian_square": Case("dim", DIMS, SAMPLES, alone, {}),
    "bernoulli_square": Case("dim", DIMS, SAMPLES, alone, {}),
    "vae_gaussian": Case("latent_dim", (8,), (1, 4, 16), network, {"num_images": 8}),
    "vae_bernoulli": Case("latent_dim", (8,), (1, 4, 16), network, {"num_images": 8}),
}


def fitting(cell: Cell, labels: tuple[str, ...]) -> dict[str, Estimator]:
    """Those of the estimators that fit the cell's problem and L."""
    name, dim, num_samples = cell
    toy, _ = made(name, dim)
    every = {label: ESTIMATORS[label] for label in labels}
    return {
        k: one
        for k, one in every.items()
        if not one.refuses(toy) and not one.refuses_samples(num_samples)
    }


def rows(cells: list[Cell], labels: tuple[str, ...]) -> Iterator[list[dict[str, Any]]]:
    """For each cell a row of throughput.csv for each of those estimators that fit."""
    for cell in cells:
        name, dim, num_samples = cell
        toy, params = made(name, dim)
        if fit := fitting(cell, labels):
            calls = {label: our_call(toy, one, params, num_samples) for label, one in fit.items()}
            shared = {"problem": name, "dim": dim, "num_samples": num_samples}
            yield [shared | row for row in compared(Setting(cell, toy, params, fit, calls))]
            forget_programs()


def compared(setting: Setting) -> Iterator[dict[str, Any]]:
    """What was timed of each estimator: medians over the rounds, those of a share with their intervals."""
    name, _, num_samples = setting.cell
    references = CASES[name].references(setting)
    ours = {label: contender(*call) for label, call in setting.calls.items()}
    seconds, _ = interleaved(ours | references.contenders)
    for label in ours:
        row = {"estimator": label, "replicates_per_call": setting.calls[label].estimates}
        row["samples_per_second"] = num_samples / float(np.median(seconds[label]))
        for column, values in references.shares(label, seconds).items():
            found = median(values)
            row |= {column: found.value, f"{column}_low": found.low, f"{column}_high": found.high}
        yield row
