"""A device that says it has no memory for calls of more than so many replicates."""

import jax
import pytest

from gradest.benchmarks.measurement import replicates as measuring
from gradest.benchmarks.measurement.programs import BlockMoments, block_moments


def exhausted() -> Exception:
    """What JAX raises where memory does not suffice."""
    return jax.errors.JaxRuntimeError(
        "RESOURCE_EXHAUSTED: Out of memory allocating 9 bytes.\nMore about it."
    )


class Failing(BlockMoments):
    """Compiled as ever, and too much to run."""

    def __call__(self, *arguments):
        raise exhausted()


class Unreadable:
    """What a call gave for which memory does not suffice: that is said where it is read."""

    def __array__(self, *given, **named):
        raise exhausted()


class FailingLater(BlockMoments):
    """The same, where it is dispatched and not waited for."""

    def __call__(self, *arguments):
        return Unreadable()


def short_of_memory(
    monkeypatch: pytest.MonkeyPatch,
    most: int,
    name: str = "",
    failing: type[BlockMoments] = Failing,
) -> None:
    """`most` is what a call of the estimators of this name can have, or of all of them."""

    def compiled(center, problem, estimator, *arguments, rows, block, **given):
        made = block_moments(
            center, problem, estimator, *arguments, rows=rows, block=block, **given
        )
        named = type(estimator).__name__.startswith(name)
        return failing(*made) if named and rows * block > most else made

    monkeypatch.setattr(measuring, "block_moments", compiled)
