"""The measurement: R independent replicates of an estimate at a fixed θ, streamed, summarised and
timed.

One compiled function serves every problem, estimator and L. A replicate's key depends on the seed,
the problem, θ's name, L and the replicate's index, and on nothing else: estimators are compared on
common random numbers, and no number depends on the order of the cells or on where a run was
interrupted.
"""

import time
import zlib
from collections.abc import Callable, Hashable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from gradest.benchmarks.measurement.batching import (
    Layout,
    largest_divisor,
    layout,
    number_of_batches,
)
from gradest.benchmarks.measurement.exact_gradient import flat
from gradest.benchmarks.measurement.programs import (
    BlockMoments,
    Summed,
    block_moments,
    estimates,
    exact_vectors,
    sums,
    warm_up,
    warm_up_leaves,
)
from gradest.benchmarks.measurement.streaming import Center, Streamed, Work, stream
from gradest.benchmarks.runtime.calls import Calls, OutOfMemory
from gradest.benchmarks.runtime.configure import configure
from gradest.benchmarks.runtime.environment import GENERATORS
from gradest.benchmarks.runtime.program_cache import Executable
from gradest.benchmarks.statistics.intervals import Interval
from gradest.benchmarks.statistics.moments import Moments
from gradest.estimators.base import Estimator, State
from gradest.estimators.learning import steps_left_out
from gradest.problems.base import Params, Problem

LEAST_TIMED = 9
"""Calls whose median is the time of an estimate.

They are the fewest whose interval leaves out the slowest and the fastest.
"""


class Measurement(NamedTuple):
    """What a measurement says of one estimator on one problem at one L."""

    moments: dict[str, Moments]
    """For each group of θ."""
    seconds: Interval
    """Of one estimate, warm, replicates run batched: the median over calls."""
    compile_seconds: float
    """Of set-up: compiling, warm-up of the state, and the pilot."""
    rounding: dict[str, Float[np.ndarray, " P"]]
    """The size of rounding errors in an estimate, for each group of θ."""
    adapt_steps: int
    """Estimates made before measuring, to warm up a learned state; 0 where there is none."""
    shortage: str = ""
    """What the calls were, where memory did not suffice for those meant to be."""
    steps_left_out: int = 0
    """Of the warm-up of all batches, because their gradient was not finite."""


def stable_hash(text: str) -> int:
    """A 32-bit number that is the same on every machine, unlike hash()."""
    return zlib.crc32(text.encode())


def cell_key(
    seed: int, problem: str, point: str, num_samples: int, generator: str = "threefry"
) -> Array:
    """The key that the index of a cell's replicate is folded into.

    Args:
        seed: the sweep's.
        problem: the problem's label, its arguments included.
        point: the name of θ.
        num_samples: L.
        generator: one of GENERATORS.
    """
    key = jax.random.key(seed, impl=GENERATORS[generator])
    for part in (stable_hash(problem), stable_hash(point), num_samples):
        key = jax.random.fold_in(key, part)
    return key


def measure(  # noqa: PLR0913 (all that a measurement depends on)
    problem: Problem,
    estimator: Estimator,
    params: Params,
    *,
    num_samples: int,
    replicates: int,
    key: Array,
    adapt_steps: int = 200,
    earlier: dict[str, Moments] | None = None,
    least_timed: int = LEAST_TIMED,
) -> Measurement:
    """Measures one cell.

    Replicate i is in batch i mod B: a batch of a longer run begins with the same batch of a shorter
    one.

    Args:
        problem: what is estimated.
        estimator: how.
        params: θ.
        num_samples: L.
        replicates: R, which must split into 20 to 32 equal batches.
        key: from `cell_key`.
        adapt_steps: estimates made, on keys of their own, to warm up a state before it is frozen;
            none for a stateless estimator. Every batch has its own frozen state, so that what a
            state happened to learn is in the interval too.
        earlier: the moments of a shorter run, which are gone on from; `extends` must allow it.
        least_timed: calls to time; 0 where no time is asked for.

    Raises:
        ValueError: R does not split, or the estimator cannot take so many samples.
        OutOfMemory: memory does not suffice for one replicate.
        FloatingPointError: some replicates are not finite; the message says in how many blocks.
    """
    if reason := estimator.refuses_samples(num_samples):
        raise ValueError(reason)
    batches = number_of_batches(replicates)
    done = next(iter(earlier.values())).size if earlier else 0

    # Compile.
    programs = compile_cell(
        problem,
        estimator,
        params,
        num_samples=num_samples,
        replicates=replicates,
        key=key,
        adapt_steps=adapt_steps,
    )

    # Warm up a state for each batch.
    started = time.perf_counter()
    states: State = ()
    if programs.warm_up:
        states = warm_states(
            problem, estimator, params, key, batches, num_samples=num_samples, steps=adapt_steps
        )

    # Run the replicates.
    def prepared(
        places: np.ndarray, center: Center, block: int, done: int
    ) -> tuple[BlockMoments, tuple]:
        batch = places % batches
        state = jax.tree.map(lambda leaf: leaf[batch], states)
        first = (batch + batches * (done + block * (places // batches))).astype(np.uint32)
        arguments = (problem, estimator, params, state, key, first, np.uint32(batches))
        rows = len(places)
        if Layout(rows, block) == programs.layout:
            return programs.moments, arguments
        sizes = {"rows": rows, "num_samples": num_samples, "block": block}
        return block_moments(center, *arguments, **sizes), arguments

    def call(places: np.ndarray, center: Center, *, block: int) -> Summed:
        moments, arguments = prepared(places, center, block, done)
        return moments(center, *arguments)

    work = Work(
        batches=batches,
        size=replicates // batches - done,
        zeros=zero_center(params),
        earlier=earlier,
        least_timed=least_timed,
    )

    def attempt(calls: Layout) -> Streamed:
        return stream(Calls(partial(call, block=calls.block), calls.rows), calls.block, work)

    streamed = with_smaller_blocks(attempt, programs.layout)
    # Measure rounding, in a call for which memory sufficed, on replicates that a longer run has.
    rows, block = streamed.calls
    moments, arguments = prepared(np.arange(rows), work.zeros, block, 0)
    return Measurement(
        moments=streamed.moments,
        seconds=streamed.seconds,
        compile_seconds=programs.seconds + streamed.begun - started,
        adapt_steps=adapt_steps if programs.warm_up else 0,
        shortage=shortage_of(streamed.calls, programs.layout),
        rounding=moments.rounding(*arguments, block=block),
        steps_left_out=steps_left_out(states),
    )


def warm_states(
    problem: Problem,
    estimator: Estimator,
    params: Params,
    key: Array,
    batches: int,
    *,
    num_samples: int,
    steps: int,
) -> State:
    """A state for each batch, warmed up on keys of its own."""
    # 2³² − 1 is the last index that 32 bits hold: no replicate has it
    warm_up_key = jax.random.fold_in(key, np.uint32(2**32 - 1))
    sizes = {"batches": batches, "num_samples": num_samples, "steps": steps}
    return jax.tree.map(np.asarray, warm_up(problem, estimator, params, warm_up_key, **sizes))


def with_smaller_blocks(attempt: Callable[[Layout], Streamed], wanted: Layout) -> Streamed:
    """The first attempt for which memory suffices.

    Smaller blocks are the last resort, because they round otherwise: they are tried only where
    memory does not suffice for a single one.

    Raises:
        OutOfMemory: memory does not suffice for one replicate.
    """
    calls = wanted
    while True:
        try:
            return attempt(calls)
        except OutOfMemory:
            if calls.block == 1:
                raise
        calls = Layout(1, largest_divisor(calls.block, calls.block - 1))


def shortage_of(calls: Layout, wanted: Layout) -> str:
    """What is to be said of calls that are not the wanted ones; nothing of those that are."""
    if calls == wanted:
        return ""
    return (
        f"out of memory: calls of {calls.rows} × {calls.block} replicates instead of "
        f"{wanted.rows} × {wanted.block}"
    )


class CellPrograms(NamedTuple):
    """The compiled programs of a cell, and for what calls they are."""

    moments: BlockMoments
    warm_up: Executable | None
    """None where there is no state to warm up."""
    layout: Layout
    states: State
    """Of each row, as they are before warm-up."""

    @property
    def seconds(self) -> float:
        """What it took to get them."""
        return self.moments.seconds + (self.warm_up.seconds if self.warm_up else 0.0)


def compile_cell(
    problem: Problem,
    estimator: Estimator,
    params: Params,
    *,
    num_samples: int,
    replicates: int,
    key: Array,
    adapt_steps: int = 200,
) -> CellPrograms:
    """The programs that `measure` runs with the same arguments."""
    configure()
    batches = number_of_batches(replicates)
    calls = layout(problem, estimator, params, num_samples, batches, replicates // batches)
    start = estimator.init(problem, params, key)
    states = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (calls.rows, *leaf.shape)), start)
    moments = block_moments(
        zero_center(params),
        problem,
        estimator,
        params,
        states,
        key,
        np.arange(calls.rows, dtype=np.uint32),
        np.uint32(batches),
        rows=calls.rows,
        num_samples=num_samples,
        block=calls.block,
    )
    warming = None
    if jax.tree.leaves(start):
        sizes = {"batches": batches, "num_samples": num_samples, "steps": adapt_steps}
        warming = warm_up_leaves.executable(problem, estimator, params, key, **sizes)
    return CellPrograms(moments, warming, calls, states)


def zero_center(params: Params) -> Center:
    """A zero for each of θ's numbers, each group as one vector."""
    vectors = {group: flat(leaves) for group, leaves in params.items()}
    return {group: jnp.zeros(vector.shape, vector.dtype) for group, vector in vectors.items()}


def program(problem: Problem, estimator: Estimator, num_samples: int) -> Hashable:
    """What decides which compiled program a cell runs.

    Cells that agree in it differ only in numbers.
    """
    leaves, structure = jax.tree.flatten((problem, estimator))
    kinds = tuple((jnp.shape(leaf), jnp.result_type(leaf)) for leaf in leaves)
    return (structure, kinds, num_samples)


def forget_programs() -> None:
    """Frees the compiled programs of the cells measured so far: each holds tens of megabytes."""
    for each in (estimates, sums, warm_up_leaves, exact_vectors):
        each.forget()
