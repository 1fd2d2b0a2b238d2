r"""Noise of its own for every row of the data, where x are the weights of a network.

One draw of the weights serves all rows, so that their gradients vary together. f is a sum over
rows, and its mean does not change where every row has weights of its own; its variance then falls
with the rows.
"""

import math
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from gradest.estimators.base import Evaluations, State, SurrogateEstimator
from gradest.estimators.sampling.draws import noise, rsample
from gradest.problems.arguments import choice
from gradest.problems.base import Params, Problem
from gradest.problems.distributions.coordinates import base
from gradest.problems.linear_layers import LinearLayers


class WeightNoise(SurrogateEstimator):
    """A pathwise gradient with noise of its own for every row; a subclass says which noise."""

    unbiased: ClassVar[bool] = True
    differentiates_f: ClassVar[bool] = True
    independent_terms: ClassVar[bool] = True

    def refuses(self, problem: Problem) -> str | None:
        if isinstance(problem, LinearLayers):
            return None
        return "x are not the weights of a network's linear layers"

    def evaluations(self, problem: Problem, num_samples: int) -> Evaluations:
        return Evaluations(f=num_samples, grad=num_samples)


def layer_sizes(problem: LinearLayers) -> list[tuple[int, int]]:
    """The inputs and the outputs of each layer."""
    weights = jax.ShapeDtypeStruct(problem.abstract_distribution().event_shape, jnp.float32)
    return [matrix.shape for matrix in jax.eval_shape(problem.matrices, weights)]


class LocalGaussian(eqx.Module):
    """A layer whose outputs have the mean and the variance that Gaussian weights give them."""

    mean: Float[Array, "in out"]
    scale: Float[Array, "in out"]
    noise: Float[Array, "rows out"]

    def __call__(self, inputs: Float[Array, "rows in"]) -> Float[Array, "rows out"]:
        return inputs @ self.mean + jnp.sqrt(inputs**2 @ self.scale**2) * self.noise

    @staticmethod
    def noise_shape(rows: int, inputs: int, outputs: int) -> tuple[int, ...]:
        """What is drawn: a number for each output of each row."""
        return (rows, outputs)


class SeparateWeights(eqx.Module):
    """A layer with Gaussian weights of its own for each row."""

    mean: Float[Array, "in out"]
    scale: Float[Array, "in out"]
    noise: Float[Array, "rows inputs outputs"]

    def __call__(self, inputs: Float[Array, "rows in"]) -> Float[Array, "rows out"]:
        return inputs @ self.mean + jnp.einsum("ni,nio->no", inputs, self.scale * self.noise)

    @staticmethod
    def noise_shape(rows: int, inputs: int, outputs: int) -> tuple[int, ...]:
        """What is drawn: a number for each weight of each row."""
        return (rows, inputs, outputs)


LAYERS: dict[str, Any] = {
    "outputs": LocalGaussian,
    "separate_weights": SeparateWeights,
}
"""The layers whose noise each row has for itself."""


class LocalReparameterization(WeightNoise):
    r"""The outputs of a layer are drawn instead of its weights, for every row anew.

    $\frac1L \sum_l \nabla_\theta f$ with outputs $h \mu + \sqrt{h^2 \sigma^2} \odot \varepsilon_l$

    h are the inputs of a layer with weights $N(\mu, \sigma^2)$. With `separate_weights` every row
    has weights of its own, $\mu + \sigma \odot \varepsilon_{ln}$, the costly way to the same
    outputs, with a variance no less; one draw of the weights for all rows is `pathwise`. Unbiased
    for an f that is a sum over rows. Cost: L evaluations of f and L of its gradient.
    """

    draw: str = choice(
        {name: name for name in LAYERS},
        "outputs",
        "what every row has anew: a layer's outputs, or its weights",
        later=True,
    )

    purpose: ClassVar[str] = "Bayesian layers, a draw for every row"
    source: ClassVar[str] = "Kingma, Salimans and Welling, 2015"

    def surrogate(
        self, problem: Problem, params: Params, state: State, key: Array, num_samples: int
    ) -> tuple[Float[Array, ""], State]:
        assert isinstance(problem, LinearLayers)
        q = base(problem.distribution(params))
        means = problem.matrices(q.loc)
        scales = problem.matrices(q.scale)
        keys = jax.random.split(key, len(means))
        layer = LAYERS[self.draw]

        def epsilon(key: Array, mean: Float[Array, "in out"]) -> Float[Array, "L rows ..."]:
            shape = layer.noise_shape(problem.rows, *mean.shape)
            return noise(jax.random.normal, key, num_samples, shape, mean.dtype)

        def f(epsilons: list[Float[Array, "rows ..."]]) -> Float[Array, ""]:
            layers = map(layer, means, scales, epsilons)
            return problem.objective_through(params, list(layers))

        return jax.vmap(f)(list(map(epsilon, keys, means))).mean(), state

    def draws(self, problem: Problem, num_samples: int) -> int:
        assert isinstance(problem, LinearLayers)
        shape_of = LAYERS[self.draw].noise_shape
        shapes = [shape_of(problem.rows, *sizes) for sizes in layer_sizes(problem)]
        return num_samples * sum(map(math.prod, shapes))


class SignFlips(eqx.Module):
    """A layer with one perturbation of its weights for all rows, and signs of its own for each."""

    mean: Float[Array, "in out"]
    perturbation: Float[Array, "in out"]
    of_inputs: Float[Array, "rows in"]
    of_outputs: Float[Array, "rows out"]

    def __call__(self, inputs: Float[Array, "rows in"]) -> Float[Array, "rows out"]:
        flipped = ((inputs * self.of_inputs) @ self.perturbation) * self.of_outputs
        return inputs @ self.mean + flipped


class Flipout(WeightNoise):
    r"""Every row flips the signs of one perturbation of the weights.

    $\frac1L \sum_l \nabla_\theta f$ with weights $\mu + \Delta_l \odot r_n s_n^\top$ for row n,
    r and s signs

    $\Delta = \sigma \varepsilon$ is drawn once for all rows, as `pathwise` does; other signs leave
    its distribution as it is, and the rows uncorrelated. Unbiased for an f that is a sum over rows,
    and any q symmetric about its mean. Cost: L evaluations of f and L of its gradient.
    """

    purpose: ClassVar[str] = "weight noise, decorrelated over a batch"
    source: ClassVar[str] = "Wen, Vicol, Ba, Tran and Grosse, 2018"

    def surrogate(
        self, problem: Problem, params: Params, state: State, key: Array, num_samples: int
    ) -> tuple[Float[Array, ""], State]:
        assert isinstance(problem, LinearLayers)
        q = problem.distribution(params)
        means = problem.matrices(q.mean)
        perturbations = jax.vmap(problem.matrices)(rsample(q, key, num_samples) - q.mean)

        def signs(place: int, size: int) -> Float[Array, "L rows size"]:
            place_key = jax.random.fold_in(key, place)
            shape = (problem.rows, size)
            return noise(jax.random.rademacher, place_key, num_samples, shape, q.mean.dtype)

        of_inputs = [signs(2 * i, mean.shape[0]) for i, mean in enumerate(means)]
        of_outputs = [signs(2 * i + 1, mean.shape[1]) for i, mean in enumerate(means)]

        def f(*drawn: list[Float[Array, "..."]]) -> Float[Array, ""]:
            return problem.objective_through(params, list(map(SignFlips, means, *drawn)))

        return jax.vmap(f)(perturbations, of_inputs, of_outputs).mean(), state

    def draws(self, problem: Problem, num_samples: int) -> int:
        assert isinstance(problem, LinearLayers)
        signs = sum(inputs + outputs for inputs, outputs in layer_sizes(problem))
        return super().draws(problem, num_samples) + num_samples * problem.rows * signs
