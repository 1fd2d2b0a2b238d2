"""What a measurement needs of the process, and of its compiler.

The process is set up when that is asked for, never by an import.
"""

import functools
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import jax

from gradest.benchmarks.runtime.processes import limit_threads
from gradest.estimators.sampling.threefry import unroll_threefry

P = ParamSpec("P")
T = TypeVar("T")

Options = dict[str, dict[str, Any]]
"""By JAX's name of the devices, the compiler's options by name."""

COMPILER: Options = {
    "cpu": {
        # compiles in two thirds of the time, and the program is as fast
        "xla_backend_optimization_level": 1,
        # programs are compiled at the same time: in pieces takes a seventh more
        "xla_cpu_parallel_codegen_split_count": 1,
        # compiles in six tenths of the time; measure-valued runs a quarter slower
        "xla_cpu_use_fusion_emitters": False,
        # a tenth faster where there are such vectors, nothing where there are none
        "xla_cpu_prefer_vector_width": 512,
        # not its reductions: they halve a toy's speed
        "xla_cpu_experimental_ynn_fusion_type": "LIBRARY_FUSION_TYPE_DOT",
    },
    # compiles in four tenths of the time, and a network is as fast to a tenth (H200)
    "gpu": {"xla_gpu_autotune_level": 0},
}
"""What we would have the compiler do, where it has the option.

None of it changes a number by more than rounding.
"""

SUMS_IN_ONE_LOOP: Options = {"cpu": {"xla_disable_hlo_passes": "tree_reduction_rewriter"}}
"""Sums over samples and coordinates stay one loop, with f fused into it.

Before two stages, all its terms are stored. Only in the estimates: the long sums over replicates
keep the precision of two stages.
"""

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


def compiler_options(*wanted: Options) -> dict[str, Any]:
    """Those of the options that are for the devices in use and that their compiler has."""
    backend = jax.default_backend()
    named = {name: value for each in wanted for name, value in each.get(backend, {}).items()}
    return {name: value for name, value in named.items() if is_option(name, value)}


@functools.cache
def is_option(name: str, value: Any) -> bool:
    """Whether this version of the compiler has such an option.

    One that it has not would be an error in every program.
    """
    try:
        jax.jit(lambda: 0, compiler_options={name: value}).lower().compile()
    except jax.errors.JaxRuntimeError:
        return False
    return True
