r"""Whether the variance at the start told who trained better: rank correlations over estimators.

Kendall's $\tau_b$ (1945) of an error of the gradient with the objective at the end: 1 where the
quieter of any two trained better, 0 where it says nothing, −1 where it misleads. Its interval is of
the bootstrap over seeds, the same seeds drawn for all estimators; it says how far other seeds would
have agreed, not how far other estimators would.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from gradest.benchmarks.learning_curves.curves import Checkpoint, Contest, Trained, half_log
from gradest.benchmarks.statistics.intervals import CONFIDENCE, RESAMPLES, Interval

LEAST = 4
"""Estimators below which a rank correlation says nothing."""


def at_start(trained: Trained, seed: int) -> float:
    """ln of the relative RMSE before the first step."""
    steps = trained.checkpoints.get(seed, {})
    return steps[0].relative if 0 in steps else np.nan


def along(trained: Trained, seed: int, of: Callable[[Checkpoint], float]) -> float:
    """The mean over checkpoints of a logarithm at θ of the estimator's own training."""
    steps = trained.checkpoints.get(seed, {}).values()
    found = np.array([of(each) for each in steps], float)
    finite = found[np.isfinite(found)]
    if len(finite):
        return float(finite.mean())
    return -np.inf if (found == -np.inf).any() else np.nan


def relative_along(trained: Trained, seed: int) -> float:
    """Of the relative RMSE."""
    return along(trained, seed, lambda each: each.relative)


def error_along(trained: Trained, seed: int) -> float:
    """Of the RMSE itself."""
    return along(trained, seed, lambda each: half_log(each.mse, 1.0))


ERRORS: dict[str, Callable[[Trained, int], float]] = {
    "relative RMSE at the start": at_start,
    "relative RMSE along the way": relative_along,
    # a gradient that training has made small makes the relative error large
    "RMSE along the way": error_along,
}
"""What may tell who trains better, each as a logarithm."""


class Correlation(NamedTuple):
    """How well an error told the order of the ends."""

    error: str
    """In ERRORS."""
    tau: Interval
    estimators: int


def correlations(contest: Contest) -> list[Correlation]:
    """The rank correlation of each error with the end; none of too few estimators."""
    found = []
    seeds = contest.seeds(*contest.trained)
    for name, error_of in ERRORS.items():
        errors = np.array(
            [[error_of(each, seed) for seed in seeds] for each in contest.trained], float
        ).reshape(len(contest.trained), len(seeds))
        known = ~np.isnan(errors).any(axis=1)
        if not seeds or known.sum() < LEAST:
            continue
        losses = np.array([contest.losses(each, seeds) for each in contest.trained])
        found.append(Correlation(name, correlation(errors[known], losses[known]), int(known.sum())))
    return found


def correlation(
    errors: Float[np.ndarray, "estimators seeds"], losses: Float[np.ndarray, "estimators seeds"]
) -> Interval:
    """Kendall's τ-b of two means over seeds, with its bootstrap interval."""
    value = float(tau_b(errors.mean(1), losses.mean(1)))
    seeds = errors.shape[1]
    if seeds < 2:
        return Interval(value, np.nan, np.nan)
    drawn = np.random.default_rng(0).integers(0, seeds, (RESAMPLES, seeds))
    taus = tau_b(errors[:, drawn].mean(2).T, losses[:, drawn].mean(2).T)
    known = taus[np.isfinite(taus)]
    if not len(known):
        return Interval(value, np.nan, np.nan)
    low, high = np.quantile(known, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Interval(value, float(low), float(high))


def tau_b(
    first: Float[np.ndarray, "*n estimators"], second: Float[np.ndarray, "*n estimators"]
) -> Float[np.ndarray, "*n"]:
    r"""Kendall's $\tau_b$ over the last axis; not a number where one of the two never differs.

    $\sum_{i<j} \mathrm{sgn}(x_i - x_j)\,\mathrm{sgn}(y_i - y_j) / \sqrt{n_x n_y}$, with $n_x$ and
    $n_y$ the pairs that differ. Infinite values are in order with others.
    """
    i, j = np.triu_indices(first.shape[-1], 1)
    signs = [
        (each[..., i] > each[..., j]).astype(int) - (each[..., i] < each[..., j]).astype(int)
        for each in (first, second)
    ]
    counted = [np.abs(each).sum(-1) for each in signs]
    with np.errstate(divide="ignore", invalid="ignore"):
        return (signs[0] * signs[1]).sum(-1) / np.sqrt(counted[0] * counted[1])
