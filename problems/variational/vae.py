"""Variational autoencoders (Kingma and Welling, 2014) on real digits: the gradient of the ELBO in a whole network."""

from abc import abstractmethod
from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
from jaxtyping import Array, Float

from gradest.problems.arguments import as_float, choice, integer
from gradest.problems.base import Params, WithInputs
from gradest.problems.bounds import VariationalBound
from gradest.problems.data import IMAGES
from gradest.problems.distributions.discrete import Bernoulli, OneHotCategoricalLogits
from gradest.problems.distributions.enumeration import enumerated_expectation, is_enumerable
from gradest.problems.distributions.perceptron import apply, perceptron

KL = {"analytic": "analytic", "sampled": "sampled"}


class ImageModel(VariationalBound):
    r"""A model of images with latents z, measured on N of the data set, drawn once: the only noise
    is that of z.

    At `train_steps = 0` θ is the initialisation; else it is trained for so many steps (on all
    images).
    """

    data: str = choice({name: name for name in IMAGES}, "digits", "which images")
    num_images: int = integer(16, "N, the images whose ELBO is differentiated")
    hidden_dim: int = integer(32, "units in each hidden layer")
    latent_dim: int = integer(8, "D, the size of z")
    # an array leaf: one compiled program serves every θ
    train_steps: Array = integer(
        0, "steps of training before the gradient is measured", at_least=0, static=False
    )
    images: Float[Array, "points pixels"] = eqx.field(default=None)

    def __post_init__(self) -> None:
        if self.images is not None:  # given as they are: a minibatch in training
            return
        everything = IMAGES[self.data]()
        if self.num_images > len(everything):
            raise ValueError(
                f"num_images = {self.num_images}: expected at most {len(everything)}, all of {self.data}"
            )
        chosen = np.random.default_rng(0).permutation(len(everything))[: self.num_images]
        self.images = as_float(everything[chosen])


class VariationalAutoencoder(ImageModel, WithInputs):
    r"""The negative ELBO in nats per image, $\frac1N \sum_n E_{q_\theta(z|x_n)}[-\log
    p_\theta(x_n|z)] + KL_n$.

    θ has the groups `encoder` and `decoder`, one hidden layer of tanh units each. The encoder is
    amortised: all N latents share its weights.
    """

    kl: str = choice(
        KL, "analytic", "KL(q || p): in closed form, or log q(z|x) − log p(z) at the samples"
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
        """p(z)."""

    @abstractmethod
    def analytic_kl(self, params: Params) -> Float[Array, " points"]:
        """KL(q(z|x_n) || p(z)) of each image."""

    def init_params(self, key: Array) -> Params:
        encoder, decoder = jax.random.split(key)
        pixels = self.images.shape[1]
        return {
            "encoder": perceptron(encoder, [pixels, self.hidden_dim, self.encoder_outputs]),
            "decoder": perceptron(decoder, [self.decoder_inputs, self.hidden_dim, pixels]),
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
        kl = (
            self.analytic_kl(params)
            if self.kl == "analytic"
            else q.log_prob(x) - self.prior().log_prob(x)
        )
        return (kl - self.log_likelihood(params, x)) / len(self.images)


class VAEGaussian(VariationalAutoencoder):
    r"""Gaussian latents: $q_\theta(z|x) = N(\mu_\theta(x), \mathrm{diag}(\sigma_\theta(x)^2))$,
    prior N(0, I).

    There is no exact gradient: the decoder is a network.
    """

    source: ClassVar[str] = "Kingma and Welling, 2014"

    @property
    def encoder_outputs(self) -> int:
        return 2 * self.latent_dim

    def distribution(self, params: Params) -> dist.Distribution:
        mean, log_scale = jnp.split(apply(params["encoder"], self.images), 2, axis=-1)
        return dist.Normal(mean, jnp.exp(log_scale)).to_event(1)

    def prior(self) -> dist.Distribution:
        return dist.Normal(jnp.zeros(self.latent_dim), 1).to_event(1)

    def analytic_kl(self, params: Params) -> Float[Array, " points"]:
        q = self.distribution(params).base_dist
        return 0.5 * (q.loc**2 + q.scale**2 - 1 - 2 * jnp.log(q.scale)).sum(-1)


class VAEBernoulli(VariationalAutoencoder):
    r"""Bernoulli latents: $q_\theta(b|x)$ with logits from the encoder, prior Bernoulli(½).

    The exact gradient is a sum over all $2^D$ latent vectors of each image, for D up to 12.
    """

    revision: ClassVar[int] = 2
    truth: ClassVar[str] = "enumeration"
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
        logits = self.distribution(params).base_dist.logits
        on, off = jax.nn.log_sigmoid(logits), jax.nn.log_sigmoid(-logits)
        return (jnp.exp(on) * on + jnp.exp(off) * off + jnp.log(2.0)).sum(-1)

    def exact_gradient(self, params: Params) -> Params | None:
        if not is_enumerable(self.distribution(params)):
            return None
        return jax.grad(lambda params: enumerated_expectation(self, params))(params)


class VAECategorical(VariationalAutoencoder):
    r"""Categorical latents: $q_\theta(z|x)$ chooses one of K categories in each of D, prior
    uniform.

    z is one-hot, and the decoder sees its D·K entries. The exact gradient is a sum over all $K^D$
    latents of each image, up to 4,096.
    """

    latent_dim: int = integer(4, "D, the categorical variables in z")
    categories: int = integer(8, "K, the categories of each", at_least=2)

    truth: ClassVar[str] = "enumeration"
    source: ClassVar[str] = "Jang, Gu and Poole, 2017"

    @property
    def encoder_outputs(self) -> int:
        return self.latent_dim * self.categories

    @property
    def decoder_inputs(self) -> int:
        return self.latent_dim * self.categories

    def distribution(self, params: Params) -> dist.Distribution:
        logits = apply(params["encoder"], self.images).reshape(-1, self.latent_dim, self.categories)
        return OneHotCategoricalLogits(logits).to_event(1)

    def prior(self) -> dist.Distribution:
        return OneHotCategoricalLogits(jnp.zeros((self.latent_dim, self.categories))).to_event(1)

    def analytic_kl(self, params: Params) -> Float[Array, " points"]:
        q = self.distribution(params).base_dist
        return (q.probs * q.log_probs).sum((-2, -1)) + self.latent_dim * np.log(self.categories)

    def exact_gradient(self, params: Params) -> Params | None:
        if not is_enumerable(self.distribution(params)):
            return None
        return jax.grad(lambda params: enumerated_expectation(self, params))(params)
