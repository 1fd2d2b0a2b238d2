"""Two layers of bits, of which the second depends on the first."""

from typing import Any, ClassVar

import jax.numpy as jnp
import numpyro.distributions as dist
from jaxtyping import Array, Float
from numpyro.distributions import constraints

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
