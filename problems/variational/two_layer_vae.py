"""A VAE with two layers of Bernoulli latents: q over x does not factorise."""

from typing import ClassVar

import jax
import jax.numpy as jnp
import numpyro.distributions as dist
from jaxtyping import Array, Float

from gradest.problems.arguments import as_float
from gradest.problems.base import Params, WithInputs
from gradest.problems.distributions.bernoulli_chain import BernoulliChain, bit_log_prob
from gradest.problems.distributions.enumeration import Enumerated
from gradest.problems.variational.image_model import ImageModel


class VAEBernoulliTwoLayers(Enumerated, ImageModel, WithInputs):
    r"""Two layers of bits: $q_\theta(b_1 | x) q_\theta(b_2 | b_1)$ against
    $p(b_2) p(b_1 | b_2) p(x | b_1)$.

    $f = \frac1N [\log q_\theta(b) - \log p_\theta(x_n, b)]$, the negative ELBO in nats per image,
    at the sample; p(b₂) is Bernoulli(½), or learned from there, as the group `prior`.

    Shapes: both layers are (N, 2, D), the images (N, pixels); the groups `encoder` and `decoder`
    are two networks each, of one hidden layer unless others are asked for. Truth: the sum over all
    $2^{2D}$ latents of each image, for D up to 6.
    """

    purpose: ClassVar[str] = "a VAE with two layers of binary latents"
    source: ClassVar[str] = "Mnih and Gregor, 2014"

    @property
    def inputs(self) -> Float[Array, "points pixels"]:
        return self.images

    def init_params(self, key: Array) -> Params:
        keys = jax.random.split(key, 4)
        pixels = self.images.shape[1]
        latent = self.latent_dim
        networks: Params = {
            "encoder": {
                "first": self.encoder(keys[0], pixels, latent),
                "second": self.encoder(keys[1], latent, latent),
            },
            "decoder": {
                "first": self.decoder(keys[2], latent, pixels),
                "second": self.decoder(keys[3], latent, latent),
            },
        }
        learned = {"prior": {"logits": as_float(jnp.zeros(latent))}}
        return networks | (learned if self.prior == "learned" else {})

    def distribution(self, params: Params) -> dist.Distribution:
        encoder = params["encoder"]
        logits = self.of_images(encoder["first"])
        return BernoulliChain(logits, encoder["second"], self.between, centred=self.centred)

    def objective_under(
        self, params: Params, q: dist.Distribution, x: Float[Array, "points 2 latent"]
    ) -> Float[Array, " points"]:
        first = x[:, 0]
        second = x[:, 1]
        decoder = params["decoder"]
        pixel_logits = self.pixel_logits(self.of_bits(decoder["first"], first))
        log_likelihood = bit_log_prob(pixel_logits, self.images)
        log_p_first = bit_log_prob(self.of_bits(decoder["second"], second), first)
        prior = params["prior"]["logits"] if self.prior == "learned" else 0 * second
        log_p_second = bit_log_prob(prior, second)
        log_p = log_likelihood + (log_p_first + log_p_second)
        return (q.log_prob(x) - log_p) / len(self.images)
