"""What an estimate cannot be faster than: its random numbers alone, and f at as many points as it
needs.

What is drawn is read off the estimate itself: it is traced once, and every draw kept by `stored`
stands in the trace as one equation round one of jax.random's samplers. A draw that the estimate
does not depend on (x itself, where the measure-valued gradient replaces the only coordinate) is
none: the compiler drops it.
"""

import math
import re
from collections import Counter
from collections.abc import Callable
from functools import cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend import core
from jaxtyping import Array, Float

from gradest.benchmarks.bench.speed.rounds import Contender, contender
from gradest.benchmarks.measurement.programs import COMPILER
from gradest.estimators.base import Estimator
from gradest.problems.base import Params, Problem

SAMPLERS: dict[str, Callable[..., Array]] = {
    "normal": jax.random.normal,
    "uniform": jax.random.uniform,
    "logistic": jax.random.logistic,
    "rademacher": jax.random.rademacher,
}

SHAPES = ((2**17,), (2**19,), (2**20,), (64, 2**14), (1024, 2**10))
"""In which a sampler is tried."""

KEYED = ((2**10, 2**10), (2**12, 2**8))
"""Keys, and numbers from each, with which it is tried too."""

KEPT = ("cond", "custom_vmap_call")
"""What a draw that is kept looks like in a trace: with a derivative taken past it, or without."""

POINTS = (2**15, 2**17, 2**19)
"""Numbers in the stored points at which f is tried."""

USES: dict[str, Callable[[Array], Array]] = {
    "kept": lambda made: made,
    "summed": lambda made: made.sum(-1),
}
"""What is done with what was made: both are tried, since one stores and the other reads."""

FASTEST = 2
"""So many of all shapes and uses, the fastest at a first look, are timed in the rounds."""

FEW = 8
"""Samples of the estimate of which is found out what it depends on."""


def drawn(
    problem: Problem, estimator: Estimator, params: Params, num_samples: int, needed: list[bool]
) -> Counter[str]:
    """How many numbers from each sampler one estimate draws; `needed` says which of its draws
    count.

    Raises:
        ValueError: it draws otherwise than by `sampling.noise`, so that they cannot be counted.
    """
    _, draws = traced(problem, estimator, params, num_samples)
    counts: Counter[str] = Counter()
    for equation, counted in zip(draws, needed, strict=True):
        counts[sampler_of(equation)] += counted * math.prod(equation.outvars[0].aval.shape)
    return +counts


def traced(
    problem: Problem, estimator: Estimator, params: Params, num_samples: int
) -> tuple[Any, list[Any]]:
    """The program of one estimate, and those of its equations that are draws."""
    state, key = estimator.init(problem, params, jax.random.key(0)), jax.random.key(0)
    closed = jax.make_jaxpr(
        lambda params, key: estimator.estimate(problem, params, state, key, num_samples)[0]
    )(params, key)
    draws = [equation for equation in closed.jaxpr.eqns if "random_bits" in str(equation)]
    for equation in draws:
        if equation.primitive.name not in KEPT or not sampler_of(equation):
            raise ValueError(f"{type(estimator).__name__} draws otherwise than by sampling.noise")
    return closed, draws


def sampler_of(equation: Any) -> str:
    """The sampler that is called in an equation, or ""; one that calls another comes first."""
    called = re.search(rf"name=_({'|'.join(SAMPLERS)})\b", str(equation))
    return called[1] if called else ""


def needed(problem: Problem, estimator: Estimator, params: Params) -> list[bool]:
    """For each draw of an estimate, whether other numbers in its place make it another, if only by rounding."""
    closed, draws = traced(problem, estimator, params, max(FEW, estimator.min_samples))
    places = [equation.outvars[0] for equation in draws]
    # the same program with its draws for arguments
    program = closed.jaxpr.replace(
        eqns=[equation for equation in closed.jaxpr.eqns if equation not in draws],
        invars=[*closed.jaxpr.invars, *places],
        debug_info=closed.jaxpr.debug_info.with_unknown_names(),
    )
    evaluate = jax.jit(
        core.jaxpr_as_fun(core.ClosedJaxpr(program, closed.consts)), compiler_options=COMPILER
    )

    def estimate(seeds: list[int]) -> list[np.ndarray]:
        made = [
            SAMPLERS[sampler_of(equation)](jax.random.key(seed), place.aval.shape, place.aval.dtype)
            for seed, equation, place in zip(seeds, draws, places, strict=True)
        ]
        return [
            np.asarray(out) for out in evaluate(*jax.tree.leaves(params), jax.random.key(0), *made)
        ]

    usual = list(range(len(draws)))
    first = estimate(usual)
    others = (estimate([*usual[:place], len(draws), *usual[place + 1 :]]) for place in usual)
    return [not all(map(np.array_equal, first, other)) for other in others]


@cache
def draws_alone(sampler: str) -> dict[str, Contender]:
    """A sampler in the shapes in which it is fastest, timed by the number."""
    key, draw = jax.random.key(0), SAMPLERS[sampler]

    def call(
        make: Callable[[Array], Array], use: Callable[[Array], Array], keys: Array
    ) -> Callable[[], Array]:
        return partial(jax.jit(lambda keys: use(make(keys)), compiler_options=COMPILER), keys)

    def from_each(count: int) -> Callable[[Array], Array]:
        return jax.vmap(lambda key: draw(key, (count,), jnp.float32))

    calls = {}
    for name, use in USES.items():
        for shape in SHAPES:
            make = partial(draw, shape=shape, dtype=jnp.float32)
            calls[f"{sampler} {shape} {name}"] = call(make, use, key), math.prod(shape)
        for number, count in KEYED:
            keys = jax.random.split(key, number)
            calls[f"{sampler} {number} keys {name}"] = (
                call(from_each(count), use, keys),
                number * count,
            )
    return fastest(calls)


def f_alone(problem: Problem, params: Params) -> dict[str, Contender]:
    """f at stored points, in the shapes in which it is fastest, timed by the evaluation."""
    (dim,) = problem.abstract_distribution().event_shape

    def call(
        x: Float[Array, "points dim"], major: bool, use: Callable[[Array], Array]
    ) -> Callable[[], Array]:
        @partial(jax.jit, compiler_options=COMPILER)
        def evaluate(problem: Problem, params: Params, x: Array) -> Array:
            return use(problem.objectives(params, x if major else x.T))

        return partial(evaluate, problem, params, x if major else x.T.copy())

    calls = {}
    for size in POINTS:
        points = max(1, size // dim)
        x = jax.random.uniform(jax.random.key(0), (points, dim))
        for major in (False, True):
            for name, use in USES.items():
                calls[f"f {points} {major} {name}"] = call(x, major, use), points
    return fastest(calls)


def fastest(calls: dict[str, tuple[Callable[[], Any], int]]) -> dict[str, Contender]:
    """Those calls, each with the number of its units, that are the fastest at a first look, warm."""
    contenders = {name: contender(call, units) for name, (call, units) in calls.items()}
    look = {name: min(one.seconds() for _ in range(3)) for name, one in contenders.items()}
    return {name: contenders[name] for name in sorted(look, key=look.__getitem__)[:FASTEST]}


def quickest(
    seconds: dict[str, list[float]], names: dict[str, Contender]
) -> Float[np.ndarray, " rounds"]:
    """Round by round, the seconds of the one of `names` whose median is the least."""
    return np.array(min((seconds[name] for name in names), key=np.median))


def share(
    reference: Float[np.ndarray, " rounds"], ours: list[float]
) -> Float[np.ndarray, " rounds"]:
    """How many times the reference's time goes into ours, round by round; not a number where there is no reference."""
    return np.where(reference > 0, reference, np.nan) / np.asarray(ours)


def floor_seconds(
    counts: Counter[str], rates: dict[str, Float[np.ndarray, " rounds"]]
) -> Float[np.ndarray, " rounds"]:
    """Of drawing so many numbers from each sampler, given the seconds of one number, round by
    round.

    >>> floor_seconds(Counter(normal=3, uniform=2), {"normal": np.array([2.0, 4.0]), "uniform": np.array([1.0, 1.0])})
    array([ 8., 14.])
    """
    rounds = len(next(iter(rates.values()))) if rates else 0
    return sum((count * rates[sampler] for sampler, count in counts.items()), np.zeros(rounds))
