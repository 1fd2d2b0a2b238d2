"""A small Bayesian neural network on real data: the gradient of the ELBO with respect to a
distribution of weights."""

import math
from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
from jaxtyping import Array, Float

from gradest.problems.arguments import as_float, integer
from gradest.problems.base import Params, WithData
from gradest.problems.data import breast_cancer
from gradest.problems.linear_layers import Layer, LinearLayers
from gradest.problems.variational.logistic_regression import kl_from_standard

STEP = 1 / 8
"""Of the trapezoid rule."""


class BayesianNetwork(LinearLayers, WithData):
    r"""The negative ELBO of a network that classifies:
    $f = -\sum_n \log p(y_n | x_n, w) + KL(q_\theta || N(0, I))$.

    $q_\theta = N(\mu, \mathrm{diag}(e^{2\lambda}))$ over all weights and biases, starting at random
    μ and λ = −2. The data are rows of scikit-learn's breast-cancer set, the hidden units tanh.

    Shapes: the weights w of both layers are one vector, and so are the groups `mean` (μ) and
    `log_scale` (λ). Truth: with one hidden unit an integral over two dimensions for each row, by
    the trapezoid rule; with more there is none.
    """

    num_rows: int = integer(64, "N, the rows of the data")
    hidden_dim: int = integer(8, "units in the hidden layer")
    features: Float[Array, "rows dim"] = eqx.field(default=None)
    labels: Float[Array, " rows"] = eqx.field(default=None)

    purpose: ClassVar[str] = "a Bayesian neural network that classifies"
    data_fields: ClassVar[tuple[str, ...]] = ("features", "labels")
    averaged: ClassVar[bool] = False
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
        self.features = as_float(features[chosen])
        self.labels = as_float(labels[chosen])

    @property
    def shapes(self) -> list[tuple[int, int]]:
        """The shape of each layer's weights, those of the constant input among them."""
        inputs = self.features.shape[1]
        return [(inputs, self.hidden_dim), (self.hidden_dim + 1, 1)]

    def init_params(self, key: Array) -> Params:
        keys = jax.random.split(key, len(self.shapes))
        dtype = self.features.dtype
        means = [
            jax.random.normal(key, shape, dtype) / math.sqrt(shape[0])
            for key, shape in zip(keys, self.shapes, strict=True)
        ]
        mean = jnp.concatenate([weight.ravel() for weight in means])
        return {"mean": mean, "log_scale": jnp.full_like(mean, -2)}

    def distribution(self, params: Params) -> dist.Distribution:
        return dist.Normal(params["mean"], jnp.exp(params["log_scale"])).to_event(1)

    def matrices(self, x: Float[Array, " weights"]) -> list[Float[Array, "in out"]]:
        first, second = self.shapes
        size = math.prod(first)
        return [x[:size].reshape(first), x[size:].reshape(second)]

    def objective_through(self, params: Params, layers: list[Layer]) -> Float[Array, ""]:
        first, second = layers
        hidden = jnp.tanh(first(self.features))
        logits = second(with_constant(hidden))[:, 0]
        losses = jax.nn.softplus(-self.labels * logits)
        return losses.sum() + kl_from_standard(params)

    def exact_gradient(self, params: Params) -> Params | None:
        if self.hidden_dim > 1:
            return None
        return jax.grad(self.negative_elbo)(params)

    def exact_objective(self, params: Params) -> Float[Array, ""] | None:
        return None if self.hidden_dim > 1 else self.negative_elbo(params)

    def negative_elbo(self, params: Params) -> Float[Array, ""]:
        r"""E[f], with one hidden unit.

        The input of the unit, $x_n^\top w$, is Gaussian, with mean $x_n^\top \mu$ and variance
        $(x_n^2)^\top \sigma^2$. Given that input the output is Gaussian too, likewise with the
        output layer's μ and σ. Both integrals are sums over standard normal nodes u, those of the
        input (i) and of the output given it (j).
        """
        u = jnp.arange(-9, 9 + STEP, STEP, dtype=self.features.dtype)
        weights = STEP * jnp.exp(-(u**2) / 2) / jnp.sqrt(2 * jnp.pi)
        scales = jnp.exp(params["log_scale"])
        first_mean, second_mean = self.matrices(params["mean"])
        first_scale, second_scale = self.matrices(scales)

        center = (self.features @ first_mean)[:, 0]
        spread = jnp.sqrt(self.features**2 @ first_scale**2)[:, 0]
        hidden = jnp.tanh(center[:, None] + spread[:, None] * u)[..., None]

        inputs = with_constant(hidden)
        center = inputs @ second_mean
        spread = jnp.sqrt(inputs**2 @ second_scale**2)
        logits = center + spread * u
        losses = jax.nn.softplus(-self.labels[:, None, None] * logits)
        return jnp.einsum("nij,i,j->", losses, weights, weights) + kl_from_standard(params)


def with_constant(inputs: Float[Array, "*rows in"]) -> Float[Array, "*rows more"]:
    """Inputs with a 1 beside them, whose weight is the bias."""
    return jnp.concatenate([inputs, jnp.ones_like(inputs[..., :1])], axis=-1)
