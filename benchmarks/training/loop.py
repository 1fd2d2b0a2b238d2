"""The training loop: θ, the optimizer's memory and the estimator's own state, step by step.

A seed is run by itself, so that it gives the same bits however many are trained. The bounds of an
interval of steps are arguments of the compiled program: one serves all intervals and all seeds. The
random numbers of a step come from its number alone, and are the same for all estimators.
"""

import itertools
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array

from gradest.benchmarks.runtime.configure import COMPILER, in_full_precision
from gradest.benchmarks.runtime.program_cache import compiled
from gradest.benchmarks.training.optimizers import Optimizer, Recipe
from gradest.estimators.base import Estimator, State
from gradest.problems.base import Params, Problem

NO_STEP = np.uint32(2**32 - 1)
"""The index of the random numbers that begin an estimator's state: no step has it."""


class Carried(NamedTuple):
    """What one step hands to the next."""

    params: Params
    memory: Any
    """The optimizer's."""
    state: State
    """The estimator's."""

    @property
    def is_finite(self) -> bool:
        """Whether all numbers of θ are."""
        return all(bool(jnp.isfinite(leaf).all()) for leaf in jax.tree.leaves(self.params))


class Moment(NamedTuple):
    """Where training is after some steps."""

    step: int
    seconds: float
    """Of training alone, since its beginning."""
    carried: Carried


@dataclass(frozen=True)
class Loop:
    """What is trained, by what and how."""

    problem: Problem
    estimator: Estimator
    rule: Recipe | Optimizer
    num_samples: int

    @cached_property
    def optimizer(self) -> Optimizer:
        """optax's."""
        return self.rule.rule() if isinstance(self.rule, Recipe) else self.rule

    @in_full_precision
    def begun(self, params: Params, key: Array) -> Carried:
        """Before the first step.

        Args:
            params: θ where it starts.
            key: of the seed.
        """
        state = self.estimator.init(self.problem, params, jax.random.fold_in(key, NO_STEP))
        carried = Carried(params, self.optimizer.init(params), state)
        # no weak types: the first interval would have a program of its own
        return jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.result_type(leaf)), carried)

    @cached_property
    def jitted(self) -> Any:
        """The program of an optimizer that has no name to look it up by."""
        return jax.jit(partial(advanced, self.problem, self.estimator, self.rule, self.num_samples))

    @in_full_precision
    def advance(self, carried: Carried, key: Array, start: int, end: int) -> Carried:
        """What is carried after the steps from `start` to `end`."""
        bounds = np.uint32(start), np.uint32(end)
        if not isinstance(self.rule, Recipe):
            return self.jitted(carried, key, *bounds)
        how = {"recipe": self.rule, "num_samples": self.num_samples}
        leaves = advanced_leaves(self.problem, self.estimator, carried, key, *bounds, **how)
        return jax.tree.unflatten(jax.tree.structure(carried), leaves)

    def followed(self, params: Params, key: Array, steps: Sequence[int]) -> Iterator[Moment]:
        """Trains, and stops at some steps; for ever where θ is no longer finite.

        What is done between two of them is not in the seconds, nor is what compiling takes.

        Args:
            params: θ where it starts.
            key: of the seed.
            steps: in order.
        """
        carried = self.begun(params, key)
        carried = jax.block_until_ready(self.advance(carried, key, 0, 0))  # compiles
        seconds = 0.0
        for start, end in itertools.pairwise([0, *steps]):
            begun = time.perf_counter()
            if end > start:
                carried = jax.block_until_ready(self.advance(carried, key, start, end))
                seconds += time.perf_counter() - begun
            yield Moment(end, seconds, carried)
            if not carried.is_finite:
                return


def advanced(
    problem: Problem,
    estimator: Estimator,
    optimizer: Optimizer,
    num_samples: int,
    carried: Carried,
    key: Array,
    start: Array,
    end: Array,
) -> Carried:
    """What is carried after the steps from `start` to `end`: see `Loop.advance`."""

    def step(i: Array, carried: Carried) -> Carried:
        params, memory, state = carried
        step_key = jax.random.fold_in(key, i)
        # an estimator on minibatches draws a fresh one here
        grads, state = estimator.estimate(problem, params, state, step_key, num_samples)
        updates, memory = optimizer.update(grads, memory, params)
        return Carried(optax.apply_updates(params, updates), memory, state)

    return jax.lax.fori_loop(start, end, step, carried)


@compiled(static=("recipe", "num_samples"), options=(COMPILER,))
def advanced_leaves(
    problem: Problem,
    estimator: Estimator,
    carried: Carried,
    key: Array,
    start: Array,
    end: Array,
    *,
    recipe: Recipe,
    num_samples: int,
) -> list[Array]:
    """The leaves of what `advanced` returns.

    A program on disk cannot hold the classes of memories and states.
    """
    whole = advanced(problem, estimator, recipe.rule(), num_samples, carried, key, start, end)
    return jax.tree.leaves(whole)
