"""A random walk whose steps depend on where it is: a chain of discrete decisions, with an exact
answer."""

from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpyro.distributions as dist
from jaxtyping import Array, Float

from gradest.problems.arguments import Number, integer, number
from gradest.problems.base import Params
from gradest.problems.distributions.bernoulli_chain import EndsInState, MarkovBits, Transition

Positions = Float[Array, " positions"]
"""A number for each place from 0 to n."""


class Steps(Transition):
    """From X a step up with probability $e^{-X / p}$, else down."""

    decay: Float[Array, ""]
    """p."""

    def start(self) -> Float[Array, ""]:
        return jnp.zeros_like(self.decay)

    def logit(self, state: Float[Array, ""]) -> Float[Array, ""]:
        # up is e^−a, down 1 − e^−a; at 0 the bit decides nothing
        a = jnp.where(state > 0, state, 1) / self.decay
        return jnp.where(state > 0, -a - jnp.log(-jnp.expm1(-a)), 0)

    def move(self, state: Float[Array, ""], bit: Float[Array, ""]) -> Float[Array, ""]:
        return jnp.where(state > 0, state + 2 * bit - 1, 1)


class RandomWalk(EndsInState):
    r"""$f = X_n^2$ for a walk over the whole numbers from $X_0 = 0$, one up with probability
    $e^{-X_t / p}$ and else one down.

    x are n bits, $x_t = 1$ a step up. At 0 that is certain: the bit is a fair coin there, and the
    step is up whatever it is, so that the walk never is below 0. The paper has p = 2n, and as the
    control variate of the score function the mean of f over other walks: the baseline mean.

    Shapes: x is (n,), the group `decay` (p) a scalar. Truth: E[f] by dynamic programming over
    where the walk is, differentiated.
    """

    steps: int = integer(10, "n", at_most=1_000)
    decay: Number = number(2.0, "p / n at the start", above=0)

    smooth: ClassVar[bool] = False
    not_smooth: ClassVar[str] = "f is of whole steps"
    purpose: ClassVar[str] = "a chain of dependent bits: a walk"
    truth: ClassVar[str] = "dynamic programming"
    source: ClassVar[str] = "Arya, Schauer, Schäfer and Rackauckas, 2022"

    def init_params(self, key: Array) -> Params:
        return {"decay": self.decay * self.steps}

    def distribution(self, params: Params) -> dist.Distribution:
        return MarkovBits(Steps(params["decay"]), self.steps)

    def objective_at(self, params: Params, state: Any) -> Float[Array, ""]:
        return state**2

    def exact_gradient(self, params: Params) -> Params:
        return jax.grad(self.exact_objective)(params)

    def exact_objective(self, params: Params) -> Float[Array, ""]:
        # from the probability of each place after each step
        positions = jnp.arange(self.steps + 1, dtype=params["decay"].dtype)
        a = positions / params["decay"]
        up, down = jnp.exp(-a), -jnp.expm1(-a)

        def step(at: Positions, _: None) -> tuple[Positions, None]:
            from_below = jnp.roll(at * up, 1).at[0].set(0)
            from_above = jnp.roll(at * down, -1).at[-1].set(0)
            return from_below + from_above, None

        last, _ = jax.lax.scan(step, jnp.zeros_like(a).at[0].set(1), length=self.steps)
        return last @ positions**2
