"""A problem or an estimator with other arguments: a little different, or towards their ends."""

import dataclasses
import math
from collections.abc import Iterator
from functools import partial
from typing import Any

import jax
import numpy as np
from jaxtyping import Array
from scipy.special import ndtr

from gradest.benchmarks.checks.comparisons import Failed, Skipped, expect
from gradest.benchmarks.checks.statistical_checks import unbiased_estimator
from gradest.benchmarks.checks.trials import (
    COMPILER,
    ProblemTrial,
    in_precision_in_force,
)
from gradest.benchmarks.measurement.exact_gradient import exact_vectors
from gradest.benchmarks.measurement.exact_variances import exact_variance
from gradest.estimators import ESTIMATORS, Estimator
from gradest.estimators.base import State
from gradest.problems.arguments import arguments
from gradest.problems.base import Params, Problem

REPLICATES = 4_000
"""Estimates at an end, at most."""

MOST_KURTOSIS = 30.0
"""Of estimates whose mean is compared: with heavier tails a z-test says too much."""


def other_numbers(thing: Any) -> dict[str, Any]:
    """For each argument that is a number: the same thing with another value of it.

    Args:
        thing: a problem or an estimator.

    Returns:
        The others by the argument's name; none for one that takes no other value.
    """
    others = {name: with_another(thing, name) for name in numbers_of(thing)}
    return {name: other for name, other in others.items() if other is not None}


def numbers_of(thing: Any) -> Iterator[str]:
    """The fields of a problem or an estimator that hold one number."""
    declared = arguments(type(thing))
    for name, value in vars(thing).items():
        kind = declared[name].kind if name in declared else type(value)
        if kind in ("number", float) and np.size(value) == 1:
            yield name


def with_another(thing: Any, name: str) -> Any | None:
    """A problem or an estimator with another value of a number; None where all are refused."""
    value = float(getattr(thing, name))
    for candidate in (value * 1.25 + 0.0625, value * 0.75, value + 1, value - 1):
        try:
            return remade(thing, **{name: candidate})
        except (TypeError, ValueError):
            continue
    return None


def remade(thing: Any, **changes: Any) -> Any:
    """A problem or an estimator made anew from its fields, some of them changed."""
    names = [field.name for field in dataclasses.fields(thing) if field.init]
    taken = {name: getattr(thing, name) for name in names}
    return type(thing)(**taken | changes)


def ends_of_range(trial: ProblemTrial) -> None:
    """Towards the ends of its numbers' ranges the exact gradient is right, and variances positive.

    Right is the mean of an unbiased estimator's estimates, both in float64, where they are not so
    rare that these replicates may miss what matters. A quadrature may say that it does not know.
    """
    numbers = list(numbers_of(trial.problem))
    if not numbers:
        raise Skipped("has no number to take to the ends of its range")
    if trial.truth is None:
        raise Skipped("states no exact gradient")
    declared = arguments(type(trial.problem))
    places = [
        (name, value)
        for name in numbers
        if name in declared
        for value in declared[name].ends(float(getattr(trial.problem, name)))
    ]
    against = unbiased_estimator(trial)
    for name, value in places:
        try:
            there = remade(trial.problem, **{name: value})
        except (TypeError, ValueError):  # refused
            continue
        with jax.enable_x64(True):
            try:
                compare_at_end(in_precision_in_force(there), against, trial, len(places))
            except Failed as fault:
                raise Failed(f"at {name} = {value:g}: {fault}") from None


def compare_at_end(
    problem: Problem, against: Estimator | None, trial: ProblemTrial, tests: int
) -> None:
    """Fails where the exact gradient or a variance is wrong.

    Args:
        problem: with an argument towards an end of its range.
        against: an unbiased estimator, where there is one.
        trial: of the problem as it is.
        tests: that share the trial's level.

    Raises:
        Failed: it is.
    """
    params = in_precision_in_force(problem.init_params(jax.random.key(3)))
    truth = exact_vectors(problem, params)
    if truth is None:
        return
    exact = np.concatenate([np.asarray(vector) for vector in truth.values()])
    finite = bool(np.isfinite(exact).all())
    expect(
        finite or "quadrature" in problem.truth,
        f"expected a finite exact gradient; found {exact[~np.isfinite(exact)][:1]}",
    )
    expect_variances(problem, params)
    if not finite or against is None or against.refuses(problem):
        return
    estimates = many_estimates(against, problem, params, trial.most_replicates)
    found = np.concatenate([estimates[group] for group in truth], axis=1)
    z = deviations(found, exact)
    worst = int(z.argmax())
    p = 2 * float(ndtr(-z[worst])) * len(z) * tests
    expect(
        p > trial.level,
        f"expected exact_gradient to be what {type(against).__name__} estimates without bias, "
        f"{found.mean(0)[worst]:.4g}; found {exact[worst]:.4g}, p = {p:.1e}",
    )


def expect_variances(problem: Problem, params: Params) -> None:
    """Fails where an exact variance, of those that are known, is negative or not finite."""
    candidates = [cls() for cls in ESTIMATORS.values()]
    candidates.append(ESTIMATORS["score_function"](baseline="leave_one_out"))
    for candidate in candidates:
        variances = exact_variance(problem, candidate, params, 2) or {}
        for group, number in variances.items():
            expect(
                0 <= number < math.inf,
                f"expected an exact variance of {type(candidate).__name__}, zero or more; "
                f"found {number:.4g} in {group}",
            )


def many_estimates(
    against: Estimator, problem: Problem, params: Params, replicates: int
) -> dict[str, np.ndarray]:
    """Rows of independent estimates, at the least L from 4 on that the estimator takes."""
    num_samples = next(L for L in range(4, 1028) if not against.refuses_samples(L))
    state = against.init(problem, params, jax.random.key(1))
    keys = jax.random.split(jax.random.key(9), min(replicates, REPLICATES))
    rows = estimated(against, problem, params, state, keys, num_samples)
    return {
        group: np.concatenate(
            [np.reshape(leaf, (len(keys), -1)) for leaf in jax.tree.leaves(tree)], axis=1
        )
        for group, tree in rows.items()
    }


@partial(jax.jit, static_argnames="num_samples", compiler_options=COMPILER)
def estimated(
    against: Estimator,
    problem: Problem,
    params: Params,
    state: State,
    keys: Array,
    num_samples: int,
) -> Params:
    """An estimate for each key."""
    return jax.vmap(lambda key: against.estimate(problem, params, state, key, num_samples)[0])(keys)


def deviations(found: np.ndarray, exact: np.ndarray) -> np.ndarray:
    """How many standard errors means are away, where tails allow a z-test; else 0."""
    if not np.isfinite(found).all():
        return np.zeros(len(exact))
    size = np.maximum(np.abs(found).max(0), np.abs(exact))
    scale = np.where(size > 0, size, 1.0)  # so that no power over- or underflows
    centred = (found - found.mean(0)) / scale
    second = (centred**2).mean(0)
    # a variance of rounding alone, or of what few replicates carry, says nothing
    usable = second > 1e-18
    usable &= (centred**4).mean(0) < MOST_KURTOSIS * second**2
    error = np.sqrt(np.where(usable, second, 1.0) / len(found))
    return np.where(usable, np.abs(found.mean(0) - exact) / scale / error, 0.0)
