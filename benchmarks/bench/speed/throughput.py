"""Samples a second of every estimator, each as a share of what it cannot be faster than, timed in
the same rounds.

A toy's estimate is compared with its draws alone, and with the draws and evaluations of f that it
is said to cost. In a network it is compared with the value and gradient of f at as many fixed
draws, for as many replicates at a time (of the encoder, on which fixed draws do not depend, that
has only what enters the KL divergence).
"""

from collections.abc import Callable, Iterator
from functools import cache, partial
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Array, Float

from gradest.benchmarks.bench.speed.roofline import (
    draws_alone,
    f_alone,
    quickest,
    sampler_of,
    share,
)
from gradest.benchmarks.measurement import rounds
from gradest.benchmarks.measurement.replicates import cell_key, forget_programs
from gradest.benchmarks.measurement.rounds import Call, Contender, call_of, contender, interleaved
from gradest.benchmarks.runtime.configure import COMPILER, compiler_options, in_full_precision
from gradest.benchmarks.statistics.times import median
from gradest.estimators import Estimator, estimator
from gradest.problems import Problem, problem
from gradest.problems.base import Params

BENCHED_ESTIMATORS = {
    "score_function": estimator("score_function"),
    "score_function[mean]": estimator("score_function", baseline="mean"),
    "score_function[moving_average]": estimator("score_function", baseline="moving_average"),
    "score_function[leave_one_out]": estimator("score_function", baseline="leave_one_out"),
    "score_function[optimal]": estimator("score_function", baseline="optimal"),
    "pathwise": estimator("pathwise"),
    "measure_valued": estimator("measure_valued"),
    "gumbel_softmax": estimator("gumbel_softmax"),
    "straight_through_gumbel": estimator("straight_through_gumbel"),
    "straight_through": estimator("straight_through"),
}

CALLED_REPLICATES = 100_000
"""R of the measurement whose calls are timed: as many as its calls can be of the largest size."""

Seconds = dict[str, list[float]]
"""Of a unit of each contender, round by round."""

Shares = dict[str, Float[np.ndarray, " rounds"]]
"""A reference's time over ours, round by round, by the column that it goes into."""


class BenchCell(NamedTuple):
    """What is timed together: all estimators of a problem at a D and L."""

    problem: str
    dim: int
    num_samples: int


class TimedCell(NamedTuple):
    """A cell's estimators and their calls."""

    cell: BenchCell
    problem: Problem
    params: Params
    estimators: dict[str, Estimator]
    calls: dict[str, Call]


class References(NamedTuple):
    """What the estimators of one cell are compared with."""

    contenders: dict[str, Contender]
    shares: Callable[[str, Seconds], Shares]
    """From an estimator's label and the seconds of all contenders."""


def our_call(
    toy: Problem, candidate: Estimator, params: Params, num_samples: int, *, summed: bool = True
) -> Call:
    """A call exactly as a measurement of many replicates makes it.

    Args:
        toy: the problem.
        candidate: the estimator.
        params: θ.
        num_samples: L.
        summed: whether the sums of a measurement are in it, or the estimates alone.
    """
    return call_of(
        toy,
        candidate,
        params,
        cell_key(0, "rounds", "init", num_samples),
        num_samples=num_samples,
        replicates=CALLED_REPLICATES,
        summed=summed,
    )


@cache
def built(name: str, dim: int) -> tuple[Problem, Params]:
    """A benched problem at this D, and θ."""
    case = CASES[name]
    toy = problem(name, **{case.size: dim}, **case.arguments)
    return toy, toy.init_params(jax.random.key(0))


@cache
def evaluations_of_f(name: str, dim: int) -> dict[str, Contender]:
    """Calls of f alone: the same for every L."""
    return f_alone(*built(name, dim))


def against_roofline(timed: TimedCell) -> References:
    """The draws alone, and f alone."""
    drawing = draws_alone(sampler_of(timed.problem, timed.params))
    evaluating = evaluations_of_f(timed.cell.problem, timed.cell.dim)

    def shares(label: str, seconds: Seconds) -> Shares:
        candidate = timed.estimators[label]
        draws = candidate.draws(timed.problem, timed.cell.num_samples)
        evaluations = candidate.evaluations(timed.problem, timed.cell.num_samples).f
        roofline = draws * quickest(seconds, drawing)
        with_f = roofline + evaluations * quickest(seconds, evaluating)
        return {
            "of_floor": share(roofline, seconds[label]),
            "of_floor_with_f": share(with_f, seconds[label]),
        }

    return References(drawing | evaluating, shares)


def against_network(timed: TimedCell) -> References:
    """A forward and a backward pass, for each number of replicates that a call of ours makes."""
    references = {
        f"network {call.estimates}": contender(passes(timed, call.estimates), call.estimates)
        for call in timed.calls.values()
    }

    def shares(label: str, seconds: Seconds) -> Shares:
        reference = np.array(seconds[f"network {timed.calls[label].estimates}"])
        return {"of_network": share(reference, seconds[label])}

    return References(references, shares)


def passes(timed: TimedCell, replicates: int) -> Callable[[], Any]:
    """The value and gradient of the mean of f over L fixed draws, for all replicates at once."""
    q = timed.problem.distribution(timed.params)
    x = q.sample(jax.random.key(0), (replicates, timed.cell.num_samples))

    @partial(jax.jit, compiler_options=compiler_options(COMPILER))
    @in_full_precision
    def value_and_gradient(network: Problem, params: Params, x: Array) -> Any:
        def mean(params: Params, x: Float[Array, "L points dim"]) -> Float[Array, ""]:
            return network.objectives(params, x).mean(0).sum()

        return jax.vmap(jax.value_and_grad(mean), in_axes=(None, 0))(params, x)

    return partial(value_and_gradient, timed.problem, timed.params, x)


class Case(NamedTuple):
    """How a problem is benchmarked."""

    size: str
    """The argument that is D."""
    dims: tuple[int, ...]
    samples: tuple[int, ...]
    references: Callable[[TimedCell], References]
    arguments: dict[str, Any]
    """Its other arguments."""


DIMS, SAMPLES = (1, 10, 100), (1, 16, 256, 4096)
CASES = {
    "gaussian_square": Case("dim", DIMS, SAMPLES, against_roofline, {}),
    "bernoulli_square": Case("dim", DIMS, SAMPLES, against_roofline, {}),
    "vae_gaussian": Case("latent_dim", (8,), (1, 4, 16), against_network, {"num_images": 8}),
    "vae_bernoulli": Case("latent_dim", (8,), (1, 4, 16), against_network, {"num_images": 8}),
}


def fitting(cell: BenchCell, labels: tuple[str, ...]) -> dict[str, Estimator]:
    """Those of the estimators that take the cell's problem and L."""
    toy, _ = built(cell.problem, cell.dim)
    taken = {}
    for label in labels:
        candidate = BENCHED_ESTIMATORS[label]
        if not candidate.refuses(toy) and not candidate.refuses_samples(cell.num_samples):
            taken[label] = candidate
    return taken


def throughput_rows(
    cells: list[BenchCell], labels: tuple[str, ...]
) -> Iterator[list[dict[str, Any]]]:
    """For each cell a row of throughput.csv for each of those estimators that it takes."""
    for cell in cells:
        candidates = fitting(cell, labels)
        if not candidates:
            continue
        toy, params = built(cell.problem, cell.dim)
        calls = {
            label: our_call(toy, candidate, params, cell.num_samples)
            for label, candidate in candidates.items()
        }
        timed = TimedCell(cell, toy, params, candidates, calls)
        yield [cell._asdict() | row for row in compared(timed)]
        forget_programs()


def compared(timed: TimedCell) -> Iterator[dict[str, Any]]:
    """What was timed of each estimator: medians over the rounds, shares with their intervals."""
    references = CASES[timed.cell.problem].references(timed)
    ours = {label: contender(call.run, call.estimates) for label, call in timed.calls.items()}
    seconds, _ = interleaved(ours | references.contenders, rounds.ROUNDS, pause=rounds.PAUSE)
    for label, call in timed.calls.items():
        row = {
            "estimator": label,
            "replicates_per_call": call.estimates,
            "samples_per_second": timed.cell.num_samples / float(np.median(seconds[label])),
        }
        for column, ratios in references.shares(label, seconds).items():
            of_rounds = median(ratios)
            row[column] = of_rounds.value
            row[f"{column}_low"] = of_rounds.low
            row[f"{column}_high"] = of_rounds.high
        yield row
