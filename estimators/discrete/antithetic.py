"""Gradients through Bernoulli variables from draws that are coupled to repel each other."""

from abc import abstractmethod
from typing import ClassVar

import jax.numpy as jnp
from jax.lax import stop_gradient
from jaxtyping import Array, Float

from gradest.estimators.base import Evaluations, State, SurrogateEstimator
from gradest.estimators.sampling.copulas import COPULAS, Copula
from gradest.estimators.sampling.draws import noise
from gradest.estimators.sampling.refusals import refuse_unless_bernoulli, refuse_unless_even
from gradest.problems.arguments import choice
from gradest.problems.base import Params, Problem
from gradest.problems.distributions.bits import bit_scores, sigmoid
from gradest.problems.distributions.coordinates import base
from gradest.problems.distributions.fine_noise import logistic


class BernoulliEstimator(SurrogateEstimator):
    """What these estimators share: Bernoulli variables, and an f that is evaluated at each of the L
    draws and nowhere else."""

    unbiased: ClassVar[bool] = True

    def refuses(self, problem: Problem) -> str | None:
        return refuse_unless_bernoulli(problem.abstract_distribution())

    def evaluations(self, problem: Problem, num_samples: int) -> Evaluations:
        return Evaluations(f=num_samples, grad=problem.direct_gradients(num_samples))


class AntitheticPairs(BernoulliEstimator):
    r"""What ARM and DisARM share: pairs of draws with mirrored noise, all but their weight w.

    $\frac2L \sum_{l=1}^{L/2} [f(b_l) - f(\tilde b_l)]\, w(\phi, \lambda_l) \nabla_\theta \phi
    + \partial_\theta f$ with $b = 1[\phi + \lambda > 0]$ and $\tilde b = 1[\phi - \lambda > 0]$,
    φ the logits and λ logistic.

    The location of a logistic variable has the score $2 u - 1$, $u = \sigma(\lambda)$, so that
    $\partial_\phi E[f(b)] = E[f(b) (2 u - 1)]$. λ and −λ have the same law, b is $\tilde b$ at −λ,
    and u is 1 − u there: $E[f(b) (2 u - 1)] = -E[f(\tilde b) (2 u - 1)]$, and half the difference
    of both is $E[(f(b) - f(\tilde b)) (u - \frac12)]$.
    """

    independent_terms: ClassVar[bool] = True

    @abstractmethod
    def weight(
        self, logits: Float[Array, "*batch dim"], drawn: Float[Array, "pairs *batch dim"]
    ) -> Float[Array, "pairs *batch dim"]:
        """The weight w of each pair and each coordinate.

        Args:
            logits: φ.
            drawn: the noise λ of each pair.
        """

    def surrogate(
        self, problem: Problem, params: Params, state: State, key: Array, num_samples: int
    ) -> tuple[Float[Array, ""], State]:
        logits = base(problem.distribution(params)).logits
        drawn = noise(logistic, key, num_samples // 2, logits.shape, logits.dtype)
        fixed = stop_gradient(logits)
        pairs = jnp.concatenate([fixed + drawn > 0, fixed - drawn > 0]).astype(logits.dtype)
        f = problem.objectives(params, pairs)
        first, second = jnp.split(f, 2)
        difference = stop_gradient(first - second)
        weighted = difference[..., None] * self.weight(fixed, drawn)
        return (weighted * logits).mean(0).sum() + f.mean(0).sum(), state

    @property
    def min_samples(self) -> int:
        return 2

    def refuses_samples(self, num_samples: int) -> str | None:
        return refuse_unless_even(num_samples, ", of antithetic pairs")

    def draws(self, problem: Problem, num_samples: int) -> int:
        return super().draws(problem, num_samples // 2)


class ARM(AntitheticPairs):
    r"""Augment, REINFORCE, merge: the score of the noise, with the draw at mirrored noise as a
    control variate.

    $\frac2L \sum_{l=1}^{L/2} [f(b_l) - f(\tilde b_l)] (u_l - \frac12) \nabla_\theta \phi
    + \partial_\theta f$,

    where u is uniform in each coordinate, $b = 1[u > \sigma(-\phi)]$ and
    $\tilde b = 1[u < \sigma(\phi)]$, φ the logits. Unbiased. Cost: L evaluations of f, two for each
    pair, and L of its gradient where f depends on θ. Needs Bernoulli variables and an even L.
    """

    purpose: ClassVar[str] = "bits, by mirrored noise"
    source: ClassVar[str] = "Yin and Zhou, 2019"

    def weight(
        self, logits: Float[Array, "*batch dim"], drawn: Float[Array, "pairs *batch dim"]
    ) -> Float[Array, "pairs *batch dim"]:
        return jnp.tanh(drawn / 2) / 2  # u − ½, as σ(λ) = u


class DisARM(AntitheticPairs):
    r"""ARM with the noise averaged out given the pair of draws, so that its variance is never more.

    $\frac1L \sum_{l=1}^{L/2} [f(b_l) - f(\tilde b_l)] (b_l - \tilde b_l)\, \sigma(|\phi|)
    \nabla_\theta \phi + \partial_\theta f$,

    known as U2G too (Yin, Ho, Yan, Qian and Zhou, 2020). Unbiased. Cost: L evaluations of f, two
    for each pair, and L of its gradient where f depends on θ. Needs Bernoulli variables and an even
    L.
    """

    purpose: ClassVar[str] = "bits, by antithetic pairs"
    source: ClassVar[str] = "Dong, Mnih and Tucker, 2020"

    def weight(
        self, logits: Float[Array, "*batch dim"], drawn: Float[Array, "pairs *batch dim"]
    ) -> Float[Array, "pairs *batch dim"]:
        # E[u − ½ | b, b̃]. Where b = b̃, |λ| < |φ|, an interval about 0: the mean is 0. Where b is 1
        # and b̃ is 0, λ > |φ|, and u is uniform between σ(|φ|) and 1: the mean is σ(|φ|)/2. Where b
        # is 0 and b̃ is 1 it is −σ(|φ|)/2.
        first = (logits + drawn > 0).astype(logits.dtype)
        second = (logits - drawn > 0).astype(logits.dtype)
        return (first - second) * sigmoid(jnp.abs(logits)) / 2


class ARMS(BernoulliEstimator):
    r"""Antithetic REINFORCE, multiple samples: leave-one-out, with draws that repel each other.

    $\frac1{L-1} \sum_l [f(b_l) - \bar f] \frac{b_l - p}{1 - \rho} \nabla_\theta \phi
    + \partial_\theta f$,

    where the L draws of a coordinate are Bernoulli(p) each and jointly as negatively correlated as
    a copula makes them; ρ is the correlation of any two, and φ the logits. At L = 2 it is DisARM;
    with independent draws, ρ = 0, it would be the score function with leave-one-out. Unbiased.
    Cost: L evaluations of f, and L of its gradient where f depends on θ. Needs Bernoulli variables
    and L ≥ 2.
    """

    copula: Copula = choice(COPULAS, "dirichlet", "what couples the draws", static=False)

    purpose: ClassVar[str] = "bits, by many antithetic draws"
    source: ClassVar[str] = "Dimitriev and Zhou, 2021"

    def surrogate(
        self, problem: Problem, params: Params, state: State, key: Array, num_samples: int
    ) -> tuple[Float[Array, ""], State]:
        # With s_l = b_l − p, Σ_l (f_l − f̄) s_l = Σ_l f_l s_l − Σ_lm f_m s_l / L. Two of the draws
        # are bits of correlation ρ, so that E[s_l | b_m] = ρ s_m for m ≠ l. In the mean the sum is
        # therefore (L − 1) (1 − ρ) E[f s], and E[f s] is the gradient.
        logits = base(problem.distribution(params)).logits
        fixed = stop_gradient(logits)
        b = self.copula.draw(fixed, key, num_samples)
        f = problem.objectives(params, b)
        relative = stop_gradient(f - f[:1])  # so that a constant f leaves exactly zero
        score = bit_scores(fixed, b) / (1 - self.copula.correlation(fixed, num_samples))
        weighted = (relative - relative.mean(0))[..., None] * score
        surrogate = (weighted * logits).sum() / (num_samples - 1)
        return surrogate + f.mean(0).sum(), state

    @property
    def min_samples(self) -> int:
        return 2
