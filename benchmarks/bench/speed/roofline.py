"""What a toy's estimate cannot be faster than: drawing its random numbers, and f at as many points.

How many numbers an estimate is made of is what its estimator states (`draws`), and a check counts.
They are drawn here by the sampler that x of the problem is made with, whatever the estimator makes
of them: a random number costs its word of random bits and the transformation of it.
"""

import math
from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from gradest.benchmarks.measurement.rounds import Contender, contender
from gradest.benchmarks.runtime.configure import COMPILER, compiler_options
from gradest.benchmarks.runtime.devices import calls_ahead
from gradest.estimators.sampling.couplings import made_of_noise
from gradest.problems.base import Params, Problem
from gradest.problems.distributions.coordinates import base

Sampler = Callable[..., Array]
"""One of jax.random's."""

SHAPES = ((2**17,), (2**19,), (2**20,), (64, 2**14), (1024, 2**10))
"""In which a sampler is tried."""

KEYED = ((2**10, 2**10), (2**12, 2**8))
"""Keys, and numbers from each, with which it is tried too."""

POINTS = (2**15, 2**17, 2**19)
"""Numbers in the stored points at which f is tried."""

LARGE_SHAPES = ((2**24,), (2**26,), (2**28,), (2**14, 2**14))
LARGE_KEYED = ((2**16, 2**10), (2**20, 2**6))
LARGE_POINTS = (2**22, 2**25, 2**28)
"""Those that an accelerator is tried in too: in the others it mostly waits."""

USES: dict[str, Callable[[Array], Array]] = {
    "kept": lambda made: made,
    "summed": lambda made: made.sum(-1),
}
"""What is done with what was made: both are tried, since one stores and the other reads."""

FASTEST = 2
"""So many of all shapes and uses, the fastest in a few timings, are timed in the rounds."""

FIRST_TIMINGS = 3


def sampler_of(problem: Problem, params: Params) -> Sampler:
    """The sampler of the noise that x is made of."""
    return made_of_noise(base(problem.distribution(params))).sampler


@cache
def draws_alone(sampler: Sampler) -> dict[str, Contender]:
    """Calls that draw and do nothing else, in the fastest shapes, timed by the number."""
    name = sampler.__name__
    key = jax.random.key(0)
    calls = {}
    large = calls_ahead() > 0
    for use_name, use in USES.items():
        for shape in SHAPES + LARGE_SHAPES * large:
            draw = partial(sampler, shape=shape, dtype=jnp.float32)
            calls[f"{name} {shape} {use_name}"] = compiled(draw, use, key), math.prod(shape)
        for number, count in KEYED + LARGE_KEYED * large:
            keys = jax.random.split(key, number)
            draw = jax.vmap(partial(sampler, shape=(count,), dtype=jnp.float32))
            calls[f"{name} {number} keys {use_name}"] = compiled(draw, use, keys), number * count
    return fastest(calls)


def compiled(
    draw: Callable[[Array], Array], use: Callable[[Array], Array], keys: Array
) -> Callable[[], Array]:
    """A call that draws from the keys and uses what was drawn."""
    options = compiler_options(COMPILER)
    return partial(jax.jit(lambda keys: use(draw(keys)), compiler_options=options), keys)


def f_alone(problem: Problem, params: Params) -> dict[str, Contender]:
    """Calls of f at stored points, in the fastest shapes, timed by the evaluation."""
    (dim,) = problem.abstract_distribution().event_shape
    calls = {}
    for size in POINTS + LARGE_POINTS * (calls_ahead() > 0):
        points = max(1, size // dim)
        x = jax.random.uniform(jax.random.key(0), (points, dim))
        for use_name, use in USES.items():
            by_point = evaluation(problem, params, x, use, transposed=False)
            by_coordinate = evaluation(problem, params, x.T.copy(), use, transposed=True)
            calls[f"f {points} by point {use_name}"] = by_point, points
            calls[f"f {points} by coordinate {use_name}"] = by_coordinate, points
    return fastest(calls)


def evaluation(
    problem: Problem,
    params: Params,
    stored: Float[Array, "_ _"],
    use: Callable[[Array], Array],
    *,
    transposed: bool,
) -> Callable[[], Array]:
    """A call that evaluates f at stored points, and uses its values."""

    @partial(jax.jit, compiler_options=compiler_options(COMPILER))
    def evaluate(problem: Problem, params: Params, stored: Array) -> Array:
        return use(problem.objectives(params, stored.T if transposed else stored))

    return partial(evaluate, problem, params, stored)


def fastest(calls: Mapping[str, tuple[Callable[[], Any], int]]) -> dict[str, Contender]:
    """Those calls, each with the number of its units, that are the fastest in a few timings."""
    contenders = {name: contender(call, units) for name, (call, units) in calls.items()}
    seconds = {
        name: min(candidate.seconds() for _ in range(FIRST_TIMINGS))
        for name, candidate in contenders.items()
    }
    names = sorted(seconds, key=seconds.__getitem__)[:FASTEST]
    return {name: contenders[name] for name in names}


def quickest(
    seconds: Mapping[str, list[float]], names: Mapping[str, Any]
) -> Float[np.ndarray, " rounds"]:
    """Round by round, the seconds of the one of `names` whose median is the least."""
    return np.array(min((seconds[name] for name in names), key=np.median))


def share(
    reference: Float[np.ndarray, " rounds"], ours: list[float]
) -> Float[np.ndarray, " rounds"]:
    """How many times the reference's time goes into ours, round by round.

    It is not a number where the reference takes no time: what draws nothing has no roofline.
    """
    return np.where(reference > 0, reference, np.nan) / np.asarray(ours)
