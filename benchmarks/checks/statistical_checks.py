"""Checks that chance may fail, of an estimator or a problem, at the level that its trial gives."""

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
    ProblemTrial,
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
from gradest.estimators import ESTIMATORS, Estimator
from gradest.estimators.learning import Trainable
from gradest.estimators.sampling.draws import sample
from gradest.problems.distributions.coordinates import base

LEARNING_KEYS = 2_000
"""Estimates over which derivatives of a training objective are averaged."""

SCORES = 4_000
"""Samples over which a score is averaged."""

MOST_KURTOSIS = 30.0
"""Of estimates whose mean is compared: with heavier tails a z-test says too much."""

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


def distribution(trial: ProblemTrial) -> None:
    """Its parameters and its draws are where they may be, and the mean of its score is zero."""
    q = trial.problem.distribution(trial.params)
    coordinates = base(q)
    for name, constraint in coordinates.arg_constraints.items():
        if name in vars(coordinates):
            expect(
                np.all(constraint(getattr(coordinates, name))),
                f"distribution: expected {name} to be {constraint}; it is not",
            )
    x = sample(q, jax.random.key(6), SCORES)
    outside = f"distribution: expected draws in its support, {q.support}; found some outside"
    expect(np.all(q.support(x)), outside)

    def log_q(params: Any, x: Array) -> Array:
        return trial.problem.distribution(params).log_prob(x).sum()

    def score(x: Array) -> Array:
        grads = jax.grad(log_q)(trial.params, x)
        return jnp.concatenate([leaf.ravel() for leaf in jax.tree.leaves(grads)])

    scores = np.asarray(jax.jit(jax.vmap(score), compiler_options=COMPILER)(x), np.float64)
    error = scores.std(0, ddof=1) / math.sqrt(SCORES)
    z = np.divide(np.abs(scores.mean(0)), error, out=np.zeros_like(error), where=error > 1e-6)
    p = min(1.0, 2 * len(z) * float(ndtr(-z.max())))
    expect(
        p > trial.level,
        f"expected the score's mean to be zero, as where draws follow log_prob; found p = {p:.1e}",
    )


def exact_gradient(trial: ProblemTrial) -> None:
    """The stated truth is the mean of an unbiased estimator's estimates."""
    stated = bool(trial.problem.truth)
    known = trial.problem.exact_gradient(trial.params) is not None
    expected = "give it" if stated else "be None"
    found = "a gradient" if known else "None"
    expect(
        stated == known,
        f"truth = {trial.problem.truth!r}: expected exact_gradient to {expected}; found {found}",
    )
    if not known:
        raise Skipped("states no exact gradient")
    against = unbiased_estimator(trial)
    if against is None:
        raise Skipped("no registered estimator is unbiased on it")
    p = EstimatorTrial(against, trial).bias_p()
    expect(
        p > trial.level,
        f"expected exact_gradient to be what {type(against).__name__} estimates without bias; "
        f"found p = {p:.1e}",
    )


def unbiased_estimator(trial: ProblemTrial) -> Estimator | None:
    """A registered estimator that is unbiased on the problem: the least noisy.

    One that differentiates f, where there is one.
    """
    candidates = [cls() for cls in ESTIMATORS.values()]
    candidates.append(ESTIMATORS["score_function"](baseline="leave_one_out"))
    fitting = [
        candidate
        for candidate in candidates
        if not candidate.refuses(trial.problem) and candidate.claims_unbiased(trial.problem)
    ]
    return max(fitting, key=lambda each: (each.differentiates_f, each.min_samples), default=None)


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
