"""A small Bayesian neural network on real data: the gradient of the ELBO with respect to a distribution of weights."""

import math
from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
from jaxtyping import Array, Float

from gradest.problems.arguments import as_float, integer
from gradest.problems.base import Params
from gradest.problems.data import breast_cancer
from gradest.problems.linear_layers import Layer, LinearLayers
from gradest.problems.variational.logistic_regression import kl_from_standard


class BayesianNetwork(LinearLayers):
    r"""The negative ELBO of a network that classifies: $f = -\sum_n \log p(y_n | x_n, w) +
    KL(q_\theta || N(0, I))$.

    $q_\theta = N(\mu, \mathrm{diag}(e^{2\lambda}))$ over all weights and biases, groups `mean` (μ)
    and `log_scale` (λ), starting at random μ and λ = −2; the data are rows of scikit-learn's
    breast-cancer set, the hidden units tanh.

    With one hidden unit the exact gradient is an integral over two dimensions for each row, by the
    trapezoid rule: over the unit's input and, given that, over the output, both Gaussian. With more
    there is none.
    """

    num_rows: int = integer(64, "N, the rows of the data")
    hidden_dim: int = integer(8, "units in the hidden layer")
    features: Float[Array, "rows dim"] = eqx.field(default=None)
    labels: Float[Array, " rows"] = eqx.field(default=None)

    objective_uses_params: ClassVar[bool] = True
    truth: ClassVar[str] = "quadrature"
    source: ClassVar[str] = "Blundell, Cornebise, Kavukcuoglu and Wierstra, 2015"

    def __post_init__(self) -> None:
        features, labels = breast_cancer()
        if self.num_rows > len(features):
            raise ValueError(
                f"num_rows = {self.num_rows}: expected at most {len(features)}, all of the data"
            )
        chosen = np.random.default_rng(0).permutation(len(features))[: self.num_rows]
        self.features, self.labels = as_float(features[chosen]), as_float(labels[chosen])

    @property
    def shapes(self) -> list[tuple[int, int]]:
        """Of each layer's weights, those of the constant input among them."""
        return [(self.features.shape[1], self.hidden_dim), (self.hidden_dim + 1, 1)]

    def init_params(self, key: Array) -> Params:
        keys = jax.random.split(key, len(self.shapes))
        means = [
            jax.random.normal(key, shape, self.features.dtype) / math.sqrt(shape[0])
            for key, shape in zip(keys, self.shapes, strict=True)
        ]
        mean = jnp.concatenate([weight.ravel() for weight in means])
        return {"mean": mean, "log_scale": jnp.full_like(mean, -2)}

    def distribution(self, params: Params) -> dist.Distribution:
        return dist.Normal(params["mean"], jnp.exp(params["log_scale"])).to_event(1)

    def matrices(self, x: Float[Array, " weights"]) -> list[Float[Array, "in out"]]:
        first, second = self.shapes
        size = first[0] * first[1]
        return [x[:size].reshape(first), x[size:].reshape(second)]

    def objective_through(self, params: Params, layers: list[Layer]) -> Float[Array, ""]:
        first, second = layers
        hidden = jnp.tanh(first(self.features))
        logits = second(with_constant(hidden))[:, 0]
        return jax.nn.softplus(-self.labels * logits).sum() + kl_from_standard(params)

    def exact_gradient(self, params: Params) -> Params | None:
        if self.hidden_dim > 1:
            return None
        step = 1 / 8
        u = jnp.arange(-9, 9 + step, step, dtype=self.features.dtype)
        weights = step * jnp.exp(-(u**2) / 2) / jnp.sqrt(2 * jnp.pi)

        def negative_elbo(params: Params) -> Float[Array, ""]:
            (first, second), (spread, end_spread) = map(
                self.matrices, (params["mean"], jnp.exp(params["log_scale"]))
            )
            center = (self.features @ first)[:, 0]
            scale = jnp.sqrt(self.features**2 @ spread**2)[:, 0]
            hidden = jnp.tanh(center[:, None] + scale[:, None] * u)[..., None]
            inputs = with_constant(hidden)
            logits = inputs @ second + jnp.sqrt(inputs**2 @ end_spread**2) * u
            loss = jax.nn.softplus(-self.labels[:, None, None] * logits)
            return jnp.einsum("nij,i,j->", loss, weights, weights) + kl_from_standard(params)

        return jax.grad(negative_elbo)(params)


def with_constant(inputs: Float[Array, "*rows in"]) -> Float[Array, "*rows more"]:
    """Inputs with a 1 beside them, whose weight is the bias."""
    return jnp.concatenate([inputs, jnp.ones_like(inputs[..., :1])], axis=-1)
