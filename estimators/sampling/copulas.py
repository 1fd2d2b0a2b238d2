r"""Copulas: n negatively correlated uniform variables, of which n Bernoulli draws are made.

All n draws of a coordinate are exchangeable; different coordinates are independent. What an
estimator needs beside the draws is the correlation ρ of any two of them.
"""

from abc import abstractmethod

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import ndtri
from jaxtyping import Array, Float

from gradest.estimators.sampling.draws import noise
from gradest.problems.distributions.bits import sigmoid
from gradest.problems.distributions.fine_noise import exponential, normal

NODES = 32
"""Nodes of the integral for the correlation of two thresholded Gaussians: exact to rounding."""


class Copula(eqx.Module):
    """Draws n Bernoulli variables for each logit."""

    @abstractmethod
    def draw(
        self, logits: Float[Array, "*batch dim"], key: Array, num_samples: int
    ) -> Float[Array, "n *batch dim"]:
        """n draws, n = `num_samples`, each Bernoulli(sigmoid(logits))."""

    @abstractmethod
    def correlation(
        self, logits: Float[Array, "*batch dim"], num_samples: int
    ) -> Float[Array, "*batch dim"]:
        """The correlation ρ of any two of them."""


class DirichletCopula(Copula):
    r"""$u_i = (1 - d_i)^{n-1}$ with d ~ Dirichlet(1, …, 1); the rarer value is drawn where u < m.

    m = min(p, 1 − p) is its probability, and
    $P(u_i < m, u_j < m) = \max(2 m^{1/(n-1)} - 1, 0)^{n-1}$.
    """

    def draw(
        self, logits: Float[Array, "*batch dim"], key: Array, num_samples: int
    ) -> Float[Array, "n *batch dim"]:
        # d are the shares of exponential variables in their sum
        waits = noise(exponential, key, num_samples, logits.shape, logits.dtype)
        # u < m, in logarithms, so that it holds at extreme logits
        log_u = (num_samples - 1) * log_rest(waits)
        rare = log_u < jax.nn.log_sigmoid(-jnp.abs(logits))
        return jnp.where(logits > 0, ~rare, rare).astype(logits.dtype)

    def correlation(
        self, logits: Float[Array, "*batch dim"], num_samples: int
    ) -> Float[Array, "*batch dim"]:
        # ρ = (P(u_i < m, u_j < m) − m²) / (m − m²), both sides of the fraction divided by m. With
        # r = m^{-1/(n−1)} − 1, near 0 for a large n, the first term is (1 − r)^{n−1}
        r = jnp.expm1(-jax.nn.log_sigmoid(-jnp.abs(logits)) / (num_samples - 1))
        at_most = 1 - jnp.finfo(logits.dtype).epsneg
        never = r >= 1
        power = (num_samples - 1) * jnp.log1p(-jnp.minimum(r, at_most))
        both = jnp.where(never, 0, jnp.exp(power))
        rare = sigmoid(-jnp.abs(logits))
        return (both - rare) / (1 - rare)


def log_rest(parts: Float[Array, "L *batch"]) -> Float[Array, "L *batch"]:
    """The logarithm of what is left of the sum of positive numbers without each.

    It is relative to the sum. Where little is left it is added up, since a difference would have no
    digits; where much is left the logarithm is near 0, and its digits are those of the part.
    """
    total = parts.sum(0)
    none = jnp.zeros_like(parts[:1])
    before = jnp.concatenate([none, jnp.cumsum(parts[:-1], axis=0)])
    after = jnp.concatenate([jnp.cumsum(parts[:0:-1], axis=0)[::-1], none])
    share = parts / total
    small = share < 0.5
    from_part = jnp.log1p(-jnp.where(small, share, 0))
    return jnp.where(small, from_part, jnp.log((before + after) / total))


class GaussianCopula(Copula):
    r"""b = 1 where standard normal variables of correlation r lie below the p-quantile h.

    r = −1/(n − 1) is the least there is, and
    $Cov(b_i, b_j) = \frac1{2\pi} \int_0^{\arcsin r} e^{-h^2 / (1 + \sin t)} dt$ (Plackett, 1954).
    """

    def draw(
        self, logits: Float[Array, "*batch dim"], key: Array, num_samples: int
    ) -> Float[Array, "n *batch dim"]:
        drawn = noise(normal, key, num_samples, logits.shape, logits.dtype)
        repelled = (drawn - drawn.mean(0)) * (num_samples / (num_samples - 1)) ** 0.5
        return (repelled < quantile(logits)).astype(logits.dtype)

    def correlation(
        self, logits: Float[Array, "*batch dim"], num_samples: int
    ) -> Float[Array, "*batch dim"]:
        rare = sigmoid(-jnp.abs(logits))
        if num_samples == 2:
            # r = −1, where the integrand is singular: never both, so that the covariance is −m²
            return -rare / (1 - rare)
        nodes, weights = np.polynomial.legendre.leggauss(NODES)
        end = np.arcsin(-1 / (num_samples - 1))
        below = 1 + np.sin(end * (nodes + 1) / 2)
        height = quantile(logits)[..., None] ** 2
        integrand = jnp.exp(-height / below.astype(logits.dtype)) * weights.astype(logits.dtype)
        covariance = integrand.sum(-1) * (end / (4 * np.pi)).astype(logits.dtype)
        return covariance / jnp.maximum(rare * (1 - rare), jnp.finfo(logits.dtype).tiny)


def quantile(logits: Float[Array, "*batch dim"]) -> Float[Array, "*batch dim"]:
    """The standard normal quantile of sigmoid(logits), precise in both tails."""
    return jnp.sign(logits) * -ndtri(sigmoid(-jnp.abs(logits)))


COPULAS: dict[str, Copula] = {
    "dirichlet": DirichletCopula(),
    "gaussian": GaussianCopula(),
}
