"""A device that says it has no memory for calls of more than so many replicates."""

import jax
import pytest

from gradest.benchmarks.measurement import replicates as measuring
from gradest.benchmarks.measurement.programs import BlockMoments, block_moments


class Failing(BlockMoments):
    """Compiled as ever, and too much to run."""

    def __call__(self, *arguments):
        raise jax.errors.JaxRuntimeError(
            "RESOURCE_EXHAUSTED: Out of memory allocating 9 bytes.\nMore about it."
        )


def short_of_memory(monkeypatch: pytest.MonkeyPatch, most: int, name: str = "") -> None:
    """`most` is what a call of the estimators of this name can have, or of all of them."""

    def compiled(center, problem, estimator, *arguments, rows, block, **given):
        made = block_moments(
            center, problem, estimator, *arguments, rows=rows, block=block, **given
        )
        named = type(estimator).__name__.startswith(name)
        return Failing(*made) if named and rows * block > most else made

    monkeypatch.setattr(measuring, "block_moments", compiled)
