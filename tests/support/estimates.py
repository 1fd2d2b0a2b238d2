"""Single estimates, and gradients as one vector."""

import jax
import numpy as np
from jaxtyping import Array

from gradest.estimators import Estimator
from gradest.estimators.base import State
from gradest.problems import Problem
from gradest.problems.base import Params

KEY = jax.random.key(5)


def one_estimate(
    problem: Problem,
    estimator: Estimator,
    params: Params,
    num_samples: int,
    *,
    state: State = (),
    key: Array = KEY,
) -> Params:
    """One estimate, compiled."""

    @jax.jit
    def estimate(problem: Problem, params: Params, state: State) -> Params:
        return estimator.estimate(problem, params, state, key, num_samples)[0]

    return estimate(problem, params, state)


def as_vector(gradient: Params) -> np.ndarray:
    """All of a gradient, its groups in alphabetical order."""
    return np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(gradient)])
