"""The exact gradient and objective of a problem, where they are known, and a group of θ as one
vector."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from gradest.benchmarks.runtime.configure import COMPILER, in_full_precision
from gradest.benchmarks.runtime.program_cache import compiled
from gradest.problems.base import Params, Problem


@in_full_precision
def exact_gradient(problem: Problem, params: Params) -> dict[str, Float[np.ndarray, " P"]] | None:
    """The problem's exact gradient at these very numbers, each group of θ as a vector.

    Returns:
        The gradient in float64, whatever the precision measured in; None where it is not known, or
        at these numbers is not finite: a quadrature says so where it does not agree with itself.
    """
    with jax.enable_x64(True):
        wide = jax.tree.map(partial(jnp.asarray, dtype=jnp.float64), (problem, params))
        truth = exact_vectors(*wide)
        if truth is None or not all(bool(jnp.isfinite(vector).all()) for vector in truth.values()):
            return None
        return {group: np.asarray(vector) for group, vector in truth.items()}


@compiled(options=(COMPILER,))
def exact_vectors(problem: Problem, params: Params) -> dict[str, Float[Array, " P"]] | None:
    """The problem's exact gradient, each group of θ as a vector; None where it is not known.

    It is one program for problems that differ in numbers.
    """
    truth = problem.exact_gradient(params)
    return truth and {
        group: jnp.concatenate(list(map(jnp.ravel, jax.tree.leaves(truth[group]))))
        for group in truth
    }


@in_full_precision
def exact_objective(problem: Problem, params: Params) -> float | None:
    """The problem's E[f] at these very numbers, in float64; None as for the gradient."""
    with jax.enable_x64(True):
        wide = jax.tree.map(partial(jnp.asarray, dtype=jnp.float64), (problem, params))
        value = exact_number(*wide)
        return float(value) if value is not None and bool(jnp.isfinite(value)) else None


@compiled(options=(COMPILER,))
def exact_number(problem: Problem, params: Params) -> Float[Array, ""] | None:
    """The problem's E[f]; None where it is not known."""
    return problem.exact_objective(params)


def flat(leaves: Any) -> Float[np.ndarray, " P"]:
    """The arrays of a pytree as one vector, on the host."""
    return np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(leaves)])
