"""Distributions where those of numpyro will not do: bits, one-hot categorical variables, permutations as matrices."""

from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpyro.distributions as dist
from jaxtyping import Array, Float
from numpyro.distributions import constraints


class Bernoulli(dist.BernoulliLogits):
    r"""A Bernoulli variable whose log-probability, $x \phi - \mathrm{softplus}(\phi)$, has its
    derivative at φ = 0 too.

    numpyro 0.20 takes it apart into terms with a kink there, and its score at a logit of exactly 0
    is x, not x − ½.
    """

    def log_prob(self, value: Float[Array, "..."]) -> Float[Array, "..."]:
        return value * self.logits - jax.nn.softplus(self.logits)


class OneHotCategoricalLogits(dist.Distribution):
    r"""x is a vector with a single 1, at k with probability $p_k =
    \mathrm{softmax}(\mathrm{logits})_k$.

    log q is linear in x, so that it is defined on relaxed ones too.
    """

    arg_constraints: ClassVar[dict[str, Any]] = {"logits": constraints.real_vector}
    support = constraints.multinomial(1)

    def __init__(self, logits: Any, *, validate_args: bool | None = None) -> None:
        self.logits = logits
        shape = jnp.shape(logits)
        super().__init__(
            batch_shape=shape[:-1], event_shape=shape[-1:], validate_args=validate_args
        )

    @property
    def log_probs(self) -> Float[Array, "*batch categories"]:
        """The logits, normalised."""
        return jax.nn.log_softmax(self.logits)

    @property
    def probs(self) -> Float[Array, "*batch categories"]:
        """p."""
        return jax.nn.softmax(self.logits)

    @property
    def mean(self) -> Float[Array, "*batch categories"]:
        return self.probs

    @property
    def variance(self) -> Float[Array, "*batch categories"]:
        return self.probs * (1 - self.probs)

    def sample(self, key: Array | None, sample_shape: tuple[int, ...] = ()) -> Float[Array, "..."]:
        assert key is not None
        index = jax.random.categorical(key, self.logits, shape=sample_shape + self.batch_shape)
        return jax.nn.one_hot(index, self.event_shape[-1], dtype=self.logits.dtype)

    def log_prob(self, value: Any) -> Float[Array, "..."]:
        return (value * self.log_probs).sum(-1)


class _PermutationMatrix(constraints.ParameterFreeConstraint):
    """Entries 0 and 1, a single 1 in every row and in every column."""

    is_discrete = True
    event_dim = 2

    def __call__(self, x: Any) -> Any:
        entries = ((x == 0) | (x == 1)).all((-2, -1))
        return entries & (x.sum(-1) == 1).all(-1) & (x.sum(-2) == 1).all(-1)


class PlackettLuce(dist.Distribution):
    r"""A ranking of n items: i is first with probability $\mathrm{softmax}(\mathrm{logits})_i$, and
    so on without it.

    x is the permutation matrix whose row r has its 1 at the item ranked r-th. Equally, x sorts in
    descending order the logits with independent Gumbel noise added. With s = x·logits, the logits
    in the order of x, $\log q(x) = \sum_r [s_r - \log \sum_{t \ge r} e^{s_t}]$ (Luce, 1959;
    Plackett, 1975).
    """

    arg_constraints: ClassVar[dict[str, Any]] = {"logits": constraints.real_vector}
    support = _PermutationMatrix()

    def __init__(self, logits: Any, *, validate_args: bool | None = None) -> None:
        self.logits = logits
        shape = jnp.shape(logits)
        super().__init__(
            batch_shape=shape[:-1], event_shape=shape[-1:] * 2, validate_args=validate_args
        )

    def sample(self, key: Array | None, sample_shape: tuple[int, ...] = ()) -> Float[Array, "..."]:
        assert key is not None
        noise = jax.random.gumbel(key, sample_shape + self.logits.shape, self.logits.dtype)
        return ranking(self.logits + noise)

    def log_prob(self, value: Any) -> Float[Array, "..."]:
        ordered = (value * self.logits[..., None, :]).sum(-1)
        return (ordered - log_remaining(ordered)).sum(-1)


def ranking(scores: Float[Array, "*batch n"]) -> Float[Array, "*batch n n"]:
    """The permutation matrix that sorts the scores in descending order."""
    order = jnp.argsort(-scores, axis=-1)
    return jax.nn.one_hot(order, scores.shape[-1], dtype=scores.dtype)


def log_remaining(ordered: Float[Array, "*batch n"]) -> Float[Array, "*batch n"]:
    r"""$\log \sum_{t \ge r} e^{s_t}$ for each place r."""
    return jax.lax.cumlogsumexp(ordered, axis=ordered.ndim - 1, reverse=True)
