"""Variational autoencoders (Kingma and Welling, 2014) on real digits: the gradient of the ELBO in a
whole network."""

from abc import abstractmethod
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
from jaxtyping import Array, Float

from gradest.problems.arguments import as_float, choice, integer
from gradest.problems.base import Params, WithInputs
from gradest.problems.distributions.bits import bit_log_probs
from gradest.problems.distributions.discrete import Bernoulli, OneHotCategoricalLogits
from gradest.problems.distributions.enumeration import Enumerated
from gradest.problems.distributions.perceptron import Layers, apply
from gradest.problems.variational.image_model import ImageModel

KL_WAYS = ("analytic", "sampled")
"""How the divergence of q from the prior enters f."""


class VariationalAutoencoder(ImageModel, WithInputs):
    r"""The negative ELBO in nats per image,
    $\frac1N \sum_n E_{q_\theta(z|x_n)}[-\log p_\theta(x_n|z)] + KL_n$.

    θ has the groups `encoder` and `decoder`, networks, of one hidden layer of tanh units unless
    others are asked for; and, where the prior is learned, `prior`. The encoder is amortised: all N
    latents share its weights.

    Shapes: z is (N, D), or (N, D, K) where its coordinates are one-hot.
    """

    kl: str = choice(
        KL_WAYS, "analytic", "KL(q || p): in closed form, or log q − log p at a sample"
    )

    @property
    def inputs(self) -> Float[Array, "points pixels"]:
        return self.images

    @property
    @abstractmethod
    def encoder_outputs(self) -> int:
        """How many numbers per image the encoder gives."""

    @property
    def decoder_inputs(self) -> int:
        """How many numbers z is for the decoder."""
        return self.latent_dim

    @abstractmethod
    def first_prior(self) -> Params:
        """What the prior is made of, as it starts."""

    @abstractmethod
    def prior_of(self, params: Params) -> dist.Distribution:
        """The prior p(z)."""

    def made_of(self, params: Params) -> Params:
        """What the prior is made of: part of θ, or as it starts."""
        return params["prior"] if self.prior == "learned" else self.first_prior()

    @abstractmethod
    def analytic_kl(self, params: Params) -> Float[Array, " points"]:
        """KL(q(z|x_n) || p(z)) of each image."""

    def init_params(self, key: Array) -> Params:
        encoder_key, decoder_key = jax.random.split(key)
        pixels = self.images.shape[1]
        networks = {
            "encoder": self.encoder(encoder_key, pixels, self.encoder_outputs),
            "decoder": self.decoder(decoder_key, self.decoder_inputs, pixels),
        }
        learned = {"prior": self.first_prior()} if self.prior == "learned" else {}
        return networks | learned

    @property
    def holds_density(self) -> bool:
        return self.kl == "sampled"

    def log_likelihood(
        self, params: Params, x: Float[Array, "points *latent"]
    ) -> Float[Array, " points"]:
        """log p(x_n | z) of each image at its latent."""
        outputs = self.of_latents(params["decoder"], x.reshape(len(x), -1))
        logits = self.pixel_logits(outputs)
        return Bernoulli(logits, validate_args=False).to_event(1).log_prob(self.images)

    def of_latents(
        self, layers: Layers, z: Float[Array, "points in"]
    ) -> Float[Array, "points out"]:
        """The decoder's outputs for each row of latents."""
        return apply(layers, z, self.between)

    def objective_under(
        self, params: Params, q: dist.Distribution, x: Float[Array, "points *latent"]
    ) -> Float[Array, " points"]:
        if self.kl == "analytic":
            kl = self.analytic_kl(params)
        else:
            kl = q.log_prob(x) - self.prior_of(params).log_prob(x)
        return (kl - self.log_likelihood(params, x)) / len(self.images)


class VAEGaussian(VariationalAutoencoder):
    r"""Gaussian latents: $q_\theta(z|x) = N(\mu_\theta(x), \mathrm{diag}(\sigma_\theta(x)^2))$,
    prior N(0, I), or learned with a mean and a log scale for each latent.

    The encoder gives μ and log σ of each latent. Truth: none, since the decoder is a network.
    """

    purpose: ClassVar[str] = "a VAE with Gaussian latents"
    source: ClassVar[str] = "Kingma and Welling, 2014"

    @property
    def encoder_outputs(self) -> int:
        return 2 * self.latent_dim

    def distribution(self, params: Params) -> dist.Distribution:
        outputs = self.of_images(params["encoder"])
        mean, log_scale = jnp.split(outputs, 2, axis=-1)
        return dist.Normal(mean, jnp.exp(log_scale)).to_event(1)

    def first_prior(self) -> Params:
        zeros = as_float(jnp.zeros(self.latent_dim))
        return {"mean": zeros, "log_scale": zeros}

    def prior_of(self, params: Params) -> dist.Distribution:
        prior = self.made_of(params)
        return dist.Normal(prior["mean"], jnp.exp(prior["log_scale"])).to_event(1)

    def analytic_kl(self, params: Params) -> Float[Array, " points"]:
        q = self.distribution(params)
        if self.prior == "fixed":
            return gaussian_kl(q)
        # in units in which the prior is N(0, I)
        mean, log_scale = params["prior"]["mean"], params["prior"]["log_scale"]
        standardised = (q.base_dist.loc - mean) * jnp.exp(-log_scale)
        return gaussian_kl(
            dist.Normal(standardised, q.base_dist.scale * jnp.exp(-log_scale)).to_event(1)
        )


class VAEBernoulli(Enumerated, VariationalAutoencoder):
    r"""Bernoulli latents: $q_\theta(b|x)$ with logits from the encoder, prior Bernoulli(½), or
    learned from there.

    Truth: the sum over all $2^D$ latent vectors of each image, for D up to 12.
    """

    purpose: ClassVar[str] = "a VAE with binary latents"
    revision: ClassVar[int] = 2
    source: ClassVar[str] = "Mnih and Gregor, 2014"

    @property
    def encoder_outputs(self) -> int:
        return self.latent_dim

    def distribution(self, params: Params) -> dist.Distribution:
        # log q is asked for at relaxed bits too, which are outside its support
        return Bernoulli(self.of_images(params["encoder"]), validate_args=False).to_event(1)

    def of_latents(
        self, layers: Layers, z: Float[Array, "points in"]
    ) -> Float[Array, "points out"]:
        return self.of_bits(layers, z)

    def first_prior(self) -> Params:
        return {"logits": as_float(jnp.zeros(self.latent_dim))}

    def prior_of(self, params: Params) -> dist.Distribution:
        return Bernoulli(self.made_of(params)["logits"], validate_args=False).to_event(1)

    def analytic_kl(self, params: Params) -> Float[Array, " points"]:
        # Σ p log p + (1 − p) log(1 − p) − E[log p(b)], whose last term is log ½ where it is fixed
        logits = self.distribution(params).base_dist.logits
        log_on = jax.nn.log_sigmoid(logits)
        log_off = jax.nn.log_sigmoid(-logits)
        negentropy = jnp.exp(log_on) * log_on + jnp.exp(log_off) * log_off
        if self.prior == "fixed":
            return (negentropy + jnp.log(2.0)).sum(-1)
        expected = bit_log_probs(params["prior"]["logits"], jnp.exp(log_on))
        return (negentropy - expected).sum(-1)


class VAECategorical(Enumerated, VariationalAutoencoder):
    r"""Categorical latents: $q_\theta(z|x)$ chooses one of K categories in each of D, prior
    uniform, or learned from there.

    z is one-hot, and the decoder sees its D·K entries. Truth: the sum over all $K^D$ latents of
    each image, up to 4,096.
    """

    latent_dim: int = integer(4, "D, the categorical variables in z")
    categories: int = integer(8, "K, the categories of each", at_least=2)

    purpose: ClassVar[str] = "a VAE with categorical latents"
    source: ClassVar[str] = "Jang, Gu and Poole, 2017"

    @property
    def encoder_outputs(self) -> int:
        return self.latent_dim * self.categories

    @property
    def decoder_inputs(self) -> int:
        return self.latent_dim * self.categories

    def distribution(self, params: Params) -> dist.Distribution:
        outputs = self.of_images(params["encoder"])
        logits = outputs.reshape(-1, self.latent_dim, self.categories)
        return OneHotCategoricalLogits(logits).to_event(1)

    def first_prior(self) -> Params:
        return {"logits": as_float(jnp.zeros((self.latent_dim, self.categories)))}

    def prior_of(self, params: Params) -> dist.Distribution:
        return OneHotCategoricalLogits(self.made_of(params)["logits"]).to_event(1)

    def analytic_kl(self, params: Params) -> Float[Array, " points"]:
        # Σ p log p − E[log p(z)], whose last term is log 1/K where it is fixed
        q = self.distribution(params).base_dist
        negentropy = (q.probs * q.log_probs).sum((-2, -1))
        if self.prior == "fixed":
            return negentropy + self.latent_dim * np.log(self.categories)
        log_prior = self.prior_of(params).base_dist.log_probs
        return negentropy - (q.probs * log_prior).sum((-2, -1))


def gaussian_kl(q: dist.Distribution) -> Float[Array, " points"]:
    r"""$KL(q || N(0, I)) = \frac12 \sum_i (\mu_i^2 + \sigma_i^2 - 1 - 2 \log \sigma_i)$ of each
    data point, for a q of independent Gaussian coordinates."""
    mean = q.base_dist.loc
    scale = q.base_dist.scale
    doubled = mean**2 + scale**2 - 1 - 2 * jnp.log(scale)
    return 0.5 * doubled.sum(-1)
