"""How the rounding of f shows in an estimate, looked at where a bias is found that nobody claims.

A difference f(x₁) − f(x₀) is off by the rounding of both values, ε F each where they are of size F,
however small it is itself. Where numbers of θ or of the problem are moved by their last digits,
that shows only as far as f is made of them: not of an f whose constants are in its code, of bits
that hardly ever change. So here every value of f is moved itself, at random, by up to some ε of it
(Monte Carlo arithmetic: Parker, 1997).
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Array, Float

from gradest.benchmarks.measurement.programs import MOVES, ROUNDED, rounding
from gradest.benchmarks.runtime.configure import in_full_precision
from gradest.estimators.base import Estimator, State
from gradest.problems.base import Params, Problem, in_class, with_methods


@in_full_precision
def rounding_of_objective(
    problem: Problem,
    estimator: Estimator,
    params: Params,
    states: State,
    key: Array,
    num_samples: int,
) -> dict[str, Float[np.ndarray, " P"]]:
    """How far an estimate moves in each coordinate as f is rounded otherwise, for each group of θ.

    Args:
        problem: what is estimated.
        estimator: how.
        params: θ.
        states: warmed up, of each batch.
        key: the cell's.
        num_samples: L.
    """
    batches = len(jax.tree.leaves(states)[0]) if jax.tree.leaves(states) else ROUNDED
    indices = np.arange(min(ROUNDED, batches), dtype=np.uint32)
    some = jax.tree.map(lambda leaf: leaf[: len(indices)], states)

    def estimate(problem: Problem, params: Params, move: Array, each: tuple) -> Params:
        index, state = each
        moved = with_moved_objective(problem, move)
        replicate_key = jax.random.fold_in(key, index)
        return estimator.estimate(moved, params, state, replicate_key, num_samples)[0]

    @jax.jit
    def replicates(problem: Problem, params: Params, move: Array) -> Params:
        # one after the other: of memory they need no more than one does
        return jax.lax.map(lambda each: estimate(problem, params, move, each), (indices, some))

    def vectors(move: int) -> dict[str, Float[np.ndarray, "n P"]]:
        grads = replicates(problem, params, np.uint32(move))
        return {group: in_rows(leaves) for group, leaves in grads.items()}

    return rounding(vectors(0), [vectors(move) for move in MOVES])


def in_rows(leaves: Any) -> Float[np.ndarray, "n P"]:
    """The arrays of a group, of several replicates, as a vector for each."""
    arrays = [np.asarray(leaf) for leaf in jax.tree.leaves(leaves)]
    return np.concatenate([array.reshape(len(array), -1) for array in arrays], axis=1)


def with_moved_objective(problem: Problem, move: ArrayLike) -> Problem:
    """The same problem with every value of f moved by up to so many rounding errors.

    Args:
        problem: whose f it is; its derivatives stay as they are.
        move: how many; at 0 nothing is moved.
    """

    def moved(name: str) -> Any:
        def method(self: Problem, params: Params, *others: Any) -> Array:
            unmoved = in_class(type(problem), self)  # which may be on a minibatch by now
            return nudged(getattr(unmoved, name)(params, *others), move)

        return method

    return with_methods(problem, {name: moved(name) for name in problem.evaluated})


def nudged(values: Float[Array, "..."], move: ArrayLike) -> Float[Array, "..."]:
    """Values moved by up to so many ε of them, at random, equal values alike.

    The random number is a hash of a value's digits: the last step of MurmurHash3 (Appleby, 2011).
    """
    words = jax.lax.bitcast_convert_type(values, jnp.uint32)
    bits = words if words.ndim == values.ndim else words[..., 0] ^ words[..., 1]
    bits = bits + jnp.uint32(move) * np.uint32(0x9E3779B9)
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        bits = (bits ^ (bits >> shift)) * np.uint32(factor)
    share = (bits ^ (bits >> 16)).astype(values.dtype) / 2.0**31 - 1
    size = jnp.asarray(move, values.dtype) * jnp.finfo(values.dtype).eps * jnp.abs(values)
    return values + jax.lax.stop_gradient(size * share)
