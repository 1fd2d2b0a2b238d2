r"""Probabilities of categories and their derivatives, as precise for the likeliest as for others.

$\partial p_k = p_k (\partial \phi_k - \sum_j p_j \partial \phi_j)$ holds one less a probability:
where p_k is nearly 1 it is a difference of nearly equal numbers. Here all changes are taken
relative to that of the likeliest category, whose own is then 0, so that nothing cancels.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float


def is_likeliest(logits: Float[Array, "*batch categories"]) -> Bool[Array, "*batch categories"]:
    """True at the category with the largest logit, the first of several."""
    return jnp.arange(logits.shape[-1]) == logits.argmax(-1, keepdims=True)


def relative(
    values: Float[Array, "*batch categories"], likeliest: Bool[Array, "*batch categories"]
) -> Float[Array, "*batch categories"]:
    """Each category's value less that of the likeliest one, which has a constant 0."""
    of_likeliest = jnp.where(likeliest, values, 0).sum(-1, keepdims=True)
    return jnp.where(likeliest, 0, values - of_likeliest)


@jax.custom_jvp
def softmax(logits: Float[Array, "*batch categories"]) -> Float[Array, "*batch categories"]:
    r"""$e^{\phi_k} / \sum_j e^{\phi_j}$."""
    return jax.nn.softmax(logits)


@softmax.defjvp
def _softmax_jvp(primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
    (logits,), (change,) = primals, tangents
    p = softmax(logits)
    by = relative(change, is_likeliest(logits))
    return p, p * (by - (p * by).sum(-1, keepdims=True))


@jax.custom_jvp
def log_softmax(logits: Float[Array, "*batch categories"]) -> Float[Array, "*batch categories"]:
    r"""$\phi_k - \log \sum_j e^{\phi_j}$, precise near 0 too."""
    likeliest = is_likeliest(logits)
    by = relative(logits, likeliest)
    of_others = jnp.where(likeliest, 0, jnp.exp(by)).sum(-1, keepdims=True)
    return by - jnp.log1p(of_others)


@log_softmax.defjvp
def _log_softmax_jvp(primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
    (logits,), (change,) = primals, tangents
    by = relative(change, is_likeliest(logits))
    return log_softmax(logits), by - (softmax(logits) * by).sum(-1, keepdims=True)
