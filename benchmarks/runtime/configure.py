"""What a measurement needs of the process: set when it is asked for, never by an import."""

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import jax

from gradest.benchmarks.runtime.processes import limit_threads
from gradest.estimators.sampling.threefry import unroll_threefry

P = ParamSpec("P")
T = TypeVar("T")

MATMUL_PRECISION = "highest"
"""Of every product of arrays that JAX makes for us: all digits of float32, on every device."""


def in_full_precision(function: Callable[P, T]) -> Callable[P, T]:
    """A function within which products have all their digits, whatever JAX is set to outside.

    A GPU, or a TPU, multiplies with fewer digits unless it is told to: an unbiased gradient then
    looks biased. Of a compiled program it is the function that is traced that must be wrapped, or
    one that compiles and runs it. A product for which code itself asks another precision keeps it.

    Args:
        function: any; it is run in this thread.
    """

    @functools.wraps(function)
    def within(*args: P.args, **kwargs: P.kwargs) -> T:
        with jax.default_matmul_precision(MATMUL_PRECISION):
            return function(*args, **kwargs)

    return within


@functools.cache
def configure() -> None:
    """Sets the process up for measuring, as the command and `gradest.measure` do; once is enough.

    JAX's default generator runs at a third of its time on a CPU from here on, bit by bit the same,
    and NumPy's matrix products keep to one thread, unless OPENBLAS_NUM_THREADS says otherwise. No
    number depends on either.
    """
    unroll_threefry()
    limit_threads()
