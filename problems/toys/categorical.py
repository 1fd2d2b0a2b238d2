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
    """x ~ Categorical(softmax(logits)) in each of D coordinates, one-hot, with one group `logits`."""

    logit: Number = number(0.5, "logit of the last category, evenly spaced from 0 for the first")
    dim: int = integer(1, "D, the number of coordinates")
    categories: int = integer(3, "K, the categories of each", at_least=2)

    truth: ClassVar[str] = "closed form"

    @abstractmethod
    def expectation(self, probs: Float[Array, "dim categories"]) -> Float[Array, ""]:
        """E[f] for coordinates with these probabilities."""

    def init_params(self, key: Array) -> Params:
        return {"logits": jnp.broadcast_to(self.logit * self.spaced(), (self.dim, self.categories))}

    def spaced(self) -> Float[Array, " categories"]:
        """0 for the first category to 1 for the last."""
        return jnp.arange(self.categories, dtype=self.logit.dtype) / (self.categories - 1)

    def distribution(self, params: Params) -> dist.Distribution:
        return OneHotCategoricalLogits(params["logits"]).to_event(1)

    def exact_gradient(self, params: Params) -> Params:
        return jax.grad(lambda params: self.expectation(jax.nn.softmax(params["logits"])))(params)


class CategoricalSquare(CategoricalToy):
    r"""$f(x) = \|\bar x - t\|^2$, $\bar x = \frac1D \sum_d x_d$ the frequencies of the categories,
    t those aimed at.

    $t_k \propto k^{-s}$, Zipf's law. $E[f] = \|\bar p - t\|^2 + \frac1{D^2} \sum_d (1 -
    \|p_d\|^2)$. For K = 2, D = 1 it is `bernoulli_square` with twice the f. The coordinates meet in
    f, which is quadratic.
    """

    exponent: Number = number(1.0, "s, of the frequencies aimed at; 0 is evenly")

    def target(self) -> Float[Array, " categories"]:
        """t."""
        return jax.nn.softmax(
            -self.exponent * jnp.log1p(jnp.arange(self.categories, dtype=self.exponent.dtype))
        )

    def objective(self, params: Params, x: Float[Array, "dim categories"]) -> Float[Array, ""]:
        return ((x.mean(0) - self.target()) ** 2).sum()

    def expectation(self, probs: Float[Array, "dim categories"]) -> Float[Array, ""]:
        spread = (1 - (probs**2).sum(-1)).sum() / self.dim**2
        return ((probs.mean(0) - self.target()) ** 2).sum() + spread


class CategoricalNorm(CategoricalToy):
    r"""$f(x) = \frac1D \sum_d |v^\top x_d - c|^p$, $v_k$ evenly spaced from 0 for the first
    category to 1 for the last.

    It is the polynomial programming on which ReinMax was shown, K = 2 there: $\frac1D \|b -
    c\|_p^p$ of bits b. For p = 2 that is exact, for other p it is not. $E[f] = \frac1D \sum_{dk}
    p_{dk} |v_k - c|^p$.
    """

    p: Number = number(1.5, "p of the norm", above=1)
    c: Number = number(0.45, "target")
    dim: int = integer(128, "D, the number of coordinates")
    categories: int = integer(2, "K, the categories of each", at_least=2)

    source: ClassVar[str] = "Liu, Dong, Liu, Yu and Gao, 2023"

    def power(self, value: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        """|value − c|^p."""
        return jnp.abs(value - self.c) ** self.p

    def objective(self, params: Params, x: Float[Array, "dim categories"]) -> Float[Array, ""]:
        return self.power(x @ self.spaced()).mean()

    def expectation(self, probs: Float[Array, "dim categories"]) -> Float[Array, ""]:
        return (probs @ self.power(self.spaced())).mean()
