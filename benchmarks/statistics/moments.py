"""Batch summaries: what is kept of R replicates of a gradient in P coordinates. Numpy in float64,
no JAX.

The replicates arrive as B equal batches, each summarised by sums alone (`Moments`), which merge
exactly. A statistic is a function of a `Sample`: how many replicates, and their mean and variance
in every coordinate.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

LARGEST = 32
"""How many of its largest distances from the centre a batch keeps."""


class Moments(NamedTuple):
    """Summaries of equal batches, one row a batch."""

    size: int
    """Replicates in each batch."""
    mean: Float[np.ndarray, "B P"]
    second: Float[np.ndarray, "B P"]
    """Sum over replicates of (g − mean)², per coordinate."""
    third: Float[np.ndarray, "B P"]
    """Sum over replicates of (g − mean)³, per coordinate."""
    fourth: Float[np.ndarray, " B"]
    """Sum over replicates of ‖g − c‖⁴, with c the centre."""
    largest: Float[np.ndarray, "B K"]
    """The largest ‖g − c‖², in falling order."""
    center: Float[np.ndarray, " P"]
    """c, common to all batches and close to the mean."""

    @property
    def replicates(self) -> int:
        """R, over all batches."""
        return self.size * len(self.mean)


class Sample(NamedTuple):
    """What a statistic is a function of; the arrays may have rows, one for each sample."""

    size: int
    mean: Float[np.ndarray, "*rows P"]
    variance: Float[np.ndarray, "*rows P"]


class LeftOut(NamedTuple):
    """What the jackknife needs."""

    whole: Sample
    """All replicates."""
    without: Sample
    """All but one batch, a row for each batch."""


def summarise(
    gradients: Float[np.ndarray, "R P"], batches: int, center: Float[np.ndarray, " P"] | None = None
) -> Moments:
    """The summaries of raw replicates, consecutive ones in a batch; the centre is their mean if none is given."""
    split = gradients.reshape(batches, -1, gradients.shape[1])
    mean = split.mean(1)
    apart = split - mean[:, None]
    squares = apart**2
    away = split - (mean.mean(0) if center is None else center)
    distances = np.einsum("brp,brp->br", away, away)
    keep = min(LARGEST, split.shape[1])
    return Moments(
        split.shape[1],
        mean,
        squares.sum(1),
        np.einsum("brp,brp->bp", squares, apart),
        (distances**2).sum(1),
        -np.sort(np.partition(-distances, keep - 1, axis=1)[:, :keep], axis=1),
        mean.mean(0) if center is None else center,
    )


def merge(chunks: Sequence[Moments]) -> Moments:
    """The summaries of all chunks' replicates, batch by batch, as if in one chunk (Pébay, 2008)."""
    total = chunks[0]
    for chunk in chunks[1:]:
        a, b = total.size, chunk.size
        count, apart = a + b, chunk.mean - total.mean
        largest = np.sort(np.concatenate([total.largest, chunk.largest], axis=1), axis=1)[:, ::-1]
        total = Moments(
            count,
            total.mean + apart * (b / count),
            total.second + chunk.second + apart**2 * (a * b / count),
            total.third
            + chunk.third
            + apart * apart**2 * (a * b * (a - b) / count**2)
            + 3 * apart * (a * chunk.second - b * total.second) / count,
            total.fourth + chunk.fourth,
            largest[:, :LARGEST],
            total.center,
        )
    return total


def pool(moments: Moments) -> Moments:
    """All batches as one batch."""
    mean = moments.mean.mean(0)
    apart = moments.mean - mean
    return Moments(
        moments.replicates,
        mean[None],
        _pooled_second(moments)[None],
        (moments.third + apart * (3 * moments.second + moments.size * apart**2)).sum(0)[None],
        moments.fourth.sum()[None],
        np.sort(moments.largest, axis=None)[None, ::-1][:, :LARGEST],
        moments.center,
    )


def leave_out(moments: Moments) -> LeftOut:
    """All replicates, and all but those of each batch in turn (Chan, Golub and LeVeque, 1979, solved for a part)."""
    count, rest = moments.replicates, moments.replicates - moments.size
    mean, pooled = moments.mean.mean(0), _pooled_second(moments)
    mean_without = (count * mean - moments.size * moments.mean) / rest
    apart = mean_without - moments.mean
    second = pooled - moments.second - apart**2 * (rest * moments.size / count)
    return LeftOut(
        Sample(count, mean, pooled / (count - 1)),
        Sample(rest, mean_without, np.maximum(second, 0) / (rest - 1)),
    )


def scale_of(moments: Moments) -> float:
    """The root mean square of an estimate's norm: what rounding errors are proportional to."""
    whole = leave_out(moments).whole
    return float(np.sqrt((whole.mean**2).sum() + whole.variance.sum()))


def _pooled_second(moments: Moments) -> Float[np.ndarray, " P"]:
    apart = moments.mean - moments.mean.mean(0)
    return (moments.second + moments.size * apart**2).sum(0)
