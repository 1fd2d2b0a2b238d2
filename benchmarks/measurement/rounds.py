"""Times that can be compared: what is compared is called in turn, in rounds.

What slows the machine for a while then slows all of it. Each round begins with the next one, so
that nothing always comes after the same other.
"""

import math
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple, Protocol

import jax
import numpy as np

from gradest.benchmarks.measurement.batching import number_of_batches
from gradest.benchmarks.measurement.replicates import LEAST_TIMED, compile_cell, zero_center
from gradest.estimators.base import Estimator
from gradest.problems.base import Params, Problem

ROUNDS = 9
"""The fewest whose median has an interval that leaves out the slowest and the fastest."""

CALL_SECONDS = 0.05
"""That a timing lasts at least: of what lasts less, several calls are one."""

PAUSE = 0.02
"""Seconds before a timing, in which the threads of the one before fall asleep."""


class Timeable(Protocol):
    """Whatever can be timed."""

    def seconds(self) -> float:
        """The seconds of one estimate, or of whatever is counted: each call times it anew."""


class Call(NamedTuple):
    """A call in this process, compiled and warm, and how many estimates it makes."""

    run: Callable[[], Any]
    estimates: int

    def seconds(self) -> float:
        """The seconds of one estimate, by one call."""
        return timed(self.run) / self.estimates


class Contender(NamedTuple):
    """What is timed several calls at a time: one alone may be too short."""

    run: Callable[[int], float]
    """The seconds of so many calls."""
    units: int
    """Replicates, or whatever is counted, that one call makes."""
    calls: int
    """That make one timing."""

    def seconds(self) -> float:
        """The seconds of one unit, by one timing."""
        return self.run(self.calls) / (self.calls * self.units)


def warm(run: Callable[[int], float], units: int) -> Contender:
    """What is timed, compiled and warm, and called so often at a time that it can be timed.

    Args:
        run: the seconds of so many calls.
        units: what one call makes.
    """
    run(1)
    return Contender(run, units, math.ceil(CALL_SECONDS / run(1)))


def contender(call: Callable[[], Any], units: int) -> Contender:
    """A call in this process, warm, that makes so many units."""
    return warm(lambda calls: sum(timed(call) for _ in range(calls)), units)


class Rounds(NamedTuple):
    """What was timed."""

    seconds: dict[str, list[float]]
    """Of one estimate by each call, round by round."""
    failed: dict[str, str]
    """Which calls failed, and why: they were called no more."""

    def medians(self) -> dict[str, float]:
        """The median seconds of an estimate by each call."""
        return {name: float(np.median(values)) for name, values in self.seconds.items()}


def timed(call: Callable[[], Any]) -> float:
    """Seconds until the result of a call is there."""
    begun = time.perf_counter()
    jax.block_until_ready(call())
    return time.perf_counter() - begun


def interleaved(
    calls: Mapping[str, Timeable],
    rounds: int = LEAST_TIMED,
    *,
    pause: float = 0.0,
    failures: type[Exception] | tuple[type[Exception], ...] = (),
) -> Rounds:
    """Times all calls in turn, round by round, each round beginning with the next one.

    Args:
        calls: by name.
        rounds: how many.
        pause: seconds before each timing, in which the threads of the one before fall asleep.
        failures: what may be raised by a call, which is then called no more.
    """
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    failed: dict[str, str] = {}
    names = list(calls)
    for number in range(rounds):
        first = number % len(names)
        for name in [*names[first:], *names[:first]]:
            if name in failed:
                continue
            if pause:
                time.sleep(pause)
            try:
                seconds[name].append(calls[name].seconds())
            except failures as error:
                failed[name] = str(error)
    return Rounds(seconds, failed)


def call_of(
    problem: Problem,
    estimator: Estimator,
    params: Params,
    key: jax.Array,
    *,
    num_samples: int,
    replicates: int,
    summed: bool = True,
) -> Call:
    """One call as `measure` makes it, compiled and warm.

    A state is as it is before warm-up: its numbers change no times.

    Args:
        problem: what is estimated.
        estimator: how.
        params: θ.
        key: of the cell.
        num_samples: L.
        replicates: R of the measurement whose calls are timed.
        summed: whether the estimates are summed as in a measurement, or made alone.
    """
    programs = compile_cell(
        problem, estimator, params, num_samples=num_samples, replicates=replicates, key=key
    )
    rows, block = programs.layout
    first = np.arange(rows, dtype=np.uint32)
    stride = np.uint32(number_of_batches(replicates))
    arguments = (problem, estimator, params, programs.states, key, first, stride)
    run: Callable[[], Any] = partial(programs.moments.estimates.run, *arguments)
    if summed:
        run = partial(programs.moments.__call__, zero_center(params), *arguments)
    for _ in range(2):
        jax.block_until_ready(run())
    return Call(run, rows * block)
