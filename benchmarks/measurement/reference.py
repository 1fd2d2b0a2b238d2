"""A long run that stands for the exact gradient where there is none, with its standard error.

It is in the precision that is measured in, as a user's class is known to run in it. In single
precision its mean differs between processors by at most a hundredth of its standard error (measured
on `vae_gaussian` at the start and trained: 0.005 at R = 4,000): its products have all digits.
"""

import functools
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from gradest.benchmarks.measurement.checkpoints import standard_estimators
from gradest.benchmarks.measurement.exact_gradient import flat
from gradest.benchmarks.measurement.replicates import measure
from gradest.benchmarks.runtime.arrays import checksum, remembered
from gradest.benchmarks.runtime.environment import code_of, digest_of
from gradest.benchmarks.statistics.bias import Truth
from gradest.benchmarks.statistics.moments import Moments, leave_out
from gradest.estimators.minibatched import Minibatched, on_minibatches
from gradest.problems.base import Params, Problem, WithData

REFERENCE_SAMPLES = 64
"""L of each of its replicates."""


MOST_POINTS = 1_024
"""Data points that every replicate of it is on at most: of more, each is on a minibatch, where the
cells' estimates are."""


def reference_gradient(
    problem: Problem,
    params: Params,
    key: Array,
    replicates: int,
    *,
    minibatch: int | None = None,
) -> dict[str, Truth]:
    """The mean of R estimates from 64 samples each, for each group of θ.

    The estimator is pathwise where that is unbiased, else leave-one-out. What was measured is kept
    in the user's cache folder under everything that it depends on, where there is a name for that.

    Args:
        problem: what is estimated.
        params: θ.
        key: from `cell_key`.
        replicates: R.
        minibatch: the data points that each estimate of the cells is on; None for all.
    """
    pathwise, leave_one_out = standard_estimators()
    is_unbiased = not pathwise.refuses(problem) and pathwise.claims_unbiased(problem)
    best = pathwise if is_unbiased else leave_one_out
    if isinstance(problem, WithData) and problem.num_points > MOST_POINTS:
        best = on_minibatches(best, minibatch)

    def make() -> dict[str, Truth]:
        run = measure(
            problem,
            best,
            params,
            num_samples=REFERENCE_SAMPLES,
            replicates=replicates,
            key=key,
            least_timed=0,
        )
        return {group: truth_of(moments) for group, moments in run.moments.items()}

    like = {}
    for group, leaves in params.items():
        zeros = np.zeros(flat(leaves).shape)
        like[group] = Truth(zeros, zeros, 0.0)
    spec = [
        type(problem).__name__,
        digest_of(code_of(__name__, problem, best)),
        np.asarray(jax.random.key_data(key)).tolist(),
        replicates,
        checksum(params),
        *([best.size] if isinstance(best, Minibatched) else []),
    ]
    return remembered("references", spec, like, make) if problem.named else make()


def truth_of(moments: Moments) -> Truth:
    """The mean of a run as a truth, with its standard errors."""
    whole = leave_out(moments).whole
    lengths = moments.mean @ whole.mean / np.linalg.norm(whole.mean)
    along = lengths.std(ddof=1) / np.sqrt(len(lengths))
    return Truth(whole.mean, np.sqrt(whole.variance / whole.size), float(along))


def needs_reference(problem: Problem) -> bool:
    """Whether no exact gradient is known, so that a long run stands for it."""
    if type(problem).exact_gradient is Problem.exact_gradient:
        return True
    leaves, structure = jax.tree.flatten(problem)
    shapes = [jax.ShapeDtypeStruct(jnp.shape(leaf), jnp.result_type(leaf)) for leaf in leaves]
    return _needs_reference(structure, *shapes)


@functools.cache
def _needs_reference(structure: Any, *leaves: jax.ShapeDtypeStruct) -> bool:
    def gradient(problem: Problem) -> Params | None:
        return problem.exact_gradient(problem.init_params(jax.random.key(0)))

    try:
        return eqx.filter_eval_shape(gradient, jax.tree.unflatten(structure, leaves)) is None
    except Exception:  # whatever a user's class may raise is said where it is measured
        return True
