"""What every estimator must do on every problem that it does not refuse: a function for each check.

The table of all checks of an estimator is below; those that chance may fail are in
statistical_checks.py.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from gradest.benchmarks.checks.comparisons import (
    AGREEMENT,
    Skipped,
    expect,
    expect_dtypes,
    expect_no_recompilation,
    expect_shapes,
    farthest,
    leaves_of,
    paths,
    same,
)
from gradest.benchmarks.checks.evaluations import Uncountable, count_draws, count_evaluations
from gradest.benchmarks.checks.float64 import in_float64
from gradest.benchmarks.checks.other_arguments import other_numbers
from gradest.benchmarks.checks.statistical_checks import (
    learned_gradients,
    one_over_samples,
    unbiasedness,
)
from gradest.benchmarks.checks.trials import EstimatorTrial, in_precision_in_force, moved
from gradest.estimators.base import Evaluations


def shapes(trial: EstimatorTrial) -> None:
    """The estimate has the groups and the shapes of θ, and the state keeps its own."""
    grads, after = traced(trial)
    expect_shapes("the estimate", "θ", grads, trial.params)
    expect_shapes("the state after an estimate", "the state before it", after, trial.state)


def dtypes(trial: EstimatorTrial) -> None:
    """float32 from float32, and float64 from float64, in the estimate and in the state."""
    grads, after = traced(trial)
    compare_dtypes("float32", grads, after, trial.params, trial.state)
    with jax.enable_x64(True):
        problem, estimator, params = in_precision_in_force(
            (trial.problem, trial.estimator, trial.params)
        )
        state = estimator.init(problem, params, jax.random.key(1))
        grads, after = jax.eval_shape(
            trial.estimate, problem, estimator, params, state, jax.random.key(2)
        )
        compare_dtypes("float64", grads, after, params, state)


def purity(trial: EstimatorTrial) -> None:
    """Under one key there is one estimate: called twice, or twice in a batch."""
    first, again, _ = trial.single
    expect(same(first, again), "expected the same estimate from the same key twice; found another")
    first, again = (jax.tree.map(lambda leaf, row=row: leaf[row], trial.rows) for row in (0, 1))
    expect(
        same(first, again),
        "expected the same estimate from the same key, twice in a batch; found another",
    )


def jit_and_vmap(trial: EstimatorTrial) -> None:
    """Compiled and batched it gives what it gives called plainly."""
    plain = jax.tree.map(lambda *leaves: np.stack(leaves), *trial.single)
    batched = jax.tree.map(lambda leaf: leaf[: len(trial.single)], trial.rows)
    group, difference = farthest(plain, batched)
    expect(
        difference < AGREEMENT,
        "expected the same estimate under jit and vmap; "
        f"found group {group} to differ by {difference:.1e} of its size",
    )


def recompilation(trial: EstimatorTrial) -> None:
    """Another value of a number, of θ or of the key compiles nothing."""
    problem = trial.problem
    estimator = trial.estimator
    params = trial.params
    state = trial.state
    first, _, third = trial.keys
    elsewhere = moved(params, jax.random.key(8), 0.1)
    others = {"θ": (problem, estimator, elsewhere, state, third)}
    for name, other in other_numbers(estimator).items():
        others[name] = (problem, other, params, state, first)
    expect_no_recompilation(trial.estimate, (problem, estimator, params, state, first), others)


def extreme_parameters(trial: EstimatorTrial) -> None:
    """No NaN where θ is extreme and f, log q and their gradients are finite."""
    extreme = trial.problem_trial.extreme_params
    if not extreme:
        raise Skipped("at extreme θ the problem itself is not finite")
    for row, params in enumerate(extreme, start=len(trial.keys)):
        groups = [group for group, tree in trial.rows.items() if has_nan(tree, row)]
        largest = max(float(np.abs(leaf).max()) for leaf in jax.tree.leaves(params))
        expect(
            not groups,
            "expected no NaN at extreme θ; "
            f"found one in group {', '.join(groups)} at θ up to {largest:.3g}",
        )


def has_nan(tree: Any, row: int) -> bool:
    """Whether one row of some array in a tree has a NaN."""
    return any(np.isnan(leaf[row]).any() for leaf in leaves_of(tree))


def support_claims(trial: EstimatorTrial) -> None:
    """What it does not refuse, it estimates, from the least L on that it takes."""
    least = trial.estimator.min_samples
    expect(least >= 1, f"min_samples: expected at least 1; found {least}")
    fewest = trial.usable(least)
    expect(
        fewest < least + 4,
        f"min_samples = {least}: expected it to take so few; the least it takes is {fewest}",
    )

    def estimate(params: Any, state: Any, key: Array) -> Any:
        return trial.estimator.estimate(trial.problem, params, state, key, fewest)

    jax.eval_shape(estimate, trial.params, trial.state, trial.keys[0])
    claims = (
        trial.estimator.claims_unbiased(trial.problem),
        trial.estimator.claims_one_over_samples(),
    )
    expect(
        all(isinstance(claim, (bool, np.bool_)) for claim in claims),
        f"claims: expected True or False; found {claims}",
    )


def evaluations(trial: EstimatorTrial) -> None:
    """The evaluations of f and of its gradient are as many as it states."""
    for num_samples in two_sizes(trial):
        stated = trial.estimator.evaluations(trial.problem, num_samples)
        expect(
            isinstance(stated, Evaluations),
            f"evaluations: expected an Evaluations; found {type(stated).__name__}",
        )
        counted = count_in(count_evaluations, trial, num_samples)
        expect(
            stated == counted,
            f"at L = {num_samples}: stated are {stated.f} evaluations of f and {stated.grad} of "
            f"its gradient; found {counted.f} and {counted.grad}",
        )


def draws(trial: EstimatorTrial) -> None:
    """The random numbers that the estimate depends on are as many as it states."""
    for num_samples in two_sizes(trial):
        stated = trial.estimator.draws(trial.problem, num_samples)
        counted = count_in(count_draws, trial, num_samples)
        expect(
            stated == counted,
            f"at L = {num_samples}: stated are {stated} random numbers; found {counted}",
        )


def two_sizes(trial: EstimatorTrial) -> tuple[int, int]:
    """Two L at which what is stated is compared with what is counted."""
    return trial.num_samples, trial.usable(2 * trial.num_samples)


def count_in(count: Callable[..., Any], trial: EstimatorTrial, num_samples: int) -> Any:
    """What is counted in the program of one estimate.

    Raises:
        Skipped: it cannot be counted there.
    """
    try:
        return count(trial.estimator, trial.problem, trial.params, trial.state, num_samples)
    except Uncountable as reason:
        raise Skipped(str(reason)) from reason


def precision(trial: EstimatorTrial) -> None:
    """The same draws in float64 give the same estimate, to float32's rounding."""

    def batched(problem: Any, estimator: Any, params: Any, state: Any, keys: Array) -> Any:
        return jax.vmap(lambda key: trial.estimate(problem, estimator, params, state, key)[0])(keys)

    wide = in_float64(batched)(
        trial.problem, trial.estimator, trial.params, trial.state, trial.keys
    )
    narrow = jax.tree.map(lambda leaf: leaf[: len(trial.keys)], trial.rows)
    group, difference = farthest(jax.device_get(wide), narrow)
    expect(
        difference < AGREEMENT,
        "expected float32 to give float64's estimate; "
        f"found group {group} to differ by {difference:.1e} of its size",
    )


ESTIMATOR_CHECKS: dict[str, Callable[[EstimatorTrial], None]] = {
    check.__name__: check
    for check in (
        shapes,
        dtypes,
        purity,
        jit_and_vmap,
        recompilation,
        extreme_parameters,
        support_claims,
        evaluations,
        draws,
        unbiasedness,
        one_over_samples,
        precision,
        learned_gradients,
    )
}
"""By the name that a report gives them."""

STATISTICAL = ("unbiasedness", "one_over_samples", "learned_gradients")
"""Checks that chance may fail: their level is shared among all that are run."""


def traced(trial: EstimatorTrial) -> tuple[Any, Any]:
    """The estimate and the state after it, as shapes."""
    args = (trial.problem, trial.estimator, trial.params, trial.state, trial.keys[0])
    grads, after = jax.eval_shape(trial.estimate, *args)
    return grads, after


def compare_dtypes(name: str, grads: Any, after: Any, params: Any, state: Any) -> None:
    """Fails where the estimate is not of the dtype `name`, or the state changes its own."""
    expected = {place: jnp.dtype(name) for place in paths(params)}
    expected |= {f"state{place}": jnp.result_type(leaf) for place, leaf in paths(state).items()}
    found = paths(grads) | {f"state{place}": leaf for place, leaf in paths(after).items()}
    expect_dtypes(name, found, expected)
