"""Times as ratios within one run: what is compared is called in turn, in rounds, each beginning with the next one."""

import math
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import jax

from gradest.benchmarks.measurement.replicates import cell_key
from gradest.benchmarks.measurement.rounds import Call, call_of
from gradest.estimators.base import Estimator
from gradest.problems.base import Params, Problem

REPLICATES = 100_000
"""R of the measurement whose calls are timed: as many as its calls can be of the largest size."""

ROUNDS = 9
"""Times that each is called: the fewest whose median has an interval that leaves out the slowest and the fastest."""

CALL_SECONDS = 0.05
"""That a timed call lasts at least: of what lasts less, several are one."""

PAUSE = 0.02
"""Seconds before each timing, in which the threads of the one before fall asleep: some spin for a while."""


class Contender(NamedTuple):
    """What is timed."""

    run: Callable[[int], float]
    """The seconds of so many calls."""
    units: int
    """Replicates, or whatever is counted, that one call makes."""
    calls: int
    """That make one timing."""

    def seconds(self) -> float:
        """Of one unit."""
        return self.run(self.calls) / (self.calls * self.units)


def timed(call: Callable[[], object]) -> float:
    """Seconds until the result is there."""
    begun = time.perf_counter()
    jax.block_until_ready(call())
    return time.perf_counter() - begun


def warm(run: Callable[[int], float], units: int) -> Contender:
    """Compiled, warm, and called so often at a time that it can be timed."""
    run(1)
    return Contender(run, units, math.ceil(CALL_SECONDS / run(1)))


def contender(call: Callable[[], Any], units: int) -> Contender:
    """A call in this process, warm."""
    return warm(lambda calls: sum(timed(call) for _ in range(calls)), units)


def our_call(
    problem: Problem, estimator: Estimator, params: Params, num_samples: int, *, summed: bool = True
) -> Call:
    """A call exactly as a measurement of REPLICATES makes it, with or without its sums."""
    key = cell_key(0, "rounds", "init", num_samples)
    return call_of(
        problem,
        estimator,
        params,
        key,
        num_samples=num_samples,
        replicates=REPLICATES,
        summed=summed,
    )


def interleaved(
    contenders: dict[str, Contender], failures: type[Exception] | tuple[type[Exception], ...] = ()
) -> tuple[dict[str, list[float]], dict[str, str]]:
    """Seconds of a unit of each, round by round; and which ended in one of the `failures`, and why."""
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    failed: dict[str, str] = {}
    names = list(contenders)
    for number in range(ROUNDS):
        first = number % len(names)
        for name in [*names[first:], *names[:first]]:
            if name in failed:
                continue
            time.sleep(PAUSE)
            try:
                seconds[name].append(contenders[name].seconds())
            except failures as error:
                failed[name] = str(error)
    return seconds, failed
