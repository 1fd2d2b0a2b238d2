"""Arrays kept in the user's cache folder, so that what was made once is not made again."""

import hashlib
import io
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import numpy as np

from gradest.benchmarks.runtime.environment import environment
from gradest.benchmarks.runtime.files import write_atomically
from gradest.problems.cache import PRIVATE, costs_time_only, private_folder, sealed, unsealed


def remembered(kind: str, spec: list, like: Any, make: Callable[[], Any]) -> Any:
    """What `make` makes, read from the user's cache folder where it was made before.

    Args:
        kind: the folder's name in the cache.
        spec: everything that decides what is made, besides versions and hardware.
        like: a pytree of arrays with the shapes and dtypes of what is made.
        make: called where nothing was kept of this `spec`, these versions and this hardware.

    Returns:
        A pytree with the structure of `like`.
    """
    folder = private_folder(kind)
    if folder is None:
        return make()
    everything = [*spec, sorted(environment().items())]
    path = folder / f"{hashlib.sha256(repr(everything).encode()).hexdigest()[:16]}.eqx"
    payload = unsealed(path)
    if payload is not None:
        with suppress(ValueError, RuntimeError, EOFError):  # other shapes: they are made again
            return eqx.tree_deserialise_leaves(io.BytesIO(payload), like)
    made = make()
    keep(path, made)
    return made


def keep(path: Path, arrays: Any) -> None:
    """Writes the arrays of a pytree into a file of the cache, as `remembered` reads it."""
    buffer = io.BytesIO()
    eqx.tree_serialise_leaves(buffer, arrays)
    with costs_time_only():
        write_atomically(path, sealed(path, buffer.getvalue()), PRIVATE)


DIRECTIONS = (2**0.5, 3**0.5, 5**0.5)
"""Of waves along which the numbers of θ are looked at: no two numbers have one weight in all."""

STEP = 1e-3
"""Of the logarithm of θ's length, and of its shares along the directions."""


def fingerprint(arrays: Any) -> str:
    """A digest of the numbers in a pytree, the same where they differ by rounding, 16 hex digits.

    It is of the shapes, of the length of all numbers as one vector to a thousandth, and of that
    vector's shares along three fixed directions. Wherever numbers are rounded, some lie at a
    boundary: of two pytrees that differ by 10⁻⁷ of their length about four in ten thousand have
    different digests. Runs at such θ are compared as unpaired, which makes intervals wider and
    none wrong. No boundary is at a number that people write.
    """
    leaves = [np.asarray(leaf, np.float64) for leaf in jax.tree.leaves(arrays)]
    whole = np.concatenate([np.zeros(0), *(leaf.ravel() for leaf in leaves)])
    length = np.linalg.norm(whole)
    looked_at = np.zeros(1 + len(DIRECTIONS))
    if length:
        waves = np.cos(np.outer(DIRECTIONS, 1 + np.arange(whole.size)))
        looked_at = np.array([np.log(length), *(waves @ whole / length)])
    rounded = np.floor(looked_at / STEP + np.sqrt(0.1)).astype(int).tolist()
    text = repr([rounded, [leaf.shape for leaf in leaves]])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def checksum(arrays: Any) -> str:
    """The SHA-256 digest of every number in a pytree of arrays, 16 hex digits."""
    digest = hashlib.sha256()
    for leaf in jax.tree.leaves(arrays):
        digest.update(np.asarray(leaf).tobytes())
    return digest.hexdigest()[:16]
