"""REBAR and RELAX: control variates of the latent behind a discrete x, taken out again given x."""

import math
from abc import abstractmethod
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
from jax.lax import stop_gradient
from jaxtyping import Array, Float

from gradest.estimators.base import Evaluations, State
from gradest.estimators.learning import LearningEstimator, Perceptron
from gradest.estimators.sampling.conditional_latents import (
    conditional_latent,
    hard,
    latent,
    relax,
    same_latent_given,
)
from gradest.estimators.sampling.draws import has_rule
from gradest.estimators.sampling.refusals import refuse_unless_one_row
from gradest.problems.arguments import Number, flag, integer, number
from gradest.problems.base import Params, Problem
from gradest.problems.distributions.coordinates import base


class ConditionedControlVariate(LearningEstimator):
    r"""$\frac1L \sum_l [f(\theta, x_l) - c(\tilde z_l)] \nabla_\theta \log q_\theta(x_l) +
    \nabla_\theta c(z_l)
    - \nabla_\theta c(\tilde z_l) + \partial_\theta f$, x = hard(z), z ~ p_θ(z) and $\tilde z \sim
      p_\theta(z | x)$.

    Since $E_{\tilde z, x}[c(\tilde z)] = E_z[c(z)]$, its score-function gradient, which has the
    path through $\tilde z$ given x beside the score, is made good for by the pathwise one. c
    depends on θ through z alone: where it is made of an f that depends on θ, that θ is held fixed,
    and $\partial_\theta f$ is taken at x. Coupled, $\tilde z$ is z itself, as the draw given x that
    it is: its numbers are the same, its path is not.
    """

    coupled: bool = flag(False, "whether the latent given x shares its randomness with the latent")

    unbiased: ClassVar[bool] = True
    independent_terms: ClassVar[bool] = True

    @abstractmethod
    def control_variate(
        self, problem: Problem, fixed: Params, learned: Any, z: Float[Array, "L ..."]
    ) -> Float[Array, "L *batch"]:
        """c at each z; no gradient flows to θ but through z."""

    def surrogate(
        self,
        problem: Problem,
        params: Params,
        state: State,
        key: Array,
        num_samples: int,
    ) -> tuple[Float[Array, ""], State]:
        def c(z: Float[Array, "L ..."]) -> Float[Array, "L *batch"]:
            return self.control_variate(problem, stop_gradient(params), self.trained(state), z)

        q = problem.distribution(params)
        z = latent(base(q), key, num_samples)  # the very draws of the estimators that use this key
        x = hard(base(q), z)
        given_x = (
            same_latent_given(base(q), x, z)
            if self.coupled
            else conditional_latent(base(q), x, jax.random.fold_in(key, 1))
        )
        f = problem.objectives(params, x)
        advantage = stop_gradient(f) - c(
            stop_gradient(given_x)
        )  # c's own parameters are trained through it
        return (advantage * q.log_prob(x) + f + c(z) - c(given_x)).mean(0).sum(), state

    def refuses(self, problem: Problem) -> str | None:
        if reason := refuse_unless_one_row(problem.abstract_distribution()):
            return reason
        q = base(problem.abstract_distribution())
        if not has_rule(conditional_latent, q):
            return f"{type(q).__name__} is not known as the hard reading of a continuous latent"
        reason = f"coupled: the latent of {type(q).__name__} given x is not known as a function of the latent"
        return None if has_rule(same_latent_given, q) or not self.coupled else reason

    def draws(self, problem: Problem, num_samples: int) -> int:
        latents = super().draws(problem, num_samples)
        return latents if self.coupled else 2 * latents


class REBAR(ConditionedControlVariate):
    r"""$[f(x) - \eta f(\mathrm{r}(\tilde z))] \nabla_\theta \log q_\theta(x) + \eta \nabla_\theta
    f(\mathrm{r}(z))
    - \eta \nabla_\theta f(\mathrm{r}(\tilde z)) + \partial_\theta f$, the mean of it over L draws.

    z is the latent of the Gumbel trick, x = hard(z), $\tilde z$ a draw of z given x, and r(z) =
    sigmoid(z / τ) the relaxation. Unbiased whatever η and τ are, where f is smooth; at η = 0 it is
    the score function. Learned, η and log τ descend the variance from the values given. Needs an f
    that takes relaxed arguments. Cost: 3·L evaluations of f and 2·L of its gradient, L more where f
    depends on θ; learned, 3·L of the gradient more.
    """

    coefficient: Number = number(1.0, "η, of the control variate")
    temperature: Number = number(0.5, "τ, of the relaxation", above=0)
    learned: bool = flag(False, "whether η and log τ are trained to minimise the variance")

    differentiates_f: ClassVar[bool] = True
    source: ClassVar[str] = "Tucker, Mnih, Maddison, Lawson and Sohl-Dickstein, 2017"

    def control_variate(
        self, problem: Problem, fixed: Params, learned: Any, z: Float[Array, "L ..."]
    ) -> Float[Array, "L *batch"]:
        eta, tau = (
            learned_relaxation(learned) if self.learned else (self.coefficient, self.temperature)
        )
        return eta * problem.objectives(fixed, relax(base(problem.distribution(fixed)), z, tau))

    def init_learned(self, problem: Problem, params: Params, key: Array) -> Any:
        return (self.coefficient, jnp.log(self.temperature)) if self.learned else None

    def evaluations(self, problem: Problem, num_samples: int) -> Evaluations:
        grad = 2 * num_samples + problem.direct_gradients(num_samples)
        if self.learned:
            grad += 3 * num_samples
        return Evaluations(f=3 * num_samples, grad=grad)


def learned_relaxation(learned: Any) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """η and τ of what is learned, η and log τ."""
    eta, log_temperature = learned
    return eta, jnp.exp(log_temperature)


class RELAX(ConditionedControlVariate):
    r"""$[f(x) - c_\phi(\tilde z)] \nabla_\theta \log q_\theta(x) + \nabla_\theta c_\phi(z)
    - \nabla_\theta c_\phi(\tilde z) + \partial_\theta f$, the mean of it over L draws.

    z is the latent of the Gumbel trick, x = hard(z), $\tilde z$ a draw of z given x, and $c_\phi(z)
    = r_\phi(z) + \eta f(\mathrm{sigmoid}(z / \tau))$ with r_φ a network of one hidden layer; φ, η
    and log τ are trained to minimise the variance. Unbiased whatever they are, where f is smooth.
    Without the relaxed f, c is the network alone, which needs neither a smooth f nor one that takes
    relaxed arguments. Cost: as REBAR, learned; L evaluations of f without the relaxed f, and L of
    its gradient where f depends on θ.
    """

    hidden_dim: int = integer(10, "units in the network's hidden layer")
    relaxed_f: bool = flag(
        True, "whether c has a term η f at the relaxed latent beside the network"
    )
    temperature: Number = number(0.5, "τ of that term at the start", above=0)

    differentiates_f: ClassVar[bool] = True
    source: ClassVar[str] = "Grathwohl, Choi, Wu, Roeder and Duvenaud, 2018"

    def control_variate(
        self, problem: Problem, fixed: Params, learned: Any, z: Float[Array, "L ..."]
    ) -> Float[Array, "L *batch"]:
        q = problem.distribution(fixed)
        network, relaxation = learned
        c = network(z.reshape(*z.shape[: 1 + len(q.batch_shape)], -1))
        if self.relaxed_f:
            eta, tau = learned_relaxation(relaxation)
            c += eta * problem.objectives(fixed, relax(base(q), z, tau))
        return c

    def init_learned(self, problem: Problem, params: Params, key: Array) -> Any:
        q = problem.abstract_distribution()
        z = jax.eval_shape(lambda q, key: latent(base(q), key, 1), q, key)
        network = Perceptron(key, math.prod(z.shape[1 + len(q.batch_shape) :]), self.hidden_dim)
        return network, (
            jnp.ones_like(self.temperature),
            jnp.log(self.temperature),
        ) if self.relaxed_f else ()

    def claims_unbiased(self, problem: Problem) -> bool:
        return problem.smooth or not self.relaxed_f

    def evaluations(self, problem: Problem, num_samples: int) -> Evaluations:
        direct = problem.direct_gradients(num_samples)
        if self.relaxed_f:
            return Evaluations(f=3 * num_samples, grad=5 * num_samples + direct)
        return Evaluations(f=num_samples, grad=direct)
