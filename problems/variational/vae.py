"""Variational autoencoders (Kingma and Welling, 2014) on real digits: the gradient of the ELBO in a
whole network."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
from jaxtyping import Array, Float

from gradest.problems.arguments import as_float, choice, integer
from gradest.problems.base import Params, WithData, WithInputs
from gradest.problems.bounds import VariationalBound
from gradest.problems.data import IMAGES
from gradest.problems.distributions.discrete import Bernoulli, OneHotCategoricalLogits
from gradest.problems.distributions.enumeration import Enumerated
from gradest.problems.distributions.perceptron import apply, perceptron

KL_WAYS = ("analytic", "sampled")
"""How the divergence of q from the prior enters f."""


class ImageModel(VariationalBound, WithData):
    r"""A model of images with latents z, measured on N of the data set, drawn once: the only noise
    is that of z.

    At `train_steps = 0` θ is the initialisation; else it is trained for so many steps, on all
    images, in double precision, and rounded to single precision.

    Shapes: the images are (N, pixels), of zeros and ones.
    """

    data: str = choice(tuple(IMAGES), "digits", "which images")
    num_images: int = integer(16, "N, the images whose ELBO is differentiated")
    hidden_dim: int = integer(32, "units in each hidden layer")
    latent_dim: int = integer(8, "D, the size of z")
    # an array leaf: one compiled program serves every θ
    train_steps: Array = integer(
        0,
        "steps of training before the gradient is measured",
        at_least=0,
        at_most=1_000_000,
        static=False,
    )
    images: Float[Array, "points pixels"] = eqx.field(default=None)

    data_fields: ClassVar[tuple[str, ...]] = ("images",)

    training_revision: ClassVar[int] = 1
    """Raised with every change that makes a trained θ another, beside `revision`."""

    @classmethod
    def revision_with(cls, arguments: Mapping[str, Any]) -> int:
        return cls.revision + (cls.training_revision if arguments["train_steps"] else 0)

    def __post_init__(self) -> None:
        if self.images is not None:  # a minibatch in training
            return
        available = IMAGES[self.data]()
        if self.num_images > len(available):
            most = f"at most {len(available)}, all of {self.data}"
            raise ValueError(f"num_images = {self.num_images}: expected {most}")
        chosen = np.random.default_rng(0).permutation(len(available))[: self.num_images]
        self.images = as_float(available[chosen])


class VariationalAutoencoder(ImageModel, WithInputs):
    r"""The negative ELBO in nats per image,
    $\frac1N \sum_n E_{q_\theta(z|x_n)}[-\log p_\theta(x_n|z)] + KL_n$.

    θ has the groups `encoder` and `decoder`, networks of one hidden layer of tanh units. The
    encoder is amortised: all N latents share its weights.

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
    def prior(self) -> dist.Distribution:
        """The prior p(z)."""

    @abstractmethod
    def analytic_kl(self, params: Params) -> Float[Array, " points"]:
        """KL(q(z|x_n) || p(z)) of each image."""

    def init_params(self, key: Array) -> Params:
        encoder_key, decoder_key = jax.random.split(key)
        pixels = self.images.shape[1]
        encoder_sizes = [pixels, self.hidden_dim, self.encoder_outputs]
        decoder_sizes = [self.decoder_inputs, self.hidden_dim, pixels]
        return {
            "encoder": perceptron(encoder_key, encoder_sizes),
            "decoder": perceptron(decoder_key, decoder_sizes),
        }

    @property
    def holds_density(self) -> bool:
        return self.kl == "sampled"

    def log_likelihood(
        self, params: Params, x: Float[Array, "points *latent"]
    ) -> Float[Array, " points"]:
        """log p(x_n | z) of each image at its latent."""
        logits = apply(params["decoder"], x.reshape(len(x), -1))
        return Bernoulli(logits, validate_args=False).to_event(1).log_prob(self.images)

    def objective_under(
        self, params: Params, q: dist.Distribution, x: Float[Array, "points *latent"]
    ) -> Float[Array, " points"]:
        if self.kl == "analytic":
            kl = self.analytic_kl(params)
        else:
            kl = q.log_prob(x) - self.prior().log_prob(x)
        return (kl - self.log_likelihood(params, x)) / len(self.images)


class VAEGaussian(VariationalAutoencoder):
    r"""Gaussian latents: $q_\theta(z|x) = N(\mu_\theta(x), \mathrm{diag}(\sigma_\theta(x)^2))$,
    prior N(0, I).

    The encoder gives μ and log σ of each latent. Truth: none, since the decoder is a network.
    """

    purpose: ClassVar[str] = "a VAE with Gaussian latents"
    source: ClassVar[str] = "Kingma and Welling, 2014"

    @property
    def encoder_outputs(self) -> int:
        return 2 * self.latent_dim

    def distribution(self, params: Params) -> dist.Distribution:
        outputs = apply(params["encoder"], self.images)
        mean, log_scale = jnp.split(outputs, 2, axis=-1)
        return dist.Normal(mean, jnp.exp(log_scale)).to_event(1)

    def prior(self) -> dist.Distribution:
        return dist.Normal(jnp.zeros(self.latent_dim), 1).to_event(1)

    def analytic_kl(self, params: Params) -> Float[Array, " points"]:
        return gaussian_kl(self.distribution(params))


class VAEBernoulli(Enumerated, VariationalAutoencoder):
    r"""Bernoulli latents: $q_\theta(b|x)$ with logits from the encoder, prior Bernoulli(½).

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
        return Bernoulli(apply(params["encoder"], self.images), validate_args=False).to_event(1)

    def prior(self) -> dist.Distribution:
        return Bernoulli(jnp.zeros(self.latent_dim), validate_args=False).to_event(1)

    def analytic_kl(self, params: Params) -> Float[Array, " points"]:
        # Σ p log p + (1 − p) log(1 − p) − log ½
        logits = self.distribution(params).base_dist.logits
        log_on = jax.nn.log_sigmoid(logits)
        log_off = jax.nn.log_sigmoid(-logits)
        negentropy = jnp.exp(log_on) * log_on + jnp.exp(log_off) * log_off
        return (negentropy + jnp.log(2.0)).sum(-1)


class VAECategorical(Enumerated, VariationalAutoencoder):
    r"""Categorical latents: $q_\theta(z|x)$ chooses one of K categories in each of D, prior
    uniform.

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
        outputs = apply(params["encoder"], self.images)
        logits = outputs.reshape(-1, self.latent_dim, self.categories)
        return OneHotCategoricalLogits(logits).to_event(1)

    def prior(self) -> dist.Distribution:
        logits = jnp.zeros((self.latent_dim, self.categories))
        return OneHotCategoricalLogits(logits).to_event(1)

    def analytic_kl(self, params: Params) -> Float[Array, " points"]:
        # Σ p log p − log 1/K
        q = self.distribution(params).base_dist
        negentropy = (q.probs * q.log_probs).sum((-2, -1))
        return negentropy + self.latent_dim * np.log(self.categories)


def gaussian_kl(q: dist.Distribution) -> Float[Array, " points"]:
    r"""$KL(q || N(0, I)) = \frac12 \sum_i (\mu_i^2 + \sigma_i^2 - 1 - 2 \log \sigma_i)$ of each
    data point, for a q of independent Gaussian coordinates."""
    mean = q.base_dist.loc
    scale = q.base_dist.scale
    doubled = mean**2 + scale**2 - 1 - 2 * jnp.log(scale)
    return 0.5 * doubled.sum(-1)
