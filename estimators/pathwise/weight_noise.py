r"""Noise of its own for every row of the data, where x are the weights of a network: variance falls
with the rows.

One draw of the weights serves all rows, so that their gradients vary together. f is a sum over
rows, and its mean does not change where every row has weights of its own.
"""

from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from gradest.estimators.base import Evaluations, State, SurrogateEstimator
from gradest.estimators.sampling.draws import noise, rsample
from gradest.problems.base import Params, Problem
from gradest.problems.distributions.coordinates import base
from gradest.problems.linear_layers import LinearLayers


class WeightNoise(SurrogateEstimator):
    """What both estimators share."""

    unbiased: ClassVar[bool] = True
    differentiates_f: ClassVar[bool] = True
    independent_terms: ClassVar[bool] = True

    def refuses(self, problem: Problem) -> str | None:
        return (
            None
            if isinstance(problem, LinearLayers)
            else "x are not the weights of a network's linear layers"
        )

    def evaluations(self, problem: Problem, num_samples: int) -> Evaluations:
        return Evaluations(f=num_samples, grad=num_samples)


def layer_sizes(problem: LinearLayers) -> list[tuple[int, int]]:
    """The inputs and the outputs of each layer."""
    weights = jax.ShapeDtypeStruct(problem.abstract_distribution().event_shape, jnp.float32)
    return [matrix.shape for matrix in jax.eval_shape(problem.matrices, weights)]


class LocalGaussian(eqx.Module):
    """Outputs with the mean and the variance that Gaussian weights give them, each with noise of its own."""

    mean: Float[Array, "in out"]
    scale: Float[Array, "in out"]
    noise: Float[Array, "rows out"]

    def __call__(self, inputs: Float[Array, "rows in"]) -> Float[Array, "rows out"]:
        return inputs @ self.mean + jnp.sqrt(inputs**2 @ self.scale**2) * self.noise


class LocalReparameterization(WeightNoise):
    r"""$\frac1L \sum_l \nabla_\theta f$ with outputs $h \mu + \sqrt{h^2 \sigma^2} \odot
    \varepsilon_l$ of layers.

    The outputs of a layer with inputs h are drawn instead of its weights $N(\mu, \sigma^2)$, for
    every row anew. Unbiased for an f that is a sum over rows. Cost: L evaluations of f and L of its
    gradient.
    """

    source: ClassVar[str] = "Kingma, Salimans and Welling, 2015"

    def surrogate(
        self, problem: Problem, params: Params, state: State, key: Array, num_samples: int
    ) -> tuple[Float[Array, ""], State]:
        assert isinstance(problem, LinearLayers)
        q = base(problem.distribution(params))
        means, scales = problem.matrices(q.loc), problem.matrices(q.scale)
        keys = jax.random.split(key, len(means))
        noises = [
            noise(
                jax.random.normal, key, num_samples, (problem.num_rows, mean.shape[1]), mean.dtype
            )
            for key, mean in zip(keys, means, strict=True)
        ]

        def cost(noises: list[Float[Array, "..."]]) -> Float[Array, ""]:
            return problem.objective_through(
                params, list(map(LocalGaussian, means, scales, noises))
            )

        return jax.vmap(cost)(noises).mean(), state

    def draws(self, problem: Problem, num_samples: int) -> int:
        assert isinstance(problem, LinearLayers)
        outputs = sum(outputs for _, outputs in layer_sizes(problem))
        return num_samples * problem.num_rows * outputs


class SignFlips(eqx.Module):
    """One perturbation of the weights for all rows, with signs of its own for each."""

    mean: Float[Array, "in out"]
    perturbation: Float[Array, "in out"]
    of_inputs: Float[Array, "rows in"]
    of_outputs: Float[Array, "rows out"]

    def __call__(self, inputs: Float[Array, "rows in"]) -> Float[Array, "rows out"]:
        return (
            inputs @ self.mean + ((inputs * self.of_inputs) @ self.perturbation) * self.of_outputs
        )


class Flipout(WeightNoise):
    r"""$\frac1L \sum_l \nabla_\theta f$ with weights $\mu + \Delta_l \odot r_n s_n^\top$ for row n,
    r and s signs.

    $\Delta = \sigma \varepsilon$ is drawn once for all rows, as `pathwise` does, and every row
    flips its signs: that leaves its distribution as it is, and the rows uncorrelated. Unbiased for
    an f that is a sum over rows, and any q symmetric about its mean. Cost: L evaluations of f and L
    of its gradient.
    """

    source: ClassVar[str] = "Wen, Vicol, Ba, Tran and Grosse, 2018"

    def surrogate(
        self, problem: Problem, params: Params, state: State, key: Array, num_samples: int
    ) -> tuple[Float[Array, ""], State]:
        assert isinstance(problem, LinearLayers)
        q = problem.distribution(params)
        means = problem.matrices(q.mean)
        perturbations = jax.vmap(problem.matrices)(rsample(q, key, num_samples) - q.mean)

        def signs(place: int, size: int) -> Float[Array, "L rows size"]:
            key_of_place = jax.random.fold_in(key, place)
            return noise(
                jax.random.rademacher,
                key_of_place,
                num_samples,
                (problem.num_rows, size),
                q.mean.dtype,
            )

        of_inputs = [signs(2 * i, mean.shape[0]) for i, mean in enumerate(means)]
        of_outputs = [signs(2 * i + 1, mean.shape[1]) for i, mean in enumerate(means)]

        def cost(*drawn: list[Float[Array, "..."]]) -> Float[Array, ""]:
            return problem.objective_through(params, list(map(SignFlips, means, *drawn)))

        return jax.vmap(cost)(perturbations, of_inputs, of_outputs).mean(), state

    def draws(self, problem: Problem, num_samples: int) -> int:
        assert isinstance(problem, LinearLayers)
        signs = sum(inputs + outputs for inputs, outputs in layer_sizes(problem))
        return super().draws(problem, num_samples) + num_samples * problem.num_rows * signs
