"""The measurement: R independent replicates of an estimate at a fixed θ, streamed, summarised and timed.

One jitted function serves every problem, estimator and L. A replicate's key depends on the seed, the problem, θ's name,
L and the replicate's index, and on nothing else: estimators are compared on common random numbers, and no number
depends on the order of the cells or on where a run was interrupted.
"""

import math
import time
import zlib
from collections.abc import Hashable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from benchmarks.statistics import Moments, merge
from estimators.base import Estimator, State
from problems.base import Params, Problem

MOST_BATCHES, LEAST_BATCHES = 32, 20
"""How many batches the replicates may be split into: enough for an interval, few enough to keep."""

CHUNK_ELEMENTS = 2**22
"""Array elements that one compiled call may hold at once, more or less: memory is flat in R."""


LEAST_TIMED = 15
"""Calls whose median is the time of an estimate."""

COMPILER = {"xla_backend_optimization_level": 1}
"""Compiles in two thirds of the time of the default level, and the program is as fast."""


class Measurement(NamedTuple):
    """What was seen of one estimator on one problem at one L."""

    moments: dict[str, Moments]
    """For each group of θ."""
    seconds: float
    """Of one estimate, warm, replicates run batched: the median over chunks."""
    compile_seconds: float
    """Of set-up: compiling, adapting, and the pilot batch."""
    adapt_steps: int
    """Estimates made before measuring, so that learned state has settled; 0 where there is no state."""


def number_of_batches(replicates: int) -> int:
    """The largest number of equal batches, of at least two replicates each.

    >>> number_of_batches(20_000)
    32

    Raises:
        ValueError: `replicates` cannot be split so.
    """
    for batches in range(min(MOST_BATCHES, replicates // 2), LEAST_BATCHES - 1, -1):
        if replicates % batches == 0:
            return batches
    step = 2 * LEAST_BATCHES
    raise ValueError(
        f"replicates = {replicates}: expected a number that splits into {LEAST_BATCHES} to {MOST_BATCHES} equal "
        f"batches of at least two; did you mean {max(step, round(replicates / step) * step)}?"
    )


def stable_hash(text: str) -> int:
    """A 32-bit number that is the same on every machine, unlike hash()."""
    return zlib.crc32(text.encode())


def cell_key(seed: int, problem: str, point: str, num_samples: int) -> Array:
    """The key from which the replicates of a cell are folded."""
    key = jax.random.key(seed)
    for part in (stable_hash(problem), stable_hash(point), num_samples):
        key = jax.random.fold_in(key, part)
    return key


@partial(jax.jit, static_argnames=("num_samples", "chunk"), compiler_options=COMPILER)
def chunk_moments(
    problem: Problem,
    estimator: Estimator,
    params: Params,
    states: State,
    key: Array,
    first: Array,
    center: dict[str, Float[Array, " P"]],
    *,
    num_samples: int,
    chunk: int,
) -> dict[str, tuple[Float[Array, "rows P"], Float[Array, "rows P"], Float[Array, " rows"]]]:
    """Mean, centred second moment, fourth moment about `center` of `chunk` replicates from each of `first` on.

    Each row of `first` is (part of) a batch, and has a state of its own in `states`.
    """

    def replicate(index: Array, state: State) -> Params:
        return estimator.estimate(problem, params, state, jax.random.fold_in(key, index), num_samples)[0]

    def row(first: Array, state: State) -> dict[str, tuple]:
        estimates = jax.vmap(replicate, in_axes=(0, None))(first + jnp.arange(chunk, dtype=jnp.uint32), state)
        return {group: moments(flatten(estimates[group], chunk), center[group]) for group in estimates}

    return jax.vmap(row)(first, states)


def flatten(leaves: Any, rows: int) -> Float[Array, "rows P"]:
    """A group's arrays as one vector for each replicate."""
    return jnp.concatenate([leaf.reshape(rows, -1) for leaf in jax.tree.leaves(leaves)], axis=1)


def moments(
    gradients: Float[Array, "n P"], center: Float[Array, " P"]
) -> tuple[Float[Array, " P"], Float[Array, " P"], Float[Array, ""]]:
    """Mean and Σ(g − mean)² per coordinate, in two passes so that a small variance keeps its digits; Σ‖g − center‖⁴."""
    mean = gradients.mean(0)
    return mean, ((gradients - mean) ** 2).sum(0), (((gradients - center) ** 2).sum(1) ** 2).sum()


@partial(jax.jit, static_argnames=("batches", "num_samples", "steps"), compiler_options=COMPILER)
def adapt(
    problem: Problem, estimator: Estimator, params: Params, key: Array, *, batches: int, num_samples: int, steps: int
) -> State:
    """A state for each batch, each after `steps` estimates of its own at fixed θ."""

    def step(state: State, key: Array) -> tuple[State, None]:
        return estimator.estimate(problem, params, state, key, num_samples)[1], None

    def one(key: Array) -> State:
        start = estimator.init(problem, params, key)
        return jax.lax.scan(step, start, jax.random.split(key, steps))[0]

    return jax.lax.map(one, jax.random.split(key, batches))


def measure(
    problem: Problem,
    estimator: Estimator,
    params: Params,
    *,
    num_samples: int,
    replicates: int,
    key: Array,
    adapt_steps: int = 200,
) -> Measurement:
    """Measures one cell.

    Args:
        num_samples: L.
        replicates: R, which must split into 20 to 32 equal batches.
        key: from `cell_key`.
        adapt_steps: estimates made, on keys of their own, before a state is frozen; none for a stateless estimator.
            Every batch has its own frozen state, so that what a state happened to learn is in the interval too.

    Raises:
        ValueError: R does not split, or the estimator cannot take so many samples.
        FloatingPointError: some replicates are not finite; the message says in how many chunks.
    """
    if reason := estimator.refuses_samples(num_samples):
        raise ValueError(reason)
    batches = number_of_batches(replicates)
    size = replicates // batches
    rows, chunk = layout(problem, estimator, params, num_samples, batches, size)
    started = time.perf_counter()
    learns = bool(jax.tree.leaves(estimator.init(problem, params, key)))
    steps = adapt_steps if learns else 0
    states: State = ()
    if learns:
        # 2³² − 1 is the last index that 32 bits hold: no replicate has it
        adapt_key = jax.random.fold_in(key, np.uint32(2**32 - 1))
        states = adapt(problem, estimator, params, adapt_key, batches=batches, num_samples=num_samples, steps=steps)

    def run(batch: int, offset: int, center: dict[str, Array]) -> tuple[dict[str, tuple], float]:
        state = jax.tree.map(lambda leaf: leaf[batch : batch + rows], states)
        first = (size * np.arange(batch, batch + rows) + offset).astype(np.uint32)
        begun = time.perf_counter()
        result = chunk_moments(
            problem, estimator, params, state, key, first, center, num_samples=num_samples, chunk=chunk
        )
        jax.block_until_ready(result)
        seconds = time.perf_counter() - begun
        return jax.device_get(result), seconds

    places = [(batch, offset) for batch in range(0, batches, rows) for offset in range(0, size, chunk)]
    origin = {group: jnp.zeros(flat(leaves).shape, flat(leaves).dtype) for group, leaves in params.items()}
    # the first batches are run twice: to compile, to warm up, and for the centre about which fourth powers are summed
    pilot = [run(*place, origin)[0] for place in places[: size // chunk]]
    center = {group: jnp.asarray(np.mean([c[group][0] for c in pilot], axis=(0, 1))) for group in origin}
    compile_seconds = time.perf_counter() - started

    chunks, durations = zip(*(run(*place, center) for place in places), strict=True)
    # a short cell is timed again, on what it has measured already, until the median means something
    more = max(0, LEAST_TIMED - len(places))
    again = [run(*place, center)[1] for place in (places * LEAST_TIMED)[:more]]
    return Measurement(
        moments={group: gather([c[group] for c in chunks], chunk, batches, group) for group in origin},
        seconds=float(np.median([*durations, *again])) / (rows * chunk),
        compile_seconds=compile_seconds,
        adapt_steps=steps,
    )


def program(problem: Problem, estimator: Estimator, num_samples: int) -> Hashable:
    """What decides which compiled program a cell runs: cells that agree in it differ only in numbers."""
    leaves, structure = jax.tree.flatten((problem, estimator))
    return structure, tuple((jnp.shape(leaf), jnp.result_type(leaf)) for leaf in leaves), num_samples


def forget_programs() -> None:
    """Frees the compiled programs of the cells measured so far: each holds tens of megabytes."""
    chunk_moments.clear_cache()  # type: ignore[attr-defined]
    adapt.clear_cache()  # type: ignore[attr-defined]


def gather(chunks: list[tuple], chunk: int, batches: int, group: str) -> Moments:
    """The chunks of a group, in the order in which they were run, as batch summaries in float64."""
    columns = [np.stack(column).astype(np.float64) for column in zip(*chunks, strict=True)]  # (calls, rows, …)
    broken = np.flatnonzero(~np.isfinite(columns[0] + columns[1]).all(axis=(1, 2)))
    if len(broken):
        raise FloatingPointError(f"group {group}: the estimate is not finite in {len(broken)} of {len(chunks)} chunks")
    calls, rows = columns[0].shape[:2]
    parts = calls * rows // batches
    mean, second, fourth = (c.reshape(-1, parts, rows, *c.shape[2:]).swapaxes(0, 1) for c in columns)
    mean, second, fourth = (c.reshape(parts, batches, *c.shape[3:]) for c in (mean, second, fourth))
    return merge([Moments(chunk, *part) for part in zip(mean, second, fourth, strict=True)])


def layout(
    problem: Problem, estimator: Estimator, params: Params, num_samples: int, batches: int, size: int
) -> tuple[int, int]:
    """How many batches, and how many replicates of each, one compiled call takes to stay near CHUNK_ELEMENTS.

    Either a part of one batch, or several whole batches, but at most a quarter of all: the calls are timed, and the
    time of an estimate is their median.
    """
    evaluations = sum(estimator.cost(problem, num_samples))
    gradient = sum(leaf.size for leaf in jax.tree.leaves(params))
    allowed = CHUNK_ELEMENTS // (evaluations * elements_per_evaluation(problem, params) + gradient)
    chunk = largest_divisor(size, allowed)
    return largest_divisor(batches, min(allowed // size, batches // 4)), chunk


def largest_divisor(number: int, most: int) -> int:
    """The largest divisor of `number` up to `most`; 1 where that is less."""
    return max(divisor for divisor in range(1, number + 1) if number % divisor == 0 and divisor <= max(1, most))


def elements_per_evaluation(problem: Problem, params: Params) -> int:
    """Array elements that one evaluation of f writes, counted in its traced program."""
    q = problem.abstract_distribution()
    x = jax.ShapeDtypeStruct((*q.batch_shape, *q.event_shape), jax.tree.leaves(params)[0].dtype)
    traced = jax.make_jaxpr(lambda params, x: problem.objective(params, x))(params, x)
    return sum(math.prod(out.aval.shape) for equation in traced.eqns for out in equation.outvars)


def exact_gradient(problem: Problem, params: Params) -> dict[str, Float[np.ndarray, " P"]] | None:
    """The problem's exact gradient at these very numbers, in float64 whatever the precision measured in."""
    with jax.enable_x64(True):
        wide = jax.tree.map(partial(jnp.asarray, dtype=jnp.float64), (problem, params))
        truth = compiled_exact_gradient(*wide)
        if truth is None:
            return None
        return {group: flat(leaves) for group, leaves in truth.items()}


@jax.jit
def compiled_exact_gradient(problem: Problem, params: Params) -> Params | None:
    """One program for all problems that differ only in numbers."""
    return problem.exact_gradient(params)


def flat(leaves: Any) -> Float[np.ndarray, " P"]:
    """A group's arrays as one vector."""
    return np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(leaves)])
