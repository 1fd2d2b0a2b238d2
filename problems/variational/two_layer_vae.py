"""A VAE with two layers of Bernoulli latents: q over x does not factorise."""

from typing import ClassVar

import jax
import numpyro.distributions as dist
from jaxtyping import Array, Float

from gradest.problems.base import Params
from gradest.problems.distributions.bernoulli_chain import BernoulliChain, bit_log_prob
from gradest.problems.distributions.enumeration import enumerated_expectation, is_enumerable
from gradest.problems.distributions.perceptron import apply, perceptron
from gradest.problems.variational.vae import ImageModel


class VAEBernoulliTwoLayers(ImageModel):
    r"""Two layers of bits: $q_\theta(b_1 | x) q_\theta(b_2 | b_1)$ against $p(b_2) p(b_1 | b_2) p(x
    | b_1)$.

    The negative ELBO in nats per image, with $\log q_\theta - \log p_\theta$ at the sample and
    p(b₂) Bernoulli(½): x is both layers, with event (2, D). θ has the groups `encoder` and
    `decoder`, two networks of one hidden layer each. The exact gradient is a sum over all $2^{2D}$
    latents of each image, for D up to 6.
    """

    truth: ClassVar[str] = "enumeration"
    source: ClassVar[str] = "Mnih and Gregor, 2014"

    def init_params(self, key: Array) -> Params:
        keys = jax.random.split(key, 4)
        pixels, hidden, latent = self.images.shape[1], self.hidden_dim, self.latent_dim
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
        first, second, decoder = x[:, 0], x[:, 1], params["decoder"]
        log_p = bit_log_prob(apply(decoder["first"], first), self.images)
        log_p += bit_log_prob(apply(decoder["second"], second), first) + bit_log_prob(
            0 * second, second
        )
        return (q.log_prob(x) - log_p) / len(self.images)

    def exact_gradient(self, params: Params) -> Params | None:
        if not is_enumerable(self.distribution(params)):
            return None
        return jax.grad(lambda params: enumerated_expectation(self, params))(params)
