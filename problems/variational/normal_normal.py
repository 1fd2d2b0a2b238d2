"""The normal–normal model, on which more particles make the inference network's gradient noisier,
not better."""

from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
from jaxtyping import Array, Float

from gradest.problems.arguments import Number, as_float, integer, number
from gradest.problems.base import Params, WithData
from gradest.problems.bounds import ImportanceWeightedBound, particles
from gradest.problems.distributions.quadrature import agreed

Z_STEP = 1 / 16
"""Of the trapezoid rule in z, in standard deviations of q."""

LOG_T_STEP = 1 / 4
"""Of the trapezoid rule in log t."""

STRETCH = 1.25
"""Of the rule in log t that another must agree with: wider, and as much coarser."""


class NormalNormalBound(ImportanceWeightedBound, WithData):
    r"""The K-sample bound of $z \sim N(\mu, 1)$, $x_n | z \sim N(z, 1)$ under
    $q_\theta(z | x_n) = N(a x_n + b, s^2)$.

    $f = -\frac1N \log \frac1K \sum_k w_k$ at each of N points, drawn once from the model. θ starts
    about the optimum, where the means of q are those of the posterior: its variance is ½.

    Shapes: the particles z are (N, K, 1), the points (N,), and the groups `model` (μ) and `encoder`
    (a, b) are scalars. Truth: for any K, two integrals over one dimension each, by the trapezoid
    rule, which converges exponentially in its steps; not known so far from the optimum that two
    rules differ.
    """

    variance: Number = number(
        2 / 3, "s², the variance of q; at ¼ and below that of the weights is infinite", above=0.25
    )
    offset: Number = number(0.01, "standard deviation of θ's start about the optimum")
    num_points: int = integer(8, "N, the data points")
    points: Float[Array, " points"] = eqx.field(default=None)

    purpose: ClassVar[str] = "a K-sample bound with a known posterior"
    data_fields: ClassVar[tuple[str, ...]] = ("points",)
    truth: ClassVar[str] = "quadrature"
    source: ClassVar[str] = "Rainforth, Kosiorek, Le, Maddison, Igl, Wood and Teh, 2018"

    def __post_init__(self) -> None:
        self.points = as_float(np.random.default_rng(0).normal(0, np.sqrt(2), self.num_points))

    @property
    def factor(self) -> float:
        return 1 / len(self.points)

    def init_params(self, key: Array) -> Params:
        # the optimum: μ = x̄, and the posterior's mean (x_n + x̄)/2
        mean = self.points.mean()
        model, slope, shift = self.offset * jax.random.normal(key, (3,), self.points.dtype)
        return {
            "model": {"mean": mean + model},
            "encoder": {"slope": 0.5 + slope, "offset": mean / 2 + shift},
        }

    def proposal_mean(self, params: Params) -> Float[Array, " points"]:
        """The mean of q at each point."""
        encoder = params["encoder"]
        return encoder["slope"] * self.points + encoder["offset"]

    def distribution(self, params: Params) -> dist.Distribution:
        mean = self.proposal_mean(params)[:, None]
        scale = jnp.broadcast_to(jnp.sqrt(self.variance), mean.shape)
        return particles(dist.Normal(mean, scale).to_event(1), self.num_particles)

    def log_joint(
        self, params: Params, x: Float[Array, "points particles 1"]
    ) -> Float[Array, "points particles"]:
        z = x[..., 0]
        log_prior = standard_log_density(z - params["model"]["mean"])
        return log_prior + standard_log_density(z - self.points[:, None])

    def exact_gradient(self, params: Params) -> Params:
        # far from the optimum log w varies by more than the nodes span
        gradient = jax.grad(self.negative_bound)
        return agreed(gradient(params, 1.0), gradient(params, STRETCH))

    def exact_objective(self, params: Params) -> Float[Array, ""]:
        bound = agreed(self.negative_bound(params, 1.0), self.negative_bound(params, STRETCH))
        return bound + jnp.log(jnp.asarray(self.num_particles, bound.dtype))

    def negative_bound(self, params: Params, stretch: float) -> Float[Array, ""]:
        """E[f] less log K.

        Args:
            params: θ.
            stretch: of the rule in log t.
        """
        # E[log Σ_k w_k] = ∫₀^∞ (e^{−t} − E[e^{−t w}]^K) / t dt, for independent weights w_k; in
        # log t, dt/t is d log t. The weights are taken relative to e^c, c = E[log w], about
        # which the integrand stands: log Σ w_k = c + log Σ w_k e^{−c}.
        # Here f is −factor times that, without log K.
        dtype = self.points.dtype
        nodes = jnp.arange(-35, 45, LOG_T_STEP, dtype=dtype)
        u = jnp.arange(-12, 12, Z_STEP, dtype=dtype)
        q = Z_STEP * jnp.exp(standard_log_density(u))
        scale = jnp.sqrt(self.variance)
        z = self.proposal_mean(params)[:, None] + scale * u
        log_joint = self.log_joint(params, z[..., None])
        log_w = log_joint - standard_log_density(u) + jnp.log(scale)
        center = (log_w * q).sum(-1, keepdims=True)
        log_t = stretch * nodes
        log_tw = log_t[:, None] + (log_w - center)[:, None, :]
        transform = jnp.exp(-jnp.exp(log_tw)) @ q  # E[e^{−t w}]
        excess = jnp.exp(-jnp.exp(log_t)) - transform**self.num_particles
        bound = center[:, 0] + stretch * LOG_T_STEP * excess.sum(-1)
        return -bound.sum() * self.factor


def standard_log_density(u: Float[Array, "..."]) -> Float[Array, "..."]:
    r"""The log-density of N(0, 1), $-\frac12 (u^2 + \log 2 \pi)$."""
    return -(u**2) / 2 - jnp.log(2 * jnp.pi) / 2
