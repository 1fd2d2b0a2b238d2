"""Importance-weighted autoencoders: the VAEs of `problems.variational.vae` under a bound of K
particles."""

from typing import ClassVar

import jax
import numpyro.distributions as dist
from jaxtyping import Array, Float

from gradest.problems.base import Params
from gradest.problems.bounds import ImportanceWeightedBound, particles
from gradest.problems.variational.vae import VAEBernoulli, VAEGaussian, VariationalAutoencoder


class VAEBound(ImportanceWeightedBound, VariationalAutoencoder):
    r"""The negative K-sample bound in nats per image,
    $-\frac1N \sum_n E[\log \frac1K \sum_k w_{nk}]$.

    Shapes: the particles z are (N, K, D).
    """

    # no argument here: a bound of several particles has no closed form of the divergence
    kl: ClassVar[str] = "sampled"  # type: ignore[misc]

    @property
    def factor(self) -> float:
        return 1 / len(self.images)

    def log_joint(
        self, params: Params, x: Float[Array, "points particles latent"]
    ) -> Float[Array, "points particles"]:
        of_each_particle = jax.vmap(self.log_likelihood, in_axes=(None, -2), out_axes=-1)
        log_likelihood = of_each_particle(params, x)
        log_prior = self.prior_of(params).base_dist.log_prob(x).sum(-1)
        return log_likelihood + log_prior


class VAEGaussianBound(VAEBound, VAEGaussian):
    r"""$f = -\frac1N \log \frac1K \sum_k w_{nk}$ for `vae_gaussian`, with K particles of each
    latent: IWAE.

    Truth: none, since the decoder is a network.
    """

    purpose: ClassVar[str] = "IWAE's bound: K Gaussian particles"
    source: ClassVar[str] = "Burda, Grosse and Salakhutdinov, 2016"

    def distribution(self, params: Params) -> dist.Distribution:
        return particles(super().distribution(params), self.num_particles)


class VAEBernoulliBound(VAEBound, VAEBernoulli):
    r"""$f = -\frac1N \log \frac1K \sum_k w_{nk}$ for `vae_bernoulli`, with K particles: the test
    bed of VIMCO.

    Truth: the sum over the $2^{KD}$ values of all particles of an image, for K·D up to 12.
    """

    purpose: ClassVar[str] = "VIMCO's bound: K binary particles"
    source: ClassVar[str] = "Mnih and Rezende, 2016"

    def distribution(self, params: Params) -> dist.Distribution:
        return particles(super().distribution(params), self.num_particles)
