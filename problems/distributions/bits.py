r"""Bits and their logits, both tails alike.

$1 - \mathrm{sigmoid}(\phi)$ has no digit left at φ = 17 in single precision, and sigmoid(−φ) has
all of them. So nothing here is one less a probability.
"""

import jax
from jaxtyping import Array, Float


@jax.custom_jvp
def sigmoid(logits: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    r"""$\sigma(\phi) = 1 / (1 + e^{-\phi})$, with the derivative $\sigma(\phi) \sigma(-\phi)$.

    JAX's own derivative, p (1 − p), is 0 from φ = 17 on in single precision, from 37 on in double.
    """
    return jax.nn.sigmoid(logits)


@sigmoid.defjvp
def _sigmoid_jvp(primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
    (logits,), (change,) = primals, tangents
    p = sigmoid(logits)
    return p, p * sigmoid(-logits) * change


def bit_log_probs(
    logits: Float[Array, "*#shape"], x: Float[Array, "*#shape"]
) -> Float[Array, "*shape"]:
    r"""$x \log \mathrm{sigmoid}(\phi) + (1 - x) \log \mathrm{sigmoid}(-\phi)$, of each bit.

    It is linear in x, so that it is defined on relaxed bits too.
    """
    return x * jax.nn.log_sigmoid(logits) + (1 - x) * jax.nn.log_sigmoid(-logits)


def bit_scores(
    logits: Float[Array, "*#shape"], x: Float[Array, "*#shape"]
) -> Float[Array, "*shape"]:
    r"""$\partial_\phi \log q(x) = x - \mathrm{sigmoid}(\phi)$, of each bit."""
    return x * sigmoid(-logits) - (1 - x) * sigmoid(logits)
