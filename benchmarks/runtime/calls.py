"""Compiled calls that take fewer rows where memory does not suffice, and go on.

JAX dispatches a call and returns: on an accelerator the next can be begun before the one before is
read back, so that the device never waits. Memory may then be found short when a result is read.
"""

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

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


class Made(NamedTuple):
    """What came of a call."""

    result: Any
    """On the host."""
    seconds: float | None
    """That each of its rows took; None where others ran beside it."""


@dataclass
class Begun:
    """A call that was dispatched, and perhaps read back."""

    places: np.ndarray
    rows: int
    """How many it took at a time."""
    parts: list[Any] | None
    """What it gives; None where memory did not suffice."""

    def read(self) -> None:
        """Waits for what it gives, which is on the host from here on."""
        try:
            self.parts = jax.device_get(self.parts)
        except (JaxRuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            self.parts = None


@dataclass
class Calls:
    """A compiled function of rows, called with so many at a time as memory allows."""

    run: Callable[..., Any]
    """From an array of `rows` rows, and more that is the same for all, to arrays with as many."""
    rows: int
    """How many at a time: fewer from where memory did not suffice on."""
    ahead: int = 0
    """How many calls are begun before one is read back; 0 where each is waited for, and timed."""

    def __call__(self, places: np.ndarray, *shared: Any) -> tuple[Any, float]:
        """What the function gives for these rows, on the host, and the seconds that it took.

        Args:
            places: the rows, as many as there are.
            shared: what the function takes beside them.

        Raises:
            OutOfMemory: memory does not suffice for one row.
        """
        while self.rows:
            begun = time.perf_counter()
            try:
                parts = [jax.block_until_ready(part) for part in self._parts(places, *shared)]
                seconds = time.perf_counter() - begun
                return joined(jax.device_get(parts), len(places)), seconds
            except (JaxRuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
            self.rows = fewer_rows(self.rows)
        raise OutOfMemory("out of memory: it does not suffice for one replicate at a time")

    def in_order(self, calls: Iterable[np.ndarray], *shared: Any) -> Iterator[Made]:
        """What comes of many calls, in their order, however many are under way at a time.

        Args:
            calls: the rows of each.
            shared: what the function takes beside them.

        Raises:
            OutOfMemory: memory does not suffice for one row.
        """
        if not self.ahead:
            for places in calls:
                result, seconds = self(places, *shared)
                yield Made(result, seconds / self.made(places))
            return
        flying: deque[Begun] = deque()
        for places in calls:
            flying.append(self._begun(places, *shared))
            while flying and (len(flying) > self.ahead or flying[-1].parts is None):
                yield Made(self._ended(flying, *shared), None)
        while flying:
            yield Made(self._ended(flying, *shared), None)

    def made(self, places: np.ndarray) -> int:
        """How many rows the function makes for so many: the last call is filled up."""
        return -(-len(places) // self.rows) * self.rows

    def _begun(self, places: np.ndarray, *shared: Any) -> Begun:
        """A call on its way, with its results sent to the host as soon as they are there."""
        call = Begun(places, self.rows, None)
        try:
            parts = list(self._parts(places, *shared))
            jax.copy_to_host_async(parts)
        except (JaxRuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            return call
        call.parts = parts
        return call

    def _ended(self, flying: deque[Begun], *shared: Any) -> Any:
        """What the first of the calls gives; where it is lost for want of memory, made again."""
        call = flying.popleft()
        call.read()
        if call.parts is not None:
            return joined(call.parts, len(call.places))
        for other in flying:  # what they hold is then free
            other.read()
        if self.rows >= call.rows:
            self.rows = fewer_rows(call.rows)
        return self(call.places, *shared)[0]

    def _parts(self, places: np.ndarray, *shared: Any) -> Iterator[Any]:
        """What the function gives, `rows` of the rows at a time, dispatched one by one.

        Where there are too few, the last is made again and again, so that nothing is compiled.
        """
        for start in range(0, len(places), self.rows):
            left = places[start:]
            yield self.run(left[np.minimum(np.arange(self.rows), len(left) - 1)], *shared)


def joined(parts: list[Any], rows: int) -> Any:
    """The arrays of all parts one after the other, cut to so many rows."""
    return jax.tree.map(lambda *arrays: np.concatenate(arrays)[:rows], *parts)
