"""How a check says what it found, and compares it with what it expected."""

import math
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

AGREEMENT = 1e-4
"""How far two ways to compute a number in float32 may differ, relative to its size: by rounding."""


class Failed(Exception):
    """A check's finding: what was expected and what was found."""


class Skipped(Exception):
    """Why a check does not apply."""


def expect(condition: Any, sentence: str) -> None:
    """Fails the check where a condition does not hold.

    Args:
        condition: what must hold.
        sentence: what was expected and what was found.

    Raises:
        Failed: it does not hold.
    """
    if not condition:
        raise Failed(sentence)


def paths(tree: Any) -> dict[str, Any]:
    """The leaves of a tree by their place in it."""
    leaves, _ = jax.tree_util.tree_flatten_with_path(tree)
    return {jax.tree_util.keystr(path): leaf for path, leaf in leaves}


def expect_shapes(what: str, like: str, found: Any, expected: Any) -> None:
    """Fails where two trees differ in structure or in a shape.

    Args:
        what: is found, in words.
        like: what it should be built like, in words.
        found: the tree.
        expected: a tree with the right structure and shapes.
    """
    theirs = paths(found)
    ours = paths(expected)
    structures: list[Any] = [jax.tree.structure(found), jax.tree.structure(expected)]
    expect(
        structures[0] == structures[1],
        f"expected {what} to be built like {like}, {', '.join(ours) or 'empty'}; "
        f"found {', '.join(theirs) or 'empty'}",
    )
    for place, leaf in ours.items():
        shape = jnp.shape(theirs[place])
        expect(
            shape == jnp.shape(leaf),
            f"{what}: expected shape {jnp.shape(leaf)} at {place}, like {like}; found {shape}",
        )


def expect_dtypes(precision: str, found: Mapping[str, Any], expected: Mapping[str, Any]) -> None:
    """Fails where something is not there, or of another dtype.

    Args:
        precision: in which it was computed, in words.
        found: arrays, or their shapes, by their places.
        expected: a dtype for each place.
    """
    for place, dtype in expected.items():
        expect(place in found, f"in {precision}: expected {dtype} at {place}; found nothing")
        got = found[place].dtype
        expect(got == dtype, f"in {precision}: expected {dtype} at {place}; found {got}")


def leaves_of(tree: Any) -> list[np.ndarray]:
    """The arrays in a tree."""
    return [np.asarray(leaf) for leaf in jax.tree.leaves(tree)]


def same(first: Any, second: Any) -> bool:
    """Whether two trees agree bit for bit."""
    pairs = zip(leaves_of(first), leaves_of(second), strict=True)
    return all(np.array_equal(a, b, equal_nan=True) for a, b in pairs)


def relative_difference(expected: Any, found: Any) -> float:
    """The largest difference of two arrays, as a fraction of the largest value."""
    largest = np.abs(np.asarray(expected, np.float64)).max()
    return float(largest_difference(expected, found) / max(largest, 1e-30))


def largest_difference(expected: Any, found: Any) -> float:
    """The largest difference of two arrays, in float64."""
    return float(np.abs(np.asarray(expected, np.float64) - np.asarray(found, np.float64)).max())


def farthest(expected: Mapping[str, Any], found: Mapping[str, Any]) -> tuple[str, float]:
    """The group in which two batches of estimates differ most, and how much relative to its size.

    A group smaller than float32 resolves beside the others counts as that large.

    Args:
        expected: a tree of arrays for each group.
        found: the same.
    """
    sizes = {
        group: max((float(np.abs(leaf).max()) for leaf in leaves_of(tree)), default=0.0)
        for group, tree in expected.items()
    }
    resolved = max([1e-6 * size for size in sizes.values()] + [1e-30])
    distances = {}
    for group, size in sizes.items():
        pairs = zip(leaves_of(expected[group]), leaves_of(found[group]), strict=True)
        distances[group] = max(largest_difference(a, b) for a, b in pairs) / max(size, resolved)

    def distance(group: str) -> float:
        return math.inf if math.isnan(distances[group]) else distances[group]

    worst = max(distances, key=distance)
    return worst, distances[worst]


def expect_no_recompilation(function: Callable, first: tuple, others: dict[str, tuple]) -> None:
    """Fails where a function that is compiled once is compiled again.

    Args:
        function: to be compiled.
        first: the arguments that it is compiled for.
        others: other arguments, each by the name of what is new in them.

    Raises:
        Failed: some of the others compile it again.
    """
    again = retraced(function, first, others)
    expect(
        not again,
        f"expected no compilation for a new value; found one for a new {' and a new '.join(again)}",
    )


def retraced(function: Callable, first: tuple, others: dict[str, tuple]) -> list[str]:
    """For which arguments a function that is compiled once is compiled again.

    Args:
        function: to be compiled.
        first: the arguments that it is compiled for.
        others: other arguments, each by a name.

    Returns:
        The names of those.
    """
    traces: list[None] = []

    def counting(*args: Any) -> Any:
        traces.append(None)
        return function(*args)

    compiled = jax.jit(counting)
    jax.eval_shape(compiled, *first)
    again = []
    for name, args in others.items():
        before = len(traces)
        jax.eval_shape(compiled, *args)
        if len(traces) > before:
            again.append(name)
    return again
