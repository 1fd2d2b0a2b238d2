"""Networks with random weights in linear layers, as a trait: an estimator may put other layers in
their place."""

from abc import abstractmethod
from collections.abc import Callable
from typing import ClassVar

import equinox as eqx
import numpyro.distributions as dist
from jaxtyping import Array, Float

from gradest.problems.base import Params, Problem

Layer = Callable[[Float[Array, "rows in"]], Float[Array, "rows out"]]
"""From the inputs of a layer to its outputs, for all rows of the data: a pytree of arrays."""


class Dense(eqx.Module):
    """A linear layer with the same weights for every row."""

    weight: Float[Array, "in out"]

    def __call__(self, inputs: Float[Array, "rows in"]) -> Float[Array, "rows out"]:
        return inputs @ self.weight


class LinearLayers(Problem):
    """The trait of a problem whose x are the weights of a network, which f uses in linear layers
    alone.

    f is a sum over the rows of the data, and the weights are independent Gaussians. So f's mean
    stays the same where the outputs of the layers keep, for every single row, their joint
    distribution over all layers, however they hang together across rows.
    """

    evaluated: ClassVar[tuple[str, ...]] = ("objective", "objective_through")

    num_rows: eqx.AbstractVar[int]
    """The rows of the data."""

    @property
    def rows(self) -> int:
        """The rows that f is a sum over: all, or those of a minibatch."""
        return self.num_rows

    @abstractmethod
    def matrices(self, x: Float[Array, " weights"]) -> list[Float[Array, "in out"]]:
        """The weights of each layer, from the vector x of all."""

    @abstractmethod
    def objective_through(self, params: Params, layers: list[Layer]) -> Float[Array, ""]:
        """f of the network with these layers."""

    def objective(self, params: Params, x: Float[Array, " weights"]) -> Float[Array, ""]:
        return self.objective_through(params, [Dense(weight) for weight in self.matrices(x)])

    @abstractmethod
    def distribution(self, params: Params) -> dist.Distribution:
        """q_θ, an independent Gaussian for each weight."""
