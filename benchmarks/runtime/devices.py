"""The rows of a compiled call, shared among all devices."""

from collections.abc import Callable
from functools import cache

import jax
from jax.sharding import AxisType, Mesh, PartitionSpec

from gradest.benchmarks.errors import BadInput

REPLICATES = "replicates"
"""The only axis of the mesh: everything but the rows is on every device."""

ON_ONE_DEVICE = ("philox",)
"""Generators whose programs XLA cannot compile for several devices (JAX 0.10.2).

It does not convert their products.
"""


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


def most_rows(rows: int, batches: int) -> int:
    """How many rows a call takes where one device takes `rows`.

    It takes as many on each device, or fewer so that each device has some of the `batches`.
    """
    each = min(rows, -(-batches // jax.device_count()))
    return each * min(jax.device_count(), -(-batches // each))


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
