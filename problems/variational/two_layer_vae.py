"""A VAE with two layers of Bernoulli latents: q over x does not factorise."""

from typing import ClassVar

import jax
import numpyro.distributions as dist
from jaxtyping import Array, Float

from gradest.problems.base import Params
from gradest.problems.distributions.bernoulli_chain import BernoulliChain, bit_log_prob
from gradest.problems.distributions.enumeration import Enumerated
from gradest.problems.distributions.perceptron import apply, perceptron
from gradest.problems.variational.vae import ImageModel


class VAEBernoulliTwoLayers(Enumerated, ImageModel):
    r"""Two layers of bits: $q_\theta(b_1 | x) q_\theta(b_2 | b_1)$ against
    $p(b_2) p(b_1 | b_2) p(x | b_1)$.

    $f = \frac1N [\log q_\theta(b) - \log p_\theta(x_n, b)]$, the negative ELBO in nats per image,
    at the sample; p(b₂) is Bernoulli(½).

    Shapes: both layers are (N, 2, D), the images (N, pixels); the groups `encoder` and `decoder`
    are two networks of one hidden layer each. Truth: the sum over all $2^{2D}$ latents of each
    image, for D up to 6.
    """

    purpose: ClassVar[str] = "a VAE with two layers of binary latents"
    source: ClassVar[str] = "Mnih and Gregor, 2014"

    def init_params(self, key: Array) -> Params:
        keys = jax.random.split(key, 4)
        pixels = self.images.shape[1]
        hidden = self.hidden_dim
        latent = self.latent_dim
        return {
            "encoder": {
                "first": perceptron(keys[0], [pixels, hidden, latent]),
                "second": perceptron(keys[1], [latent, hidden, latent]),
            },
            "decoder": {
                "first": perceptron(keys[2], [latent, hidden, pixels]),
                "second": perceptron(keys[3], [latent, hidden, latent]),
            },
        }

    def distribution(self, params: Params) -> dist.Distribution:
        encoder = params["encoder"]
        return BernoulliChain(apply(encoder["first"], self.images), encoder["second"])

    def objective_under(
        self, params: Params, q: dist.Distribution, x: Float[Array, "points 2 latent"]
    ) -> Float[Array, " points"]:
        first = x[:, 0]
        second = x[:, 1]
        decoder = params["decoder"]
        log_likelihood = bit_log_prob(apply(decoder["first"], first), self.images)
        log_p_first = bit_log_prob(apply(decoder["second"], second), first)
        log_p_second = bit_log_prob(0 * second, second)
        log_p = log_likelihood + (log_p_first + log_p_second)
        return (q.log_prob(x) - log_p) / len(self.images)
