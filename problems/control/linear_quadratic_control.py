"""Linear–quadratic control: a policy gradient over a horizon, with an exact answer."""

from typing import ClassVar

import jax
import jax.numpy as jnp
import numpyro.distributions as dist
from jaxtyping import Array, Float

from gradest.problems.arguments import Number, as_float, integer, number
from gradest.problems.base import Params, Problem

START = (1.0, 0.0)
"""Position and velocity at which every episode begins."""


class LinearQuadraticControl(Problem):
    r"""$f(u) = \sum_{t<T} (s_t^\top s_t + \rho u_t^2) + s_T^\top s_T$ with $s_{t+1} = A s_t + B
    u_t$.

    A mass is pushed to rest: s is position and velocity, $A = (1, h; 0, 1)$, $B = (0, h)^\top$. The
    policy is $u_t = -\kappa^\top s_t + \sigma \varepsilon_t$, so that an episode's actions $x =
    (u_0, \ldots, u_{T-1})$ are
    jointly Gaussian: that is q, whose log-density is the sum of the policy's over the episode.
    Groups: `gain` (κ) and `log_scale` (log σ).

    $E[f]$ in closed form: under the policy the state's mean and covariance follow $m' = M m$ and
    $P' = M P M^\top + \sigma^2 B B^\top$ with $M = A - B \kappa^\top$ (a Lyapunov recursion).
    """

    horizon: int = integer(10, "T, the actions of an episode")
    step: Number = number(0.3, "h, the time between actions", above=0)
    action_cost: Number = number(0.1, "ρ", above=0)

    truth: ClassVar[str] = "closed form"
    source: ClassVar[str] = "Fazel, Ge, Kakade and Mesbahi, 2018"

    def init_params(self, key: Array) -> Params:
        return {"gain": as_float([0.5, 0.5]), "log_scale": as_float(-1.0)}

    def dynamics(self) -> tuple[Float[Array, "2 2"], Float[Array, " 2"]]:
        """A and B."""
        one, zero = jnp.ones_like(self.step), jnp.zeros_like(self.step)
        return jnp.array([[one, self.step], [zero, one]]), jnp.array([zero, self.step])

    def actions(self, params: Params, noise: Float[Array, " horizon"]) -> Float[Array, " horizon"]:
        """What the policy does, given its noise."""
        a, b = self.dynamics()

        def act(
            state: Float[Array, " 2"], noise: Float[Array, ""]
        ) -> tuple[Float[Array, " 2"], Float[Array, ""]]:
            action = jnp.exp(params["log_scale"]) * noise - params["gain"] @ state
            return a @ state + b * action, action

        return jax.lax.scan(act, as_float(START), noise)[1]

    def distribution(self, params: Params) -> dist.Distribution:
        still = as_float(jnp.zeros(self.horizon))
        spread = jax.jacfwd(self.actions, argnums=1)(
            params, still
        )  # the actions are linear in the noise
        return dist.MultivariateNormal(self.actions(params, still), scale_tril=jnp.tril(spread))

    def objective(self, params: Params, x: Float[Array, " horizon"]) -> Float[Array, ""]:
        a, b = self.dynamics()

        def move(
            state: Float[Array, " 2"], action: Float[Array, ""]
        ) -> tuple[Float[Array, " 2"], Float[Array, ""]]:
            return a @ state + b * action, state @ state + self.action_cost * action**2

        last, costs = jax.lax.scan(move, as_float(START), x)
        return costs.sum() + last @ last

    def exact_gradient(self, params: Params) -> Params:
        a, b = self.dynamics()

        def expected_cost(params: Params) -> Float[Array, ""]:
            gain, variance = params["gain"], jnp.exp(2 * params["log_scale"])
            closed = a - jnp.outer(b, gain)
            mean, covariance, cost = as_float(START), as_float(jnp.zeros((2, 2))), as_float(0.0)
            for _ in range(self.horizon):
                second = covariance + jnp.outer(mean, mean)
                cost += jnp.trace(second) + self.action_cost * (gain @ second @ gain + variance)
                mean = closed @ mean
                covariance = closed @ covariance @ closed.T + variance * jnp.outer(b, b)
            return cost + jnp.trace(covariance) + mean @ mean

        return jax.grad(expected_cost)(params)
