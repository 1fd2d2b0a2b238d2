"""Bits that depend on those before them: two layers of them, or one after the other."""

from abc import abstractmethod
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpyro.distributions as dist
from jaxtyping import Array, Float
from numpyro.distributions import constraints

from gradest.problems.base import Params, Problem
from gradest.problems.distributions.bits import bit_log_probs
from gradest.problems.distributions.fine_noise import logistic
from gradest.problems.distributions.perceptron import TANH, Activation, Layers, apply


class BernoulliChain(dist.Distribution):
    r"""x is two layers of D bits: $x_1$ with given logits, then $x_2$ with those that a network
    makes of $x_1$.

    $\log q(x) = \log \mathrm{Bern}(x_1; \phi) + \log \mathrm{Bern}(x_2; \mathrm{net}(x_1))$. Its
    bits are not independent, and its second layer's logits are known only once the first is drawn.

    Shapes: an event is (2, D), and the logits φ are (*batch, D).
    """

    arg_constraints: ClassVar[dict[str, Any]] = {"logits": constraints.real_vector}
    support = constraints.independent(constraints.boolean, 2)
    pytree_data_fields = ("logits", "layers", "activation")
    pytree_aux_fields = ("centred",)

    def __init__(
        self,
        logits: Any,
        layers: Layers,
        activation: Activation = TANH,
        *,
        centred: bool = False,
        validate_args: bool | None = None,
    ) -> None:
        """The chain.

        Args:
            logits: of the first layer's bits.
            layers: of the network that makes the second layer's of them.
            activation: the network's.
            centred: whether the network sees bits as −1 and 1.
            validate_args: as numpyro has it.
        """
        self.logits = logits
        self.layers = layers
        self.activation = activation
        self.centred = centred
        *batch, dim = jnp.shape(logits)
        super().__init__(tuple(batch), (2, dim), validate_args=validate_args)

    def second_logits(self, first: Float[Array, "*batch dim"]) -> Float[Array, "*batch dim"]:
        """The logits of the second layer's bits, given the first's."""
        rows = first.reshape(-1, first.shape[-1])
        seen = 2 * rows - 1 if self.centred else rows
        return apply(self.layers, seen, self.activation).reshape(first.shape)

    def sample(self, key: Array | None, sample_shape: tuple[int, ...] = ()) -> Float[Array, "..."]:
        assert key is not None
        shape = sample_shape + self.batch_shape + self.event_shape
        return self.bits(logistic(key, shape, self.logits.dtype))

    def bits(self, noise: Float[Array, "*batch 2 dim"]) -> Float[Array, "*batch 2 dim"]:
        """x from standard logistic noise λ, layer by layer: a bit is 1[logit + λ > 0]."""
        first_is_on = self.logits + noise[..., 0, :] > 0
        first = first_is_on.astype(noise.dtype)
        second_is_on = self.second_logits(first) + noise[..., 1, :] > 0
        second = second_is_on.astype(noise.dtype)
        return jnp.stack([first, second], axis=-2)

    def log_prob(self, value: Any) -> Float[Array, "..."]:
        first = value[..., 0, :]
        second = value[..., 1, :]
        log_q_first = bit_log_prob(self.logits, first)
        log_q_second = bit_log_prob(self.second_logits(first), second)
        return log_q_first + log_q_second


def bit_log_prob(
    logits: Float[Array, "*#batch dim"], bits: Float[Array, "*#batch dim"]
) -> Float[Array, "*batch"]:
    """The log-probability of independent bits, defined on relaxed bits too."""
    return bit_log_probs(logits, bits).sum(-1)


State = Any
"""Where a walk is: any pytree of arrays."""


class Transition(eqx.Module):
    """How one bit follows another: its logit where the walk is, and where the bit takes it.

    What of it depends on θ is a field. The functions are of one state, and plain JAX.
    """

    @abstractmethod
    def start(self) -> State:
        """Where the walk starts."""

    @abstractmethod
    def logit(self, state: State) -> Float[Array, ""]:
        """The logit of the next bit: finite, so that every x can be drawn.

        Where a move is certain, either value of the bit makes it, and its logit is any constant.
        """

    @abstractmethod
    def move(self, state: State, bit: Float[Array, ""]) -> State:
        """Where the bit takes the walk, of the structure and dtypes of `start`."""


class MarkovBits(dist.Distribution):
    r"""x is n bits, each with a logit that depends on those before it through a state alone.

    $\log q(x) = \sum_t \log \mathrm{Bern}(x_t; \mathrm{logit}(s_t))$ with $s_0$ the start and
    $s_{t+1} = \mathrm{move}(s_t, x_t)$.

    Shapes: an event is (n,); there is no batch.
    """

    arg_constraints: ClassVar[dict[str, Any]] = {}
    support = constraints.independent(constraints.boolean, 1)
    has_rsample = False
    pytree_data_fields = ("transition",)

    def __init__(
        self, transition: Transition, length: int, *, validate_args: bool | None = None
    ) -> None:
        self.transition = transition
        super().__init__((), (length,), validate_args=validate_args)

    @property
    def dtype(self) -> Any:
        """Of the logits."""
        return jax.eval_shape(lambda q: q.transition.logit(q.transition.start()), self).dtype

    def sample(self, key: Array | None, sample_shape: tuple[int, ...] = ()) -> Float[Array, "..."]:
        assert key is not None
        return self.bits(logistic(key, sample_shape + self.event_shape, self.dtype))

    def bits(self, noise: Float[Array, "*batch n"]) -> Float[Array, "*batch n"]:
        """x from standard logistic noise λ, bit by bit: a bit is 1[logit + λ > 0]."""

        def step(state: State, noise: Float[Array, ""]) -> tuple[State, Float[Array, ""]]:
            bit = (self.transition.logit(state) + noise > 0).astype(noise.dtype)
            return self.transition.move(state, bit), bit

        def walk(noise: Float[Array, " n"]) -> Float[Array, " n"]:
            return jax.lax.scan(step, self.transition.start(), noise)[1]

        return jax.vmap(walk)(noise.reshape(-1, noise.shape[-1])).reshape(noise.shape)

    def walk(self, x: Float[Array, " n"]) -> tuple[State, State]:
        """The state in which one x ends, and those before each of its bits, on a leading axis."""

        def step(state: State, bit: Float[Array, ""]) -> tuple[State, State]:
            return self.transition.move(state, bit), state

        return jax.lax.scan(step, self.transition.start(), x)

    def logits_along(self, x: Float[Array, "*batch n"]) -> Float[Array, "*batch n"]:
        """The logit of each bit, given those before it."""

        def along(x: Float[Array, " n"]) -> Float[Array, " n"]:
            _, states = self.walk(x)
            return jax.vmap(self.transition.logit)(states)

        return jax.vmap(along)(x.reshape(-1, x.shape[-1])).reshape(x.shape)

    def log_prob(self, value: Any) -> Float[Array, "..."]:
        return bit_log_prob(self.logits_along(value), value)


class EndsInState(Problem):
    """The trait of a problem whose x is `MarkovBits`, and whose f is a function of where the walk
    ends: two walks that have met have one f.

    What f needs of the way there belongs into the state.
    """

    @abstractmethod
    def objective_at(self, params: Params, state: State) -> Float[Array, ""]:
        """f of the last state."""

    def objective(self, params: Params, x: Float[Array, " n"]) -> Float[Array, ""]:
        last, _ = self.distribution(params).walk(x)
        return self.objective_at(params, last)
