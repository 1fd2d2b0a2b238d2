"""Checking what somebody wrote: a class, or any function that says it estimates a gradient."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from inspect import signature
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float

from gradest._measure import as_problem, whole_numbers
from gradest._own_faults import faults_told, instance
from gradest.benchmarks import notebook
from gradest.benchmarks.checks.check import Report, check_estimator, check_problem
from gradest.benchmarks.checks.check import check as check_named
from gradest.benchmarks.errors import BadInput
from gradest.benchmarks.measurement.checkpoints import params_at
from gradest.benchmarks.measurement.exact_gradient import exact_gradient
from gradest.benchmarks.measurement.reference import reference_gradient
from gradest.benchmarks.runtime.configure import configure, in_full_precision
from gradest.benchmarks.statistics.bias import Truth, biases, exactly
from gradest.benchmarks.statistics.moments import summarise
from gradest.estimators.base import Estimator
from gradest.problems.base import Params, Problem

BATCHES = 20
FALSE_ALARMS = 0.01
"""The probability that chance fails an estimator without bias."""

GradientFunction = Callable[[Params, Array, int], Any]
"""From θ, a random key and L to an estimate: built like θ, or the array of its only group."""


@dataclass(frozen=True, repr=False)
class BiasReport:
    """What the test of a function found."""

    frame: pd.DataFrame
    """For each L and group: ‖bias‖, the bias along the gradient with its interval, p, what bias
    would have been found."""
    claims: str

    @property
    def passed(self) -> bool:
        """Whether no bias was found."""
        return bool((self.frame.p >= FALSE_ALARMS / self.frame.num_samples.nunique()).all())

    def __repr__(self) -> str:
        verdict = "no bias found" if self.passed else f"biased, and claims to be {self.claims}"
        return f"{self.frame.to_string(index=False, float_format='%.4g')}\n{verdict}"

    def _repr_html_(self) -> str:
        return notebook.block([self.frame.to_html(index=False)])


@in_full_precision
def check(
    target: str | type | Problem | Estimator | GradientFunction,
    *,
    problem: Problem | type[Problem] | str | None = None,
    claims: str = "unbiased",
    samples: int | Sequence[int] = (2, 8),
    replicates: int = 4_000,
    seed: int = 0,
) -> Report | BiasReport:
    """Checks an estimator or a problem as `gradest check` does, or the gradient of any function.

    Args:
        target: a name, `module:Class`, a class, an instance; or a function from (θ, key, L) to a
            gradient, which is tested on `problem`.
        problem: with a function: an instance, a class or a name.
        claims: what the function claims: "unbiased" is all that can be tested.
        samples: with a function: each L.
        replicates: with a function: R.
        seed: with a function: of its keys.

    Returns:
        A report, with `.text` and `.counts()` of a class; of a function with `.passed` and
        `.frame`.

    Raises:
        BadInput: no such target, no problem to test a function on, or an error in code of a
            user's, but for those of a class, which the report has.

    Example:
        >>> import gradest
        >>> def half(theta, key, num_samples):
        ...     made = gradest.estimator("pathwise")
        ...     square = gradest.problem("gaussian_square")
        ...     grads, _ = made.estimate(square, theta, (), key, num_samples)
        ...     return {name: 0.5 * value for name, value in grads.items()}
        >>> gradest.check(half, problem="gaussian_square", samples=(4,), replicates=400).passed
        False
    """
    configure()
    if isinstance(target, str):
        return check_named(target, lambda line: None)
    made = instance("check of", target)
    name = type(made).__name__
    if isinstance(made, Problem):
        return check_problem(name, made, lambda line: None)
    if isinstance(made, Estimator):
        return check_estimator(name, [(name, made)], {}, lambda line: None)
    if problem is None or not callable(made):
        raise BadInput("check: expected a name, a class, or a function and problem=… to test it on")
    if claims != "unbiased":
        raise BadInput(f"claims = {claims!r}: expected 'unbiased'")
    tested = as_problem(problem)
    try:
        signature(made).bind("theta", "key", 1)
    except TypeError as error:
        raise BadInput(
            f"the function: expected one of (theta, key, num_samples): {error}"
        ) from None
    levels = whole_numbers("samples", samples)
    rows = []
    with faults_told("check of the function", made, tested):
        for level in levels:
            rows += bias_rows(made, tested, level, replicates, seed)
    return BiasReport(pd.DataFrame(rows), claims)


def bias_rows(
    function: GradientFunction, problem: Problem, num_samples: int, replicates: int, seed: int
) -> list[dict[str, Any]]:
    """What is found of the function's bias at one L, a row for each group of θ."""
    key = jax.random.fold_in(jax.random.key(seed), num_samples)
    params = params_at(problem, seed)
    truths = truths_of(problem, params, key)
    estimates = estimates_of(function, params, key, num_samples, replicates)
    moments = {group: summarise(values, BATCHES) for group, values in estimates.items()}
    resolution = float(np.finfo(jnp.result_type(float)).eps)
    found = biases(moments, truths, resolution)
    return [
        {
            "num_samples": num_samples,
            "group": group,
            "bias_norm": bias.norm,
            "bias_relative": bias.relative.value,
            "bias_relative_low": bias.relative.low,
            "bias_relative_high": bias.relative.high,
            "p": bias.p,
            "detectable": bias.detectable,
        }
        for group, bias in found.items()
    ]


def truths_of(problem: Problem, params: Params, key: Array) -> dict[str, Truth]:
    """The gradient to compare with: exact, or from a reference run."""
    exact = exact_gradient(problem, params)
    if exact is not None:
        return {group: exactly(gradient) for group, gradient in exact.items()}
    return reference_gradient(problem, params, jax.random.fold_in(key, 1), 1_000)


def estimates_of(
    function: GradientFunction, params: Params, key: Array, num_samples: int, replicates: int
) -> dict[str, Float[np.ndarray, "R P"]]:
    """Replicates of the function's estimate, of each group as one vector.

    A function that JAX cannot trace is called once for each.

    Raises:
        BadInput: what it gives is not built like θ.
    """
    keys = jax.random.split(key, replicates)

    def estimate(key: Array) -> dict[str, Array]:
        return vectors_of(function(params, key, num_samples), params)

    try:
        made = jax.jit(jax.vmap(estimate))(keys)
    except BadInput:
        raise
    except Exception:  # whatever JAX cannot trace; a mistake shows again below
        each = [estimate(one) for one in keys]
        made = {group: jnp.stack([one[group] for one in each]) for group in params}
    return {group: np.asarray(values, np.float64) for group, values in made.items()}


def vectors_of(gradient: Any, params: Params) -> dict[str, Array]:
    """A gradient with each group as one vector.

    Raises:
        BadInput: it is not built like θ.
    """
    alone = len(params) == 1 and not isinstance(gradient, dict)
    whole = dict.fromkeys(params, gradient) if alone else gradient
    expected = jax.tree.map(jnp.shape, params)
    if jax.tree.map(jnp.shape, whole) != expected:
        raise BadInput(f"the function's gradient: expected it built like θ: {expected}")
    return {group: ravel_pytree(whole[group])[0] for group in params}
