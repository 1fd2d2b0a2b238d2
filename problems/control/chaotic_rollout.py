"""A chaotic rollout: its pathwise gradient explodes with the horizon, the score function's does not
notice."""

from typing import ClassVar

import jax
import jax.numpy as jnp
import numpyro.distributions as dist
from jaxtyping import Array, Float

from gradest.problems.arguments import Number, integer, number
from gradest.problems.base import Params, Problem

STEP = 2**-12
"""Of the trapezoid rule."""

MOST_STEPS = 12
"""Of a rollout whose shortest wave is many steps of the trapezoid rule."""


class ChaoticRollout(Problem):
    r"""$f(x) = \frac1T \sum_{t=1}^T s_t$ for the logistic map $s_{t+1} = r s_t (1 - s_t)$,
    $s_0 = \mathrm{sigmoid}(x)$.

    Above r ≈ 3.57 the map is chaotic. At r = 4 the derivative of $s_T$ in $s_0$ grows as $2^T$, and
    with it the standard deviation of the pathwise gradient, whereas f stays within [0, 1], and with
    it the score function's.

    Shapes: $x \sim N(\mu, \sigma^2)$ is one number, an event of shape (1,), and so are the groups
    `mean` (μ) and `scale` (σ). Truth: $\int f(x) \nabla q_\theta(x) dx$ by the trapezoid rule. At
    r = 4, f has no wave shorter than $2 \pi / 2^{T-1}$, and horizons up to 12 are resolved.
    """

    horizon: int = integer(6, "T, the steps of the rollout", at_most=10_000)
    rate: Number = number(4.0, "r of the logistic map, at most 4", above=0)
    mean: Number = number(0.3, "μ")
    scale: Number = number(0.5, "σ", above=0)

    purpose: ClassVar[str] = "chaos: gradients explode along the path"
    truth: ClassVar[str] = "quadrature"
    source: ClassVar[str] = (
        "Parmas, Rasmussen, Peters and Doya, 2018; Metz, Freeman, Schoenholz and Kachman, 2021"
    )

    def __check_init__(self) -> None:
        if bool(jnp.any(self.rate > 4)):
            largest = float(jnp.max(self.rate))
            raise ValueError(
                f"rate = {largest:g}: expected at most 4, above which the map leaves [0, 1]"
            )

    def init_params(self, key: Array) -> Params:
        return {"mean": jnp.full(1, self.mean), "scale": jnp.full(1, self.scale)}

    def distribution(self, params: Params) -> dist.Distribution:
        return dist.Normal(params["mean"], params["scale"]).to_event(1)

    def objective(self, params: Params, x: Float[Array, " 1"]) -> Float[Array, ""]:
        return self.mean_state(jax.nn.sigmoid(x[0]))

    def mean_state(self, start: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        """The mean of s_1, …, s_T, for each s_0 in `start`."""

        def step(
            state: Float[Array, "*shape"], _: None
        ) -> tuple[Float[Array, "*shape"], Float[Array, "*shape"]]:
            state = self.rate * state * (1 - state)
            return state, state

        _, states = jax.lax.scan(step, start, length=self.horizon)
        return states.mean(0)

    def exact_gradient(self, params: Params) -> Params | None:
        # With x = μ + σu and φ the density of N(0, 1), q(x) = φ(u)/σ, and
        # ∂_μ log q = u/σ, ∂_σ log q = (u² − 1)/σ.
        # So ∂_μ E[f] = ∫ f u φ(u) du / σ, and ∂_σ E[f] = ∫ f (u² − 1) φ(u) du / σ.
        if self.horizon > MOST_STEPS:
            return None
        u, weights, f = self.at_nodes(params)
        scale = params["scale"]
        return {
            "mean": (f * u) @ weights / scale,
            "scale": (f * (u**2 - 1)) @ weights / scale,
        }

    def exact_objective(self, params: Params) -> Float[Array, ""] | None:
        if self.horizon > MOST_STEPS:
            return None
        _, weights, f = self.at_nodes(params)
        return (f @ weights)[0]

    def at_nodes(
        self, params: Params
    ) -> tuple[Float[Array, " nodes"], Float[Array, " nodes"], Float[Array, "1 nodes"]]:
        """The nodes u of the trapezoid rule, their weights, and f at μ + σu."""
        u = jnp.arange(-12, 12, STEP, dtype=self.mean.dtype)
        weights = STEP * jnp.exp(-(u**2) / 2) / jnp.sqrt(2 * jnp.pi)
        x = params["mean"][:, None] + params["scale"][:, None] * u
        return u, weights, self.mean_state(jax.nn.sigmoid(x))
