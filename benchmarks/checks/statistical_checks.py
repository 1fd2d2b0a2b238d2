"""Checks of an estimator that chance may fail, with the probability that its trial gives."""

import math
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array
from scipy.special import ndtr, stdtr

from gradest.benchmarks.checks.comparisons import Skipped, expect
from gradest.benchmarks.checks.trials import (
    COMPILER,
    EstimatorTrial,
    in_precision_in_force,
    moved,
)
from gradest.benchmarks.statistics.intervals import (
    jackknife,
    standard_error,
    total_variance,
    variance,
)
from gradest.benchmarks.statistics.moments import Moments, leave_out, scale_of
from gradest.benchmarks.statistics.tails import kurtosis
from gradest.estimators.learning import Trainable

LEARNING_KEYS = 2_000
"""Estimates over which derivatives of a training objective are averaged."""

STEP = 1e-4
"""Of the finite differences of a training objective."""


def unbiasedness(trial: EstimatorTrial) -> None:
    """Where it claims to be unbiased, its mean is the exact gradient, to its standard error."""
    if not trial.estimator.claims_unbiased(trial.problem):
        raise Skipped("claims no unbiasedness here")
    if trial.problem_trial.truth is None:
        raise Skipped("no exact gradient is known")
    p = trial.bias_p()
    expect(
        p > trial.level,
        f"expected no bias at L = {trial.num_samples}; "
        f"found the mean to differ from the exact gradient, p = {p:.1e}",
    )


def one_over_samples(trial: EstimatorTrial) -> None:
    """Where it claims so, n times the samples have an n-th of the variance.

    That is, to the jackknife's standard error, by a t-test of the difference of the logarithms.
    """
    if not trial.estimator.claims_one_over_samples():
        raise Skipped("claims no variance proportional to 1/L")
    few = trial.usable(trial.estimator.min_samples)
    many = trial.num_samples if trial.num_samples >= 2 * few else trial.usable(4 * few)
    with_few = trial.measured(few)
    with_many = trial.measured(many)
    groups = [
        group for group in with_few if is_noisy(group, with_few) and is_noisy(group, with_many)
    ]
    if not groups:
        raise Skipped("no group has a variance that can be compared")
    for group in groups:
        low, low_error = log_variance(with_few[group])
        high, high_error = log_variance(with_many[group])
        log_ratio = high + math.log(many) - low - math.log(few)
        statistic = abs(log_ratio) / math.hypot(low_error, high_error)
        p = 2 * len(groups) * float(stdtr(len(with_few[group].mean) - 1, -statistic))
        expect(
            p > trial.level,
            f"group {group}: expected variance × L to stay from L = {few} to {many}; "
            f"found it times {math.exp(log_ratio):.3g}, p = {p:.1e}",
        )


def is_noisy(group: str, moments: Mapping[str, Moments]) -> bool:
    """Whether a group's variance is more than rounding, and not that of a few replicates."""
    largest = max(map(scale_of, moments.values()))
    rounding = 8 * float(np.finfo(np.float32).eps) * largest
    if variance(moments[group]).value <= rounding**2:
        return False
    return kurtosis(moments[group]) < moments[group].replicates / 100


def log_variance(moments: Moments) -> tuple[float, float]:
    """ln of a group's variance, and its jackknife standard error."""
    total = jackknife(total_variance, leave_out(moments))
    return math.log(total.value), float(standard_error(total))


def learned_gradients(trial: EstimatorTrial) -> None:
    """What trains the parameters in the state is the gradient of what they minimise.

    By finite differences along a few directions: they differ where a stop_gradient cuts the
    parameters off.
    """
    if not isinstance(trial.estimator, Trainable) or trial.estimator.trained(trial.state) is None:
        raise Skipped("trains nothing by gradient")
    stated, differences = directional_derivatives(trial, trial.estimator)
    deviations = stated - differences
    rounding = 1e-5 * np.sqrt((differences**2).mean(0))
    error = np.sqrt(deviations.var(0, ddof=1) / len(deviations) + rounding**2)
    distance = np.abs(deviations.mean(0))
    z = np.divide(distance, error, out=np.zeros_like(error), where=error > 0)
    p = 2 * len(z) * float(ndtr(-z.max()))
    worst = int(z.argmax())
    expect(
        p > trial.level,
        "expected the gradient that trains the state to be "
        f"{differences.mean(0)[worst]:.4g} along some direction, by finite differences; "
        f"found {stated.mean(0)[worst]:.4g}, p = {p:.1e}",
    )


def directional_derivatives(
    trial: EstimatorTrial, estimator: Trainable
) -> tuple[np.ndarray, np.ndarray]:
    """Derivatives of the training objective along three directions, in many estimates, in float64.

    Args:
        trial: of the estimator.
        estimator: it again, as one that trains.

    Returns:
        Those of its gradient, and those by finite differences: a row for each estimate.
    """
    with jax.enable_x64(True):
        problem, params, estimator, state = in_precision_in_force(
            (trial.problem, trial.params, estimator, trial.state)
        )
        learned = moved(estimator.trained(state), jax.random.key(11), 0.5)
        zero = jax.tree.map(jnp.zeros_like, learned)
        directions = [moved(zero, jax.random.key(seed), 1.0) for seed in (12, 13, 14)]

        def objective(learned: Any, key: Array) -> Array:
            return estimator.training_objective(
                learned, problem, params, state, key, trial.num_samples
            )[0]

        def derivatives(learned: Any, key: Array) -> tuple[Array, Array]:
            def along(direction: Any, size: float) -> Array:
                there = jax.tree.map(lambda value, step: value + size * step, learned, direction)
                return objective(there, key)

            grads = jax.grad(objective)(learned, key)
            stated = [optax.tree.vdot(grads, direction) for direction in directions]
            differences = [
                (along(direction, STEP) - along(direction, -STEP)) / (2 * STEP)
                for direction in directions
            ]
            return jnp.array(stated), jnp.array(differences)

        keys = jax.random.split(jax.random.key(15), LEARNING_KEYS)
        in_each = jax.jit(jax.vmap(derivatives, in_axes=(None, 0)), compiler_options=COMPILER)
        stated, differences = in_each(learned, keys)
        return np.asarray(stated), np.asarray(differences)
