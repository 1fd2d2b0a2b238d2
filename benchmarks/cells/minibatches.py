r"""The minibatches that are asked for, and what the choice of one adds to a gradient's noise.

Of N data points n are drawn without replacement, and the gradient is estimated by
$\frac Nn \sum g_i$ over them, with $g_i$ the exact gradient of a data point's term. Its variance is
$\frac{N^2}n (1 - \frac nN) S^2$, with $S^2 = \frac1{N - 1} \sum_i \|g_i - \bar g\|^2$
(Cochran, 1977, theorem 2.2). What belongs to no data point is the same in every minibatch, and
adds nothing.
"""

import math
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array

from gradest.benchmarks.runtime.configure import COMPILER, in_full_precision
from gradest.benchmarks.runtime.program_cache import compiled
from gradest.problems.arguments import shown
from gradest.problems.base import Params, Problem, WithData

SIZES = ("minibatch", "minibatch_size")
"""What a sweep, or one of its problems, says of minibatches: the n that each estimate is made on,
and that whose noise is stated beside the estimators'."""


class Minibatches(NamedTuple):
    """What is asked of one problem."""

    fresh: int | None
    """n that each estimate is made on; None where it is made on all data points."""
    size: int | None
    """n whose noise is stated; None where none is."""
    own: Mapping[str, int | None]
    """What the problem's own entry says, by the key."""

    def seen(self, problem: Problem) -> Problem:
        """The problem as one estimate has it."""
        if self.fresh is None or not isinstance(problem, WithData):
            return problem
        return problem.at_points(jnp.arange(min(self.fresh, problem.num_points)))


def minibatches_of(sweep: Any, entry: Any, problem: Problem) -> Minibatches:
    """What is asked of a problem: by its own entry, or else by the sweep; nothing without data.

    Args:
        sweep: has an attribute for each of SIZES.
        entry: likewise.
        problem: the entry's.
    """
    own = {key: getattr(entry, key) for key in SIZES}
    if not isinstance(problem, WithData):
        return Minibatches(None, None, own)
    fresh = entry.minibatch or sweep.minibatch
    stated = [getattr(each, key) for each in (entry, sweep) for key in reversed(SIZES)]
    return Minibatches(fresh, next(filter(None, stated), None), own)


def faults_of_minibatches(problem: Problem, asked: Minibatches) -> Iterator[str]:
    """What is wrong with what is asked of a problem: it has too few data points, or none, or two
    sizes are asked for at once."""
    if not isinstance(problem, WithData):
        for key, number in asked.own.items():
            if number is not None:
                yield f"{key} = {shown(number)}: expected none: it has no data points"
        return
    points = problem.num_points
    numbers = dict(zip(SIZES, (asked.fresh, asked.size), strict=True))
    for number in dict.fromkeys(numbers.values()):
        if number is not None and number > points:
            key = next(key for key in SIZES if numbers[key] == number)
            expected = f"expected a whole number from 1 to {points}, its data points"
            yield f"{key} = {shown(number)}: {expected}"
    if asked.fresh is not None and asked.size != asked.fresh:
        yield f"minibatch_size = {asked.size}: expected {asked.fresh}, as minibatch, or nothing"


class DataSpread(NamedTuple):
    """How far the gradients of the data points lie apart."""

    points: int
    """N."""
    spreads: dict[str, float]
    """S² of each group of θ; none where the gradients of single data points are not known."""


@in_full_precision
def data_spread(problem: Problem, params: Params) -> DataSpread | None:
    """How far the gradients of a problem's data points lie apart, in float64; None without data."""
    if not isinstance(problem, WithData):
        return None
    points = len(problem.data_rows[0])
    with jax.enable_x64(True):
        wide = jax.tree.map(partial(jnp.asarray, dtype=jnp.float64), (problem, params))
        spreads = squared_deviations(*wide) if points > 1 else None
        scale = points**2 if problem.averaged else 1
        found = {group: float(each) for group, each in (spreads or {}).items()}
    known = all(map(math.isfinite, found.values()))
    values = {group: each / (points - 1) / scale for group, each in found.items()}
    return DataSpread(points, values if known else {})


def minibatch_variance(spread: float, points: int, size: int) -> float:
    """The variance of a minibatch's exact gradient.

    Args:
        spread: S².
        points: N.
        size: n.

    >>> minibatch_variance(0.5, 4, 2)
    2.0
    """
    return points**2 / size * (1 - size / points) * spread


@compiled(options=(COMPILER,))
def squared_deviations(problem: WithData, params: Params) -> dict[str, Array] | None:
    r"""$\sum_i \|h_i - \bar h\|^2$ in each group of θ, $h_i$ the gradient with data point i alone.

    None where it is not known. One data point comes after the other (Welford, 1962), so that no
    more memory is needed than for one.
    """
    gradient_of = problem.gradient_of_points(params)

    def gradient(rows: tuple[Array, ...]) -> Params | None:
        return gradient_of(problem.with_data(tuple(row[None] for row in rows)))

    shapes = jax.eval_shape(gradient, tuple(rows[0] for rows in problem.data_rows))
    if shapes is None:
        return None

    def add(sums: tuple[Params, dict], each: tuple[Array, tuple]) -> tuple[tuple, None]:
        mean, squares = sums
        before, rows = each
        deviation = jax.tree.map(jnp.subtract, gradient(rows), mean)
        mean = jax.tree.map(lambda old, off: old + off / (before + 1), mean, deviation)
        share = before / (before + 1)
        squares = {group: squares[group] + share * squared(deviation[group]) for group in squares}
        return (mean, squares), None

    zeros = jax.tree.map(lambda shape: jnp.zeros(shape.shape, shape.dtype), shapes)
    nothing = {group: jnp.zeros(()) for group in shapes}
    counts = jnp.arange(len(problem.data_rows[0]))
    (_, squares), _ = jax.lax.scan(add, (zeros, nothing), (counts, problem.data_rows))
    return squares


def squared(leaves: Any) -> Array:
    """The sum of the squares of all numbers of a pytree."""
    return sum((jnp.sum(leaf**2) for leaf in jax.tree.leaves(leaves)), jnp.zeros(()))
