"""θ after training, as shipped: points that presets measure at, which nobody need train again.

A file holds the numbers of θ in single precision, in JAX's order of its leaves, the recipe that
they were trained by, and a digest of the code that trained them. A point stands for a recipe that
agrees with its own in every letter, and for no other.
"""

import functools
import io
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

FOLDER = Path(__file__).parent / "trained"


class TrainedPoint(NamedTuple):
    """θ at the end of training."""

    recipe: str
    """Everything that decides θ, as JSON: the problem, its arguments, the seed, how it trains."""
    theta: Float[np.ndarray, " P"]
    code: str
    """A digest of the code that trained it."""


def as_file(point: TrainedPoint) -> bytes:
    """What is written of a point: the same bytes each time."""
    buffer = io.BytesIO()
    np.savez(buffer, recipe=point.recipe, theta=np.float32(point.theta), code=point.code)
    return buffer.getvalue()


def read_point(file: Path) -> TrainedPoint:
    """A point from its file."""
    with np.load(file) as arrays:
        return TrainedPoint(str(arrays["recipe"]), arrays["theta"], str(arrays["code"]))


@functools.cache
def shipped_points() -> dict[str, TrainedPoint]:
    """Every point that is shipped, by its recipe."""
    points = map(read_point, sorted(FOLDER.glob("*.npz")))
    return {point.recipe: point for point in points}
