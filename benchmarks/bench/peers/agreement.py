"""Whether a peer finds what we find: its variance and mean against ours, and the exact ones."""

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

CHECK_SECONDS = 1.5
"""How long replicates are drawn for."""

BATCHES, LEAST, MOST = 32, 2, 512
"""Into how many batches, of how many replicates at least and at most."""


class Ours(NamedTuple):
    """Our side of a cell."""

    toy: Problem
    candidate: Estimator
    params: Params
    num_samples: int

    @property
    def coordinates(self) -> int:
        """How many numbers θ has."""
        return sum(leaf.size for leaf in self.params.values())


def batch_size(seconds: float) -> int:
    """Replicates in each of the batches that are drawn for a check: a power of two.

    Args:
        seconds: of one replicate.
    """
    wanted = CHECK_SECONDS / seconds / BATCHES
    return int(np.clip(2 ** math.floor(math.log2(wanted)), LEAST, MOST))


def our_moments(ours: Ours, seconds: float) -> dict[str, Moments]:
    """What we find, on other random numbers than are timed.

    Args:
        ours: our side of the cell.
        seconds: of one replicate.
    """
    measurement = measure(
        ours.toy,
        ours.candidate,
        ours.params,
        num_samples=ours.num_samples,
        replicates=BATCHES * batch_size(seconds),
        key=cell_key(1, "bench_peers", "init", ours.num_samples),
        least_timed=0,
    )
    return measurement.moments


def peer_moments(
    process: PeerProcess, params: Params, replicates: int, seconds: float
) -> dict[str, Moments]:
    """What a peer finds.

    Args:
        process: the peer, prepared.
        params: θ.
        replicates: that a call of it makes.
        seconds: of one replicate.

    Raises:
        PeerFailed: it gives something else than so many finite gradients.
    """
    count = BATCHES * batch_size(seconds)
    gradients = process.gradients(math.ceil(count / replicates), count)
    for group, leaf in params.items():
        rows = gradients.get(group, np.empty(0))
        if rows.ndim != 2 or rows.shape[1] != leaf.size or len(rows) < count:
            raise PeerFailed(f"its gradients with respect to {group} have the shape {rows.shape}")
        if not np.isfinite(rows).all():
            raise PeerFailed(f"its gradients with respect to {group} are not all finite")
    return {group: summarise(gradients[group][:count], BATCHES) for group in params}


class Agreement(NamedTuple):
    """How far a peer is from ours and from the truth, where it is farthest, in standard errors.

    None stands for what is unknown.
    """

    variance_z: float | None
    mean_z: float | None
    variance_z_exact: float | None
    mean_z_exact: float | None


class Known(NamedTuple):
    """A number, or one for each coordinate, with its standard error."""

    value: Any
    error: Any = 0.0


def known_log_variance(moments: Moments) -> Known:
    """The logarithm of a group's variance; not a number where there is none."""
    total = jackknife(total_variance, leave_out(moments))
    return Known(LOG.to(total.value), standard_error(total))


def known_mean(moments: Moments) -> Known:
    """A group's mean, in each coordinate."""
    whole = leave_out(moments).whole
    return Known(whole.mean, np.sqrt(whole.variance / whole.size))


def largest_z(pairs: Iterable[tuple[Known, Known]]) -> float | None:
    """The largest distance between two that should be one, in standard errors.

    It is None where there are none to compare, and not a number where one of them is not, or where
    both are without error.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        distances = [np.ravel((a.value - b.value) / np.hypot(a.error, b.error)) for a, b in pairs]
    if not distances:
        return None
    z = np.concatenate(distances)
    return float(z[np.argmax(np.abs(z))])  # a NaN counts as the largest


def agreement(ours: Ours, mine: dict[str, Moments], its: dict[str, Moments]) -> Agreement:
    """A peer against ours and, where these are known, the exact variance and gradient.

    Args:
        ours: our side of the cell.
        mine: what we find.
        its: what the peer finds.
    """
    variances = exact_variance(ours.toy, ours.candidate, ours.params, ours.num_samples) or {}
    gradient = exact_gradient(ours.toy, ours.params) if ours.candidate.unbiased else None
    log_variances = {group: known_log_variance(its[group]) for group in ours.params}
    means = {group: known_mean(its[group]) for group in ours.params}
    return Agreement(
        variance_z=largest_z(
            (value, known_log_variance(mine[group])) for group, value in log_variances.items()
        ),
        mean_z=largest_z((value, known_mean(mine[group])) for group, value in means.items()),
        variance_z_exact=largest_z(
            (log_variances[group], Known(math.log(exact))) for group, exact in variances.items()
        ),
        mean_z_exact=largest_z(
            (means[group], Known(exact)) for group, exact in (gradient or {}).items()
        ),
    )


def disagreement(found: Agreement, coordinates: int, cells: int) -> str:
    """What a peer disagrees on, at 5 % for the whole table, or nothing.

    Args:
        found: how far it is from ours and the truth.
        coordinates: of θ: each is tested.
        cells: of all peers: they share the level.
    """
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
