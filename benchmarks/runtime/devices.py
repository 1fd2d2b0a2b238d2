"""What the devices hold at a time, and the rows of a compiled call, shared among all of them."""

import math
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import jax
from jax.sharding import AxisType, Mesh, PartitionSpec

from gradest.benchmarks.errors import BadInput

REPLICATES = "replicates"
"""The only axis of the mesh: everything but the rows is on every device."""

ON_ONE_DEVICE = ("philox",)
"""Generators whose programs XLA cannot compile for several devices (JAX 0.10.2).

It does not convert their products.
"""


SHARE = 1 / 32
"""Of a device's memory, what the arrays of one call take where each of them is stored.

2²⁹ numbers in float32 of the 105 GiB that JAX takes of an H200: it was no faster with more.
"""

CALLS_AHEAD = 3
"""Calls that are begun before the one before them is read back; with it, an eighth of memory."""


class Capacity(NamedTuple):
    """How many array elements a call may hold on each device, more or less: powers of two."""

    steady: int
    """By the device's memory. It is the same in every process: what rounds is cut by it."""
    now: int
    """The same, but less where half of the memory, or more, is taken."""


def capacity(itemsize: int) -> Capacity | None:
    """What the first device has memory for; None where it does not say, as a processor.

    Args:
        itemsize: bytes of an array element.
    """
    stats = jax.local_devices()[0].memory_stats() or {}
    if not stats.get("bytes_limit"):
        return None
    limit = stats["bytes_limit"]
    free = max(0, limit - stats.get("bytes_in_use", 0))
    steady = power_of_two_within(limit * SHARE / itemsize)
    return Capacity(steady, min(steady, power_of_two_within(2 * free * SHARE / itemsize)))


def power_of_two_within(number: float) -> int:
    """The largest power of two up to a number, at least 1.

    >>> power_of_two_within(1000)
    512
    """
    return 1 << max(0, math.frexp(number)[1] - 1)


def calls_ahead() -> int:
    """How many calls are begun before one is read back.

    None on a processor, which makes nothing beside them: there every call is waited for, and timed.
    """
    return CALLS_AHEAD if capacity(1) else 0


def refuse_devices(generator: str) -> None:
    """Refuses a generator that cannot be used on all of JAX's devices.

    Raises:
        BadInput: there are more devices than one, and the generator needs one.
    """
    if generator in ON_ONE_DEVICE and jax.device_count() > 1:
        raise BadInput(
            f"generator {generator}: expected one device, because XLA cannot compile it for "
            f"{jax.device_count()}; on GPUs CUDA_VISIBLE_DEVICES=0 shows only the first"
        )


def most_rows(rows: int, blocks: int) -> int:
    """How many rows a call takes where one device takes `rows`.

    It takes as many on each device, or fewer so that each device has some of the `blocks`.
    """
    each = min(rows, -(-blocks // jax.device_count()))
    return each * min(jax.device_count(), -(-blocks // each))


def fewer_rows(rows: int) -> int:
    """Half as many rows on each device; below one on each, fewer devices; 0 below one row."""
    count = sharing(rows)
    return count * (rows // count // 2) or rows // 2


def sharing(rows: int) -> int:
    """How many devices a call of so many rows runs on, an equal part of them on each."""
    return max(count for count in range(1, min(rows, jax.device_count()) + 1) if rows % count == 0)


def in_shares(function: Callable, rows: int) -> Callable:
    """A function of arrays with `rows` rows, each device making its part of them.

    Each runs the program that one device would run for so many rows: nothing is sent between them,
    and draws are made where they are used. Left to the partitioner, every device would make all
    draws.
    """
    count = sharing(rows)
    if count == 1:
        return function
    split = PartitionSpec(REPLICATES)
    return jax.shard_map(
        function, mesh=mesh(count), in_specs=split, out_specs=split, check_vma=False
    )


@cache
def mesh(count: int) -> Mesh:
    """The first `count` devices in a row."""
    devices = jax.devices()[:count]
    return jax.make_mesh((count,), (REPLICATES,), axis_types=(AxisType.Auto,), devices=devices)
