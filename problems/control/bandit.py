"""A bandit: the smallest policy gradient."""

from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpyro.distributions as dist
from jaxtyping import Array, Float

from gradest.problems.arguments import Number, as_float, integer, number
from gradest.problems.base import Params, Problem
from gradest.problems.distributions.discrete import OneHotCategoricalLogits


class Bandit(Problem):
    r"""$f(x) = (a^\top x - t)^2 - r_0$, x the one-hot arm that a softmax policy pulls; the group
    `logits` starts at 0.

    The K arms are actions $a_k$ evenly spaced between 0 and 1. The one nearest to t pays most: at
    best $r_0$, a constant that has no part in the gradient but much in the variance of a score
    function without a baseline. A relaxed x is an action between the arms.

    Shapes: x is (1, K), and so are the logits φ. Truth: in closed form,
    $\partial E[f] / \partial \phi_k = p_k (f_k - p^\top f)$ with $p = \mathrm{softmax}(\phi)$.
    """

    arms: int = integer(10, "K, the arms", at_least=2)
    target: Number = number(0.8, "t, the best action")
    offset: Number = number(1.0, "r₀, what the best action pays")

    purpose: ClassVar[str] = "a softmax policy over a bandit's arms"
    truth: ClassVar[str] = "closed form"
    source: ClassVar[str] = "Williams, 1992"

    def init_params(self, key: Array) -> Params:
        return {"logits": as_float(jnp.zeros((1, self.arms)))}

    def distribution(self, params: Params) -> dist.Distribution:
        return OneHotCategoricalLogits(params["logits"]).to_event(1)

    def actions(self, dtype: Any) -> Float[Array, " arms"]:
        """The action a_k of each arm."""
        return jnp.linspace(0, 1, self.arms, dtype=dtype)

    def objective(self, params: Params, x: Float[Array, "1 arms"]) -> Float[Array, ""]:
        actions = self.actions(x.dtype)
        action = x[0] @ actions
        return (action - self.target) ** 2 - self.offset

    def exact_gradient(self, params: Params) -> Params:
        # E[f] = pᵀf and ∂p_j/∂φ_k = p_j (1[j = k] − p_k), so that
        # ∂E[f]/∂φ_k = Σ_j f_j p_j (1[j = k] − p_k) = p_k (f_k − pᵀf), from which r₀ drops out.
        p = jax.nn.softmax(params["logits"])
        f = (self.actions(p.dtype) - self.target) ** 2
        differences = f[:, None] - f  # of which no digits cancel where one p is nearly 1
        return {"logits": p * (p @ differences.T)}

    def exact_objective(self, params: Params) -> Float[Array, ""]:
        p = jax.nn.softmax(params["logits"])[0]
        return p @ (self.actions(p.dtype) - self.target) ** 2 - self.offset
