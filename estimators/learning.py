r"""Estimators with parameters φ of their own, trained while they estimate.

The estimate is the gradient of a surrogate loss, as elsewhere, and φ is in the state. Each estimate
takes one step of Adam on φ, by default down the gradient of $\|g\|^2$: where g is unbiased whatever
φ is, that is an unbiased estimate of the gradient of the variance (Ruiz, Titsias and Blei, 2016;
Tucker et al., 2017; Grathwohl et al., 2018). The step depends on the estimate's own draws, and so
counts only from the next estimate on. One whose gradient is not finite is left out, and counted.

In `surrogate`, stop_gradient goes round θ, not round a learning signal that depends on φ: what is
stopped there leaves the mean of the estimate right, and φ wrong.
"""

from abc import abstractmethod
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float

from gradest.estimators.base import Estimator, State, SurrogateEstimator
from gradest.problems.arguments import Number, number
from gradest.problems.base import Params, Problem


class Trainable(Estimator):
    """The trait of an estimator that trains parameters φ, part of its state, by gradient.

    `gradest check` compares the gradient of `training_objective`, by which φ is trained, with its
    finite differences: they differ where a stop_gradient cuts φ off.
    """

    @abstractmethod
    def trained(self, state: State) -> Any:
        """φ, that part of the state which is trained by gradient; None where nothing is."""

    @abstractmethod
    def training_objective(
        self,
        learned: Any,
        problem: Problem,
        params: Params,
        state: State,
        key: Array,
        num_samples: int,
    ) -> tuple[Float[Array, ""], Any]:
        """What φ is trained to minimise in expectation, as one estimate has it.

        Args:
            learned: φ, in the place of that in the state.
            problem, params, state, key, num_samples: as of `estimate`.

        Returns:
            The objective, and what else was made on the way, as `jax.grad` wants it of a function
            with `has_aux`.
        """


class Learning(NamedTuple):
    """The state of an estimator that learns: φ, and what Adam remembers of its gradients."""

    learned: Any
    opt_state: optax.OptState


MOST_LEFT_OUT = 2**31 - 1
"""Steps in a row that may be left out: however many, φ stays finite."""


def steps_left_out(state: State) -> int:
    """How many steps were left out because their gradient was not finite, in all states of a batch
    of them."""

    def counts(node: Any) -> bool:
        return isinstance(node, optax.ApplyIfFiniteState)

    nodes = jax.tree.leaves(state, is_leaf=counts)
    return sum(int(np.sum(node.total_notfinite)) for node in nodes if counts(node))


class LearningEstimator(SurrogateEstimator, Trainable):
    r"""A surrogate estimator with parameters φ, `state.learned`, trained to minimise $\|g\|^2$.

    A subclass writes `init_learned`, and a `surrogate` that returns the state as it got it. One
    whose φ follows another objective overrides `training_objective`.
    """

    learning_rate: Number = number(0.01, "step of Adam on what is learned", above=0)

    @abstractmethod
    def init_learned(self, problem: Problem, params: Params, key: Array) -> Any:
        """φ before any training; None where nothing is trained, and the state is then empty."""

    def init(self, problem: Problem, params: Params, key: Array) -> State:
        learned = self.init_learned(problem, params, key)
        if learned is None:
            return ()
        return Learning(learned, self.optimizer.init(learned))

    @property
    def optimizer(self) -> optax.GradientTransformation:
        """Adam, which leaves out the steps whose gradient is not finite."""
        return optax.apply_if_finite(optax.adam(self.learning_rate), MOST_LEFT_OUT)

    def trained(self, state: State) -> Any:
        return state.learned if isinstance(state, Learning) else None

    def training_objective(
        self,
        learned: Any,
        problem: Problem,
        params: Params,
        state: Learning,
        key: Array,
        num_samples: int,
    ) -> tuple[Float[Array, ""], Params]:
        r"""$\|g\|^2$ over all of θ, and the estimate g."""
        state = state._replace(learned=learned)
        estimate, _ = super().estimate(problem, params, state, key, num_samples)
        return sum((leaf**2).sum() for leaf in jax.tree.leaves(estimate)), estimate

    def estimate(
        self, problem: Problem, params: Params, state: State, key: Array, num_samples: int
    ) -> tuple[Params, State]:
        if self.trained(state) is None:
            return super().estimate(problem, params, state, key, num_samples)
        grads, estimate = jax.grad(self.training_objective, has_aux=True)(
            state.learned, problem, params, state, key, num_samples
        )
        updates, opt_state = self.optimizer.update(grads, state.opt_state)
        return estimate, Learning(optax.apply_updates(state.learned, updates), opt_state)


class Perceptron(eqx.Module):
    """A small network from a vector to a number, with one hidden layer of tanh units."""

    hidden: eqx.nn.Linear
    out: eqx.nn.Linear

    def __init__(self, key: Array, dim: int, hidden_dim: int) -> None:
        hidden_key, out_key = jax.random.split(key)
        self.hidden = eqx.nn.Linear(dim, hidden_dim, key=hidden_key)
        self.out = eqx.nn.Linear(hidden_dim, "scalar", key=out_key)

    def __call__(self, x: Float[Array, "*batch dim"]) -> Float[Array, "*batch"]:
        def of_vector(x: Float[Array, " dim"]) -> Float[Array, ""]:
            return self.out(jnp.tanh(self.hidden(x)))

        return jnp.vectorize(of_vector, signature="(d)->()")(x)
