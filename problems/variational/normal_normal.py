"""The normal–normal model, on which more particles make the inference network's gradient noisier, not better."""

from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
from jaxtyping import Array, Float

from gradest.problems.arguments import Number, as_float, integer, number
from gradest.problems.base import Params
from gradest.problems.bounds import ImportanceWeightedBound, particles


class NormalNormalBound(ImportanceWeightedBound):
    r"""The K-sample bound of $z \sim N(\mu, 1)$, $x_n | z \sim N(z, 1)$ under $q_\theta(z | x_n) =
    N(a x_n + b, s^2)$.

    $f = -\frac1N \log \frac1K \sum_k w_k$ at each of N points, drawn once from the model. Groups:
    `model` (μ) and `encoder` (a, b), which start about the optimum, where the means of q are those
    of the posterior: its variance is ½.

    The exact gradient, for any K, is the derivative of $E[\log \sum_k w_k] = \int_0^\infty (e^{-t}
    - E[e^{-t w}]^K) / t \, dt$, two integrals over one dimension each, by the trapezoid rule in
    $\log t$ and in z, which converges exponentially in its steps.
    """

    variance: Number = number(
        2 / 3, "s², the variance of q; at ¼ and below that of the weights is infinite", above=0.25
    )
    offset: Number = number(0.01, "standard deviation of θ's start about the optimum")
    num_points: int = integer(8, "N, the data points")
    points: Float[Array, " points"] = eqx.field(default=None)

    truth: ClassVar[str] = "quadrature"
    source: ClassVar[str] = "Rainforth, Kosiorek, Le, Maddison, Igl, Wood and Teh, 2018"

    def __post_init__(self) -> None:
        self.points = as_float(np.random.default_rng(0).normal(0, np.sqrt(2), self.num_points))

    @property
    def factor(self) -> float:
        return 1 / self.num_points

    def init_params(self, key: Array) -> Params:
        mean = self.points.mean()
        model, slope, shift = self.offset * jax.random.normal(key, (3,), self.points.dtype)
        return {
            "model": {"mean": mean + model},
            "encoder": {"slope": 0.5 + slope, "offset": mean / 2 + shift},
        }

    def proposal_mean(self, params: Params) -> Float[Array, " points"]:
        """The mean of q at each point."""
        return params["encoder"]["slope"] * self.points + params["encoder"]["offset"]

    def distribution(self, params: Params) -> dist.Distribution:
        mean = self.proposal_mean(params)[:, None]
        one = dist.Normal(mean, jnp.broadcast_to(jnp.sqrt(self.variance), mean.shape)).to_event(1)
        return particles(one, self.num_particles)

    def log_joint(
        self, params: Params, x: Float[Array, "points particles 1"]
    ) -> Float[Array, "points particles"]:
        z = x[..., 0]
        return standard_log_density(z - params["model"]["mean"]) + standard_log_density(
            z - self.points[:, None]
        )

    def exact_gradient(self, params: Params) -> Params:
        dtype = self.points.dtype
        log_t = jnp.arange(-35, 45, 0.25, dtype=dtype)
        u = jnp.arange(-12, 12, 0.0625, dtype=dtype)
        q = 0.0625 * jnp.exp(standard_log_density(u))
        scale = jnp.sqrt(self.variance)

        def negative_bound(params: Params) -> Float[Array, ""]:
            z = self.proposal_mean(params)[:, None] + scale * u
            log_w = self.log_joint(params, z[..., None]) - standard_log_density(u) + jnp.log(scale)
            center = (log_w * q).sum(-1, keepdims=True)
            transform = jnp.exp(-jnp.exp(log_t[:, None] + (log_w - center)[:, None, :])) @ q
            excess = jnp.exp(-jnp.exp(log_t)) - transform**self.num_particles
            return -(center[:, 0] + 0.25 * excess.sum(-1)).sum() * self.factor

        return jax.grad(negative_bound)(params)


def standard_log_density(u: Float[Array, "..."]) -> Float[Array, "..."]:
    """Of N(0, 1)."""
    return -(u**2) / 2 - jnp.log(2 * jnp.pi) / 2
