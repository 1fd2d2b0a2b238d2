"""A long run that stands for the exact gradient where there is none, with its standard error."""

import jax
import numpy as np
from jaxtyping import Array

from gradest.benchmarks.measurement.exact_gradient import flat
from gradest.benchmarks.measurement.replicates import measure
from gradest.benchmarks.runtime.arrays import checksum, remembered
from gradest.benchmarks.runtime.environment import sources
from gradest.benchmarks.statistics.bias import Truth
from gradest.benchmarks.statistics.moments import Moments, leave_out
from gradest.estimators import estimator
from gradest.problems.base import Params, Problem

REFERENCE_SAMPLES = 64
"""L of each of its replicates."""


def reference_gradient(
    problem: Problem, params: Params, key: Array, replicates: int
) -> dict[str, Truth]:
    """The mean of R estimates from 64 samples each, for each group of θ.

    The estimator is pathwise where that is unbiased, else leave-one-out. What was measured is kept
    in the user's cache folder under everything that it depends on.

    Args:
        problem: what is estimated.
        params: θ.
        key: from `cell_key`.
        replicates: R.
    """
    best = estimator("pathwise")
    if best.refuses(problem) or not best.claims_unbiased(problem):
        best = estimator("score_function", baseline="leave_one_out")

    def make() -> dict[str, Truth]:
        run = measure(
            problem, best, params, num_samples=REFERENCE_SAMPLES, replicates=replicates, key=key
        )
        return {group: truth_of(moments) for group, moments in run.moments.items()}

    like = {}
    for group, leaves in params.items():
        zeros = np.zeros(flat(leaves).shape)
        like[group] = Truth(zeros, zeros, 0.0)
    spec = [
        type(problem).__name__,
        sorted(sources(problem).items()),
        np.asarray(jax.random.key_data(key)).tolist(),
        replicates,
        checksum(params),
    ]
    return remembered("references", spec, like, make)


def truth_of(moments: Moments) -> Truth:
    """The mean of a run as a truth, with its standard errors."""
    whole = leave_out(moments).whole
    lengths = moments.mean @ whole.mean / np.linalg.norm(whole.mean)
    along = lengths.std(ddof=1) / np.sqrt(len(lengths))
    return Truth(whole.mean, np.sqrt(whole.variance / whole.size), float(along))
