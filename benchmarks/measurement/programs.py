"""The compiled programs: what runs on the device, for any problem, estimator and L.

`estimates` makes replicates of the estimate and `sums` summarises them. They are two programs, not
one: XLA would merge the sums into the estimates and make these again for each of them, and the sums
need compiling only once for all estimators of one problem.
"""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array, Float

from gradest.benchmarks.runtime.devices import in_shares
from gradest.benchmarks.runtime.program_cache import Program, Ready
from gradest.benchmarks.statistics.moments import LARGEST
from gradest.estimators.base import Estimator, State
from gradest.problems.base import Params, Problem

COMPILER = {
    "xla_backend_optimization_level": 1,  # compiles in two thirds of the time, and the program is as fast
    "xla_cpu_parallel_codegen_split_count": 1,  # programs are compiled at the same time: in pieces takes a seventh more
    "xla_cpu_use_fusion_emitters": False,  # compiles in six tenths of the time; measure-valued runs a quarter slower
    "xla_cpu_prefer_vector_width": 512,  # a tenth faster where there are such vectors, nothing where there are none
    "xla_cpu_experimental_ynn_fusion_type": "LIBRARY_FUSION_TYPE_DOT",  # not its reductions: they halve a toy's speed
}
"""What we would have the compiler do, where it knows it. None of it changes a number by more than rounding."""

IN_ONE_GO = {"xla_disable_hlo_passes": "tree_reduction_rewriter"}
"""Sums over samples and coordinates stay one loop, with f fused into it: before two stages, all its
terms are stored.

Only in the estimates: the long sums over replicates keep the precision of two stages.
"""


def replicate_axis(block: int, size: int) -> int:
    """Where the replicates stand in the stored form of a (block, P) array: the longer axis is last, for the vectors."""
    return 1 if block > size else 0


@partial(Program, static=("num_samples", "block"), options=COMPILER | IN_ONE_GO)
def estimates(
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
    """`block` replicates from each of `first` on, `stride` apart, each group of θ as a vector: see
    `replicate_axis`.

    Each row of `first` is (part of) a batch, and has a state of its own in `states`.
    """

    def replicate(index: Array, state: State) -> Params:
        return estimator.estimate(
            problem, params, state, jax.random.fold_in(key, index), num_samples
        )[0]

    def row(first: Array, state: State) -> dict[str, Array]:
        indices = first + stride * jnp.arange(block, dtype=jnp.uint32)
        found = jax.vmap(replicate, in_axes=(0, None))(indices, state)
        return {group: stored_form(flatten(leaves, block)) for group, leaves in found.items()}

    first = jnp.asarray(first)
    return in_shares(jax.vmap(row), len(first))(first, states)


def flatten(leaves: Any, rows: int) -> Float[Array, "rows P"]:
    """A group's arrays as one vector for each replicate."""
    return jnp.concatenate([leaf.reshape(rows, -1) for leaf in jax.tree.leaves(leaves)], axis=1)


def stored_form(gradients: Float[Array, "block P"]) -> Array:
    """With the replicates along `replicate_axis`."""
    return gradients.T if replicate_axis(*gradients.shape) else gradients


@partial(Program, static=("block",), options=COMPILER)
def sums(
    gradients: dict[str, Float[Array, "rows ..."]],
    center: dict[str, Float[Array, " P"]],
    *,
    block: int,
) -> dict[str, tuple[Array, ...]]:
    """For each group and row: mean, Σ(g − mean)², Σ(g − mean)³, Σ‖g − c‖⁴ and the largest ‖g − c‖².

    The mean comes first, so that digits are kept.
    """

    def row(gradients: Array, center: Float[Array, " P"]) -> tuple[Array, ...]:
        axis = replicate_axis(block, len(center))
        anchor = jnp.take(
            gradients, jnp.array([0]), axis
        )  # so that equal estimates have variance zero, not rounding
        mean = (anchor + (gradients - anchor).mean(axis, keepdims=True)).squeeze(axis)
        apart = gradients - jnp.expand_dims(mean, axis)
        distances = ((gradients - jnp.expand_dims(center, axis)) ** 2).sum(1 - axis)
        largest = jax.lax.top_k(distances, min(LARGEST, block))[0]
        return mean, (apart**2).sum(axis), (apart**3).sum(axis), (distances**2).sum(), largest

    def rows(gradients: dict[str, Array]) -> dict[str, tuple[Array, ...]]:
        return {
            group: jax.vmap(row, in_axes=(0, None))(gradients[group], center[group])
            for group in gradients
        }

    return in_shares(rows, len(next(iter(gradients.values()))))(gradients)


class BlockMoments(NamedTuple):
    """`estimates` and the `sums` of them, compiled."""

    estimates: Ready
    sums: Ready

    @property
    def seconds(self) -> float:
        """That it took to get both."""
        return self.estimates.seconds + self.sums.seconds

    def __call__(
        self, center: dict[str, Float[Array, " P"]], *arguments: Any
    ) -> dict[str, tuple[Array, ...]]:
        """The sums of the estimates made with such arguments."""
        return self.sums.run(self.estimates.run(*arguments), center)


def block_moments(
    center: dict[str, Float[Array, " P"]], *arguments: Any, rows: int, num_samples: int, block: int
) -> BlockMoments:
    """The compiled programs for such arguments."""

    def found(size: int) -> jax.ShapeDtypeStruct:
        shape = (size, block) if replicate_axis(block, size) else (block, size)
        return jax.ShapeDtypeStruct((rows, *shape), dtype)

    dtype = jax.tree.leaves(center)[0].dtype
    return BlockMoments(
        estimates.ready(*arguments, num_samples=num_samples, block=block),
        sums.ready(
            {group: found(len(vector)) for group, vector in center.items()}, center, block=block
        ),
    )


@partial(Program, static=("batches", "num_samples", "steps"), options=COMPILER)
def settle(
    problem: Problem,
    estimator: Estimator,
    params: Params,
    key: Array,
    *,
    batches: int,
    num_samples: int,
    steps: int,
) -> list[Array]:
    """The leaves of what `adapt` returns: a program on disk cannot hold the state's own class."""

    def step(state: State, key: Array) -> tuple[State, None]:
        return estimator.estimate(problem, params, state, key, num_samples)[1], None

    def one(key: Array) -> State:
        start = estimator.init(problem, params, key)
        return jax.lax.scan(step, start, jax.random.split(key, steps))[0]

    return jax.tree.leaves(jax.lax.map(one, jax.random.split(key, batches)))


def adapt(
    problem: Problem,
    estimator: Estimator,
    params: Params,
    key: Array,
    *,
    batches: int,
    num_samples: int,
    steps: int,
) -> State:
    """A state for each batch, each after `steps` estimates of its own at fixed θ."""
    leaves = settle(
        problem, estimator, params, key, batches=batches, num_samples=num_samples, steps=steps
    )
    return jax.tree.unflatten(jax.tree.structure(estimator.init(problem, params, key)), leaves)


@partial(Program, static=(), options=COMPILER)
def exact_vectors(problem: Problem, params: Params) -> dict[str, Float[Array, " P"]] | None:
    """The problem's exact gradient, each group of θ as a vector; one program for problems that differ in numbers."""
    truth = problem.exact_gradient(params)
    return truth and {
        group: jnp.concatenate(list(map(jnp.ravel, jax.tree.leaves(truth[group]))))
        for group in truth
    }
