"""The Gumbel family: pathwise gradients through a continuous relaxation of a discrete variable."""

from typing import ClassVar

import jax
import numpyro.distributions as dist
from jax.lax import stop_gradient
from jaxtyping import Array, Float

from gradest.estimators.base import Evaluations, State, SurrogateEstimator
from gradest.estimators.sampling.conditional_latents import conditional_latent, hard, latent, relax
from gradest.estimators.sampling.draws import has_rule, sample
from gradest.estimators.sampling.relaxations import relaxed_sample
from gradest.problems.arguments import Number, integer, number
from gradest.problems.base import Params, Problem
from gradest.problems.distributions.coordinates import base


class Relaxed(SurrogateEstimator):
    """What the Gumbel estimators share: a temperature, and the need for a relaxation."""

    temperature: Number = number(0.5, "τ: lower is less biased and more variable", above=0)

    unbiased: ClassVar[bool] = False
    biased_by: ClassVar[str] = "the gradient passes as if the draw were relaxed"
    differentiates_f: ClassVar[bool] = True
    independent_terms: ClassVar[bool] = True

    def refuses(self, problem: Problem) -> str | None:
        q = base(problem.abstract_distribution())
        if has_rule(relax, q):
            return None
        return f"no relaxation is known for {type(q).__name__}"

    def evaluations(self, problem: Problem, num_samples: int) -> Evaluations:
        return Evaluations(f=num_samples, grad=num_samples)


class GumbelSoftmax(Relaxed):
    r"""The pathwise gradient of f at relaxed draws.

    $\frac1L \sum_l \nabla_\theta f(\theta, \tilde x_l)$ with
    $\tilde x = \mathrm{softmax}(z / \tau)$, z the latent.

    A bit is relaxed by $\mathrm{sigmoid}(z / \tau)$, which is the same for two categories, a
    permutation by NeuralSort. Biased: it is the exact gradient of the wrong, relaxed objective; the
    bias shrinks with τ as the variance grows. Needs an f that takes relaxed arguments. Cost: L
    evaluations of f and L of its gradient.
    """

    purpose: ClassVar[str] = "relaxed discrete draws; biased"
    biased_by: ClassVar[str] = "f is taken at relaxed draws"
    source: ClassVar[str] = "Jang, Gu and Poole, 2017; Maddison, Mnih and Teh, 2017"

    def surrogate(
        self, problem: Problem, params: Params, state: State, key: Array, num_samples: int
    ) -> tuple[Float[Array, ""], State]:
        q = base(problem.distribution(params))
        relaxed = relaxed_sample(q, key, num_samples, self.temperature)
        return problem.objectives(params, relaxed).mean(0).sum(), state


class StraightThroughGumbel(Relaxed):
    r"""f is evaluated at the hard draw x, the gradient passes as if x were the relaxed draw
    $\tilde x$.

    $\frac1L \sum_l \partial_x f(\theta, x_l)\, \nabla_\theta \tilde x_l
    + \partial_\theta f(\theta, x_l)$ with $\tilde x = \mathrm{softmax}(z / \tau)$, z the latent of
    which x is the hard reading. Biased in the parameters of q; unbiased in those of f. Cost: L
    evaluations of f and L of its gradient.
    """

    purpose: ClassVar[str] = "hard draws, relaxed gradient; biased"
    source: ClassVar[str] = "Jang, Gu and Poole, 2017"

    def surrogate(
        self, problem: Problem, params: Params, state: State, key: Array, num_samples: int
    ) -> tuple[Float[Array, ""], State]:
        q = base(problem.distribution(params))
        z = latent(q, key, num_samples)
        relaxed = relax(q, z, self.temperature)
        x = hard(q, z) + (relaxed - stop_gradient(relaxed))
        return problem.objectives(params, x).mean(0).sum(), state


class GumbelRao(Relaxed):
    r"""f is evaluated at the hard draw x, the gradient passes as if x were the mean of M relaxed
    draws given x.

    $\frac1L \sum_l \partial_x f(\theta, x_l) \frac1M \sum_m \nabla_\theta \tilde x_{lm}
    + \partial_\theta f(\theta, x_l)$ with
    $\tilde x_{lm} = \mathrm{softmax}((\mathrm{logits} + G_{lm}) / \tau)$ and $G_{lm}$ Gumbel noise
    for which $x_l$ is drawn: the straight-through Gumbel estimator, Rao-Blackwellised over the
    noise. Biased as that is, with less variance; f is evaluated no more often. Cost: L evaluations
    of f and L of its gradient.
    """

    conditional_draws: int = integer(10, "M, draws of the noise given x")

    purpose: ClassVar[str] = "hard draws, averaged relaxations; biased"
    source: ClassVar[str] = "Paulus, Maddison and Krause, 2021"

    def surrogate(
        self, problem: Problem, params: Params, state: State, key: Array, num_samples: int
    ) -> tuple[Float[Array, ""], State]:
        q = problem.distribution(params)
        x = sample(q, key, num_samples)
        relaxed = self.conditional_mean(base(q), x, jax.random.fold_in(key, 1))
        passed = x + (relaxed - stop_gradient(relaxed))
        return problem.objectives(params, passed).mean(0).sum(), state

    def conditional_mean(
        self, q: dist.Distribution, x: Float[Array, "L ..."], key: Array
    ) -> Float[Array, "L ..."]:
        """The mean of M relaxed draws given x.

        θ moves the logits in them, and not the noise: it has the law that it has given x at this θ.
        """
        keys = jax.random.split(key, self.conditional_draws)
        latents = jax.vmap(conditional_latent, in_axes=(None, None, 0))(q, x, keys)
        gumbel = stop_gradient(latents - q.logits)
        return relax(q, q.logits + gumbel, self.temperature).mean(0)

    def draws(self, problem: Problem, num_samples: int) -> int:
        return (1 + self.conditional_draws) * super().draws(problem, num_samples)
