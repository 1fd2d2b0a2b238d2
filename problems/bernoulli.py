"""Bernoulli toys: b ~ Bernoulli(sigmoid(logit)) in each of D coordinates."""

from typing import ClassVar

import jax
import jax.numpy as jnp
import numpyro.distributions as dist
from jaxtyping import Array, Float

from problems.arguments import Number, choice, integer, number
from problems.base import Params, SumOfTerms

REDUCTIONS = {"sum": jnp.sum, "mean": jnp.mean}


class BernoulliSquare(SumOfTerms):
    r"""$f(b) = \sum_i (b_i - t)^2$ (or its mean over i), the test bed of REBAR.

    $\partial E[f] / \partial \mathrm{logit}_i = (1 - 2t)\, p_i (1 - p_i)$, with $p = \mathrm{sigmoid}(\mathrm{logit})$
    (divided by D for the mean): at t near ½ the gradient is small and the score function's variance drowns it.
    """

    t: Number = number(0.45, "target")
    logit: Number = number(0.5, "logit of P(b = 1), the same in every coordinate")
    dim: int = integer(1, "D, the number of coordinates")
    reduce: str = choice({name: name for name in REDUCTIONS}, "sum", "how f combines its coordinates")

    truth: ClassVar[str] = "closed form"
    source: ClassVar[str] = "Tucker, Mnih, Maddison, Lawson and Sohl-Dickstein, 2017"

    def init_params(self, key: Array) -> Params:
        return {"logits": jnp.full(self.dim, self.logit)}

    def distribution(self, params: Params) -> dist.Distribution:
        return dist.Bernoulli(logits=params["logits"]).to_event(1)

    def terms(self, params: Params, x: Float[Array, "... dim"]) -> Float[Array, "... dim"]:
        squares = (x - self.t) ** 2
        return squares / self.dim if self.reduce == "mean" else squares

    def exact_gradient(self, params: Params) -> Params:
        def expectation(params: Params) -> Float[Array, ""]:
            p = jax.nn.sigmoid(params["logits"])
            return REDUCTIONS[self.reduce](p * (1 - self.t) ** 2 + (1 - p) * self.t**2)

        return jax.grad(expectation)(params)
