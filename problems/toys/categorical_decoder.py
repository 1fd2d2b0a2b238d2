"""Categorical latents before a decoder: the gradient that an encoder is passed back."""

from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
from jaxtyping import Array, Float

from gradest.problems.arguments import as_float, choice, integer, widths
from gradest.problems.base import Params, Problem
from gradest.problems.data import IMAGES, images_of, split
from gradest.problems.distributions.discrete import OneHotCategoricalLogits
from gradest.problems.distributions.enumeration import all_log_probs, all_states, is_enumerable
from gradest.problems.distributions.perceptron import (
    Activation,
    Layers,
    apply,
    perceptron,
    widths_of,
)


class CategoricalDecoder(Problem):
    r"""$f_n(z) = \frac1N \mathrm{CE}(x_n, \mathrm{decoder}(z))$ in nats, for N grey images x and
    latents $z_n$ ~ Categorical(softmax(φ_n)) in each of D coordinates, one-hot.

    θ is the group `logits` (φ), of each image its own; where it starts, an encoder that has seen
    nothing gives them. Its gradient is what a VAE's likelihood passes back to the encoder: the
    divergence from the prior is left out. The decoder mirrors the encoder, and stays as it was
    drawn, from `numpy.random.default_rng(0)`: of n inputs, weights and biases between ±√(1/n).

    Shapes: `logits` and z are (N, D, K), the images (N, pixels) from 0 to 1. Truth: the sum over
    all $K^D$ latents, up to 4,096; the decoder sees each of them once, for all images.
    """

    data: str = choice(tuple(IMAGES), "digits", "which images")
    num_images: int = integer(16, "N, the images")
    hidden_dim: int | str = widths(32, "units in each hidden layer of the encoder; mirrored")
    latent_dim: int = integer(4, "D, the categorical variables in z")
    categories: int = integer(8, "K, the categories of each", at_least=2)
    activation: str = choice(("relu", "tanh"), "relu", "what stands between layers")
    images: Float[Array, "points pixels"] = eqx.field(default=None)
    decoder: Layers = eqx.field(default=None)

    truth: ClassVar[str] = "enumeration"
    purpose: ClassVar[str] = "categorical logits before a decoder"
    source: ClassVar[str] = "Liu, Dong, Liu, Yu and Gao, 2023"

    def __post_init__(self) -> None:
        order = np.concatenate(split(self.data))
        if self.num_images > len(order):
            most = f"at most {len(order)}, all of {self.data}"
            raise ValueError(f"num_images = {self.num_images}: expected {most}")
        self.images = as_float(images_of(self.data, "none", order[: self.num_images]))
        sizes = [self.numbers, *reversed(widths_of(self.hidden_dim)), self.images.shape[1]]
        rng = np.random.default_rng(0)
        layers = perceptron(jax.random.key(0), sizes)
        self.decoder = [drawn_again(layer, rng) for layer in layers]

    @property
    def numbers(self) -> int:
        """How many a latent of one image is for the decoder."""
        return self.latent_dim * self.categories

    @property
    def between(self) -> Activation:
        """What stands between the layers."""
        return Activation(self.activation)

    def init_params(self, key: Array) -> Params:
        sizes = [self.images.shape[1], *widths_of(self.hidden_dim), self.numbers]
        logits = apply(perceptron(key, sizes), self.images, self.between)
        return {"logits": logits.reshape(-1, self.latent_dim, self.categories)}

    def distribution(self, params: Params) -> dist.Distribution:
        return OneHotCategoricalLogits(params["logits"]).to_event(1)

    def outputs(self, z: Float[Array, "points *latent"]) -> Array:
        """The decoder's logits of the pixels for each row of latents."""
        return apply(self.decoder, z.reshape(len(z), -1), self.between)

    def objective(self, params: Params, x: Float[Array, "points *latent"]) -> Array:
        outputs = self.outputs(x)
        entropies = jax.nn.softplus(outputs) - self.images * outputs
        return entropies.sum(-1) / len(self.images)

    def expectation(self, params: Params) -> Float[Array, ""]:
        """E[f], the sum over all latents."""
        q = self.distribution(params)
        outputs = self.outputs(jnp.asarray(all_states(q), params["logits"].dtype))
        # Σ_pixels softplus(o) − x o, for each image and each value of z
        entropies = jax.nn.softplus(outputs).sum(-1) - self.images @ outputs.T
        return (jnp.exp(all_log_probs(q)) * entropies).sum() / len(self.images)

    def exact_gradient(self, params: Params) -> Params | None:
        return jax.grad(self.expectation)(params) if self.can_be_listed else None

    def exact_objective(self, params: Params) -> Float[Array, ""] | None:
        return self.expectation(params) if self.can_be_listed else None

    @property
    def can_be_listed(self) -> bool:
        """Whether z has so few values that sums over all of them are affordable."""
        return is_enumerable(self.abstract_distribution())


def drawn_again(layer: eqx.nn.Linear, rng: np.random.Generator) -> eqx.nn.Linear:
    """A layer with weights and biases that are the same in every precision and of every JAX."""
    bound = layer.weight.shape[1] ** -0.5
    numbers = [as_float(rng.uniform(-bound, bound, leaf.shape)) for leaf in jax.tree.leaves(layer)]
    return jax.tree.unflatten(jax.tree.structure(layer), numbers)
