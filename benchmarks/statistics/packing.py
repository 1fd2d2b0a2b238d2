"""Batch summaries as bytes, and back to the last bit: what a longer run goes on from."""

import json

import numpy as np
import zstandard

from gradest.benchmarks.statistics.moments import Moments


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
