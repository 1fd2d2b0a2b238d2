"""Bayesian logistic regression on real data, with an exact gradient."""

from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpyro.distributions as dist
from jaxtyping import Array, Float

from gradest.problems.arguments import as_float
from gradest.problems.base import Params, WithData
from gradest.problems.data import breast_cancer

STEP = 1 / 32
"""Of the trapezoid rule."""


class LogisticRegression(WithData):
    r"""The negative ELBO of Bayesian logistic regression:
    $f(\theta, w) = -\log p(y | X, w) + KL(q_\theta || N(0, I))$.

    $q_\theta = N(\mu, \mathrm{diag}(e^{2\lambda}))$ over the D = 31 weights, starting at μ = 0,
    λ = 0. The data are scikit-learn's breast-cancer set, 569 rows.

    Shapes: the weights w and the groups `mean` (μ) and `log_scale` (λ) are (31,). Truth: 569
    integrals over one dimension, by the trapezoid rule, which converges exponentially in its step
    for a function analytic about the real line.
    """

    features: Float[Array, "rows dim"] = eqx.field(default=None)
    labels: Float[Array, " rows"] = eqx.field(default=None)

    purpose: ClassVar[str] = "Bayesian logistic regression"
    data_fields: ClassVar[tuple[str, ...]] = ("features", "labels")
    averaged: ClassVar[bool] = False
    objective_uses_params: ClassVar[bool] = True
    truth: ClassVar[str] = "quadrature"

    def __post_init__(self) -> None:
        # fields, not globals, so that they are passed to a compiled program, not baked in
        features, labels = breast_cancer()
        self.features = as_float(features)
        self.labels = as_float(labels)

    def init_params(self, key: Array) -> Params:
        dim = self.features.shape[1]
        mean = as_float(jnp.zeros(dim))
        log_scale = as_float(jnp.zeros(dim))
        return {"mean": mean, "log_scale": log_scale}

    def distribution(self, params: Params) -> dist.Distribution:
        return dist.Normal(params["mean"], jnp.exp(params["log_scale"])).to_event(1)

    def objective(self, params: Params, x: Float[Array, " dim"]) -> Float[Array, ""]:
        logits = -self.labels * (self.features @ x)
        losses = jax.nn.softplus(logits)
        return losses.sum() + kl_from_standard(params)

    def exact_gradient(self, params: Params) -> Params:
        return jax.grad(self.exact_objective)(params)

    def exact_objective(self, params: Params) -> Float[Array, ""]:
        steps = jnp.arange(-12 / STEP, 12 / STEP + 1, dtype=self.features.dtype)
        nodes = steps * STEP
        weights = STEP * jnp.exp(-(nodes**2) / 2) / jnp.sqrt(2 * jnp.pi)

        # The likelihood of a row depends on w only through z_n = y_n x_nᵀw, which is Gaussian
        # under q, with mean y_n x_nᵀμ and variance (x_n²)ᵀ e^{2λ}: E[log(1 + e^{−z_n})] is an
        # integral over one standard normal variable.
        center = self.labels * (self.features @ params["mean"])
        spread = jnp.sqrt(self.features**2 @ jnp.exp(2 * params["log_scale"]))
        z = center[:, None] + spread[:, None] * nodes
        expected_losses = jax.nn.softplus(-z) @ weights
        return expected_losses.sum() + kl_from_standard(params)


def kl_from_standard(params: Params) -> Float[Array, ""]:
    r"""$KL(q_\theta || N(0, I)) = \frac12 \sum_i (\mu_i^2 + \sigma_i^2 - 1 - \log \sigma_i^2)$."""
    mean = params["mean"]
    log_scale = params["log_scale"]
    doubled = mean**2 + jnp.exp(2 * log_scale) - 1 - 2 * log_scale
    return 0.5 * doubled.sum()
