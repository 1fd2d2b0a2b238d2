"""The measurement: R independent replicates at a fixed θ, streamed, summarised and timed.

One compiled function serves every problem, estimator and L. A replicate's key depends on the seed,
the problem, θ's name, L and the replicate's index, and on nothing else: estimators are compared on
common random numbers, and no number depends on the order of the cells or on where a run was
interrupted.
"""

import time
import zlib
from collections.abc import Hashable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from gradest.benchmarks.measurement.batching import Layout, layout, number_of_batches
from gradest.benchmarks.measurement.exact_gradient import exact_vectors, flat
from gradest.benchmarks.measurement.programs import (
    MOVES,
    BlockMoments,
    Summed,
    block_moments,
    by_last_digits,
    estimates,
    rounding,
    some_replicates,
    sums,
    warm_states,
    warm_up_leaves,
)
from gradest.benchmarks.measurement.streaming import (
    Center,
    Streamed,
    Work,
    shortage_of,
    stream,
    with_smaller_blocks,
)
from gradest.benchmarks.runtime.calls import Calls
from gradest.benchmarks.runtime.configure import configure, in_full_precision
from gradest.benchmarks.runtime.devices import calls_ahead
from gradest.benchmarks.runtime.environment import GENERATORS
from gradest.benchmarks.runtime.program_cache import Executable
from gradest.benchmarks.statistics.intervals import Interval
from gradest.benchmarks.statistics.moments import Moments
from gradest.benchmarks.statistics.times import median
from gradest.estimators.base import Estimator, State
from gradest.estimators.learning import steps_left_out
from gradest.problems.base import Params, Problem

LEAST_TIMED = 9
"""Calls whose median is the time of an estimate: the fewest whose interval leaves out the slowest
and the fastest.
"""


class Measurement(NamedTuple):
    """What a measurement says of one estimator on one problem at one L."""

    moments: dict[str, Moments]
    """For each group of θ."""
    seconds: Interval
    """Of one estimate, warm, replicates run batched: the median over calls, NaN of none."""
    compile_seconds: float
    """Of set-up: compiling, warm-up of the state, and the pilot."""
    rounding: dict[str, Float[np.ndarray, " P"]]
    """The size of rounding errors in an estimate, for each group of θ; {} where none is timed."""
    adapt_steps: int
    """Estimates made before measuring, to warm up a learned state; 0 where there is none."""
    states: State = ()
    """Warmed up, of each batch."""
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


@in_full_precision
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
    trained: State | None = None,
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
        least_timed: calls to time, some of which show rounding; 0 where moments are all that is
            asked for.
        trained: a state that is frozen as it is, in every batch; none is warmed up then.

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
        adapt_steps=adapt_steps if trained is None else None,
    )

    # Warm up a state for each batch.
    started = time.perf_counter()
    states: State = () if trained is None else copies(trained, batches)
    if programs.warm_up:
        sizes = warm_up_sizes(programs.layout, batches, num_samples, adapt_steps)
        states = warm_states(problem, estimator, params, key, sizes)

    # Run the replicates.
    point = problem, params
    zeros = zero_center(params)
    maker = Maker(programs, estimator, states, key, zeros, num_samples, batches)

    def call(places: np.ndarray, center: Center, *, block: int) -> Summed:
        moments, arguments = maker.prepared(point, places, block, done)
        return moments(center, *arguments)

    def attempt(calls: Layout) -> Streamed:
        made = Calls(partial(call, block=calls.block), calls.rows, calls_ahead())
        return stream(made, calls.block, work)

    work = Work(
        batches=batches,
        size=replicates // batches - done,
        zeros=zeros,
        earlier=earlier,
        least_timed=max(0, least_timed - 1 - len(MOVES)),
    )
    streamed = with_smaller_blocks(attempt, programs.layout)

    # Measure rounding, in calls for which memory sufficed, and whose times count as others'.
    rounded, durations = {}, streamed.durations
    if least_timed:
        points = [point, *(by_last_digits(point, move) for move in MOVES)]
        made = [maker.some(each, streamed.calls) for each in points]
        (here, *others), timed = zip(*made, strict=True)
        rounded, durations = rounding(here, others), [*durations, *timed]
    return Measurement(
        moments=streamed.moments,
        seconds=median(np.array(durations)),
        compile_seconds=programs.seconds + streamed.begun - started,
        adapt_steps=adapt_steps if programs.warm_up else 0,
        shortage=shortage_of(streamed.calls, programs.layout),
        rounding=rounded,
        states=states,
        steps_left_out=steps_left_out(states),
    )


def copies(state: State, number: int) -> State:
    """So many of a state, on the host."""
    return jax.tree.map(lambda leaf: np.repeat(np.asarray(leaf)[None], number, 0), state)


def warm_up_sizes(calls: Layout, batches: int, num_samples: int, steps: int) -> dict[str, Any]:
    """How much is warmed up, and on an accelerator as many batches at once as a call holds."""
    at_once = min(batches, calls.rows * calls.block) if calls_ahead() else None
    return {"batches": batches, "num_samples": num_samples, "steps": steps, "at_once": at_once}


class Maker(NamedTuple):
    """Makes the replicates of a cell, block by block."""

    programs: "CellPrograms"
    estimator: Estimator
    states: State
    """Warmed up, of each batch."""
    key: Array
    zeros: Center
    num_samples: int
    batches: int

    def prepared(
        self, point: tuple[Problem, Params], places: np.ndarray, block: int, done: int
    ) -> tuple[BlockMoments, tuple]:
        """The program that makes some blocks, and its arguments.

        Args:
            point: the problem and θ.
            places: of the blocks: the first of every batch, then the second, …
            block: replicates of each.
            done: replicates of each batch that come before.
        """
        problem, params = point
        batch = places % self.batches
        state = jax.tree.map(lambda leaf: leaf[batch], self.states)
        first = (batch + self.batches * (done + block * (places // self.batches))).astype(np.uint32)
        numbers = (self.key, first, np.uint32(self.batches))
        arguments = (problem, self.estimator, params, state, *numbers)
        rows = len(places)
        if Layout(rows, block) == self.programs.layout:
            return self.programs.moments, arguments
        sizes = {"rows": rows, "num_samples": self.num_samples, "block": block}
        return block_moments(self.zeros, *arguments, **sizes), arguments

    def some(
        self, point: tuple[Problem, Params], calls: Layout
    ) -> tuple[dict[str, Float[np.ndarray, "n P"]], float]:
        """Some replicates of a cell's first call, which a longer run has too.

        Args:
            point: the problem and θ.
            calls: how much a call makes.

        Returns:
            The replicates, and the seconds of an estimate in this call.
        """
        begun = time.perf_counter()
        moments, arguments = self.prepared(point, np.arange(calls.rows), calls.block, 0)
        grads = moments.estimates.run(*arguments)
        jax.block_until_ready(moments.sums.run(grads, self.zeros))
        seconds = (time.perf_counter() - begun) / (calls.rows * calls.block)
        return some_replicates(grads, calls.block), seconds


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


@in_full_precision
def compile_cell(
    problem: Problem,
    estimator: Estimator,
    params: Params,
    *,
    num_samples: int,
    replicates: int,
    key: Array,
    adapt_steps: int | None = 200,
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
    if jax.tree.leaves(start) and adapt_steps is not None:
        sizes = warm_up_sizes(calls, batches, num_samples, adapt_steps)
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
