"""Categorical toys: x is one of K categories, as a one-hot vector, in each of D coordinates."""

from abc import abstractmethod
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpyro.distributions as dist
from jaxtyping import Array, Float

from gradest.problems.arguments import Number, integer, number
from gradest.problems.base import Params, Problem
from gradest.problems.distributions.discrete import OneHotCategoricalLogits


class CategoricalToy(Problem):
    r"""x ~ Categorical(softmax(φ)) in each of D coordinates, one-hot.

    A subclass gives f and its expectation in closed form; the exact gradient is the derivative of
    that.

    Shapes: x and the group `logits` (φ) are (D, K). Where θ starts, every coordinate has the same
    logits, evenly spaced.
    """

    logit: Number = number(0.5, "logit of the last category, evenly spaced from 0 for the first")
    dim: int = integer(1, "D, the number of coordinates")
    categories: int = integer(3, "K, the categories of each", at_least=2)

    truth: ClassVar[str] = "closed form"

    @abstractmethod
    def expectation(self, probs: Float[Array, "dim categories"]) -> Float[Array, ""]:
        """E[f] for coordinates with these probabilities."""

    def init_params(self, key: Array) -> Params:
        logits = self.logit * self.spaced()
        return {"logits": jnp.broadcast_to(logits, (self.dim, self.categories))}

    def spaced(self) -> Float[Array, " categories"]:
        """Numbers for the categories, from 0 for the first to 1 for the last."""
        places = jnp.arange(self.categories, dtype=self.logit.dtype)
        return places / (self.categories - 1)

    def distribution(self, params: Params) -> dist.Distribution:
        return OneHotCategoricalLogits(params["logits"]).to_event(1)

    def exact_gradient(self, params: Params) -> Params:
        probs = jax.nn.softmax(params["logits"])
        slopes = jax.grad(self.expectation)(probs)
        # ∂p_j/∂φ_k = p_j (1[j = k] − p_k), so that ∂E[f]/∂φ_k = p_k Σ_j p_j (∂_k E − ∂_j E): of
        # these differences no digits cancel where one p is nearly 1
        differences = slopes[:, :, None] - slopes[:, None, :]
        return {"logits": probs * (differences * probs[:, None, :]).sum(-1)}

    def exact_objective(self, params: Params) -> Float[Array, ""]:
        return self.expectation(jax.nn.softmax(params["logits"]))


class CategoricalSquare(CategoricalToy):
    r"""$f(x) = \|\bar x - t\|^2$, $\bar x = \frac1D \sum_d x_d$ the frequencies of the categories,
    t those aimed at.

    $t_k \propto k^{-s}$, Zipf's law. For K = 2, D = 1 it is `bernoulli_square` with twice the f.
    The coordinates meet in f, which is quadratic.

    Truth: in closed form, $E[f] = \|\bar p - t\|^2 + \frac1{D^2} \sum_d (1 - \|p_d\|^2)$.
    """

    exponent: Number = number(1.0, "s, of the frequencies aimed at; 0 is evenly")

    purpose: ClassVar[str] = "frequencies of categories near a target"

    def target(self) -> Float[Array, " categories"]:
        """The frequencies t that are aimed at."""
        exponent = -self.exponent
        ranks = jnp.arange(self.categories, dtype=exponent.dtype)  # from 0
        return jax.nn.softmax(exponent * jnp.log1p(ranks))

    def objective(self, params: Params, x: Float[Array, "dim categories"]) -> Float[Array, ""]:
        distance = x.mean(0) - self.target()
        return (distance**2).sum()

    def expectation(self, probs: Float[Array, "dim categories"]) -> Float[Array, ""]:
        # E‖x̄ − t‖² = ‖E[x̄] − t‖² + Σ_k Var[x̄_k], and the coordinates are independent:
        # Σ_k Var[x̄_k] = Σ_dk p_dk (1 − p_dk) / D² = Σ_d (1 − ‖p_d‖²) / D²
        variances = 1 - (probs**2).sum(-1)
        spread = variances.sum() / self.dim**2
        distance = probs.mean(0) - self.target()
        return (distance**2).sum() + spread


class CategoricalNorm(CategoricalToy):
    r"""$f(x) = \frac1D \sum_d |v^\top x_d - c|^p$, $v_k$ evenly spaced from 0 for the first
    category to 1 for the last.

    It is the polynomial programming on which ReinMax was shown, K = 2 there:
    $\frac1D \|b - c\|_p^p$ of bits b. For p = 2 ReinMax is exact, for other p it is not.

    Truth: in closed form, $E[f] = \frac1D \sum_{dk} p_{dk} |v_k - c|^p$.
    """

    p: Number = number(1.5, "p of the norm", above=1)
    c: Number = number(0.45, "target")
    dim: int = integer(128, "D, the number of coordinates")
    categories: int = integer(2, "K, the categories of each", at_least=2)

    purpose: ClassVar[str] = "a power of how far categories lie from c"
    source: ClassVar[str] = "Liu, Dong, Liu, Yu and Gao, 2023"

    def power(self, value: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        """|value − c|^p."""
        return jnp.abs(value - self.c) ** self.p

    def objective(self, params: Params, x: Float[Array, "dim categories"]) -> Float[Array, ""]:
        values = x @ self.spaced()
        return self.power(values).mean()

    def expectation(self, probs: Float[Array, "dim categories"]) -> Float[Array, ""]:
        f = self.power(self.spaced())  # of each category
        return (probs @ f).mean()
