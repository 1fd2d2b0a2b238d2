"""The compiled programs: what runs on the device, for any problem, estimator and L.

`estimates` makes replicates of the estimate and `sums` summarises them. They are two programs, not
one: XLA would merge the sums into the estimates and make these again for each of them, and the sums
need compiling only once for all estimators of one problem.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.interpreters.partial_eval import dce_jaxpr
from jax.typing import ArrayLike
from jaxtyping import Array, Float

from gradest.benchmarks.measurement.batching import over_replicates
from gradest.benchmarks.runtime.configure import COMPILER, SUMS_IN_ONE_LOOP
from gradest.benchmarks.runtime.devices import calls_ahead, in_shares
from gradest.benchmarks.runtime.program_cache import Executable, compiled
from gradest.benchmarks.statistics.moments import LARGEST
from gradest.estimators.base import Estimator, State
from gradest.problems.base import Params, Problem

Summed = dict[str, tuple[Any, ...]]
"""For each group of θ what `sums` makes of its gradients, a row each."""


def replicate_axis(block: int, size: int) -> int:
    """Where the replicates stand in the stored form of a (block, P) array.

    The longer axis is last, for the sake of the processor's vectors.
    """
    return 1 if block > size else 0


@compiled(static=("num_samples", "block"), options=(COMPILER, SUMS_IN_ONE_LOOP))
def estimates(  # noqa: PLR0913 (all that a replicate is made of)
    problem: Problem,
    estimator: Estimator,
    params: Params,
    states: State,
    key: Array,
    first: ArrayLike,
    stride: ArrayLike,
    *,
    num_samples: int,
    block: int,
) -> dict[str, Float[Array, "rows ..."]]:
    """Replicates of the estimate, `block` of them for each row.

    Args:
        problem: what is estimated.
        estimator: how.
        params: θ.
        states: a state for each row.
        key: the cell's, which a replicate's index is folded into.
        first: the index of each row's first replicate; a row is (part of) a batch.
        stride: how far the indices of a row's replicates are from one another.
        num_samples: L.
        block: replicates of a row.

    Returns:
        Each group of θ as a vector, replicates along `replicate_axis`.
    """

    def replicate(index: Array, state: State) -> Params:
        replicate_key = jax.random.fold_in(key, index)
        return estimator.estimate(problem, params, state, replicate_key, num_samples)[0]

    def row(first: Array, state: State) -> dict[str, Array]:
        indices = first + stride * jnp.arange(block, dtype=jnp.uint32)
        grads = jax.vmap(replicate, in_axes=(0, None))(indices, state)
        return {group: stored_form(flatten(leaves, block)) for group, leaves in grads.items()}

    first = jnp.asarray(first)
    return in_shares(jax.vmap(row), len(first))(first, states)


def flatten(leaves: Any, rows: int) -> Float[Array, "rows P"]:
    """A group's arrays as one vector for each replicate."""
    return jnp.concatenate([leaf.reshape(rows, -1) for leaf in jax.tree.leaves(leaves)], axis=1)


def stored_form(grads: Float[Array, "block P"]) -> Array:
    """The gradients with the replicates along `replicate_axis`."""
    return grads.T if replicate_axis(*grads.shape) else grads


@compiled(static=("block", "packed"), options=(COMPILER,))
def sums(
    grads: dict[str, Float[Array, "rows ..."]],
    center: dict[str, Float[Array, " P"]],
    *,
    block: int,
    packed: bool = False,
) -> Summed | Float[Array, "rows columns"]:
    """Sums over the replicates of each row, group by group.

    Args:
        grads: what `estimates` makes.
        center: c, one vector a group.
        block: replicates of a row.
        packed: whether all are columns of one array, which is one transfer.

    Returns:
        Mean, Σ(g − mean)², Σ(g − mean)³, Σ‖g − c‖⁴ and the largest ‖g − c‖², with g in units of the
        last: a power of two, near the largest |g − c|, so that no fourth power overflows, or
        underflows, and no digit is another. The mean, in its own units, comes first, so that
        digits are kept.
    """

    def row(grads: Array, center: Float[Array, " P"]) -> tuple[Array, ...]:
        axis = replicate_axis(block, len(center))
        # distances from one of them: equal estimates then have variance zero, not rounding
        anchor = jnp.take(grads, jnp.array([0]), axis)
        mean = anchor.squeeze(axis) + over_replicates(jnp.sum, grads - anchor, axis) / block
        from_center = grads - jnp.expand_dims(center, axis)
        unit = power_of_two_near(over_replicates(jnp.max, jnp.abs(from_center), axis).max())
        centred = (grads - jnp.expand_dims(mean, axis)) / unit
        distances = ((from_center / unit) ** 2).sum(1 - axis)
        largest = jax.lax.top_k(distances, min(LARGEST, block))[0]
        second = over_replicates(jnp.sum, centred**2, axis)
        third = over_replicates(jnp.sum, centred**3, axis)
        fourth = (distances**2).sum()
        return mean, second, third, fourth, largest, unit

    def rows(grads: dict[str, Array]) -> Summed | Array:
        each_row = jax.vmap(row, in_axes=(0, None))
        made = {group: each_row(grads[group], center[group]) for group in grads}
        return flatten(made, len(next(iter(grads.values())))) if packed else made

    return in_shares(rows, len(next(iter(grads.values()))))(grads)


def power_of_two_near(size: Float[Array, ""]) -> Float[Array, ""]:
    """A power of two within a factor of two of a size, by which division is exact."""
    _, exponent = jnp.frexp(size)
    limits = jnp.finfo(size.dtype)
    within = jnp.clip(exponent, limits.minexp + 1, limits.maxexp - 2)
    return jnp.ldexp(jnp.ones_like(size), within)


class BlockMoments(NamedTuple):
    """`estimates` and the `sums` of them, compiled."""

    estimates: Executable
    sums: Executable

    @property
    def seconds(self) -> float:
        """What it took to get both."""
        return self.estimates.seconds + self.sums.seconds

    def __call__(self, center: dict[str, Float[Array, " P"]], *arguments: Any) -> Any:
        """What `sums` makes of such estimates."""
        return self.sums.run(self.estimates.run(*arguments), center)


ROUNDED = 64
"""Replicates, at least, whose rounding is looked at; all of a call that has fewer."""


SENT_WHOLE = 2**26
"""Bytes: an array of more is cut before it goes to the host, in a program for its shape."""


def some_replicates(
    grads: dict[str, Float[Array, "rows ..."]], block: int
) -> dict[str, Float[np.ndarray, "n P"]]:
    """The first replicates of each row, about ROUNDED in all, on the host.

    Args:
        grads: what `estimates` makes.
        block: replicates of a row.
    """
    some = {}
    for group, stored in grads.items():
        rows = np.asarray(stored if stored.nbytes < SENT_WHOLE else stored[:ROUNDED])[:ROUNDED]
        size = rows[0].size // block
        replicates = rows.swapaxes(1, 2) if replicate_axis(block, size) else rows
        some[group] = replicates[:, : -(-ROUNDED // len(rows))].reshape(-1, size)
    return some


def rounding(
    here: dict[str, Float[np.ndarray, "n P"]], others: Sequence[dict[str, Float[np.ndarray, "n P"]]]
) -> dict[str, Float[np.ndarray, " P"]]:
    """How large rounding errors are in each coordinate of an estimate, for each group of θ.

    A change of θ and of the problem's numbers by about the last of their digits changes an estimate
    by what its terms are rounded by, however much of them cancels. Of the changes of several
    estimates it is the ninth decile: where a draw of a discrete x is turned, which happens to few,
    the change is no rounding. It is nowhere less than the root mean square over the group, whose
    coordinates share terms, and of several changes of θ it is the largest: where estimates are all
    equal, a coordinate may be rounded as before by chance.

    Args:
        here: replicates of the estimate, see `some_replicates`.
        others: the same replicates where the numbers are those of `by_last_digits`.
    """
    sizes = {}
    for group in here:
        changes = [np.abs(there[group].astype(float) - here[group]) for there in others]
        size = np.max(np.quantile(changes, 0.9, axis=1), axis=0)
        sizes[group] = np.maximum(size, np.sqrt((size**2).mean()))
    return sizes


MOVES = (1, 2, 3)
"""Rounding errors by which numbers are made larger, one after the other, to see rounding."""


def by_last_digits(tree: Any, move: int) -> Any:
    """The numbers of a pytree, each so many rounding errors larger: what was equal stays equal."""
    leaves, structure = jax.tree.flatten(tree)
    return jax.tree.unflatten(structure, [_moved(leaf, move) for leaf in leaves])


def _moved(leaf: Any, move: int) -> Any:
    dtype = jnp.result_type(leaf)
    if not jnp.issubdtype(dtype, jnp.floating):
        return leaf
    array = np.asarray(leaf, dtype)  # not jnp: it would compile a program for each shape
    return array * np.asarray(1 + move * float(jnp.finfo(dtype).eps), dtype)


def block_moments(
    center: dict[str, Float[Array, " P"]], *arguments: Any, rows: int, num_samples: int, block: int
) -> BlockMoments:
    """The compiled programs for such calls.

    Args:
        center: a vector for each group of θ.
        arguments: those of `estimates` that are not static.
        rows: how many rows a call has.
        num_samples: L.
        block: replicates of a row.
    """
    stored = {}
    for group, vector in center.items():
        size = len(vector)
        shape = (size, block) if replicate_axis(block, size) else (block, size)
        stored[group] = jax.ShapeDtypeStruct((rows, *shape), jax.tree.leaves(center)[0].dtype)
    return BlockMoments(
        estimates.executable(*arguments, num_samples=num_samples, block=block),
        sums.executable(stored, center, block=block, packed=calls_ahead() > 0),
    )


@compiled(static=("batches", "num_samples", "steps", "at_once"), options=(COMPILER,))
def warm_up_leaves(
    problem: Problem,
    estimator: Estimator,
    params: Params,
    key: Array,
    *,
    batches: int,
    num_samples: int,
    steps: int,
    at_once: int | None = None,
) -> list[Array]:
    """The leaves of what `warm_up` returns.

    A program on disk cannot hold the state's own class.
    """

    def step(state: State, key: Array) -> tuple[State, None]:
        return estimator.estimate(problem, params, state, key, num_samples)[1], None

    def warmed_up(key: Array) -> State:
        start = estimator.init(problem, params, key)
        return jax.lax.scan(step, start, jax.random.split(key, steps))[0]

    keys = jax.random.split(key, batches)
    return jax.tree.leaves(jax.lax.map(warmed_up, keys, batch_size=at_once))


def warm_up(
    problem: Problem,
    estimator: Estimator,
    params: Params,
    key: Array,
    *,
    batches: int,
    num_samples: int,
    steps: int,
    at_once: int | None = None,
) -> State:
    """A state for each batch, each after `steps` estimates of its own at fixed θ.

    So many batches are made at once; one after the other where it is not said how many.
    """
    sizes = {"batches": batches, "num_samples": num_samples, "steps": steps, "at_once": at_once}
    leaves = warm_up_leaves(problem, estimator, params, key, **sizes)
    structure = jax.tree.structure(estimator.init(problem, params, key))
    return jax.tree.unflatten(structure, leaves)


def warm_states(
    problem: Problem, estimator: Estimator, params: Params, key: Array, sizes: dict[str, Any]
) -> State:
    """A state for each batch, on the host, warmed up on keys of its own.

    Args:
        problem, estimator, params: of the cell.
        key: of the cell.
        sizes: the other arguments of `warm_up`.
    """
    # 2³² − 1 is the last index that 32 bits hold: no replicate has it
    warm_up_key = jax.random.fold_in(key, np.uint32(2**32 - 1))
    return jax.tree.map(np.asarray, warm_up(problem, estimator, params, warm_up_key, **sizes))


def random_groups(
    problem: Problem, estimator: Estimator, params: Params, num_samples: int
) -> set[str]:
    """The groups of θ whose estimate depends on random numbers, by the traced program.

    In the others, replicates are equal by theory, not by chance.
    """
    key = jax.random.key(0)
    state = estimator.init(problem, params, key)

    def estimate(key: Array) -> Params:
        return estimator.estimate(problem, params, state, key, num_samples)[0]

    program, shapes = jax.make_jaxpr(estimate, return_shape=True)(key)
    groups = [path[0].key for path, _ in jax.tree_util.tree_leaves_with_path(shapes)]
    random = set()
    for place, group in enumerate(groups):
        wanted = [other == place for other in range(len(groups))]
        if any(dce_jaxpr(program.jaxpr, wanted)[1]):
            random.add(group)
    return random
