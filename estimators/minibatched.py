"""Any estimator on a fresh minibatch in each estimate, as training has it."""

from functools import partial
from typing import Any, ClassVar, cast

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Int

from gradest.estimators.base import Estimator, Evaluations, State
from gradest.problems.base import Params, Problem, WithData, chosen_points


class Minibatched(Estimator):
    r"""$\hat g_B$, B a fresh minibatch of n of the N data points, drawn without replacement.

    $E[\hat g_B] = E_B[\nabla f_B] = \nabla f$ where $\hat g$ is unbiased, and
    $\mathrm{Var}(\hat g_B) = E_B[\mathrm{Var}(\hat g | B)] + \mathrm{Var}_B(\nabla f_B)$: the
    estimator's own noise, and that of the minibatch, which is the same for every unbiased one.

    From one key all estimators have the same minibatch. What is learned of each data point, as a
    baseline, is kept for all N, and changed for those of the minibatch. Cost: the estimator's; an
    evaluation of f is at one x for each data point of the minibatch.
    """

    inner: Estimator
    """The estimator."""
    size: int = eqx.field(static=True)
    """n."""

    source: ClassVar[str] = "Robbins and Monro, 1951"

    def estimate(
        self, problem: Problem, params: Params, state: State, key: Array, num_samples: int
    ) -> tuple[Params, State]:
        data = cast(WithData, problem)
        choice_key, sample_key = jax.random.split(key)
        chosen = chosen_points(choice_key, data.num_points, self.size)
        axes = self.axes_of_points(data, params)
        part = jax.tree.map(partial(taken, chosen), axes, state, is_leaf=is_none)
        at_chosen = data.at_points(chosen)
        estimate, part = self.inner.estimate(at_chosen, params, part, sample_key, num_samples)
        return estimate, jax.tree.map(partial(put, chosen), axes, state, part, is_leaf=is_none)

    def init(self, problem: Problem, params: Params, key: Array) -> State:
        return self.inner.init(problem, params, key)

    def axes_of_points(self, problem: WithData, params: Params) -> Any:
        """For each array of the state its axis along the data points; None where it has none."""
        shapes = [
            jax.eval_shape(partial(self.inner.init, each), params, jax.random.key(0))
            for each in (problem, self.seen(problem))
        ]
        return jax.tree.map(axis_that_differs, *shapes)

    def seen(self, problem: Problem) -> Problem:
        return cast(WithData, problem).at_points(jnp.arange(self.size))

    def refuses(self, problem: Problem) -> str | None:
        if not isinstance(problem, WithData):
            return "it has no data points"
        if self.size > problem.num_points:
            return f"it has {problem.num_points} data points, fewer than {self.size}"
        return self.inner.refuses(problem)

    def evaluations(self, problem: Problem, num_samples: int) -> Evaluations:
        return self.inner.evaluations(self.seen(problem), num_samples)

    def draws(self, problem: Problem, num_samples: int) -> int:
        """Those of the estimate, and a number for each data point, by which they are shuffled."""
        points = cast(WithData, problem).num_points
        to_choose = points if self.size < points else 0
        return to_choose + self.inner.draws(self.seen(problem), num_samples)

    def numbers_held(self, problem: Problem, num_samples: int, of_f: int) -> int:
        return self.inner.numbers_held(self.seen(problem), num_samples, of_f)

    @property
    def min_samples(self) -> int:
        return self.inner.min_samples

    def refuses_samples(self, num_samples: int) -> str | None:
        return self.inner.refuses_samples(num_samples)

    def claims_unbiased(self, problem: Problem) -> bool:
        return self.inner.claims_unbiased(problem)

    def claims_one_over_samples(self) -> bool:
        return False

    def variance_terms(self, num_samples: int) -> tuple[float, ...]:
        """The estimator's own, and the minibatch's, which no number of samples makes less."""
        own = self.inner.variance_terms(num_samples)
        return (*own, 1.0) if own else ()


def on_minibatches(estimator: Estimator, size: int | None) -> Estimator:
    """An estimator on fresh minibatches; itself where no size is asked for."""
    return estimator if size is None else Minibatched(estimator, size)


def is_none(thing: Any) -> bool:
    """Whether it is None, which then is a leaf of a tree."""
    return thing is None


def axis_that_differs(whole: Any, part: Any) -> int | None:
    """The axis in which two shapes differ; None where they are the same."""
    pairs = enumerate(zip(whole.shape, part.shape, strict=True))
    return next((axis for axis, (all_of_them, some) in pairs if all_of_them != some), None)


def taken(chosen: Int[Array, " n"], axis: int | None, leaf: Array) -> Array:
    """What an array has of the chosen data points; all of it where it has no axis of them."""
    return leaf if axis is None else jnp.take(leaf, chosen, axis)


def put(chosen: Int[Array, " n"], axis: int | None, leaf: Array, part: Array) -> Array:
    """An array with what a part has of the chosen data points in its place."""
    if axis is None:
        return part
    first = jnp.moveaxis(leaf, axis, 0)
    return jnp.moveaxis(first.at[chosen].set(jnp.moveaxis(part, axis, 0)), 0, axis)
