"""Models of images: the data, and the networks about the latents."""

from collections.abc import Mapping
from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import logit
from jaxtyping import Array, Float

from gradest.problems.arguments import (
    Number,
    as_float,
    choice,
    flag,
    integer,
    number,
    widths,
)
from gradest.problems.base import WithData
from gradest.problems.bounds import VariationalBound
from gradest.problems.data import IMAGES, PIXELS, images_of, split
from gradest.problems.distributions.perceptron import (
    ACTIVATIONS,
    INITIALISATIONS,
    Activation,
    Layers,
    apply,
    perceptron,
    widths_of,
)

PRIORS = ("fixed", "learned")
"""Whether θ has the prior's parameters in it, as the group `prior`."""

SLOPE = 0.1
"""Of leaky_relu below 0, where nothing is said."""

LEAST, MOST = 0.001, 0.999
"""Of a mean pixel's probability, whose log-odds are then finite."""


class ImageModel(VariationalBound, WithData):
    r"""A model of images with latents z, measured on N of the data set, drawn once: the only noise
    is that of z, unless a sweep asks for minibatches.

    The data set is shuffled once, and its last fifth held out. At `train_steps = 0` θ is the
    initialisation; else it is trained for so many steps, on all images, in double precision, and
    rounded to single precision.

    Shapes: the images are (N, pixels), of zeros and ones, or grey from 0 to 1: the likelihood is
    then the cross-entropy, which is that of no distribution, so that f bounds no evidence.
    """

    data: str = choice(tuple(IMAGES), "digits", "which images")
    num_images: int = integer(16, "N, the images whose ELBO is differentiated")
    hidden_dim: int | str = widths(32, "units in each hidden layer of the encoder; mirrored")
    latent_dim: int = integer(8, "D, the size of z")
    # an array leaf: one compiled program serves every θ
    train_steps: Array = integer(
        0,
        "steps of training before the gradient is measured",
        at_least=0,
        at_most=1_000_000,
        static=False,
    )
    binarised: str = choice(
        PIXELS,
        "threshold",
        "pixels: on from half of white on, drawn once, or grey",
        later=True,
    )
    activation: str = choice(tuple(ACTIVATIONS), "tanh", "what stands between layers", later=True)
    slope: Number = number(SLOPE, "of leaky_relu below 0", later=True)
    initialisation: str = choice(
        tuple(INITIALISATIONS), "uniform", "how the networks' weights start", later=True
    )
    prior: str = choice(PRIORS, "fixed", "whether the prior's parameters are in θ", later=True)
    centred: bool = flag(
        False,
        "whether networks see pixels less their mean and bits as ±1, and add the mean's logits",
        later=True,
    )
    images: Float[Array, "points pixels"] = eqx.field(default=None)
    mean_image: Float[Array, " pixels"] | None = eqx.field(default=None)

    data_fields: ClassVar[tuple[str, ...]] = ("images",)

    training_revision: ClassVar[int] = 1
    """Raised with every change that makes a trained θ another, beside `revision`."""

    @classmethod
    def revision_with(cls, arguments: Mapping[str, Any]) -> int:
        return cls.revision + (cls.training_revision if arguments["train_steps"] else 0)

    def __post_init__(self) -> None:
        if self.activation != "leaky_relu" and self.slope != as_float(SLOPE):
            raise ValueError(
                f"slope = {float(self.slope):g}: expected only with activation = 'leaky_relu'"
            )
        if self.images is not None:  # other images, of the same data set
            return
        order = np.concatenate(split(self.data))
        if self.num_images > len(order):
            most = f"at most {len(order)}, all of {self.data}"
            raise ValueError(f"num_images = {self.num_images}: expected {most}")
        self.images = self.images_at(order[: self.num_images])
        if self.centred:
            rows = split(self.data).training
            self.mean_image = as_float(images_of(self.data, self.binarised, rows).mean(0))

    def images_at(self, rows: np.ndarray) -> Float[Array, "points pixels"]:
        """Some images of the data set, by their numbers."""
        return as_float(images_of(self.data, self.binarised, rows))

    def held_out(self) -> WithData | None:
        """The same with the images that are held out; None where it has seen some of them."""
        rows = split(self.data)
        if self.train_steps > 0 or self.num_images > len(rows.training):
            return None
        return self.with_data((self.images_at(rows.held_out),))

    def encoder(self, key: Array, inputs: int, outputs: int) -> Layers:
        """A network towards the latents, as it starts."""
        sizes = [inputs, *widths_of(self.hidden_dim), outputs]
        return perceptron(key, sizes, self.initialisation)

    def decoder(self, key: Array, inputs: int, outputs: int) -> Layers:
        """A network away from the latents, as it starts."""
        sizes = [inputs, *reversed(widths_of(self.hidden_dim)), outputs]
        return perceptron(key, sizes, self.initialisation)

    @property
    def between(self) -> Activation:
        """What stands between the layers."""
        return Activation(self.activation, self.slope)

    def of_images(self, layers: Layers) -> Float[Array, "points out"]:
        """A network's outputs for each image."""
        seen = self.images if self.mean_image is None else self.images - self.mean_image
        return apply(layers, seen, self.between)

    def of_bits(
        self, layers: Layers, bits: Float[Array, "points in"]
    ) -> Float[Array, "points out"]:
        """A network's outputs for each row of bits."""
        return apply(layers, 2 * bits - 1 if self.centred else bits, self.between)

    def pixel_logits(self, outputs: Float[Array, "points pixels"]) -> Float[Array, "points pixels"]:
        """The logits of pixels, from a network's outputs."""
        if self.mean_image is None:
            return outputs
        return outputs + logit(jnp.clip(self.mean_image, LEAST, MOST))
