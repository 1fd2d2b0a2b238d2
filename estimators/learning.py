r"""Estimators with parameters φ of their own, trained while they estimate.

The estimate is the gradient of a surrogate loss, as elsewhere, and φ is in the state. Each estimate
takes one step of Adam on φ, by default down the gradient of $\|g\|^2$: where g is unbiased whatever
φ is, that is an unbiased estimate of the gradient of the variance (Ruiz, Titsias and Blei, 2016;
Tucker et al., 2017; Grathwohl et al., 2018). The step depends on the estimate's own draws, and so
counts only from the next estimate on.

In `surrogate`, stop_gradient goes round θ, not round a learning signal that depends on φ: what is
stopped there leaves the mean of the estimate right, and φ wrong.
"""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float

from gradest.estimators.base import SurrogateEstimator
from gradest.problems.arguments import Number, number
from gradest.problems.base import Params, Problem


class Learning(NamedTuple):
    """The state: φ, and what Adam remembers of its gradients."""

    learned: Any
    optimiser: Any


class LearningEstimator(SurrogateEstimator):
    r"""A surrogate estimator with parameters φ, `state.learned`, trained to minimise $\|g\|^2$.

    A subclass writes `start`, and a `surrogate` that returns the state as it was given. One whose φ
    follows another objective overrides `objective_and_estimate`.
    """

    learning_rate: Number = number(0.01, "step of Adam on what is learned", above=0)

    def start(self, problem: Problem, params: Params, key: Array) -> Any:
        """φ before any training; None where nothing is trained, and the state is then empty."""
        raise NotImplementedError

    def init(self, problem: Problem, params: Params, key: Array) -> Learning | tuple[()]:
        learned = self.start(problem, params, key)
        return (
            ()
            if learned is None
            else Learning(learned, optax.adam(self.learning_rate).init(learned))
        )

    def objective_and_estimate(
        self, problem: Problem, params: Params, state: Learning, key: Array, num_samples: int
    ) -> tuple[Float[Array, ""], Params]:
        r"""What φ is trained to minimise, here $\|g\|^2$ over all of θ, and the estimate g."""
        estimate, _ = super().estimate(problem, params, state, key, num_samples)
        return sum((leaf**2).sum() for leaf in jax.tree.leaves(estimate)), estimate

    def slope_and_estimate(
        self, problem: Problem, params: Params, state: Learning, key: Array, num_samples: int
    ) -> tuple[Any, Params]:
        """The gradient of the objective with respect to φ, and the estimate."""

        def objective(learned: Any) -> tuple[Float[Array, ""], Params]:
            given = state._replace(learned=learned)
            return self.objective_and_estimate(problem, params, given, key, num_samples)

        return jax.grad(objective, has_aux=True)(state.learned)

    def estimate(
        self,
        problem: Problem,
        params: Params,
        state: Learning | tuple[()],
        key: Array,
        num_samples: int,
    ) -> tuple[Params, Learning | tuple[()]]:
        if not isinstance(state, Learning):
            return super().estimate(problem, params, state, key, num_samples)
        slope, estimate = self.slope_and_estimate(problem, params, state, key, num_samples)
        step, optimiser = optax.adam(self.learning_rate).update(slope, state.optimiser)
        return estimate, Learning(optax.apply_updates(state.learned, step), optimiser)

    def learning_objective(
        self, problem: Problem, params: Params, state: Learning, key: Array, num_samples: int
    ) -> Float[Array, ""]:
        return self.objective_and_estimate(problem, params, state, key, num_samples)[0]

    def learning_gradient(
        self,
        problem: Problem,
        params: Params,
        state: Learning | tuple[()],
        key: Array,
        num_samples: int,
    ) -> Learning | None:
        if not isinstance(state, Learning):
            return None
        return Learning(self.slope_and_estimate(problem, params, state, key, num_samples)[0], None)


class Perceptron(eqx.Module):
    """A small network from a vector to a number, with one hidden layer of tanh units."""

    hidden: eqx.nn.Linear
    out: eqx.nn.Linear

    def __init__(self, key: Array, dim: int, hidden_dim: int) -> None:
        first, second = jax.random.split(key)
        self.hidden = eqx.nn.Linear(dim, hidden_dim, key=first)
        self.out = eqx.nn.Linear(hidden_dim, "scalar", key=second)

    def __call__(self, x: Float[Array, "*batch dim"]) -> Float[Array, "*batch"]:
        return jnp.vectorize(lambda x: self.out(jnp.tanh(self.hidden(x))), signature="(d)->()")(x)
