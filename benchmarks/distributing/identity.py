"""Whether a worker has the versions, the hardware and the code that it is to have.

XLA compiles for as many threads as there are cores, and rounds some sums of networks otherwise for
another number. So every worker has the same number, however many cores it has besides.
"""

import os
from collections.abc import Iterable, Mapping

from jax._src.xla_bridge import backends_are_initialized

from gradest.benchmarks.errors import BadInput, listed
from gradest.benchmarks.runtime.environment import (
    PACKAGES,
    XLA_THREADS,
    code_of,
    cores_here,
    xla_threads,
)
from gradest.benchmarks.sweeps.run import helpers_of
from gradest.estimators.base import Estimator
from gradest.problems.base import Problem

VERSIONS = ("gradest", *PACKAGES, "python")
"""What a worker has as the process that sends it cells; its hardware may be other."""

HERE = "this process"


def disagreement(
    ours: str,
    here: Mapping[str, str],
    theirs: str,
    there: Mapping[str, str],
    keys: Iterable[str] | None = None,
) -> str:
    """In what two places disagree, with both named; "" where in nothing.

    Args:
        ours: the name of one place.
        here: what it has.
        theirs: the name of the other.
        there: what that has.
        keys: what is compared; everything where nothing is said.

    >>> disagreement("A", {"jax": "1", "x": "y"}, "B", {"jax": "2", "x": "y"})
    'A has jax 1, B has jax 2'
    """
    compared = sorted({*here, *there}) if keys is None else keys
    others = [key for key in compared if here.get(key) != there.get(key)]
    has = [
        f"{name} has " + ", ".join(f"{key} {place.get(key, 'not at all')}" for key in others)
        for name, place in ((ours, here), (theirs, there))
    ]
    return ", ".join(has) if others else ""


def agreed(workers: Mapping[str, Mapping[str, str]], here: Mapping[str, str]) -> dict[str, str]:
    """The environment of all workers.

    Args:
        workers: the environment of each, by its name.
        here: that of the process that sends them cells.

    Raises:
        BadInput: one has other versions than this process, or something else than the first.
    """
    first, known = next(iter(workers.items()))
    faults = [
        disagreement(HERE, here, name, each, VERSIONS) or disagreement(first, known, name, each)
        for name, each in workers.items()
    ]
    if any(faults):
        raise BadInput(listed(f"{fault}: expected the same" for fault in faults if fault))
    return dict(known)


def code_here(through: str, problem: Problem, estimator: Estimator) -> dict[str, str]:
    """The code that an estimator would be measured with on a problem in this process.

    Args:
        through: the module that measures, or trains.
        problem: where it is measured.
        estimator: which it is.
    """
    return code_of(through, problem, estimator, *helpers_of(problem))


def use_xla_threads(count: int) -> None:
    """Has XLA compile for so many threads, where JAX has not started yet.

    Raises:
        BadInput: it has, with another number, or there are fewer cores.
    """
    if not backends_are_initialized():
        os.environ[XLA_THREADS[0]] = str(count)
    if xla_threads() != count:
        raise BadInput(
            f"XLA has {xla_threads()} threads for {cores_here()} cores: expected {count}, as the "
            "other workers have: with others last digits are others; start it anew, on as many"
        )
