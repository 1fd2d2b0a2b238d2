"""JAX alone, as one writes it: a surrogate loss's gradient, vmapped over replicates and jitted."""

from importlib.metadata import version

import jax
import jax.numpy as jnp
from protocol import DoesNotHave, GradientCall, PeerCell, serve

Theta = dict[str, jax.Array]


def drawn(cell: PeerCell, theta: Theta, key: jax.Array) -> jax.Array:
    """L draws of x, or of its relaxation, differentiable where they can be."""
    shape = (cell.num_samples, *next(iter(theta.values())).shape)
    if cell.problem == "gaussian_square":
        return theta["mean"] + theta["scale"] * jax.random.normal(key, shape)
    logits = theta["logits"]
    if cell.estimator == "gumbel_softmax":
        temperature = cell.constants["temperature"]
        return jax.nn.sigmoid((logits + jax.random.logistic(key, shape)) / temperature)
    return jax.random.bernoulli(key, jax.nn.sigmoid(logits), shape).astype(float)


def log_prob(cell: PeerCell, theta: Theta, x: jax.Array) -> jax.Array:
    """The log-probability of each draw."""
    if cell.problem == "gaussian_square":
        return jax.scipy.stats.norm.logpdf(x, theta["mean"], theta["scale"]).sum(-1)
    return (x * theta["logits"] - jax.nn.softplus(theta["logits"])).sum(-1)


def surrogate(cell: PeerCell, theta: Theta, key: jax.Array) -> jax.Array:
    """The loss whose gradient is one estimate from L samples."""
    target = cell.constants["k" if cell.problem == "gaussian_square" else "t"]
    x = drawn(cell, theta, key)
    if cell.estimator in ("pathwise", "gumbel_softmax"):
        return ((x - target) ** 2).sum(-1).mean()
    if cell.estimator not in ("score_function", "score_function[leave_one_out]"):
        raise DoesNotHave(f"{cell.estimator} on {cell.problem}")
    x = jax.lax.stop_gradient(x)
    f = ((x - target) ** 2).sum(-1)
    if cell.estimator == "score_function[leave_one_out]":
        f = f - (f.sum() - f) / (cell.num_samples - 1)
    return (f * log_prob(cell, theta, x)).mean()


def prepare(cell: PeerCell, replicates: int) -> GradientCall:
    """Compiles the cell's program."""
    theta = {group: jnp.asarray(values) for group, values in cell.params.items()}

    @jax.jit
    def gradients(theta: Theta, key: jax.Array) -> tuple[Theta, jax.Array]:
        now, later = jax.random.split(key)
        each = jax.vmap(jax.grad(lambda theta, key: surrogate(cell, theta, key)), (None, 0))
        return each(theta, jax.random.split(now, replicates)), later

    key = jax.random.key(0)
    jax.eval_shape(gradients, theta, key)  # raises where it does not have the estimator

    def call() -> Theta:
        nonlocal key
        made, key = gradients(theta, key)
        return jax.block_until_ready(made)

    return call


if __name__ == "__main__":
    serve(prepare, version=version("jax"), batched=True, device=jax.default_backend())
