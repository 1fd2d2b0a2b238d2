"""Bernoulli toys: b ~ Bernoulli(sigmoid(logit)) in each of D coordinates."""

from typing import ClassVar

import jax.numpy as jnp
import numpyro.distributions as dist
from jaxtyping import Array, Float

from gradest.problems.arguments import Number, choice, integer, number
from gradest.problems.base import Params, SumOfTerms
from gradest.problems.distributions.bits import sigmoid
from gradest.problems.distributions.discrete import Bernoulli
from gradest.problems.distributions.enumeration import Enumerated


class BernoulliSquare(SumOfTerms):
    r"""$f(b) = \sum_i (b_i - t)^2$ (or its mean over i), the test bed of REBAR.

    At t near ½ the gradient is small, and the score function's variance drowns it. With dim = 200,
    t = 0.499, logit = 0 and the mean it is the quadratic of Titsias and Shi (2022).

    Shapes: b and the group `logits` (φ) are (D,). Truth: in closed form,
    $E[f] = \sum_i p_i (1 - t)^2 + (1 - p_i) t^2$ with $p = \mathrm{sigmoid}(\phi)$, and
    $\partial E[f] / \partial \phi_i = (1 - 2t)\, p_i (1 - p_i)$, divided by D for the mean.
    """

    t: Number = number(0.45, "target")
    logit: Number = number(0.5, "logit of P(b = 1), the same in every coordinate")
    dim: int = integer(1, "D, the number of coordinates")
    reduce: str = choice(("sum", "mean"), "sum", "how f combines its coordinates")

    purpose: ClassVar[str] = "REBAR's test bed: bits near a target"
    truth: ClassVar[str] = "closed form"
    source: ClassVar[str] = "Tucker, Mnih, Maddison, Lawson and Sohl-Dickstein, 2017"

    def init_params(self, key: Array) -> Params:
        return {"logits": jnp.full(self.dim, self.logit)}

    def distribution(self, params: Params) -> dist.Distribution:
        return Bernoulli(logits=params["logits"]).to_event(1)

    def terms(self, params: Params, x: Float[Array, "... dim"]) -> Float[Array, "... dim"]:
        squares = (x - self.t) ** 2
        if self.reduce == "mean":
            return squares / self.dim
        return squares

    def exact_gradient(self, params: Params) -> Params:
        logits = params["logits"]
        gradient = (1 - 2 * self.t) * sigmoid(logits) * sigmoid(-logits)
        if self.reduce == "mean":
            return {"logits": gradient / self.dim}
        return {"logits": gradient}

    def exact_objective(self, params: Params) -> Float[Array, ""]:
        logits = params["logits"]
        on = sigmoid(logits) * (1 - self.t) ** 2
        off = sigmoid(-logits) * self.t**2
        total = (on + off).sum()
        return total / self.dim if self.reduce == "mean" else total


class BernoulliShared(Enumerated):
    r"""$f(b) = \sum_{i=1}^3 (b_i - t_i)^2$ with t = (0.6, 0.51, 0.48) and one logit η shared by the
    three bits.

    Published at η = 0, and at η = −4, where f hardly varies.

    Shapes: b is (3,), the group `logit` (η) a scalar. Truth: the sum over all 2³ vectors.
    """

    logit: Number = number(0.5, "η, the logit of P(b = 1) in every coordinate")

    purpose: ClassVar[str] = "three bits that share one logit"
    targets: ClassVar[tuple[float, ...]] = (0.6, 0.51, 0.48)
    source: ClassVar[str] = (
        "Liu, Regier, Tripuraneni, Jordan and McAuliffe, 2019; Kool, van Hoof and Welling, 2020"
    )

    def init_params(self, key: Array) -> Params:
        return {"logit": self.logit}

    def distribution(self, params: Params) -> dist.Distribution:
        logits = jnp.broadcast_to(params["logit"], (len(self.targets),))
        return Bernoulli(logits=logits).to_event(1)

    def objective(self, params: Params, x: Float[Array, " dim"]) -> Float[Array, ""]:
        targets = jnp.asarray(self.targets, x.dtype)
        return ((x - targets) ** 2).sum(-1)
