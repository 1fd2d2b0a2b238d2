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
    r"""$f(u) = \sum_{t<T} (s_t^\top s_t + \rho u_t^2) + s_T^\top s_T$ with
    $s_{t+1} = A s_t + B u_t$.

    A mass is pushed to rest: s is position and velocity, $A = (1, h; 0, 1)$, $B = (0, h)^\top$. The
    policy is $u_t = -\kappa^\top s_t + \sigma \varepsilon_t$. An episode's actions
    $x = (u_0, \ldots, u_{T-1})$ are then jointly Gaussian: that is q, whose log-density is the sum
    of the policy's over the episode.

    Shapes: x is (T,), the group `gain` (κ) is (2,), `log_scale` (log σ) a scalar. Truth: E[f] in
    closed form, by the recursion of the state's mean and covariance, differentiated.
    """

    horizon: int = integer(10, "T, the actions of an episode", at_most=10_000)
    step: Number = number(0.3, "h, the time between actions", above=0)
    action_cost: Number = number(0.1, "ρ", above=0)

    purpose: ClassVar[str] = "linear dynamics under a quadratic cost"
    truth: ClassVar[str] = "closed form"
    source: ClassVar[str] = "Fazel, Ge, Kakade and Mesbahi, 2018"

    def init_params(self, key: Array) -> Params:
        return {"gain": as_float([0.5, 0.5]), "log_scale": as_float(-1.0)}

    def dynamics(self) -> tuple[Float[Array, "2 2"], Float[Array, " 2"]]:
        """A and B."""
        one = jnp.ones_like(self.step)
        zero = jnp.zeros_like(self.step)
        a = jnp.array([[one, self.step], [zero, one]])
        b = jnp.array([zero, self.step])
        return a, b

    def actions(self, params: Params, noise: Float[Array, " horizon"]) -> Float[Array, " horizon"]:
        """The policy's actions in an episode, given its noise ε."""
        a, b = self.dynamics()

        def act(
            state: Float[Array, " 2"], noise: Float[Array, ""]
        ) -> tuple[Float[Array, " 2"], Float[Array, ""]]:
            action = jnp.exp(params["log_scale"]) * noise - params["gain"] @ state
            return a @ state + b * action, action

        _, actions = jax.lax.scan(act, as_float(START), noise)
        return actions

    def distribution(self, params: Params) -> dist.Distribution:
        # The actions are linear in the noise ε ~ N(0, I): x = x(0) + C ε with C = ∂x/∂ε, which is
        # lower triangular, since no action depends on later noise.
        no_noise = as_float(jnp.zeros(self.horizon))
        factor = jax.jacfwd(self.actions, argnums=1)(params, no_noise)
        mean = self.actions(params, no_noise)
        return dist.MultivariateNormal(mean, scale_tril=jnp.tril(factor))

    def objective(self, params: Params, x: Float[Array, " horizon"]) -> Float[Array, ""]:
        a, b = self.dynamics()

        def move(
            state: Float[Array, " 2"], action: Float[Array, ""]
        ) -> tuple[Float[Array, " 2"], Float[Array, ""]]:
            moved = a @ state + b * action
            return moved, state @ state + self.action_cost * action**2

        last, costs = jax.lax.scan(move, as_float(START), x)
        return costs.sum() + last @ last

    def exact_gradient(self, params: Params) -> Params:
        return jax.grad(self.exact_objective)(params)

    def exact_objective(self, params: Params) -> Float[Array, ""]:
        r"""E[f], by the moments of the state.

        With m and P its mean and covariance, $E[s s^\top] = P + m m^\top$, and under the policy
        $E[u^2] = \kappa^\top E[s s^\top] \kappa + \sigma^2$. Since $s' = M s + \sigma B
        \varepsilon$ with $M = A - B \kappa^\top$, the next moments are $m' = M m$ and
        $P' = M P M^\top + \sigma^2 B B^\top$ (a Lyapunov recursion).
        """
        a, b = self.dynamics()
        gain = params["gain"]
        variance = jnp.exp(2 * params["log_scale"])
        closed_loop = a - jnp.outer(b, gain)
        mean = as_float(START)
        covariance = as_float(jnp.zeros((2, 2)))
        cost = as_float(0.0)
        for _ in range(self.horizon):
            second_moment = covariance + jnp.outer(mean, mean)
            of_state = jnp.trace(second_moment)
            of_action = self.action_cost * (gain @ second_moment @ gain + variance)
            cost += of_state + of_action
            mean = closed_loop @ mean
            carried_on = closed_loop @ covariance @ closed_loop.T
            covariance = carried_on + variance * jnp.outer(b, b)
        return cost + jnp.trace(covariance) + mean @ mean
