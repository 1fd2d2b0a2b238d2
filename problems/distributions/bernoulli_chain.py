"""Two layers of bits, of which the second depends on the first."""

from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpyro.distributions as dist
from jaxtyping import Array, Float
from numpyro.distributions import constraints

from gradest.problems.distributions.perceptron import Layers, apply


class BernoulliChain(dist.Distribution):
    r"""x is two layers of D bits: $x_1$ with these logits, then $x_2$ with those that a network
    gives for $x_1$.

    Its bits are not independent, and its second layer's logits are known only once the first is
    drawn.
    """

    arg_constraints: ClassVar[dict[str, Any]] = {"logits": constraints.real_vector}
    support = constraints.independent(constraints.boolean, 2)
    pytree_data_fields = ("logits", "layers")

    def __init__(self, logits: Any, layers: Layers, *, validate_args: bool | None = None) -> None:
        self.logits, self.layers = logits, layers
        shape = jnp.shape(logits)
        super().__init__(
            batch_shape=shape[:-1], event_shape=(2, shape[-1]), validate_args=validate_args
        )

    def second_logits(self, first: Float[Array, "*batch dim"]) -> Float[Array, "*batch dim"]:
        """Of the second layer's bits, given the first's."""
        return apply(self.layers, first.reshape(-1, first.shape[-1])).reshape(first.shape)

    def sample(self, key: Array | None, sample_shape: tuple[int, ...] = ()) -> Float[Array, "..."]:
        assert key is not None
        shape = sample_shape + self.batch_shape + self.event_shape
        return self.bits(jax.random.logistic(key, shape, self.logits.dtype))

    def bits(self, noise: Float[Array, "..."]) -> Float[Array, "..."]:
        """x of standard logistic noise, layer by layer."""
        first = (self.logits + noise[..., 0, :] > 0).astype(noise.dtype)
        second = (self.second_logits(first) + noise[..., 1, :] > 0).astype(noise.dtype)
        return jnp.stack([first, second], axis=-2)

    def log_prob(self, value: Any) -> Float[Array, "..."]:
        first, second = value[..., 0, :], value[..., 1, :]
        return bit_log_prob(self.logits, first) + bit_log_prob(self.second_logits(first), second)


def bit_log_prob(logits: Float[Array, "..."], bits: Float[Array, "..."]) -> Float[Array, "..."]:
    """The log-probability of independent bits, of relaxed ones too."""
    return (bits * logits - jax.nn.softplus(logits)).sum(-1)
