"""A VAE in one dimension whose ELBO, exact posterior and gradients are all in closed form."""

from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
from jaxtyping import Array, Float

from gradest.problems.arguments import Number, as_float, choice, integer, number
from gradest.problems.base import Params, WithData
from gradest.problems.bounds import VariationalBound
from gradest.problems.variational.normal_normal import standard_log_density
from gradest.problems.variational.vae import KL_WAYS, gaussian_kl


class LinearGaussianVAE(VariationalBound, WithData):
    r"""The negative ELBO of $z \sim N(0, 1)$, $x_n | z \sim N(w z + c, \tau^2)$ under
    $q(z | x_n) = N(a x_n + b, s^2)$.

    In nats per point: $f = \frac1N [KL_n - \log p(x_n | z)]$ at each of N points, drawn once. θ
    starts at w = 1, c = 0, τ = `noise`, with the means of the exact posterior,
    $a = w / (w^2 + \tau^2)$ and $b = -a c$, and `variance_ratio` times its variance
    $\tau^2 / (w^2 + \tau^2)$. With the divergence sampled, `sticking_the_landing` has no variance
    where the ratio is 1, and more than `pathwise` below ½.

    Shapes: z is (N, 1), the points (N,), and the groups `encoder` (a, b, log s) and `decoder`
    (w, c, log τ) are scalars. Truth: E[f] in closed form, differentiated.
    """

    kl: str = choice(KL_WAYS, "sampled", "KL(q || p): in closed form, or log q − log p at a draw")
    variance_ratio: Number = number(
        0.8, "s² at the start, over the variance of the exact posterior", above=0
    )
    noise: Number = number(0.7, "τ at the start", above=0)
    num_points: int = integer(8, "N, the data points")
    points: Float[Array, " points"] = eqx.field(default=None)

    purpose: ClassVar[str] = "a linear VAE, known in closed form"
    data_fields: ClassVar[tuple[str, ...]] = ("points",)
    truth: ClassVar[str] = "closed form"

    def __post_init__(self) -> None:
        self.points = as_float(np.random.default_rng(0).normal(0, 1.2, self.num_points))

    @property
    def holds_density(self) -> bool:
        return self.kl == "sampled"

    def init_params(self, key: Array) -> Params:
        zero = as_float(0.0)
        one = as_float(1.0)
        evidence = 1 + self.noise**2  # the variance of x_n
        scale = jnp.sqrt(self.variance_ratio * self.noise**2 / evidence)
        return {
            "encoder": {"slope": 1 / evidence, "offset": zero, "log_scale": jnp.log(scale)},
            "decoder": {"slope": one, "offset": zero, "log_scale": jnp.log(self.noise)},
        }

    def distribution(self, params: Params) -> dist.Distribution:
        encoder = params["encoder"]
        mean = encoder["slope"] * self.points[:, None] + encoder["offset"]
        scale = jnp.broadcast_to(jnp.exp(encoder["log_scale"]), mean.shape)
        return dist.Normal(mean, scale).to_event(1)

    def analytic_kl(self, params: Params) -> Float[Array, " points"]:
        """KL(q(z|x_n) || p(z)) of each point."""
        return gaussian_kl(self.distribution(params))

    def objective_under(
        self, params: Params, q: dist.Distribution, x: Float[Array, "points 1"]
    ) -> Float[Array, " points"]:
        z = x[:, 0]
        decoder = params["decoder"]
        residual = self.points - decoder["slope"] * z - decoder["offset"]
        standardized = residual * jnp.exp(-decoder["log_scale"])
        log_likelihood = standard_log_density(standardized) - decoder["log_scale"]
        if self.kl == "analytic":
            kl = self.analytic_kl(params)
        else:
            kl = q.log_prob(x) - standard_log_density(z)
        return (kl - log_likelihood) / len(self.points)

    def exact_gradient(self, params: Params) -> Params:
        return jax.grad(self.negative_elbo)(params)

    def exact_objective(self, params: Params) -> Float[Array, ""]:
        return self.negative_elbo(params) + jnp.log(2 * jnp.pi) / 2

    def negative_elbo(self, params: Params) -> Float[Array, ""]:
        r"""The sum of E[f] over the points, less a constant.

        With $m_n$ the mean of q, $x_n - c - w z$ has mean $x_n - c - w m_n$ and variance $w^2 s^2$:
        $E_q[-\log p(x_n | z)] = \frac12 \log 2 \pi + \log \tau + \frac1{2 \tau^2}
        [(x_n - c - w m_n)^2 + w^2 s^2]$.
        """
        q = self.distribution(params).base_dist
        decoder = params["decoder"]
        mean = q.loc[:, 0]
        scale = q.scale[:, 0]
        weight = decoder["slope"]
        residual = self.points - decoder["offset"] - weight * mean
        square = residual**2 + (weight * scale) ** 2
        misfit = 0.5 * square * jnp.exp(-2 * decoder["log_scale"])
        reconstruction = decoder["log_scale"] + misfit
        return (self.analytic_kl(params) + reconstruction).mean()
