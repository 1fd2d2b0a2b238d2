r"""Baselines: what may be subtracted from f in the score-function gradient without biasing it.

$E[b \nabla_\theta \log q_\theta(x_l)] = 0$ for any b that does not depend on x_l. So a baseline is
either a constant learned from earlier draws (its state, which an estimate reads but never writes
before use), or made from the other samples. There is one baseline for each data point.
"""

from abc import abstractmethod
from typing import Any, ClassVar, NamedTuple, cast

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jax.lax import stop_gradient
from jaxtyping import Array, Float

from gradest.estimators.learning import Perceptron
from gradest.problems.arguments import as_float
from gradest.problems.base import Params, Problem, WithInputs

State = Any


def zeros(problem: Problem) -> Float[Array, "*batch"]:
    """A number for each data point."""
    return as_float(jnp.zeros(problem.abstract_distribution().batch_shape))


class Baseline(eqx.Module):
    """A baseline b, with whatever state it learns it from."""

    min_samples: ClassVar[int] = 1

    joins_samples: ClassVar[bool] = False
    """Whether b_l is made from the other samples: the terms of the estimate then are not independent."""

    @abstractmethod
    def value(self, signal: Float[Array, "L *batch"], state: State) -> Float[Array, "#L *batch"]:
        """b for each sample; the l-th may depend on the state and on every sample but the l-th."""

    def init(self, problem: Problem, key: Array) -> State:
        """The state before anything was drawn."""
        return ()

    def on(self, problem: Problem, state: State) -> State:
        """The state as `value` needs it on this problem."""
        return state

    def refuses(self, problem: Problem) -> str | None:
        """None, or the reason why b cannot be formed for this problem."""
        return None

    def learning_objective(
        self, problem: Problem, state: State, signal: Float[Array, "L *batch"]
    ) -> Float[Array, ""]:
        """What parameters in the state are trained by gradient to minimise; 0 where there are none."""
        return jnp.zeros((), signal.dtype)

    def learning_gradient(
        self, problem: Problem, state: State, signal: Float[Array, "L *batch"]
    ) -> State | None:
        """Its gradient, built like the state, with None for what is not trained so; None where nothing is."""
        return None

    def update(
        self,
        problem: Problem,
        params: Params,
        x: Float[Array, "L ..."],
        signal: Float[Array, "L *batch"],
        state: State,
    ) -> State:
        """The state for the next estimate."""
        return state


class NoBaseline(Baseline):
    """b = 0."""

    def value(self, signal: Float[Array, "L *batch"], state: State) -> Float[Array, "#L *batch"]:
        return jnp.zeros_like(signal[:1])


class LeaveOneOut(Baseline):
    r"""$b_l = \frac1{L-1} \sum_{m \ne l} f(x_m)$ (Kool, van Hoof and Welling, 2019; "RLOO"). Needs L ≥ 2."""

    min_samples: ClassVar[int] = 2
    joins_samples: ClassVar[bool] = True

    def value(self, signal: Float[Array, "L *batch"], state: State) -> Float[Array, "#L *batch"]:
        # relative to the first sample, so that a constant f leaves exactly zero, not its rounding
        first = signal[:1]
        apart = signal - first
        return first + (apart.sum(0) - apart) / (len(signal) - 1)


class WeightedMean(eqx.Module):
    """A running mean: the weighted sum of what was seen, and the sum of the weights."""

    total: Float[Array, "*batch"]
    weight: Float[Array, "*batch"]

    @property
    def mean(self) -> Float[Array, "*batch"]:
        """0 before anything was seen."""
        return self.total / jnp.where(self.weight > 0, self.weight, 1)


class LearnedConstant(Baseline):
    """A constant for each data point, a weighted mean over earlier draws; a subclass says how new ones weigh in."""

    def init(self, problem: Problem, key: Array) -> WeightedMean:
        return WeightedMean(zeros(problem), zeros(problem))

    def value(
        self, signal: Float[Array, "L *batch"], state: WeightedMean
    ) -> Float[Array, "#L *batch"]:
        return state.mean[None]


class Mean(LearnedConstant):
    r"""$b = E[f]$, the mean of f over all earlier draws (independent of those of the estimate)."""

    def update(
        self,
        problem: Problem,
        params: Params,
        x: Float[Array, "L ..."],
        signal: Float[Array, "L *batch"],
        state: WeightedMean,
    ) -> WeightedMean:
        return WeightedMean(state.total + signal.sum(0), state.weight + len(signal))


class MovingAverage(LearnedConstant):
    r"""$b \leftarrow 0.99\, b + 0.01\, \bar f$ after each estimate, corrected for its start at 0.

    (Mnih and Gregor, 2014.)
    """

    decay: ClassVar[float] = 0.99

    def update(
        self,
        problem: Problem,
        params: Params,
        x: Float[Array, "L ..."],
        signal: Float[Array, "L *batch"],
        state: WeightedMean,
    ) -> WeightedMean:
        fade, enter = self.decay, 1 - self.decay
        return WeightedMean(
            fade * state.total + enter * signal.mean(0), fade * state.weight + enter
        )


class Optimal(LearnedConstant):
    r"""$b = E[f \|s\|^2] / E[\|s\|^2]$ with $s = \nabla_\theta \log q_\theta(x)$.

    It is the constant that minimises the total variance, the sum over all of θ (not that of any one
    coordinate). Both expectations are means over earlier draws, so b stays independent of the
    estimate's own (Weaver and Tao, 2001; Greensmith, Bartlett and Baxter, 2004).
    """

    def update(
        self,
        problem: Problem,
        params: Params,
        x: Float[Array, "L ..."],
        signal: Float[Array, "L *batch"],
        state: WeightedMean,
    ) -> WeightedMean:
        norm = squared_score_norm(problem, params, x)
        return WeightedMean(state.total + (signal * norm).sum(0), state.weight + norm.sum(0))


class Fitted(NamedTuple):
    """A network, what Adam remembers of its gradients, and the weighted mean of f."""

    network: Perceptron
    optimiser: Any
    mean: Any


class InputDependent(Baseline):
    r"""$b_n = c + C_\phi(u_n)$: a moving average c, and a network of the data point's inputs (Mnih
    and Gregor, 2014).

    It is NVIL's, without the normalisation of the signal by its variance, which biases the scale of
    the gradient. φ takes a step of Adam down the gradient of the mean of $(f - c - C_\phi(u))^2$
    after each estimate.
    """

    hidden_dim: ClassVar[int] = 16
    learning_rate: ClassVar[float] = 0.01

    def init(self, problem: Problem, key: Array) -> Fitted:
        network = Perceptron(key, cast(WithInputs, problem).inputs.shape[-1], self.hidden_dim)
        return Fitted(
            network,
            optax.adam(self.learning_rate).init(network),
            MovingAverage().init(problem, key),
        )

    def on(self, problem: Problem, state: Fitted) -> Float[Array, "*batch"]:
        return state.mean.mean + state.network(cast(WithInputs, problem).inputs)

    def value(
        self, signal: Float[Array, "L *batch"], state: Float[Array, "*batch"]
    ) -> Float[Array, "#L *batch"]:
        return state[None]

    def learning_objective(
        self, problem: Problem, state: Fitted, signal: Float[Array, "L *batch"]
    ) -> Float[Array, ""]:
        return ((signal - self.on(problem, state)) ** 2).mean()

    def learning_gradient(
        self, problem: Problem, state: Fitted, signal: Float[Array, "L *batch"]
    ) -> Fitted:
        def objective(network: Perceptron) -> Float[Array, ""]:
            return self.learning_objective(problem, state._replace(network=network), signal)

        return Fitted(jax.grad(objective)(state.network), None, None)

    def update(
        self,
        problem: Problem,
        params: Params,
        x: Float[Array, "L ..."],
        signal: Float[Array, "L *batch"],
        state: Fitted,
    ) -> Fitted:
        slope = self.learning_gradient(problem, state, signal).network
        step, optimiser = optax.adam(self.learning_rate).update(slope, state.optimiser)
        mean = MovingAverage().update(problem, params, x, signal, state.mean)
        return Fitted(optax.apply_updates(state.network, step), optimiser, mean)

    def refuses(self, problem: Problem) -> str | None:
        known = isinstance(problem, WithInputs)
        return None if known else "an input-dependent baseline needs data points with inputs"


def squared_score_norm(
    problem: Problem, params: Params, x: Float[Array, "L ..."]
) -> Float[Array, "L *batch"]:
    r"""$\|\nabla_\theta \log q_\theta(x_l)\|^2$ over all of θ, for each sample and each data point."""

    def of_one_sample(x: Float[Array, "..."]) -> Float[Array, "*batch"]:
        scores = jax.jacrev(lambda params: problem.distribution(params).log_prob(x))(
            stop_gradient(params)
        )
        batch = problem.abstract_distribution().batch_shape
        return sum((leaf.reshape(*batch, -1) ** 2).sum(-1) for leaf in jax.tree.leaves(scores))

    return jax.vmap(of_one_sample)(x)


BASELINES: dict[str, Baseline] = {
    "none": NoBaseline(),
    "mean": Mean(),
    "moving_average": MovingAverage(),
    "leave_one_out": LeaveOneOut(),
    "optimal": Optimal(),
    "input_dependent": InputDependent(),
}
