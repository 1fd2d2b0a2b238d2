"""optax.monte_carlo: its Jacobians, averaged over the samples, vmapped over replicates and jitted.

It has no leave-one-out baseline and no relaxation, its measure-valued gradient is for the Gaussian,
and its distribution for the Gaussian has ln σ for a parameter: the gradient with respect to σ is
that divided by σ.
"""

from importlib.metadata import version

import jax
import jax.numpy as jnp
from optax import monte_carlo
from optax._src.utils import multi_normal
from protocol import DoesNotHave, GradientCall, PeerCell, serve

JACOBIANS = {
    "score_function": monte_carlo.score_function_jacobians,
    "pathwise": monte_carlo.pathwise_jacobians,
    "measure_valued": monte_carlo.measure_valued_jacobians,
}


class Bernoulli:
    """Bits, as optax asks for a distribution; it comes with none."""

    def __init__(self, logits: jax.Array) -> None:
        self.logits = logits

    def sample(self, shape: tuple[int, ...], key: jax.Array) -> jax.Array:
        """Bits, as numbers."""
        probs = jax.nn.sigmoid(self.logits)
        return jax.random.bernoulli(key, probs, shape + self.logits.shape).astype(float)

    def log_prob(self, x: jax.Array) -> jax.Array:
        """The log-probability of one vector of bits."""
        return (x * self.logits - jax.nn.softplus(self.logits)).sum(-1)


def prepare(cell: PeerCell, replicates: int) -> GradientCall:
    """Compiles the cell's program."""
    gaussian = cell.problem == "gaussian_square"
    if cell.estimator not in JACOBIANS or (cell.estimator == "measure_valued" and not gaussian):
        raise DoesNotHave(f"{cell.estimator} on {cell.problem}")
    jacobians = JACOBIANS[cell.estimator]
    target = cell.constants["k" if gaussian else "t"]
    theta = {group: jnp.asarray(values) for group, values in cell.params.items()}

    def f(x: jax.Array) -> jax.Array:
        return ((x - target) ** 2).sum(-1)

    def gradient(theta: dict[str, jax.Array], key: jax.Array) -> dict[str, jax.Array]:
        if not gaussian:
            (logits,) = jacobians(f, (theta["logits"],), Bernoulli, key, cell.num_samples)
            return {"logits": logits.mean(0)}
        params = (theta["mean"], jnp.log(theta["scale"]))
        mean, log_scale = jacobians(f, params, multi_normal, key, cell.num_samples)
        return {"mean": mean.mean(0), "scale": log_scale.mean(0) / theta["scale"]}

    @jax.jit
    def gradients(
        theta: dict[str, jax.Array], key: jax.Array
    ) -> tuple[dict[str, jax.Array], jax.Array]:
        now, later = jax.random.split(key)
        keys = jax.random.split(now, replicates)
        return jax.vmap(gradient, in_axes=(None, 0))(theta, keys), later

    key = jax.random.key(0)

    def call() -> dict[str, jax.Array]:
        nonlocal key
        made, key = gradients(theta, key)
        return jax.block_until_ready(made)

    return call


if __name__ == "__main__":
    serve(prepare, version=version("optax"), batched=True, device=jax.default_backend())
