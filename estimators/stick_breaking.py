"""DisARM for categorical variables, written as sequences of bits by breaking a stick."""

from typing import ClassVar

import jax
import jax.numpy as jnp
from jax.lax import stop_gradient
from jaxtyping import Array, Float

from estimators.base import Cost, State, SurrogateEstimator
from estimators.sampling import base, noise, one_hot_of_largest
from problems.base import Params, Problem
from problems.distributions import OneHotCategoricalLogits, log_remaining


class StickBreakingDisARM(SurrogateEstimator):
    r"""$\frac1L \sum_{dk} \sum_{\mathrm{pairs}} [f(x) - f(\tilde x)]\, w_{dk} \nabla_\theta \alpha_{dk}$, plus ∂f/∂θ.

    Bit k of a variable says whether it is category k, given that it is no earlier one, with logit α_k. The two draws
    of a pair have antithetic bits b and $\tilde b$, of probability $p = \mathrm{sigmoid}(\alpha)$. The weight of a bit
    that both come to is DisARM's, $(b - \tilde b) \max(p, 1 - p)$. Rao-Blackwellised over the bits that a draw does not
    come to, it is b − p where x alone does, $p - \tilde b$ where $\tilde x$ alone does, 0 where neither does. With two
    categories it is DisARM. Unbiased. Cost: L evaluations of f; where f depends on θ, L of its gradient. Needs an
    even L.
    """

    unbiased: ClassVar[bool] = True
    independent_terms: ClassVar[bool] = True
    source: ClassVar[str] = "Dong, Mnih and Tucker, 2021"

    def surrogate(
        self, problem: Problem, params: Params, state: State, key: Array, num_samples: int
    ) -> tuple[Float[Array, ""], State]:
        logits = base(problem.distribution(params)).logits
        alpha = logits[..., :-1] - log_remaining(logits)[..., 1:]
        logistic = noise(jax.random.logistic, key, num_samples // 2, alpha.shape, alpha.dtype)
        x, y = (first_bit(stop_gradient(alpha) + sign * logistic) for sign in (1, -1))
        f = problem.costs(params, jnp.concatenate([x, y]))
        half_apart = (f[: len(x)] - f[len(x) :]) / 2
        p, (b, c), (to_x, to_y) = jax.nn.sigmoid(alpha), (x[..., :-1], y[..., :-1]), (comes_to(x), comes_to(y))
        both = to_x * to_y
        weight = both * (b - c) * jnp.maximum(p, 1 - p) + (to_x - both) * (b - p) - (to_y - both) * (c - p)
        gradient = stop_gradient(half_apart[..., None, None] * weight).mean(0)
        return (gradient * alpha).sum() + f.mean(0).sum(), state

    @property
    def min_samples(self) -> int:
        return 2

    def refuses_samples(self, num_samples: int) -> str | None:
        if num_samples >= 2 and num_samples % 2 == 0:
            return None
        return f"num_samples = {num_samples}: expected an even number, of pairs"

    def supports(self, problem: Problem) -> str | None:
        q = base(problem.abstract_distribution())
        known = isinstance(q, OneHotCategoricalLogits)
        return None if known else f"{type(q).__name__} has no categories that follow one another"

    def cost(self, problem: Problem, num_samples: int) -> Cost:
        return Cost(f=num_samples, grad=num_samples * problem.objective_uses_params)


def first_bit(latent: Float[Array, "*shape bits"]) -> Float[Array, "*shape categories"]:
    """One-hot at the first bit that is 1 (whose latent is positive), at the last category where none is."""
    on = (latent > 0).astype(latent.dtype)
    return one_hot_of_largest(jnp.concatenate([on, jnp.ones_like(on[..., :1])], axis=-1))


def comes_to(x: Float[Array, "*shape categories"]) -> Float[Array, "*shape bits"]:
    """1 for the bits that x depends on: those up to its category."""
    return jnp.cumsum(x[..., ::-1], axis=-1)[..., :0:-1]
