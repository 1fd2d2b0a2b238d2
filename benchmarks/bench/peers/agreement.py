"""Whether a peer finds what we find: its variance and mean against ours and, where they are known, the exact ones."""

import math
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from gradest.benchmarks.bench.peers.process import PeerFailed, PeerProcess
from gradest.benchmarks.measurement.exact_gradient import exact_gradient
from gradest.benchmarks.measurement.exact_variances import exact_variance
from gradest.benchmarks.measurement.replicates import cell_key, measure
from gradest.benchmarks.statistics.intervals import (
    LOG,
    jackknife,
    standard_error,
    t_quantile,
    total_variance,
)
from gradest.benchmarks.statistics.moments import Moments, leave_out, summarise
from gradest.estimators.base import Estimator
from gradest.problems.base import Params, Problem

CHECK_SECONDS, BATCHES, LEAST, MOST = 1.5, 32, 2, 512
"""How long replicates are drawn for; into how many batches, of how many replicates at least and at most."""


def batch_size(seconds: float) -> int:
    """Replicates in each of the batches that are drawn for a check, when one takes so long: a power of two."""
    wanted = CHECK_SECONDS / seconds / BATCHES
    return int(np.clip(2 ** math.floor(math.log2(wanted)), LEAST, MOST))


def our_moments(
    toy: Problem, ours: Estimator, params: Params, num_samples: int, seconds: float
) -> dict[str, Moments]:
    """What we find, on other random numbers than are timed; `seconds` is what a replicate takes."""
    key, replicates = cell_key(1, "bench_peers", "init", num_samples), BATCHES * batch_size(seconds)
    return measure(
        toy, ours, params, num_samples=num_samples, replicates=replicates, key=key, least_timed=0
    ).moments


def peer_moments(
    process: PeerProcess, params: Params, replicates: int, seconds: float
) -> dict[str, Moments]:
    """What a peer finds that is prepared for so many replicates a call.

    Raises:
        PeerFailed: it gives something else than so many finite gradients.
    """
    count = BATCHES * batch_size(seconds)
    found = process.gradients(math.ceil(count / replicates))
    for group, leaf in params.items():
        gradients = found.get(group, np.empty(0))
        if gradients.ndim != 2 or gradients.shape[1] != leaf.size or len(gradients) < count:
            raise PeerFailed(
                f"its gradients with respect to {group} have the shape {gradients.shape}"
            )
        if not np.isfinite(gradients).all():
            raise PeerFailed(f"its gradients with respect to {group} are not all finite")
    return {group: summarise(found[group][:count], BATCHES) for group in params}


class Agreement(NamedTuple):
    """How far a peer is from ours and from the truth, in standard errors, where it is farthest; None where unknown."""

    variance_z: float | None
    mean_z: float | None
    variance_z_exact: float | None
    mean_z_exact: float | None


class Found(NamedTuple):
    """A number, or one for each coordinate, with its standard error."""

    value: Any
    error: Any = 0.0


def log_variance(moments: Moments) -> Found:
    """Not a number where there is none."""
    found = jackknife(total_variance, leave_out(moments))
    return Found(LOG.to(found.value), standard_error(found))


def mean(moments: Moments) -> Found:
    """In each coordinate."""
    whole = leave_out(moments).whole
    return Found(whole.mean, np.sqrt(whole.variance / whole.size))


def farthest(pairs: Iterable[tuple[Found, Found]]) -> float | None:
    """The largest distance between two that should be one, in standard errors; None where there are
    none to compare.

    Not a number where one of them is not, or where both are without error.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        distances = [np.ravel((a.value - b.value) / np.hypot(a.error, b.error)) for a, b in pairs]
    if not distances:
        return None
    every = np.concatenate(distances)
    return float(every[np.argmax(np.abs(every))])  # a NaN counts as the largest


def agreement(
    toy: Problem,
    ours: Estimator,
    params: Params,
    num_samples: int,
    mine: dict[str, Moments],
    its: dict[str, Moments],
) -> Agreement:
    """A peer's moments against ours and, where these are known, the exact variance and gradient."""
    variances = exact_variance(toy, ours, params, num_samples) or {}
    gradient = (exact_gradient(toy, params) if ours.unbiased else None) or {}
    return Agreement(
        farthest((log_variance(its[group]), log_variance(mine[group])) for group in params),
        farthest((mean(its[group]), mean(mine[group])) for group in params),
        farthest(
            (log_variance(its[group]), Found(math.log(exact))) for group, exact in variances.items()
        ),
        farthest((mean(its[group]), Found(exact)) for group, exact in gradient.items()),
    )


def disagreement(found: Agreement, coordinates: int, cells: int) -> str:
    """What a peer disagrees on, or nothing: at 5 %, for all groups or coordinates and `cells` of all peers at once."""
    limits = (2 * cells, coordinates * cells) * 2  # at most two groups
    names = (
        "variance and ours",
        "mean and ours",
        "variance and the exact one",
        "mean and the exact gradient",
    )
    beyond = [
        f"its {name} are {z:+.1f} standard errors apart"
        for name, z, tests in zip(names, found, limits, strict=True)
        if z is not None and not abs(z) <= t_quantile(BATCHES - 1, len(found) * tests)
    ]
    return "; ".join(beyond)
