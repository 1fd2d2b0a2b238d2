"""The seconds of one gradient alone, as whoever trains with it computes it.

A measurement makes thousands of estimates in one call, and a call costs some microseconds whatever
is in it. One gradient pays for its call by itself.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Array

from gradest.benchmarks.measurement.rounds import timed
from gradest.benchmarks.runtime.configure import configure, in_full_precision
from gradest.estimators.base import Estimator, State
from gradest.problems.base import Params, Problem

SECONDS = 0.05
"""Of calls, at least, that a median is of."""

LEAST_CALLS = 7
"""The fewest that a median is of."""


class Alone(NamedTuple):
    """One gradient, compiled and warm."""

    run: Callable[[], Any]
    calls: int
    """How many make one timing."""

    def seconds(self) -> float:
        """The median seconds of a call, until its result is there."""
        return float(np.median([timed(self.run) for _ in range(self.calls)]))


@in_full_precision
def gradient_alone(
    problem: Problem,
    estimator: Estimator,
    params: Params,
    key: Array,
    num_samples: int,
    *,
    rounds: int = 1,
) -> Alone:
    """One gradient as a user computes it: jitted, θ, the state and the key its arguments.

    The problem and the estimator are constants of the compiled program. JAX's own options are in
    force, but for the precision of products. A state is as it is before warm-up: its numbers change
    no times.

    Args:
        problem: what is estimated.
        estimator: how.
        params: θ.
        key: of the random numbers.
        num_samples: L.
        rounds: how many timings there will be; all of them together are at least LEAST_CALLS calls,
            and as many as last SECONDS.
    """
    configure()

    @jax.jit
    @in_full_precision
    def gradient(params: Params, state: State, key: Array) -> tuple[Params, State]:
        return estimator.estimate(problem, params, state, key, num_samples)

    state = estimator.init(problem, params, key)

    def run() -> tuple[Params, State]:
        return gradient(params, state, key)

    timed(run)  # compiles
    once = min(timed(run) for _ in range(2))
    return Alone(run, math.ceil(max(LEAST_CALLS, SECONDS / once) / rounds))
