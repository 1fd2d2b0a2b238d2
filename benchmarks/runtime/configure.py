"""What a measurement needs of the process: set when it is asked for, never by an import."""

import functools

from gradest.benchmarks.runtime.processes import limit_threads
from gradest.estimators.sampling.threefry import unroll_threefry


@functools.cache
def configure() -> None:
    """Sets the process up for measuring, as the command and `gradest.measure` do; once is enough.

    JAX's default generator runs at a third of its time on a CPU from here on, bit by bit the same,
    and NumPy's matrix products keep to one thread, unless OPENBLAS_NUM_THREADS says otherwise. No
    number depends on either.
    """
    unroll_threefry()
    limit_threads()
