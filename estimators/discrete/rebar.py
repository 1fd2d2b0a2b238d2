r"""REBAR and RELAX: control variates of the latent behind a discrete x, taken out again given x.

With a continuous latent $z \sim p_\theta(z)$ the hard reading $x = \mathrm{hard}(z)$ has the law
$q_\theta$. Let $\tilde z \sim p_\theta(z | x)$ be a draw of the latent given x, so that
$E_x E_{\tilde z}[c(\tilde z)] = E_z[c(z)]$ for every function c. The gradients of both sides are

$E_x[E_{\tilde z}[c(\tilde z)] \nabla_\theta \log q_\theta(x)]
+ E_x[\nabla_\theta E_{\tilde z}[c(\tilde z)]] = \nabla_\theta E_z[c(z)]$,

in which those of expectations over latents can be taken through the draws. Hence

$c(\tilde z) \nabla_\theta \log q_\theta(x) + \nabla_\theta c(\tilde z) - \nabla_\theta c(z)$

has mean zero for every c. It is subtracted from the score-function estimate
$f(x) \nabla_\theta \log q_\theta(x)$, with which it is correlated where c is like f.
"""

import math
from abc import abstractmethod
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpyro.distributions as dist
from jax.lax import stop_gradient
from jaxtyping import Array, Float

from gradest.estimators.base import Evaluations, State
from gradest.estimators.learning import LearningEstimator, Perceptron
from gradest.estimators.sampling.conditional_latents import (
    conditional_latent,
    coupled_latent,
    hard,
    latent,
    relax,
)
from gradest.estimators.sampling.draws import has_rule
from gradest.estimators.sampling.refusals import refuse_unless_one_row
from gradest.problems.arguments import Number, flag, integer, number
from gradest.problems.base import Params, Problem
from gradest.problems.distributions.coordinates import base


class ConditionedControlVariate(LearningEstimator):
    r"""What REBAR and RELAX share: all but c.

    $\frac1L \sum_l [f(\theta, x_l) - c(\tilde z_l)] \nabla_\theta \log q_\theta(x_l)
    + \nabla_\theta c(z_l) - \nabla_\theta c(\tilde z_l) + \partial_\theta f$.

    c depends on θ through z alone: where it is made of an f that depends on θ, that θ is held
    fixed, and $\partial_\theta f$ is taken at x. Coupled, $\tilde z$ is z itself, as the draw given
    x that it is: its numbers are the same, its path is not.
    """

    coupled: bool = flag(False, "whether the latent given x shares its randomness with the latent")

    unbiased: ClassVar[bool] = True
    independent_terms: ClassVar[bool] = True

    @abstractmethod
    def control_variate(
        self, problem: Problem, fixed: Params, learned: Any, z: Float[Array, "L ..."]
    ) -> Float[Array, "L *batch"]:
        """c at each z.

        Args:
            problem: whose f c may be made of.
            fixed: θ, through which no gradient flows.
            learned: the parameters of c that are trained, as in the state.
            z: latents, through which gradients flow to θ.
        """

    def surrogate(
        self, problem: Problem, params: Params, state: State, key: Array, num_samples: int
    ) -> tuple[Float[Array, ""], State]:
        def c(z: Float[Array, "L ..."]) -> Float[Array, "L *batch"]:
            return self.control_variate(problem, stop_gradient(params), self.trained(state), z)

        q = problem.distribution(params)
        z = latent(base(q), key, num_samples)  # the very draws of the estimators that use this key
        x = hard(base(q), z)
        z_given_x = self.latent_given(base(q), x, z, key)
        f = problem.objectives(params, x)

        # [f(x) − c(z̃)] ∇log q(x): θ is in log q alone. There is no stop_gradient round c: its value
        # depends on what is learned, and the gradient that trains that passes through here.
        advantage = stop_gradient(f) - c(stop_gradient(z_given_x))
        score = advantage * q.log_prob(x)
        # ∂f/∂θ, since x is constant; then ∇c(z) and −∇c(z̃), through the latents
        terms = score + f + c(z) - c(z_given_x)
        return terms.mean(0).sum(), state

    def latent_given(
        self, q: dist.Distribution, x: Float[Array, "L ..."], z: Float[Array, "L ..."], key: Array
    ) -> Float[Array, "L ..."]:
        """The latents given each x, as functions of θ with x held fixed."""
        if self.coupled:
            return coupled_latent(q, x, z)
        return conditional_latent(q, x, jax.random.fold_in(key, 1))

    def refuses(self, problem: Problem) -> str | None:
        if reason := refuse_unless_one_row(problem.abstract_distribution()):
            return reason
        q = base(problem.abstract_distribution())
        name = type(q).__name__
        if not has_rule(conditional_latent, q):
            return f"{name} is not known as the hard reading of a continuous latent"
        if self.coupled and not has_rule(coupled_latent, q):
            return f"coupled: the latent of {name} given x is not known as a function of the latent"
        return None

    def draws(self, problem: Problem, num_samples: int) -> int:
        latents = super().draws(problem, num_samples)
        return latents if self.coupled else 2 * latents


class Relaxation(NamedTuple):
    """What is learned of a control variate η f(r(z)), with r the relaxation at temperature τ."""

    coefficient: Float[Array, ""]
    """η."""
    log_temperature: Float[Array, ""]
    """log τ, so that τ stays positive."""

    @property
    def temperature(self) -> Float[Array, ""]:
        """The temperature τ."""
        return jnp.exp(self.log_temperature)


class REBAR(ConditionedControlVariate):
    r"""The control variate is f at the relaxed latent, times a number.

    $\frac1L \sum_l [f(x_l) - \eta f(\mathrm{r}(\tilde z_l))] \nabla_\theta \log q_\theta(x_l)
    + \eta \nabla_\theta f(\mathrm{r}(z_l)) - \eta \nabla_\theta f(\mathrm{r}(\tilde z_l))
    + \partial_\theta f$,

    where z is the latent of the Gumbel trick, x = hard(z), $\tilde z$ a draw of z given x, and
    r(z) = sigmoid(z / τ) the relaxation. Unbiased whatever η and τ are, where f is smooth; at η = 0
    it is the score function. Learned, η and log τ descend the variance from the values given. Needs
    an f that takes relaxed arguments. Cost: 3·L evaluations of f and 2·L of its gradient, L more
    where f depends on θ; learned, 3·L of the gradient more.
    """

    coefficient: Number = number(1.0, "η, of the control variate")
    temperature: Number = number(0.5, "τ, of the relaxation", above=0)
    learned: bool = flag(False, "whether η and log τ are trained to minimise the variance")

    purpose: ClassVar[str] = "discrete draws, relaxed control variate"
    differentiates_f: ClassVar[bool] = True
    source: ClassVar[str] = "Tucker, Mnih, Maddison, Lawson and Sohl-Dickstein, 2017"

    def control_variate(
        self, problem: Problem, fixed: Params, learned: Relaxation | None, z: Float[Array, "L ..."]
    ) -> Float[Array, "L *batch"]:
        if learned is None:
            eta = self.coefficient
            tau = self.temperature
        else:
            eta = learned.coefficient
            tau = learned.temperature
        relaxed = relax(base(problem.distribution(fixed)), z, tau)
        return eta * problem.objectives(fixed, relaxed)

    def init_learned(self, problem: Problem, params: Params, key: Array) -> Relaxation | None:
        if not self.learned:
            return None
        return Relaxation(self.coefficient, jnp.log(self.temperature))

    def evaluations(self, problem: Problem, num_samples: int) -> Evaluations:
        grad = 2 * num_samples + problem.direct_gradients(num_samples)
        if self.learned:
            grad += 3 * num_samples
        return Evaluations(f=3 * num_samples, grad=grad)


class LearnedControlVariate(NamedTuple):
    """What RELAX learns: a network of the latent, and the term of the relaxed f beside it."""

    network: Perceptron
    relaxation: Relaxation | None


class RELAX(ConditionedControlVariate):
    r"""The control variate is a network of the latent, with f at the relaxed latent beside it.

    $\frac1L \sum_l [f(x_l) - c_\phi(\tilde z_l)] \nabla_\theta \log q_\theta(x_l)
    + \nabla_\theta c_\phi(z_l) - \nabla_\theta c_\phi(\tilde z_l) + \partial_\theta f$,

    where z is the latent of the Gumbel trick, x = hard(z), $\tilde z$ a draw of z given x, and
    $c_\phi(z) = r_\phi(z) + \eta f(\mathrm{sigmoid}(z / \tau))$ with r_φ a network of one hidden
    layer. φ, η and log τ are trained to minimise the variance. Unbiased whatever they are, where f
    is smooth. Without the relaxed f, c is the network alone, which needs neither a smooth f nor one
    that takes relaxed arguments. Cost: as REBAR, learned; L evaluations of f without the relaxed f,
    and L of its gradient where f depends on θ.
    """

    hidden_dim: int = integer(10, "units in the network's hidden layer")
    relaxed_f: bool = flag(True, "whether c has a term η f at the relaxed latent")
    temperature: Number = number(0.5, "τ of that term at the start", above=0)

    purpose: ClassVar[str] = "discrete draws, learned control variate"
    differentiates_f: ClassVar[bool] = True
    source: ClassVar[str] = "Grathwohl, Choi, Wu, Roeder and Duvenaud, 2018"

    def control_variate(
        self,
        problem: Problem,
        fixed: Params,
        learned: LearnedControlVariate,
        z: Float[Array, "L ..."],
    ) -> Float[Array, "L *batch"]:
        q = problem.distribution(fixed)
        leading = z.shape[: 1 + len(q.batch_shape)]
        c = learned.network(z.reshape(*leading, -1))
        if learned.relaxation is None:
            return c
        relaxed = relax(base(q), z, learned.relaxation.temperature)
        return c + learned.relaxation.coefficient * problem.objectives(fixed, relaxed)

    def init_learned(self, problem: Problem, params: Params, key: Array) -> LearnedControlVariate:
        q = problem.abstract_distribution()
        z = jax.eval_shape(lambda q, key: latent(base(q), key, 1), q, key)
        inputs = math.prod(z.shape[1 + len(q.batch_shape) :])
        network = Perceptron(key, inputs, self.hidden_dim)
        if not self.relaxed_f:
            return LearnedControlVariate(network, None)
        one = jnp.ones_like(self.temperature)
        return LearnedControlVariate(network, Relaxation(one, jnp.log(self.temperature)))

    def claims_unbiased(self, problem: Problem) -> bool:
        return problem.smooth or not self.relaxed_f

    def evaluations(self, problem: Problem, num_samples: int) -> Evaluations:
        direct = problem.direct_gradients(num_samples)
        if self.relaxed_f:
            return Evaluations(f=3 * num_samples, grad=5 * num_samples + direct)
        return Evaluations(f=num_samples, grad=direct)
