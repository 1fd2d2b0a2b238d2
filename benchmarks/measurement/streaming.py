"""The calls of a cell, run one after the other, and what comes of them merged as it comes."""

import itertools
import math
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from gradest.benchmarks.measurement.batching import Layout, largest_divisor
from gradest.benchmarks.measurement.programs import Summed
from gradest.benchmarks.runtime.calls import Calls, OutOfMemory
from gradest.benchmarks.statistics.moments import LARGEST, Moments, merge

PILOT = 64
"""Replicates, at least, whose mean is the centre of the fourth powers."""

MOST_TIMED = 10_000
"""Calls, the last ones, whose times are kept."""

Center = dict[str, Float[Array, " P"]]
"""For each group of θ a vector that distances are taken from: the fourth powers' centre."""


@dataclass(frozen=True)
class Work:
    """What is to be run for a cell, however it is cut into calls."""

    batches: int
    size: int
    """New replicates of each batch."""
    zeros: Center
    """A zero for each of θ's numbers."""
    earlier: dict[str, Moments] | None
    """What is there of each batch already."""
    least_timed: int


class Streamed(NamedTuple):
    """What came of all calls of a cell."""

    moments: dict[str, Moments]
    durations: list[float]
    """The time of one estimate, call by call, in seconds; of the last that were waited for."""
    begun: float
    """When set-up had ended and the replicates began, by time.perf_counter."""
    calls: Layout
    """What the calls were in the end."""


def stream(run: Calls, block: int, work: Work) -> Streamed:
    """Runs the calls of a cell, and merges what comes of them as it comes.

    Args:
        run: makes blocks, given their places: the first of every batch, then the second, …
        block: replicates of each.
        work: what is to be run.
    """
    total = work.batches * work.size // block
    rows = run.rows

    def calls(most: int | None = None) -> Iterator[np.ndarray]:
        # in the order of the blocks: a longer run goes on where a shorter one ends
        starts = itertools.islice(range(0, total, rows), most)
        return (np.arange(start, min(start + rows, total)) for start in starts)

    # Set up. The first calls are run twice: to warm up, and for the centre of the fourth powers.
    blocks = -(-PILOT // block)
    pilot_calls = calls(1 if work.earlier else -(-blocks // rows))
    pilot = [by_group(run(places, work.zeros)[0], work.zeros, block) for places in pilot_calls]
    center = center_of(pilot, blocks, work)

    # Measure. With as many blocks of every batch they are merged: memory is flat in R.
    begun = time.perf_counter()
    merged = dict(work.earlier or {})
    durations: deque[float] = deque(maxlen=MOST_TIMED)

    def results() -> Iterator[Summed]:
        for made in run.in_order(calls(), center):
            if made.seconds is not None:
                durations.append(made.seconds / block)
            yield by_group(made.result, work.zeros, block)

    for whole in whole_rounds(results(), work.batches):
        for group in center:
            parts = gather(whole, block, work.batches, group, center[group])
            before = [merged[group]] if group in merged else []
            merged[group] = merge([*before, *parts])

    # Time. Calls are waited for, on what was measured, until the median means something.
    lacking = max(0, work.least_timed - len(durations))
    for places in itertools.islice(itertools.cycle(calls(work.least_timed)), lacking):
        durations.append(run(places, center)[1] / (run.made(places) * block))
    return Streamed(merged, list(durations), begun, Layout(run.rows, block))


def center_of(pilot: list[Summed], blocks: int, work: Work) -> Center:
    """The mean of the pilot's first blocks, or the centre of the run that is gone on from."""
    center = {}
    for group, zeros in work.zeros.items():
        means = np.concatenate([result[group][0] for result in pilot])[:blocks]
        with np.errstate(over="ignore"):  # what is not finite is said of the estimates
            known = work.earlier[group].center if work.earlier else means.mean(0)
        center[group] = jnp.asarray(known, zeros.dtype)
    return center


def whole_rounds(results: Iterable[Summed], batches: int) -> Iterator[Summed]:
    """The same blocks in the same order, cut to as many of every batch.

    Args:
        results: of calls, in the order of the blocks, with any number of blocks each.
        batches: how many batches there are.
    """
    held: list[Summed] = []
    count = 0
    for result in results:
        held.append(result)
        count += len(next(iter(result.values()))[0])
        whole = count // batches * batches
        if not whole:
            continue
        joined = jax.tree.map(lambda *columns: np.concatenate(columns), *held)
        yield jax.tree.map(lambda column, end=whole: column[:end], joined)
        count -= whole
        held = [jax.tree.map(lambda column, end=whole: column[end:], joined)] if count else []


def by_group(result: Summed | np.ndarray, zeros: Center, block: int) -> Summed:
    """What `sums` made, as it is where it was not packed into one array.

    Args:
        result: on the host.
        zeros: as many for each group as it has numbers.
        block: replicates of a row.
    """
    if isinstance(result, dict):
        return result
    shapes = {}
    for group in sorted(zeros):  # as JAX sorts them
        vectors = [(len(zeros[group]),)] * 3
        shapes[group] = [*vectors, (), (min(LARGEST, block),), ()]
    widths = [math.prod(shape) for each in shapes.values() for shape in each]
    columns = iter(np.split(result, np.cumsum(widths)[:-1], axis=1))
    rows = len(result)
    return {
        group: tuple(next(columns).reshape(rows, *shape) for shape in each)
        for group, each in shapes.items()
    }


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


def gather(
    result: Summed, block: int, batches: int, group: str, center: Float[Array, " P"]
) -> list[Moments]:
    """A group's sums as moments in float64, in the order in which they were run.

    Args:
        result: sums of as many blocks of every batch.
        block: replicates of a block.
        batches: how many batches there are.
        group: of θ.
        center: that distances were taken from.

    Returns:
        Moments with a block of every batch each.

    Raises:
        FloatingPointError: some estimates are not finite.
    """
    columns = [np.asarray(column, np.float64) for column in result[group]]
    mean, second, third, fourth, largest, unit = columns
    broken = np.flatnonzero(~(np.isfinite(mean) & np.isfinite(second)).all(axis=1))
    if len(broken):
        raise FloatingPointError(
            f"group {group}: the estimate is not finite in {len(broken)} of {len(mean)} blocks"
        )
    each = unit[:, None]
    in_its_units = (mean, second * each**2, third * each**3, fourth * unit**4, largest * each**2)
    by_round = [column.reshape(-1, batches, *column.shape[1:]) for column in in_its_units]
    fixed = np.asarray(center, np.float64)
    rounds = zip(*by_round, strict=True)
    return [Moments(block, *fields, fixed) for fields in rounds]  # type: ignore[call-arg]
