"""Derivatives of functions that are written out in NumPy, by central differences."""

from collections.abc import Callable

import jax
import numpy as np

from gradest.problems.base import Params

Function = Callable[[np.ndarray], float]


def directions(size: int) -> np.ndarray:
    """Four directions, where differences in each coordinate would take too long."""
    return np.random.default_rng(0).normal(size=(4, size))


def along(function: Function, point: np.ndarray, h: float = 1e-5) -> list[float]:
    """Derivatives along `directions`."""
    return [difference(function, point, d, h) for d in directions(len(point))]


def by_coordinate(
    function: Function, point: np.ndarray, h: float = 1e-5, every: int = 1
) -> list[float]:
    """Derivatives by each coordinate, or by each `every`-th."""
    return [difference(function, point, d, h) for d in np.eye(len(point))[::every]]


def difference(function: Function, point: np.ndarray, direction: np.ndarray, h: float) -> float:
    """The derivative along one direction."""
    return (function(point + h * direction) - function(point - h * direction)) / (2 * h)


def unrolled(params: Params) -> tuple[np.ndarray, Callable[[np.ndarray], Params]]:
    """θ as one float64 vector, in the order of `as_vector`, and what makes θ of such a vector."""
    leaves, structure = jax.tree.flatten(params)
    cuts = np.cumsum([leaf.size for leaf in leaves])[:-1]

    def rolled(theta: np.ndarray) -> Params:
        parts = zip(np.split(theta, cuts), leaves, strict=True)
        return jax.tree.unflatten(structure, [part.reshape(leaf.shape) for part, leaf in parts])

    return np.concatenate([np.ravel(leaf) for leaf in leaves]).astype(float), rolled
