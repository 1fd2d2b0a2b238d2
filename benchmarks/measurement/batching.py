"""How R replicates are split: into batches, and the batches into blocks and calls."""

import itertools
import math
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import jax
from jaxtyping import Array, Float

from gradest.benchmarks.runtime.devices import capacity, most_rows
from gradest.estimators.base import Estimator
from gradest.problems.base import Params, Problem

BATCHES = (32, 25, *range(31, 25, -1), *range(24, 19, -1))
"""How many batches the replicates may be split into, the preferred first.

These are enough for an interval and few enough to keep. 25 comes early because a thousand
replicates, and any multiple, then have as many batches.
"""

CALL_ELEMENTS = 2**22
"""Array elements that one compiled call may hold at once, more or less: memory is flat in R.

So it is where the device does not say what it holds, as a processor; see `capacity`.
"""

LONGEST_BLOCK = 5**5
"""Replicates that are summed in the precision measured in; beyond, blocks merge in float64."""

SIDE_BY_SIDE = 128
"""Partial sums of a block that are made at a time, at most: some of the widest vectors."""

MOST_ROUNDS = 16
"""Blocks of every batch that a call takes at most, where blocks are the longest."""

SHORT_BATCH = 80
"""Replicates of every batch that a call takes, more or less, where blocks are shorter."""

STEP = 800
"""R chosen by precision is a multiple of this, which splits well."""


class Layout(NamedTuple):
    """What one compiled call makes."""

    rows: int
    """Blocks, each of a batch of its own or of the same batch later."""
    block: int
    """Replicates of a block, which are summed at a time."""


def number_of_batches(replicates: int) -> int:
    """How many equal batches, of at least two replicates each.

    >>> number_of_batches(20_000), number_of_batches(1_000)
    (32, 25)

    Raises:
        ValueError: `replicates` cannot be split so.
    """
    for batches in BATCHES:
        if replicates % batches == 0 and replicates >= 2 * batches:
            return batches
    step = 2 * min(BATCHES)
    possible = max(step, round(replicates / step) * step)
    raise ValueError(
        f"replicates = {replicates}: expected a number that splits into {min(BATCHES)} to "
        f"{max(BATCHES)} equal batches of at least two; did you mean {possible}?"
    )


def splittable(replicates: int) -> int:
    """The least number of replicates, from so many on, that splits.

    >>> splittable(1_234)
    1239
    """
    splits = (
        number
        for number in itertools.count(max(replicates, 2 * min(BATCHES)))
        if any(number % batches == 0 and number >= 2 * batches for batches in BATCHES)
    )
    return next(splits)


def layout(
    problem: Problem,
    estimator: Estimator,
    params: Params,
    num_samples: int,
    batches: int,
    size: int,
) -> Layout:
    """How many blocks one compiled call takes, and how long they are.

    It stays near CALL_ELEMENTS, with a block of each batch at most; where the device says how much
    memory it has, near its share of that, with several blocks of every batch. Neither depends on
    how many blocks there are: other shapes round a network's matrix products otherwise. A call that
    has too few is filled up. Several devices take as much each.

    Args:
        problem: what is estimated.
        estimator: how.
        params: θ.
        num_samples: L.
        batches: how many batches there are.
        size: replicates of a batch.
    """
    elements = elements_per_replicate(problem, estimator, params, num_samples)
    memory = capacity(jax.tree.leaves(params)[0].dtype.itemsize)
    if memory is None:
        allowed = CALL_ELEMENTS // elements
        block = block_length(size, allowed)
        rows = most_rows(largest_divisor(batches, allowed // block), batches)
        return Layout(rows, block)
    block = block_length(size, memory.steady // elements)
    rows = max(1, memory.now // elements // block)
    return Layout(most_rows(rows, batches * rounds_in_a_call(block)), block)


def rounds_in_a_call(block: int) -> int:
    """How many blocks of every batch a call takes at most, where memory is plenty.

    Where blocks are the longest there are many, as a rule; else few.

    >>> rounds_in_a_call(3125), rounds_in_a_call(625), rounds_in_a_call(5)
    (16, 1, 16)
    """
    return MOST_ROUNDS if block >= LONGEST_BLOCK else max(1, SHORT_BATCH // block)


def elements_per_replicate(
    problem: Problem, estimator: Estimator, params: Params, num_samples: int
) -> int:
    """Array elements that one replicate holds, within a factor of a few."""
    gradient = sum(leaf.size for leaf in jax.tree.leaves(params))
    of_f = elements_per_evaluation(estimator.seen(problem), params)
    return estimator.numbers_held(problem, num_samples, of_f) + gradient


def block_length(size: int, most: int = LONGEST_BLOCK) -> int:
    """Replicates that a batch of `size` sums at a time, at most `most`.

    For multiples of five it is the same whatever the multiple.

    >>> block_length(625), block_length(1250), block_length(40), block_length(80), block_length(64)
    (625, 625, 5, 5, 64)
    """
    five = math.gcd(size, LONGEST_BLOCK)
    return largest_divisor(five if five > 1 else size, min(most, LONGEST_BLOCK))


def over_replicates(
    reduction: Callable[..., Array], values: Float[Array, "..."], axis: int
) -> Float[Array, " P"]:
    """A sum or a maximum over the replicates of a block, in each coordinate.

    Where they lie side by side in memory it is first made of every SIDE_BY_SIDE-th, a vector's
    elements each for itself: one after the other would be one at a time.

    Args:
        reduction: `jnp.sum` or `jnp.max`.
        values: of shape (P, block) or (block, P).
        axis: the replicates'.
    """
    if axis == 0:
        return reduction(values, axis=0)
    size, block = values.shape
    parts = values.reshape(size, -1, largest_divisor(block, SIDE_BY_SIDE))
    # the compiler would make one reduction of the two
    return reduction(jax.lax.optimization_barrier(reduction(parts, axis=1)), axis=1)


def extends(shorter: int, longer: int) -> bool:
    """Whether a run of `shorter` replicates can be gone on with to one of `longer`.

    It can where that gives the very numbers of a run of `longer` replicates at once.
    """
    batches = number_of_batches(longer)
    return (
        shorter < longer
        and number_of_batches(shorter) == batches
        and block_length(shorter // batches) == block_length(longer // batches)
    )


def largest_divisor(number: int, most: int) -> int:
    """The largest divisor of `number` up to `most`; 1 where that is less."""
    return max(divisor for divisor in divisors(number) if divisor <= max(1, most))


def divisors(number: int) -> list[int]:
    """All divisors of a number, in no order."""
    small = [d for d in range(1, math.isqrt(number) + 1) if number % d == 0]
    return small + [number // d for d in small]


def elements_per_evaluation(problem: Problem, params: Params) -> int:
    """Array elements that one evaluation of f writes, counted in its traced program."""
    leaves, structure = jax.tree.flatten((problem, params))
    shapes = [jax.ShapeDtypeStruct(leaf.shape, leaf.dtype) for leaf in leaves]
    return elements_traced(structure, *shapes)


@cache
def elements_traced(structure: Any, *leaves: jax.ShapeDtypeStruct) -> int:
    """The same for any numbers of such shapes: a trace takes as long as some cells."""
    problem, params = jax.tree.unflatten(structure, leaves)
    q = problem.abstract_distribution()
    x = jax.ShapeDtypeStruct((*q.batch_shape, *q.event_shape), jax.tree.leaves(params)[0].dtype)

    def objective(problem: Problem, params: Params, x: jax.Array) -> jax.Array:
        return problem.objective(params, x)

    equations = jax.make_jaxpr(objective)(problem, params, x).eqns
    written = [out for equation in equations for out in equation.outvars]
    return sum(math.prod(out.aval.shape) for out in written)


class Sizes(NamedTuple):
    """How many numbers a problem's arrays hold."""

    draw: int
    """One x, of all data points."""
    params: int
    """θ."""


def sizes_of(problem: Problem) -> Sizes:
    """The sizes of a problem's arrays, of which none is made."""
    leaves, structure = jax.tree.flatten(problem)
    shapes = [jax.ShapeDtypeStruct(leaf.shape, leaf.dtype) for leaf in leaves]
    return sizes_traced(structure, *shapes)


@cache
def sizes_traced(structure: Any, *leaves: jax.ShapeDtypeStruct) -> Sizes:
    """The same for any numbers of such shapes."""
    problem = jax.tree.unflatten(structure, leaves)
    q = problem.abstract_distribution()
    params = jax.eval_shape(lambda each: each.init_params(jax.random.key(0)), problem)
    numbers = sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(params))
    return Sizes(math.prod((*q.batch_shape, *q.event_shape)), numbers)
