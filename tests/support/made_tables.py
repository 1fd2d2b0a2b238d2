"""Tables of measurements that were never measured, as figures read them."""

import itertools
import json

import numpy as np
import pandas as pd

from gradest.benchmarks.folders.columns import COLUMNS
from tests.support.made_runs import SQUARE, errors, jackknifed

__all__ = ["ELEVEN", "SQUARE", "ranked", "table"]

BASELINES = ("none", "mean", "moving_average", "leave_one_out", "optimal")

ELEVEN = [
    *(("score_function", {"baseline": name, "control_variate": "none"}) for name in BASELINES),
    ("score_function", {"baseline": "none", "control_variate": "delta"}),
    ("pathwise", {}),
    ("measure_valued", {"coupled": True}),
    ("gumbel_softmax", {"temperature": 0.5}),
    ("gumbel_softmax", {"temperature": 1.0}),
    ("straight_through_gumbel", {"temperature": 0.5}),
]
"""Estimators: their names and their arguments."""


def table(
    problems=(SQUARE,),
    estimators=ELEVEN[:3],
    levels=(1, 4, 16),
    groups=("mean", "scale"),
    **columns,
) -> pd.DataFrame:
    """Measurements as a run writes them; each variance is (i + 1)/L for the i-th estimator.

    Args:
        problems: their names and their arguments.
        estimators: the same.
        levels: L.
        groups: of θ.
        columns: others that all rows have.
    """
    cells = itertools.product(problems, enumerate(estimators), levels, groups)
    rows = [row(*cell) | columns for cell in cells]
    made = pd.DataFrame(rows, columns=list(COLUMNS)).astype({"reason": object})
    rng = np.random.default_rng(0)
    noise = [errors(rng, 0.01) for _ in made.index]
    batches = [
        jackknifed(value, e - e.mean()) for value, e in zip(made.variance, noise, strict=True)
    ]
    return made.assign(jackknifed=pd.Series(batches, dtype=object))


def ranked(made: pd.DataFrame) -> pd.DataFrame:
    """The table with errors and costs, so that its estimators can be ranked at equal cost."""
    error = np.sqrt(made.variance)
    return made.assign(
        relative_rmse=error,
        relative_rmse_low=0.95 * error,
        relative_rmse_high=1.05 * error,
        exact_norm=1.0,
        f_evals=made.num_samples,
        grad_evals=0,
        jackknifed_bias=None,
    )


def row(problem, numbered_estimator, samples: int, group: str) -> dict:
    """The measurements of one group in one cell."""
    name, arguments = problem
    i, (kind, options) = numbered_estimator
    variance = (i + 1) / samples
    steps = arguments.get("train_steps", 0)
    return {
        "problem": name,
        "problem_args": json.dumps(arguments, sort_keys=True),
        "estimator": kind,
        "estimator_args": json.dumps(options, sort_keys=True),
        "point": f"step_{steps}" if steps else "init",
        "group": group,
        "dim": 1,
        "num_samples": samples,
        "replicates": 1000,
        "dtype": "float32",
        "status": "ok",
        "variance": variance,
        "variance_low": 0.98 * variance,
        "variance_high": 1.02 * variance,
        "unbiased": i % 3 > 0,
        "exact": True,
        "bias_finding": "none found",
        "bias_relative": 0.01 * i,
        "bias_relative_low": 0.01 * i - 0.1 / samples,
        "bias_relative_high": 0.01 * i + 0.1 / samples,
        "seconds": 1e-6 * (1 + 0.1 * i) * samples,
    }
