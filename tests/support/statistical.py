"""Tests of what is measured against what is known exactly, each at the same level.

A test that chance can fail calls one of the `assert_…` functions here. tests/test_statistical.py
counts them, so that LEVEL keeps the chance of a false alarm anywhere below FALSE_ALARMS.
"""

import math

import jax
import numpy as np
from scipy.special import ndtri, stdtrit

from gradest.benchmarks.measurement.exact_gradient import exact_gradient
from gradest.benchmarks.measurement.replicates import cell_key, measure
from gradest.benchmarks.statistics import intervals
from gradest.benchmarks.statistics.bias import bias
from gradest.benchmarks.statistics.intervals import Interval
from gradest.benchmarks.statistics.moments import Moments
from gradest.estimators import Estimator
from gradest.problems import Problem
from gradest.problems.base import Params

FALSE_ALARMS = 0.12
"""The chance, at most, that any fails where nothing is wrong, when all random numbers change."""

TESTS = 700
"""At least as many as there are."""

LEVEL = FALSE_ALARMS / TESTS
"""The chance that one of them fails where nothing is wrong."""

REPLICATES = 20_000

RESOLUTION = 1e-7
"""The relative precision of float32, in which estimates are made."""


def initial(problem: Problem) -> Params:
    """θ at initialisation."""
    return problem.init_params(jax.random.key(0))


def truth_of(problem: Problem, params: Params | None = None) -> dict[str, np.ndarray]:
    """The exact gradient, each group of θ as one vector; at `params`, or at initialisation."""
    truth = exact_gradient(problem, initial(problem) if params is None else params)
    assert truth is not None
    return truth


def moments_of(
    problem: Problem,
    estimator: Estimator,
    num_samples: int,
    label: str,
    *,
    params: Params | None = None,
    replicates: int = REPLICATES,
    adapt_steps: int = 200,
) -> dict[str, Moments]:
    """Moments of many estimates, for each group of θ.

    Args:
        num_samples: L.
        label: decides, with L, which random numbers are drawn.
        params: θ; left out, θ at initialisation.
        replicates: how many estimates.
        adapt_steps: estimates made before, from which a state is learned.
    """
    return measure(
        problem,
        estimator,
        initial(problem) if params is None else params,
        num_samples=num_samples,
        replicates=replicates,
        key=cell_key(3, label, "init", num_samples),
        adapt_steps=adapt_steps,
        least_timed=0,
    ).moments


def variance_of(moments: Moments) -> Interval:
    """The total variance of a group, with its 95 % interval."""
    return intervals.variance(moments)


def assert_mean(moments: Moments, truth: np.ndarray, resolution: float = RESOLUTION) -> None:
    """The mean of the estimates is `truth`, in every coordinate of a group."""
    p = bias(moments, np.ravel(truth), resolution).p
    assert p > LEVEL, f"mean {moments.mean.mean(0)}, expected {truth}: p = {p:.1e}"


def assert_variance(moments: Moments, exact: float, widest: float = 1.6) -> None:
    """The total variance of a group is `exact`.

    Its logarithm is compared, in jackknife standard errors, with Student's quantile; and the 95 %
    interval is to be narrower than a factor of `widest`.
    """
    interval = variance_of(moments)
    assert interval.high / interval.low < widest
    freedom = len(moments.mean) - 1
    error = math.log(interval.high / interval.low) / 2 / intervals.t_quantile(freedom)
    t = (math.log(interval.value) - math.log(exact)) / error
    most = float(stdtrit(freedom, 1 - LEVEL / 2))
    assert abs(t) < most, f"variance {interval.value:.4g}, expected {exact:.4g}: t = {t:.1f}"


def assert_likely(p: float) -> None:
    """A p-value, of one test."""
    assert p > LEVEL, f"p = {p:.1e}"


def assert_z(z: np.ndarray | float) -> None:
    """Statistics that are standard normal where nothing is wrong: one test, of all together."""
    largest = float(np.max(np.abs(z)))
    most = float(-ndtri(LEVEL / np.size(z) / 2))
    assert largest < most, f"z = {largest:.1f}, expected at most {most:.1f}"
