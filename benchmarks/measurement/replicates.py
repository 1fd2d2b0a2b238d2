"""The measurement: R independent replicates of an estimate at a fixed θ, streamed, summarised and
timed.

One jitted function serves every problem, estimator and L. A replicate's key depends on the seed,
the problem, θ's name, L and the replicate's index, and on nothing else: estimators are compared on
common random numbers, and no number depends on the order of the cells or on where a run was
interrupted.
"""

import itertools
import math
import time
import zlib
from collections import deque
from collections.abc import Hashable, Iterator
from functools import cache, partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from gradest.benchmarks.measurement.programs import (
    BlockMoments,
    adapt,
    block_moments,
    estimates,
    exact_vectors,
    settle,
    sums,
)
from gradest.benchmarks.runtime.calls import Calls, OutOfMemory
from gradest.benchmarks.runtime.configure import configure
from gradest.benchmarks.runtime.devices import most_rows
from gradest.benchmarks.runtime.environment import GENERATORS
from gradest.benchmarks.runtime.program_cache import Ready
from gradest.benchmarks.statistics.intervals import Interval, median
from gradest.benchmarks.statistics.moments import Moments, merge
from gradest.estimators.base import Estimator, State
from gradest.problems.base import Params, Problem

BATCHES = (32, 25, *range(31, 25, -1), *range(24, 19, -1))
"""How many batches the replicates may be split into, the preferred first: enough for an interval,
few enough to keep.

25 comes early because a thousand replicates, and any multiple, then have as many batches.
"""

CALL_ELEMENTS = 2**22
"""Array elements that one compiled call may hold at once, more or less: memory is flat in R."""

LONGEST_BLOCK = 5**5
"""Replicates that are summed in the precision measured in; what is beyond is merged in float64."""

PILOT = 64
"""Replicates, at least, whose mean is the centre of the fourth powers."""

STEP = 800
"""R chosen by precision is a multiple of this, which splits well."""

LEAST_TIMED = 9
"""Calls whose median is the time of an estimate: the fewest whose interval leaves out the slowest and the fastest."""

MOST_TIMED = 10_000
"""Calls, the last ones, whose times are kept."""


class Measurement(NamedTuple):
    """What was seen of one estimator on one problem at one L."""

    moments: dict[str, Moments]
    """For each group of θ."""
    seconds: Interval
    """Of one estimate, warm, replicates run batched: the median over calls."""
    compile_seconds: float
    """Of set-up: compiling, adapting, and the pilot batch."""
    adapt_steps: int
    """Estimates made before measuring, so that learned state has settled; 0 where there is no state."""
    shortage: str = ""
    """What the calls were, where memory did not suffice for those meant to be."""


def number_of_batches(replicates: int) -> int:
    """How many equal batches, of at least two replicates each.

    >>> number_of_batches(20_000), number_of_batches(1_000)
    (32, 25)

    Raises:
        ValueError: `replicates` cannot be split so.
    """
    for batches in BATCHES:
        if replicates % batches == 0 and replicates >= 2 * batches:
            return batches
    step = 2 * min(BATCHES)
    raise ValueError(
        f"replicates = {replicates}: expected a number that splits into {min(BATCHES)} to {max(BATCHES)} equal "
        f"batches of at least two; did you mean {max(step, round(replicates / step) * step)}?"
    )


def stable_hash(text: str) -> int:
    """A 32-bit number that is the same on every machine, unlike hash()."""
    return zlib.crc32(text.encode())


def cell_key(
    seed: int, problem: str, point: str, num_samples: int, generator: str = "threefry"
) -> Array:
    """The key from which the replicates of a cell are folded; `generator` is one of GENERATORS."""
    key = jax.random.key(seed, impl=GENERATORS[generator])
    for part in (stable_hash(problem), stable_hash(point), num_samples):
        key = jax.random.fold_in(key, part)
    return key


def measure(
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
        num_samples: L.
        replicates: R, which must split into 20 to 32 equal batches.
        key: from `cell_key`.
        adapt_steps: estimates made, on keys of their own, before a state is frozen; none for a
            stateless estimator. Every batch has its own frozen state, so that what a state happened
            to learn is in the interval too.
        earlier: the moments of a shorter run, which are gone on from; it must have `extends` to R.
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
    ready = compile_cell(
        problem,
        estimator,
        params,
        num_samples=num_samples,
        replicates=replicates,
        key=key,
        adapt_steps=adapt_steps,
    )
    started = time.perf_counter()
    # 2³² − 1 is the last index that 32 bits hold: no replicate has it
    adapt_key = jax.random.fold_in(key, np.uint32(2**32 - 1))
    steps = adapt_steps if ready.settle else 0
    sizes = {"batches": batches, "num_samples": num_samples, "steps": steps}
    states = jax.tree.map(
        np.asarray, adapt(problem, estimator, params, adapt_key, **sizes) if ready.settle else ()
    )

    def call(places: np.ndarray, center: dict[str, Array], *, block: int) -> dict[str, tuple]:
        state = jax.tree.map(lambda leaf: leaf[places % batches], states)
        first = places % batches + batches * (done + block * (places // batches))
        arguments = (
            problem,
            estimator,
            params,
            state,
            key,
            first.astype(np.uint32),
            np.uint32(batches),
        )
        if (len(places), block) == wanted:
            return ready.moments(center, *arguments)
        smaller = block_moments(
            center, *arguments, rows=len(places), num_samples=num_samples, block=block
        )
        return smaller(center, *arguments)

    center = zero_center(params)
    wanted = rows, block = ready.rows, ready.block
    while True:
        run = Calls(partial(call, block=block), rows)
        try:
            streamed = stream(
                run, block, batches, replicates // batches - done, center, earlier, least_timed
            )
            break
        except OutOfMemory:
            if block == 1:
                raise
        rows, block = (
            1,
            largest_divisor(block, block - 1),
        )  # the last resort, because other blocks round otherwise
    return Measurement(
        streamed.moments,
        streamed.seconds,
        ready.seconds + streamed.ready - started,
        steps,
        ""
        if (run.rows, block) == wanted
        else "out of memory: calls of {} × {} replicates instead of {} × {}".format(
            run.rows, block, *wanted
        ),
    )


class Streamed(NamedTuple):
    """What came of all calls of a cell."""

    moments: dict[str, Moments]
    seconds: Interval
    ready: float
    """When set-up ended, by time.perf_counter."""


def stream(
    run: Calls,
    block: int,
    batches: int,
    size: int,
    center: dict[str, Array],
    earlier: dict[str, Moments] | None,
    least_timed: int,
) -> Streamed:
    """Runs the calls for `size` replicates of every batch, and merges what comes of them as it comes."""
    total, rows = batches * size // block, run.rows

    def calls(most: int | None = None) -> Iterator[np.ndarray]:
        # the first block of every batch, the second of every batch, …: a longer run goes on where a
        # shorter one ends
        starts = itertools.islice(range(0, total, rows), most)
        return (np.arange(start, min(start + rows, total)) for start in starts)

    # the first calls are run twice: to compile, to warm up, and for the centre of the fourth powers
    blocks = -(-PILOT // block)
    pilot = [run(call, center)[0] for call in calls(1 if earlier else -(-blocks // rows))]
    found = {
        group: np.concatenate([p[group][0] for p in pilot])[:blocks].mean(0) for group in center
    }
    center = {
        group: jnp.asarray(earlier[group].center if earlier else found[group], zero.dtype)
        for group, zero in center.items()
    }
    ready = time.perf_counter()

    moments: dict[str, list[Moments]] = {
        group: [earlier[group]] if earlier else [] for group in center
    }
    durations: deque[float] = deque(maxlen=MOST_TIMED)
    pending = []
    for call in calls():
        result, seconds = run(call, center)
        durations.append(seconds / (len(call) * block))
        pending.append(result)
        if (
            call[-1] + 1
        ) % batches == 0:  # as many blocks of every batch: merged now, so that memory is flat in R
            for group in center:
                parts = gather(
                    [result[group] for result in pending], block, batches, group, center[group]
                )
                moments[group] = [merge([*moments[group], *parts])]
            pending = []
    # a short cell is timed again, on what it has measured already, until the median means something
    for call in itertools.islice(
        itertools.cycle(calls(least_timed)), max(0, least_timed - len(durations))
    ):
        durations.append(run(call, center)[1] / (len(call) * block))
    return Streamed(
        {group: merged for group, (merged,) in moments.items()}, median(np.array(durations)), ready
    )


class CellPrograms(NamedTuple):
    """The compiled programs of a cell, and for what calls they are."""

    moments: BlockMoments
    settle: Ready | None
    """None where nothing adapts."""
    rows: int
    block: int
    states: State
    """Of each row, as they start."""

    @property
    def seconds(self) -> float:
        """That it took to get them."""
        return self.moments.seconds + (self.settle.seconds if self.settle else 0.0)


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
    """What `measure` runs, made ready for it."""
    configure()
    batches = number_of_batches(replicates)
    rows, block = layout(problem, estimator, params, num_samples, batches, replicates // batches)
    start = estimator.init(problem, params, key)
    states = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (rows, *leaf.shape)), start)
    first, stride = np.arange(rows, dtype=np.uint32), np.uint32(batches)
    made = block_moments(
        zero_center(params),
        problem,
        estimator,
        params,
        states,
        key,
        first,
        stride,
        rows=rows,
        num_samples=num_samples,
        block=block,
    )
    if not jax.tree.leaves(start):
        return CellPrograms(made, None, rows, block, states)
    sizes = {"batches": batches, "num_samples": num_samples, "steps": adapt_steps}
    return CellPrograms(
        made, settle.ready(problem, estimator, params, key, **sizes), rows, block, states
    )


def zero_center(params: Params) -> dict[str, Float[Array, " P"]]:
    """A zero for each of θ's numbers, each group as one vector."""
    return {
        group: jnp.zeros(flat(leaves).shape, flat(leaves).dtype) for group, leaves in params.items()
    }


def program(problem: Problem, estimator: Estimator, num_samples: int) -> Hashable:
    """What decides which compiled program a cell runs: cells that agree in it differ only in numbers."""
    leaves, structure = jax.tree.flatten((problem, estimator))
    return (
        structure,
        tuple((jnp.shape(leaf), jnp.result_type(leaf)) for leaf in leaves),
        num_samples,
    )


def forget_programs() -> None:
    """Frees the compiled programs of the cells measured so far: each holds tens of megabytes."""
    for each in (estimates, sums, settle, exact_vectors):
        each.forget()


def gather(
    results: list[tuple], block: int, batches: int, group: str, center: Array
) -> list[Moments]:
    """A group's blocks, in the order in which they were run, in float64: each has a block of every batch."""
    columns = [np.concatenate(column).astype(np.float64) for column in zip(*results, strict=True)]
    broken = np.flatnonzero(~np.isfinite(columns[0] + columns[1]).all(axis=1))
    if len(broken):
        raise FloatingPointError(
            f"group {group}: the estimate is not finite in {len(broken)} of {len(columns[0])} blocks"
        )
    parts = zip(
        *(column.reshape(-1, batches, *column.shape[1:]) for column in columns), strict=True
    )
    fixed = np.asarray(center, np.float64)
    return [Moments(block, *part, fixed) for part in parts]  # type: ignore[call-arg]


def layout(
    problem: Problem,
    estimator: Estimator,
    params: Params,
    num_samples: int,
    batches: int,
    size: int,
) -> tuple[int, int]:
    """How many blocks one compiled call takes to stay near CALL_ELEMENTS, and of how many
    replicates each.

    Neither depends on how many blocks there are: other shapes round a network's matrix products
    otherwise. Several devices take as much each.
    """
    evaluations = sum(estimator.evaluations(problem, num_samples))
    gradient = sum(leaf.size for leaf in jax.tree.leaves(params))
    allowed = CALL_ELEMENTS // (evaluations * elements_per_evaluation(problem, params) + gradient)
    block = block_length(size, allowed)
    return most_rows(largest_divisor(batches, allowed // block), batches), block


def block_length(size: int, most: int = LONGEST_BLOCK) -> int:
    """Replicates that a batch of `size` sums at a time: for multiples of five the same whatever the
    multiple.

    >>> block_length(625), block_length(1250), block_length(40), block_length(80), block_length(64)
    (625, 625, 5, 5, 64)
    """
    five = math.gcd(size, LONGEST_BLOCK)
    return largest_divisor(five if five > 1 else size, min(most, LONGEST_BLOCK))


def extends(shorter: int, longer: int) -> bool:
    """Whether a run of so many replicates can be gone on with, to the very numbers of one run of `longer`."""
    batches = number_of_batches(longer)
    return (
        shorter < longer
        and number_of_batches(shorter) == batches
        and block_length(shorter // batches) == block_length(longer // batches)
    )


def largest_divisor(number: int, most: int) -> int:
    """The largest divisor of `number` up to `most`; 1 where that is less."""
    return max(divisor for divisor in divisors(number) if divisor <= max(1, most))


def divisors(number: int) -> list[int]:
    """Of a number, in no order."""
    small = [d for d in range(1, math.isqrt(number) + 1) if number % d == 0]
    return small + [number // d for d in small]


def elements_per_evaluation(problem: Problem, params: Params) -> int:
    """Array elements that one evaluation of f writes, counted in its traced program."""
    leaves, structure = jax.tree.flatten((problem, params))
    return elements_traced(
        structure, *(jax.ShapeDtypeStruct(leaf.shape, leaf.dtype) for leaf in leaves)
    )


@cache
def elements_traced(structure: Any, *leaves: jax.ShapeDtypeStruct) -> int:
    """The same for any numbers: a trace takes as long as some cells."""
    problem, params = jax.tree.unflatten(structure, leaves)
    q = problem.abstract_distribution()
    x = jax.ShapeDtypeStruct((*q.batch_shape, *q.event_shape), jax.tree.leaves(params)[0].dtype)
    traced = jax.make_jaxpr(lambda problem, params, x: problem.objective(params, x))(
        problem, params, x
    )
    return sum(math.prod(out.aval.shape) for equation in traced.eqns for out in equation.outvars)


def exact_gradient(problem: Problem, params: Params) -> dict[str, Float[np.ndarray, " P"]] | None:
    """The problem's exact gradient at these very numbers, in float64 whatever the precision measured in."""
    with jax.enable_x64(True):
        wide = jax.tree.map(partial(jnp.asarray, dtype=jnp.float64), (problem, params))
        truth = exact_vectors(*wide)
        return truth and {group: np.asarray(vector) for group, vector in truth.items()}


def flat(leaves: Any) -> Float[np.ndarray, " P"]:
    """A group's arrays as one vector."""
    return np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(leaves)])
