"""What every problem must do: one function a check, and the table of them."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
from jaxtyping import Array

from gradest.benchmarks.checks.comparisons import (
    AGREEMENT,
    Failed,
    Skipped,
    expect,
    expect_dtypes,
    expect_no_recompilation,
    expect_shapes,
    paths,
    relative_difference,
    same,
)
from gradest.benchmarks.checks.other_arguments import ends_of_range, other_numbers
from gradest.benchmarks.checks.statistical_checks import (
    distribution,
    exact_gradient,
)
from gradest.benchmarks.checks.trials import (
    COMPILER,
    EstimatorTrial,
    ProblemTrial,
    in_precision_in_force,
    moved,
)
from gradest.estimators import ESTIMATORS
from gradest.estimators.sampling.draws import sample
from gradest.problems.registry.own_faults import FAILURES, located, place_of

DRAWS = 5
"""Samples at which f is evaluated."""

PIECES = 512
"""Of the path along which f's derivative is summed, to see whether f jumps."""

MODERATE = (1e-3, 10.0)
"""Multiples of θ at which a problem must still make sense."""


def shapes(trial: ProblemTrial) -> None:
    """θ is a dict of named groups, and f gives a number for each data point from each sample."""
    params = trial.params
    expect(
        isinstance(params, dict) and params and all(isinstance(name, str) for name in params),
        f"init_params: expected a dict of named groups; found {type(params).__name__}",
    )
    q = trial.problem.distribution(params)
    expect(
        isinstance(q, dist.Distribution),
        f"distribution: expected a numpyro Distribution; found {type(q).__name__}",
    )
    x = draws(trial)
    of_one = jax.eval_shape(trial.problem.objective, params, x[0])
    expect(
        of_one.shape == q.batch_shape,
        f"objective: expected shape {q.batch_shape}, a number for each data point; "
        f"found {of_one.shape}",
    )
    of_all = jax.eval_shape(trial.problem.objectives, params, x)
    expect(
        of_all.shape == (DRAWS, *q.batch_shape),
        f"objectives: expected shape {(DRAWS, *q.batch_shape)}; found {of_all.shape}",
    )
    truth = jax.eval_shape(trial.problem.exact_gradient, params)
    if truth is not None:
        expect_shapes("exact_gradient", "θ", truth, params)


def dtypes(trial: ProblemTrial) -> None:
    """float32 from float32, and float64 from float64, in θ, in f and in the exact gradient."""
    x = draws(trial)
    compare_dtypes("float32", trial.problem, x)
    with jax.enable_x64(True):
        compare_dtypes("float64", *in_precision_in_force((trial.problem, x)))


def purity(trial: ProblemTrial) -> None:
    """Under one key there is one θ, and at one θ and x one f."""
    first, again = (trial.problem.init_params(jax.random.key(3)) for _ in range(2))
    expect(
        same(first, again),
        "init_params: expected the same θ from the same key twice; found another",
    )
    x = draws(trial)
    value, repeated = (trial.problem.objective(trial.params, x[0]) for _ in range(2))
    expect(
        same(value, repeated),
        "objective: expected the same f at the same θ and x twice; found another",
    )


def jit_and_vmap(trial: ProblemTrial) -> None:
    """Compiled and batched, f and θ are what they are called plainly."""
    problem = trial.problem
    x = draws(trial)
    plain = np.stack([np.asarray(problem.objective(trial.params, row)) for row in x])
    objectives = jax.jit(type(problem).objectives, compiler_options=COMPILER)
    difference = relative_difference(plain, objectives(problem, trial.params, x))
    expect(
        difference < AGREEMENT,
        "expected objectives to be the objective of each sample; "
        f"found it to differ by {difference:.1e}",
    )
    keys = jax.random.split(jax.random.key(3), 2)
    init_params = jax.jit(jax.vmap(problem.init_params), compiler_options=COMPILER)
    batched = paths(jax.tree.map(lambda leaf: leaf[1], init_params(keys)))
    for place, leaf in paths(problem.init_params(keys[1])).items():
        difference = relative_difference(leaf, batched[place])
        expect(
            difference < AGREEMENT,
            "init_params: expected the same θ under jit and vmap; "
            f"found {place} to differ by {difference:.1e}",
        )


def recompilation(trial: ProblemTrial) -> None:
    """Another value of a number, of θ or of x compiles nothing."""

    def everything(problem: Any, params: Any, x: Array) -> Any:
        return (
            problem.objectives(params, x),
            problem.distribution(params).log_prob(x),
            problem.exact_gradient(params),
        )

    x = draws(trial)
    elsewhere = moved(trial.params, jax.random.key(8), 0.1)
    others = {
        "θ": (trial.problem, elsewhere, x),
        "x": (trial.problem, trial.params, x + 1),
    }
    for name, other in other_numbers(trial.problem).items():
        others[name] = (other, trial.params, x)
    expect_no_recompilation(everything, (trial.problem, trial.params, x), others)


def extreme_parameters(trial: ProblemTrial) -> None:
    """f and log q are no NaN where θ is far from where it starts."""
    for factor in MODERATE:
        params = jax.tree.map(lambda leaf, factor=factor: leaf * factor, trial.params)
        q = trial.problem.distribution(params)
        x = sample(q, jax.random.key(5), DRAWS)
        values = {"f": trial.problem.objectives(params, x), "log q": q.log_prob(x)}
        for what, numbers in values.items():
            expect(
                not np.isnan(numbers).any(),
                f"expected {what} to be no NaN at {factor:g} × θ; found one",
            )


def precision(trial: ProblemTrial) -> None:
    """f in float32 is f in float64, to rounding."""
    x = draws(trial)
    narrow = trial.problem.objectives(trial.params, x)
    with jax.enable_x64(True):
        problem, params, wide_x = in_precision_in_force((trial.problem, trial.params, x))
        wide = np.asarray(problem.objectives(params, wide_x))
    difference = relative_difference(wide, narrow)
    expect(
        difference < AGREEMENT,
        "expected f in float32 to be f in float64; "
        f"found it to differ by {difference:.1e} of its size",
    )


def smoothness(trial: ProblemTrial) -> None:
    """Where it claims so, f's differences are the integrals of its derivative.

    Then it has no jump, and the derivative is right. A jump shows where every finite difference is
    blind to it: the derivative on both its sides is right.
    """
    if not trial.problem.smooth:
        raise Skipped("claims no smoothness")
    x = draws(trial)
    with jax.enable_x64(True):
        problem, params, x = in_precision_in_force((trial.problem, trial.params, x))
        middles = (jnp.arange(2 * PIECES) + 0.5) / (2 * PIECES)

        def along(start: Array, end: Array) -> tuple[Array, Array, Array]:
            def f(t: Array) -> Array:
                return problem.objective(params, start + t * (end - start)).sum()

            derivatives = jax.vmap(jax.grad(f))(middles)
            coarse = jax.vmap(jax.grad(f))(middles.reshape(-1, 2).mean(1)).mean()
            rise = f(jnp.ones(())) - f(jnp.zeros(()))
            integral = derivatives.mean()
            return rise, integral, jnp.abs(integral - coarse)

        # from one draw to the next, in steps beyond them: draws of a discrete x may be all the same
        ends = jnp.roll(x, 1, axis=0) + 0.5
        rise, integral, error = map(np.asarray, jax.jit(jax.vmap(along))(x, ends))
    allowed = 8 * error + 1e-6 * (np.abs(rise).max() + 1e-6)
    deviations = np.abs(rise - integral)
    worst = int((deviations / allowed).argmax())
    expect(
        deviations[worst] <= allowed[worst],
        "smooth: expected f to rise between two points by the integral of its derivative, "
        f"{integral[worst]:.4g}; found {rise[worst]:.4g}",
    )


def use_of_params(trial: ProblemTrial) -> None:
    """f depends on θ, other than through x, where it says so and only there."""
    x = draws(trial)
    jacobian = jax.jacrev(lambda params: trial.problem.objectives(params, x))(trial.params)
    depends = any(bool(np.any(np.asarray(leaf) != 0)) for leaf in jax.tree.leaves(jacobian))
    claimed = trial.problem.objective_uses_params
    zero = ("zero", "other than zero")
    expect(
        depends == claimed,
        f"objective_uses_params = {claimed}: expected ∂f/∂θ to be {zero[claimed]}; "
        f"found it {zero[depends]}",
    )


def estimators(trial: ProblemTrial) -> None:
    """Every registered estimator that does not refuse it can be traced on it."""
    try:
        shapes(trial)
    except Failed:
        raise Skipped("f or θ is of the wrong shape") from None
    for name, cls in ESTIMATORS.items():
        each = EstimatorTrial(cls(), trial)
        if each.estimator.refuses(trial.problem):
            continue
        try:
            given = (each.problem, each.estimator, each.params, each.state, each.keys[0])
            jax.eval_shape(each.estimate, *given)
        except FAILURES as error:
            said = located(error, place_of(error))
            raise Failed(f"expected {name} to be traced on it or refuse it: {said}") from error


PROBLEM_CHECKS: dict[str, Callable[[ProblemTrial], None]] = {
    check.__name__: check
    for check in (
        shapes,
        dtypes,
        purity,
        jit_and_vmap,
        recompilation,
        extreme_parameters,
        distribution,
        exact_gradient,
        ends_of_range,
        precision,
        smoothness,
        use_of_params,
        estimators,
    )
}
"""By the name that a report gives them."""

STATISTICAL = ("distribution", "exact_gradient", "ends_of_range")
"""Checks that chance may fail."""


def draws(trial: ProblemTrial) -> Array:
    """A few x."""
    return sample(trial.problem.distribution(trial.params), jax.random.key(5), DRAWS)


def compare_dtypes(name: str, problem: Any, x: Array) -> None:
    """Fails where θ, f or the exact gradient is not of the dtype `name`."""
    params = jax.eval_shape(problem.init_params, jax.random.key(3))
    found = paths({"θ": params, "f": jax.eval_shape(problem.objective, params, x[0])})
    truth = jax.eval_shape(problem.exact_gradient, params)
    if truth is not None:
        found |= paths({"exact_gradient": truth})
    expect_dtypes(name, found, dict.fromkeys(found, jnp.dtype(name)))
