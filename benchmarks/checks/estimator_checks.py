"""What every estimator must do on every problem that it supports: one function a check, and the table of them."""

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array
from scipy.special import ndtr, stdtr

from gradest.benchmarks.checks.draws import count_draws
from gradest.benchmarks.checks.evaluations import Uncountable, count_evaluations
from gradest.benchmarks.checks.float64 import in_float64
from gradest.benchmarks.checks.trials import (
    COMPILER,
    EstimatorTrial,
    Skipped,
    expect,
    in_precision_in_force,
    moved,
    other_numbers,
    paths,
    retraced,
)
from gradest.benchmarks.statistics.intervals import (
    jackknife,
    standard_error,
    total_variance,
    variance,
)
from gradest.benchmarks.statistics.moments import Moments, leave_out, scale_of
from gradest.benchmarks.statistics.tails import kurtosis
from gradest.estimators.base import Evaluations
from gradest.estimators.learning import Trainable

AGREEMENT = 1e-4
"""How far two ways to compute an estimate in float32 may lie apart, as a fraction of its size: rounding, no more."""

LEARNING_KEYS, STEP = 2_000, 1e-4
"""Of the finite differences of what is learned: estimates averaged over, and the step."""


def shapes(trial: EstimatorTrial) -> None:
    """The estimate has the groups and the shapes of θ, and the state keeps its own."""
    estimate, after = traced(trial)
    compare_shapes("the estimate", "θ", estimate, trial.params)
    compare_shapes("the state after an estimate", "the state before it", after, trial.state)


def dtypes(trial: EstimatorTrial) -> None:
    """float32 from float32, and float64 from float64, in the estimate and in the state."""
    compare_dtypes("float32", *traced(trial), trial.params, trial.state)
    with jax.enable_x64(True):
        problem, estimator, params = in_precision_in_force(
            (trial.problem, trial.estimator, trial.params)
        )
        state = estimator.init(problem, params, jax.random.key(1))
        estimate, after = jax.eval_shape(
            trial.estimate, problem, estimator, params, state, jax.random.key(2)
        )
        compare_dtypes("float64", estimate, after, params, state)


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
    group, apart = farthest(plain, batched)
    expect(
        apart < AGREEMENT,
        f"expected the same estimate under jit and vmap; found group {group} apart by {apart:.1e} of its size",
    )


def recompilation(trial: EstimatorTrial) -> None:
    """Another value of a number, of θ or of the key compiles nothing."""
    fixed = (trial.problem, trial.estimator, trial.params, trial.state)
    others: dict[str, tuple] = {
        "θ": (
            trial.problem,
            trial.estimator,
            moved(trial.params, jax.random.key(8), 0.1),
            trial.state,
            trial.keys[2],
        )
    }
    for name, other in other_numbers(trial.estimator).items():
        others[name] = (trial.problem, other, trial.params, trial.state, trial.keys[0])
    again = retraced(trial.estimate, (*fixed, trial.keys[0]), others)
    expect(
        not again,
        f"expected no compilation for a new value; found one for a new {' and a new '.join(again)}",
    )


def extreme_parameters(trial: EstimatorTrial) -> None:
    """No NaN where θ is extreme and f, log q and their gradients are finite."""
    if not trial.on.extreme_params:
        raise Skipped("at extreme θ the problem itself is not finite")
    for row, params in enumerate(trial.on.extreme_params, start=len(trial.keys)):
        bad = [
            group
            for group, leaves in trial.rows.items()
            if any(np.isnan(x[row]).any() for x in leaves_of(leaves))
        ]
        largest = max(float(np.abs(leaf).max()) for leaf in jax.tree.leaves(params))
        expect(
            not bad,
            f"expected no NaN at extreme θ; found one in group {', '.join(bad)} at θ up to {largest:.3g}",
        )


def support_claims(trial: EstimatorTrial) -> None:
    """What it says that it supports, it estimates, from the least L on that it takes."""
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
        all(isinstance(c, (bool, np.bool_)) for c in claims),
        f"claims: expected True or False; found {claims}",
    )


def evaluations(trial: EstimatorTrial) -> None:
    """The evaluations of f and of its gradient are as many as it states."""
    for num_samples in (trial.num_samples, trial.usable(2 * trial.num_samples)):
        stated = trial.estimator.evaluations(trial.problem, num_samples)
        expect(
            isinstance(stated, Evaluations),
            f"evaluations: expected an Evaluations; found {type(stated).__name__}",
        )
        try:
            found = count_evaluations(
                trial.estimator, trial.problem, trial.params, trial.state, num_samples
            )
        except Uncountable as reason:
            raise Skipped(str(reason)) from reason
        expect(
            stated == found,
            f"at L = {num_samples}: stated are {stated.f} evaluations of f and {stated.grad} of its gradient; "
            f"found {found.f} and {found.grad}",
        )


def draws(trial: EstimatorTrial) -> None:
    """The random numbers that the estimate depends on are as many as it states."""
    for num_samples in (trial.num_samples, trial.usable(2 * trial.num_samples)):
        stated = trial.estimator.draws(trial.problem, num_samples)
        try:
            found = count_draws(
                trial.estimator, trial.problem, trial.params, trial.state, num_samples
            )
        except Uncountable as reason:
            raise Skipped(str(reason)) from reason
        expect(
            stated == found,
            f"at L = {num_samples}: stated are {stated} random numbers; found {found}",
        )


def unbiasedness(trial: EstimatorTrial) -> None:
    """Where it claims to be unbiased, its mean is the exact gradient, to the standard error of that mean."""
    if not trial.estimator.claims_unbiased(trial.problem):
        raise Skipped("claims no unbiasedness here")
    if trial.on.truth is None:
        raise Skipped("no exact gradient is known")
    p = trial.bias_p()
    expect(
        p > trial.level,
        f"expected no bias at L = {trial.num_samples}; found the mean to differ from the exact gradient, p = {p:.1e}",
    )


def one_over_samples(trial: EstimatorTrial) -> None:
    """Where it claims so, n times the samples have an n-th of the variance, to the jackknife's standard error."""
    if not trial.estimator.claims_one_over_samples():
        raise Skipped("claims no variance proportional to 1/L")
    few = trial.usable(trial.estimator.min_samples)
    many = trial.num_samples if trial.num_samples >= 2 * few else trial.usable(4 * few)
    first, second = trial.measured(few), trial.measured(many)
    tested = [group for group in first if is_noisy(group, first) and is_noisy(group, second)]
    if not tested:
        raise Skipped("no group has a variance that can be compared")
    for group in tested:
        (low, low_error), (high, high_error) = (
            log_variance(moments[group]) for moments in (first, second)
        )
        apart = high + math.log(many) - low - math.log(few)
        statistic = abs(apart) / math.hypot(low_error, high_error)
        p = 2 * len(tested) * float(stdtr(len(first[group].mean) - 1, -statistic))
        expect(
            p > trial.level,
            f"group {group}: expected variance × L to stay from L = {few} to {many}; found it times "
            f"{math.exp(apart):.3g}, p = {p:.1e}",
        )


def precision(trial: EstimatorTrial) -> None:
    """The same draws in float64 give the same estimate, to float32's rounding."""

    def batched(problem: Any, estimator: Any, params: Any, state: Any, keys: Array) -> Any:
        return jax.vmap(lambda key: trial.estimate(problem, estimator, params, state, key)[0])(keys)

    wide = in_float64(batched)(
        trial.problem, trial.estimator, trial.params, trial.state, trial.keys
    )
    narrow = jax.tree.map(lambda leaf: leaf[: len(trial.keys)], trial.rows)
    group, apart = farthest(jax.device_get(wide), narrow)
    expect(
        apart < AGREEMENT,
        f"expected float32 to give float64's estimate; found group {group} apart by {apart:.1e} of its size",
    )


def learned_gradients(trial: EstimatorTrial) -> None:
    """What trains the parameters in the state is the gradient of what they minimise, by finite differences."""
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
        f"expected the gradient that trains the state to be {differences.mean(0)[worst]:.4g} along some direction, by "
        f"finite differences; found {stated.mean(0)[worst]:.4g}, p = {p:.1e}",
    )


def directional_derivatives(
    trial: EstimatorTrial, estimator: Trainable
) -> tuple[np.ndarray, np.ndarray]:
    """Derivatives of the training objective along three directions, in many estimates, in float64.

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
    estimate, after = jax.eval_shape(trial.estimate, *args)
    return estimate, after


def compare_shapes(what: str, like: str, found: Any, expected: Any) -> None:
    """Fails where two trees differ in structure or in a shape."""
    theirs, ours = paths(found), paths(expected)
    built: list[Any] = [jax.tree.structure(tree) for tree in (found, expected)]
    expect(
        built[0] == built[1],
        f"expected {what} to be built like {like}, {', '.join(ours) or 'empty'}; found {', '.join(theirs) or 'empty'}",
    )
    for place, leaf in ours.items():
        shape = jnp.shape(theirs[place])
        expect(
            shape == jnp.shape(leaf),
            f"{what}: expected shape {jnp.shape(leaf)} at {place}, like {like}; found {shape}",
        )


def compare_dtypes(name: str, estimate: Any, after: Any, params: Any, state: Any) -> None:
    """Fails where the estimate is not of the dtype `name`, or the state changes its own."""
    wanted = {place: jnp.dtype(name) for place in paths(params)}
    wanted |= {f"state{place}": jnp.result_type(leaf) for place, leaf in paths(state).items()}
    found = paths(estimate) | {f"state{place}": leaf for place, leaf in paths(after).items()}
    for place, dtype in wanted.items():
        expect(
            place in found and found[place].dtype == dtype,
            f"in {name}: expected {dtype} at {place}; found {found[place].dtype if place in found else 'nothing'}",
        )


def leaves_of(leaves: Any) -> list[np.ndarray]:
    """A group's arrays."""
    return [np.asarray(leaf) for leaf in jax.tree.leaves(leaves)]


def same(first: Any, second: Any) -> bool:
    """Whether two trees agree bit for bit."""
    return all(
        np.array_equal(a, b, equal_nan=True)
        for a, b in zip(leaves_of(first), leaves_of(second), strict=True)
    )


def farthest(expected: Any, found: Any) -> tuple[str, float]:
    """The group in which two batches of estimates lie farthest apart, and how far as a fraction of
    its size.

    A group smaller than float32 resolves beside the others counts as that large.
    """
    sizes = {
        group: max((float(np.abs(x).max()) for x in leaves_of(leaves)), default=0.0)
        for group, leaves in expected.items()
    }
    floor = max([1e-6 * size for size in sizes.values()] + [1e-30])
    apart = {
        group: max(
            float(np.abs(np.asarray(a, np.float64) - np.asarray(b, np.float64)).max())
            for a, b in zip(leaves_of(expected[group]), leaves_of(found[group]), strict=True)
        )
        / max(size, floor)
        for group, size in sizes.items()
    }
    group = max(apart, key=lambda name: math.inf if math.isnan(apart[name]) else apart[name])
    return group, apart[group]


def is_noisy(group: str, moments: dict[str, Moments]) -> bool:
    """Whether a group's variance is more than rounding, and not that of a few replicates."""
    size = max(map(scale_of, moments.values()))
    noisy = variance(moments[group]).value > (8 * float(np.finfo(np.float32).eps) * size) ** 2
    return noisy and kurtosis(moments[group]) < moments[group].replicates / 100


def log_variance(moments: Moments) -> tuple[float, float]:
    """ln of a group's variance, and its jackknife standard error."""
    total = jackknife(total_variance, leave_out(moments))
    return math.log(total.value), float(standard_error(total))
