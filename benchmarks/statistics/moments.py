"""Batch summaries: what is kept of R replicates of a gradient in P coordinates.

NumPy in float64, no JAX.

The replicates arrive as B equal batches, each summarised by sums alone (`Moments`), which merge
exactly. A statistic is a function of a `Sample`: how many replicates, and their mean and variance
in every coordinate.
"""

import json
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import zstandard
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
    """The summaries of raw replicates.

    Args:
        gradients: a replicate a row.
        batches: how many batches of consecutive replicates to make of them.
        center: the centre of the fourth powers; their mean where none is given.
    """
    split = gradients.reshape(batches, -1, gradients.shape[1])
    mean = split.mean(1)
    if center is None:
        center = mean.mean(0)
    deviations = split - mean[:, None]
    squares = deviations**2
    from_center = split - center
    distances = np.einsum("brp,brp->br", from_center, from_center)
    keep = min(LARGEST, split.shape[1])
    return Moments(
        split.shape[1],
        mean,
        squares.sum(1),
        np.einsum("brp,brp->bp", squares, deviations),
        (distances**2).sum(1),
        -np.sort(np.partition(-distances, keep - 1, axis=1)[:, :keep], axis=1),
        center,
    )


def merge(chunks: Sequence[Moments]) -> Moments:
    """The summaries of all chunks' replicates, batch by batch, as if in one chunk (Pébay, 2008).

    Args:
        chunks: summaries of equally many batches about one centre; at least one.
    """
    total = chunks[0]
    for chunk in chunks[1:]:
        total = _merge_two(total, chunk)
    return total


def _merge_two(first: Moments, second: Moments) -> Moments:
    a = first.size
    b = second.size
    count = a + b
    delta = second.mean - first.mean
    largest = np.sort(np.concatenate([first.largest, second.largest], axis=1), axis=1)[:, ::-1]
    return Moments(
        count,
        first.mean + delta * (b / count),
        first.second + second.second + delta**2 * (a * b / count),
        first.third
        + second.third
        + delta * delta**2 * (a * b * (a - b) / count**2)
        + 3 * delta * (a * second.second - b * first.second) / count,
        first.fourth + second.fourth,
        largest[:, :LARGEST],
        first.center,
    )


def pool(moments: Moments) -> Moments:
    """All batches as one batch."""
    mean = moments.mean.mean(0)
    delta = moments.mean - mean
    return Moments(
        moments.replicates,
        mean[None],
        _pooled_second(moments)[None],
        (moments.third + delta * (3 * moments.second + moments.size * delta**2)).sum(0)[None],
        moments.fourth.sum()[None],
        np.sort(moments.largest, axis=None)[None, ::-1][:, :LARGEST],
        moments.center,
    )


def leave_out(moments: Moments) -> LeftOut:
    """All replicates, and all but those of each batch in turn.

    Chan, Golub and LeVeque's (1979) formula for two parts, solved for one of them.
    """
    count = moments.replicates
    rest = count - moments.size
    mean = moments.mean.mean(0)
    pooled = _pooled_second(moments)
    mean_without = (count * mean - moments.size * moments.mean) / rest
    delta = mean_without - moments.mean
    second = pooled - moments.second - delta**2 * (rest * moments.size / count)
    return LeftOut(
        Sample(count, mean, pooled / (count - 1)),
        Sample(rest, mean_without, np.maximum(second, 0) / (rest - 1)),
    )


def scale_of(moments: Moments) -> float:
    """The root mean square of an estimate's norm: what rounding errors are proportional to."""
    whole = leave_out(moments).whole
    return float(np.sqrt((whole.mean**2).sum() + whole.variance.sum()))


def _pooled_second(moments: Moments) -> Float[np.ndarray, " P"]:
    delta = moments.mean - moments.mean.mean(0)
    return (moments.second + moments.size * delta**2).sum(0)


def pack(moments: dict[str, Moments]) -> bytes:
    """Batch summaries as bytes: a line of JSON with the shapes, then every number, exactly.

    Bytes of the same significance lie together, because so they compress: exponents are alike.
    """
    shapes = {}
    arrays: list[np.ndarray] = []
    for group, (size, *fields) in moments.items():
        shapes[group] = [size, [np.shape(field) for field in fields]]
        arrays += map(np.ravel, fields)
    numbers = np.concatenate(arrays).astype("<f8")
    planes = np.ascontiguousarray(numbers.view(np.uint8).reshape(-1, 8).T)
    return json.dumps(shapes).encode() + b"\n" + zstandard.compress(planes.tobytes(), 3)


def unpack(packed: bytes) -> dict[str, Moments]:
    """Batch summaries from the bytes that `pack` made of them."""
    head, _, body = packed.partition(b"\n")
    planes = np.frombuffer(zstandard.decompress(body), np.uint8).reshape(8, -1)
    numbers = np.ascontiguousarray(planes.T).view("<f8").ravel()
    moments = {}
    start = 0
    for group, (size, shapes) in json.loads(head).items():
        fields = []
        for shape in shapes:
            end = start + int(np.prod(shape))
            fields.append(numbers[start:end].reshape(shape))
            start = end
        moments[group] = Moments(size, *fields)
    return moments
