"""The calls of a cell, run one after the other, and what comes of them merged as it comes."""

import itertools
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from gradest.benchmarks.measurement.batching import Layout, largest_divisor
from gradest.benchmarks.measurement.programs import Summed
from gradest.benchmarks.runtime.calls import Calls, OutOfMemory
from gradest.benchmarks.statistics.moments import Moments, merge

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
    """The time of one estimate, call by call, in seconds; of the last calls."""
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
    pilot = [run(places, work.zeros)[0] for places in pilot_calls]
    center = {}
    for group, zeros in work.zeros.items():
        means = np.concatenate([result[group][0] for result in pilot])[:blocks]
        with np.errstate(over="ignore"):  # what is not finite is said of the estimates
            known = work.earlier[group].center if work.earlier else means.mean(0)
        center[group] = jnp.asarray(known, zeros.dtype)

    # Measure. With as many blocks of every batch they are merged: memory is flat in R.
    begun = time.perf_counter()
    merged = dict(work.earlier or {})
    durations: deque[float] = deque(maxlen=MOST_TIMED)
    pending = []
    for places in calls():
        result, seconds = run(places, center)
        durations.append(seconds / (len(places) * block))
        pending.append(result)
        if (places[-1] + 1) % work.batches == 0:
            for group in center:
                parts = gather(pending, block, work.batches, group, center[group])
                before = [merged[group]] if group in merged else []
                merged[group] = merge([*before, *parts])
            pending = []

    # Time. A short cell is run again, on what it has measured, until the median means something.
    lacking = max(0, work.least_timed - len(durations))
    for places in itertools.islice(itertools.cycle(calls(work.least_timed)), lacking):
        durations.append(run(places, center)[1] / (len(places) * block))
    return Streamed(merged, list(durations), begun, Layout(run.rows, block))


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
    results: list[Summed], block: int, batches: int, group: str, center: Float[Array, " P"]
) -> list[Moments]:
    """A group's sums as moments in float64, in the order in which they were run.

    Args:
        results: of some calls, which have as many blocks of every batch.
        block: replicates of a block.
        batches: how many batches there are.
        group: of θ.
        center: that distances were taken from.

    Returns:
        Moments with a block of every batch each.

    Raises:
        FloatingPointError: some estimates are not finite.
    """
    parts = zip(*(result[group] for result in results), strict=True)
    columns = [np.concatenate(part).astype(np.float64) for part in parts]
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
