"""Compiled calls that take fewer rows where memory does not suffice, and go on."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from jax.errors import JaxRuntimeError

from gradest.benchmarks.runtime.devices import fewer_rows

SIGNS = ("resource_exhausted", "out of memory")
"""What the runtime says, in small letters, where memory does not suffice."""


class OutOfMemory(MemoryError):
    """Memory does not suffice for a single row."""


def is_out_of_memory(error: Exception) -> bool:
    """Whether an error comes of too little memory, so that fewer rows may help."""
    text = str(error).lower()
    return isinstance(error, MemoryError) or any(sign in text for sign in SIGNS)


@dataclass
class Calls:
    """A compiled function of rows, called with so many at a time as memory allows."""

    run: Callable[..., Any]
    """From an array of `rows` rows, and more that is the same for all, to arrays with as many."""
    rows: int
    """How many at a time: fewer from where memory did not suffice on."""

    def __call__(self, places: np.ndarray, *shared: Any) -> tuple[Any, float]:
        """What the function gives for these rows, on the host, and the seconds that it took.

        Args:
            places: the rows, as many as there are.
            shared: what the function takes beside them.

        Raises:
            OutOfMemory: memory does not suffice for one row.
        """
        while self.rows:
            starts = range(0, len(places), self.rows)
            begun = time.perf_counter()
            try:
                parts = [self._part(places[start:], *shared) for start in starts]
                seconds = time.perf_counter() - begun
                return joined(jax.device_get(parts), len(places)), seconds
            except (JaxRuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
            self.rows = fewer_rows(self.rows)
        raise OutOfMemory("out of memory: it does not suffice for one replicate at a time")

    def _part(self, places: np.ndarray, *shared: Any) -> Any:
        """The first `rows` of the rows.

        Where there are too few, the last is made again and again, so that nothing is compiled.
        """
        taken = places[np.minimum(np.arange(self.rows), len(places) - 1)]
        return jax.block_until_ready(self.run(taken, *shared))


def joined(parts: list[Any], rows: int) -> Any:
    """The arrays of all parts one after the other, cut to so many rows."""
    return jax.tree.map(lambda *arrays: np.concatenate(arrays)[:rows], *parts)
