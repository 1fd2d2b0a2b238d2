"""Compiled calls that take fewer rows where memory does not suffice, and go on."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from jax.errors import JaxRuntimeError

from gradest.benchmarks.runtime.devices import fewer_rows

SIGNS = ("RESOURCE_EXHAUSTED", "out of memory")
"""What the runtime says where memory does not suffice."""


class OutOfMemory(MemoryError):
    """Memory does not suffice for a single row."""


def is_out_of_memory(error: Exception) -> bool:
    """Whether fewer rows may help."""
    return isinstance(error, MemoryError) or any(
        sign.lower() in str(error).lower() for sign in SIGNS
    )


@dataclass
class Calls:
    """A compiled function of rows, called with so many at a time as memory allows."""

    run: Callable[..., Any]
    """From an array of `rows` rows, and more that is the same for all, to arrays with as many."""
    rows: int
    """How many at a time: fewer from where memory did not suffice on."""

    def __call__(self, places: np.ndarray, *shared: Any) -> tuple[Any, float]:
        """What comes of these rows, on the host, and how long it took.

        Raises:
            OutOfMemory: memory does not suffice for one row.
        """
        while self.rows:
            begun = time.perf_counter()
            try:
                parts = [
                    self._part(places[start:], *shared)
                    for start in range(0, len(places), self.rows)
                ]
                seconds = time.perf_counter() - begun
                return jax.tree.map(
                    lambda *each: np.concatenate(each)[: len(places)], *jax.device_get(parts)
                ), seconds
            except (JaxRuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
            self.rows = fewer_rows(self.rows)
        raise OutOfMemory("out of memory: it does not suffice for one replicate at a time")

    def _part(self, places: np.ndarray, *shared: Any) -> Any:
        """Of the first rows; where there are too few, the last is made again and again, so that nothing is compiled."""
        taken = places[np.minimum(np.arange(self.rows), len(places) - 1)]
        return jax.block_until_ready(self.run(taken, *shared))
