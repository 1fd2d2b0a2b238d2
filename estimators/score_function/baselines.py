r"""Baselines: what may be subtracted from f in the score-function gradient without biasing it.

$E[b \nabla_\theta \log q_\theta(x_l)] = 0$ for any b that does not depend on x_l. So a baseline is
either a constant learned from earlier draws (its state, which an estimate reads but never writes
before use), or made from the other samples, or from one more draw. There is one baseline for each
data point.

A baseline is three functions. What goes in is `drawn`, the draws of one estimate, in which the
signal is f less the control variate; a state is any pytree of arrays.

- `init(problem, key) -> state`: before anything was drawn; () where nothing is learned.
- `value(drawn, state) -> b`: one for each sample, of which the l-th may depend on the state and on
  every sample but the l-th; or one for all of them, on a sample axis of length 1.
- `update(drawn, state) -> state`: for the next estimate; as it was where nothing is learned.

One that trains parameters by gradient is a `TrainedBaseline`.
"""

from abc import abstractmethod
from typing import Any, ClassVar, NamedTuple, cast

import equinox as eqx
import jax
import jax.numpy as jnp
import numpyro.distributions as dist
import optax
from jax.lax import stop_gradient
from jaxtyping import Array, Float

from gradest.estimators.base import State
from gradest.estimators.learning import Perceptron
from gradest.problems.arguments import as_float
from gradest.problems.base import Params, Problem, WithInputs


class Drawn(NamedTuple):
    """What one estimate drew, for its baseline."""

    problem: Problem
    params: Params
    q: dist.Distribution
    x: Float[Array, "L ..."]
    log_q: Float[Array, "L *batch"]
    """log q at each sample, as a function of θ."""
    signal: Float[Array, "L *batch"]
    """f − h at each sample, for each data point: what b is subtracted from."""
    afresh: Float[Array, "L *batch"] | None = None
    """The same at L further draws, where the baseline `draws_afresh`."""


class Baseline(eqx.Module):
    """A baseline b: the top of the file says what its three functions take and return.

    A sweep names a baseline; what may be tuned of it is a field, for those who make one in Python:
    `ScoreFunction(baseline=MovingAverage(decay=0.9))`.
    """

    min_samples: ClassVar[int] = 1

    joins_samples: ClassVar[bool] = False
    """Whether b_l is made from the other samples: the estimate's terms are then not independent."""

    draws_afresh: ClassVar[bool] = False
    """Whether b_l is made from one more draw of its own, of which f is one more evaluation."""

    def init(self, problem: Problem, key: Array) -> State:
        """The state before anything was drawn."""
        return ()

    @abstractmethod
    def value(self, drawn: Drawn, state: State) -> Float[Array, "#L *batch"]:
        """b for each sample; the l-th may depend on the state and on every sample but the l-th."""

    def update(self, drawn: Drawn, state: State) -> State:
        """The state for the next estimate."""
        return state

    def refuses(self, problem: Problem) -> str | None:
        """None, or the reason why b cannot be formed for this problem."""
        return None


class TrainedBaseline(Baseline):
    """A baseline with parameters φ, part of its state, that `update` trains by gradient."""

    @abstractmethod
    def trained(self, state: State) -> Any:
        """φ, that part of the state which is trained."""

    @abstractmethod
    def training_objective(self, learned: Any, drawn: Drawn, state: State) -> Float[Array, ""]:
        """What φ is trained to minimise in expectation, with `learned` for the φ of the state."""


class NoBaseline(Baseline):
    """b = 0."""

    def value(self, drawn: Drawn, state: State) -> Float[Array, "#L *batch"]:
        return jnp.zeros_like(drawn.signal[:1])


class LeaveOneOut(Baseline):
    r"""$b_l = \frac1{L-1} \sum_{m \ne l} f(x_m)$ (Kool, van Hoof and Welling, 2019; "RLOO").

    Needs L ≥ 2.
    """

    min_samples: ClassVar[int] = 2
    joins_samples: ClassVar[bool] = True

    def value(self, drawn: Drawn, state: State) -> Float[Array, "#L *batch"]:
        return leave_one_out_mean(drawn.signal)


def leave_one_out_mean(signal: Float[Array, "L *batch"]) -> Float[Array, "L *batch"]:
    """For each sample, the mean of the signal over all the others."""
    # relative to the first sample, so that a constant f leaves exactly zero, not its rounding
    first = signal[:1]
    difference = signal - first
    return first + (difference.sum(0) - difference) / (len(signal) - 1)


class Sample(Baseline):
    r"""$b_l = f(x'_l)$ at one more independent draw $x'_l \sim q_\theta$, of each sample its own
    (Liu et al., 2019; "REINFORCE+").

    Cost: L further evaluations of f.
    """

    draws_afresh: ClassVar[bool] = True

    def value(self, drawn: Drawn, state: State) -> Float[Array, "#L *batch"]:
        assert drawn.afresh is not None
        return drawn.afresh


class WeightedMean(eqx.Module):
    """A running mean: the weighted sum of what was seen, and the sum of the weights."""

    total: Float[Array, "*batch"]
    weight: Float[Array, "*batch"]

    @property
    def mean(self) -> Float[Array, "*batch"]:
        """0 before anything was seen."""
        return self.total / jnp.where(self.weight > 0, self.weight, 1)


def empty_mean(problem: Problem) -> WeightedMean:
    """The mean, for each data point, of nothing yet."""
    shape = problem.abstract_distribution().batch_shape
    return WeightedMean(as_float(jnp.zeros(shape)), as_float(jnp.zeros(shape)))


def moving_average(
    mean: WeightedMean, signal: Float[Array, "L *batch"], decay: float
) -> WeightedMean:
    """The mean with one more estimate's signal; what it held counts `decay` times as much."""
    total = decay * mean.total + (1 - decay) * signal.mean(0)
    weight = decay * mean.weight + (1 - decay)
    return WeightedMean(total, weight)


class LearnedConstant(Baseline):
    """A constant for each data point: a weighted mean over earlier draws.

    A subclass says in `update` how new draws weigh in.
    """

    def init(self, problem: Problem, key: Array) -> WeightedMean:
        return empty_mean(problem)

    def value(self, drawn: Drawn, state: WeightedMean) -> Float[Array, "#L *batch"]:
        return state.mean[None]


class Mean(LearnedConstant):
    r"""$b = E[f]$, the mean of f over all earlier draws (independent of those of the estimate)."""

    def update(self, drawn: Drawn, state: WeightedMean) -> WeightedMean:
        signal = drawn.signal
        return WeightedMean(state.total + signal.sum(0), state.weight + len(signal))


DECAY = 0.99
"""The decay of the moving averages, unless another is asked for."""


class MovingAverage(LearnedConstant):
    r"""$b \leftarrow 0.99\, b + 0.01\, \bar f$ after each estimate, corrected for its start at 0.

    (Mnih and Gregor, 2014.)
    """

    decay: float = eqx.field(default=DECAY, static=True)
    """How much the average keeps at each estimate: at 0.99 it remembers about a hundred."""

    def update(self, drawn: Drawn, state: WeightedMean) -> WeightedMean:
        return moving_average(state, drawn.signal, self.decay)


class Optimal(LearnedConstant):
    r"""$b = E[f \|s\|^2] / E[\|s\|^2]$ with $s = \nabla_\theta \log q_\theta(x)$.

    It is the constant that minimises the total variance, the sum over all of θ (not that of any one
    coordinate). Both expectations are means over earlier draws, so b stays independent of the
    estimate's own (Weaver and Tao, 2001; Greensmith, Bartlett and Baxter, 2004). Where x is rounded
    to the end of its range, s is that of the rounded x, and b not quite the least.
    """

    def update(self, drawn: Drawn, state: WeightedMean) -> WeightedMean:
        # Var = E[(f − b)² ‖s‖²] − ‖E[f s]‖², of which d/db is −2 E[(f − b) ‖s‖²]
        norm = squared_score_norm(drawn.problem, drawn.params, drawn.x)
        return WeightedMean(state.total + (drawn.signal * norm).sum(0), state.weight + norm.sum(0))


def squared_score_norm(
    problem: Problem, params: Params, x: Float[Array, "L ..."]
) -> Float[Array, "L *batch"]:
    r"""$\|\nabla_\theta \log q_\theta(x_l)\|^2$ over all of θ, for each sample and data point."""
    batch = problem.abstract_distribution().batch_shape

    def of_one_sample(x: Float[Array, "..."]) -> Float[Array, "*batch"]:
        def log_q(params: Params) -> Float[Array, "*batch"]:
            return problem.distribution(params).log_prob(x)

        scores = jax.jacrev(log_q)(stop_gradient(params))
        return sum((leaf.reshape(*batch, -1) ** 2).sum(-1) for leaf in jax.tree.leaves(scores))

    return jax.vmap(of_one_sample)(x)


class Fitted(NamedTuple):
    """A network, Adam's state of it, and the moving average beside it."""

    network: Perceptron
    opt_state: optax.OptState
    constant: WeightedMean


class InputDependent(TrainedBaseline):
    r"""$b_n = c + C_\phi(u_n)$: a moving average c, and a network of the data point's inputs.

    It is NVIL's (Mnih and Gregor, 2014), without the normalisation of the signal by its variance,
    which biases the scale of the gradient. φ takes a step of Adam down the gradient of the mean of
    $(f - c - C_\phi(u))^2$ after each estimate.
    """

    hidden_dim: int = eqx.field(default=16, static=True)
    """Units in the network's hidden layer."""
    learning_rate: float = eqx.field(default=0.01, static=True)
    """The learning rate of Adam."""
    decay: float = eqx.field(default=DECAY, static=True)
    """The decay of the moving average, as in `MovingAverage`."""

    def init(self, problem: Problem, key: Array) -> Fitted:
        network = Perceptron(key, cast(WithInputs, problem).inputs.shape[-1], self.hidden_dim)
        return Fitted(network, optax.adam(self.learning_rate).init(network), empty_mean(problem))

    def value(self, drawn: Drawn, state: Fitted) -> Float[Array, "#L *batch"]:
        inputs = cast(WithInputs, drawn.problem).inputs
        return (state.constant.mean + state.network(inputs))[None]

    def trained(self, state: Fitted) -> Perceptron:
        return state.network

    def training_objective(
        self, learned: Perceptron, drawn: Drawn, state: Fitted
    ) -> Float[Array, ""]:
        b = self.value(drawn, state._replace(network=learned))
        return ((drawn.signal - b) ** 2).mean()

    def update(self, drawn: Drawn, state: Fitted) -> Fitted:
        grads = jax.grad(self.training_objective)(state.network, drawn, state)
        updates, opt_state = optax.adam(self.learning_rate).update(grads, state.opt_state)
        network = optax.apply_updates(state.network, updates)
        return Fitted(network, opt_state, moving_average(state.constant, drawn.signal, self.decay))

    def refuses(self, problem: Problem) -> str | None:
        if isinstance(problem, WithInputs):
            return None
        return "an input-dependent baseline needs data points with inputs"


BASELINES: dict[str, Baseline] = {
    "none": NoBaseline(),
    "mean": Mean(),
    "moving_average": MovingAverage(),
    "leave_one_out": LeaveOneOut(),
    "sample": Sample(),
    "optimal": Optimal(),
    "input_dependent": InputDependent(),
}
