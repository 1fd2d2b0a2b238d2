"""Discrete distributions where those of numpyro will not do: bits, one-hot variables, permutations.

Each has a log-probability that is smooth in its logits, and defined on relaxed values too.
"""

from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpyro.distributions as dist
from jax.scipy.special import logit
from jaxtyping import Array, Float
from numpyro.distributions import constraints

from gradest.problems.canonical import COUNTERPARTS
from gradest.problems.distributions.bits import bit_log_probs, sigmoid
from gradest.problems.distributions.categories import log_softmax, softmax
from gradest.problems.distributions.fine_noise import gumbel, logistic


class Bernoulli(dist.BernoulliLogits):
    r"""A bit that is 1 with probability $\mathrm{sigmoid}(\phi)$, φ the logit:
    $\log q(x) = x \log \mathrm{sigmoid}(\phi) + (1 - x) \log \mathrm{sigmoid}(-\phi)$.

    Written so, its score is precise in both tails, and there is one at φ = 0 too: numpyro 0.20
    takes it apart into terms with a kink there, and its score at a logit of exactly 0 is x, not
    x − ½.

    Shapes: an event is a number; the logits are (*batch,).
    """

    @property
    def probs(self) -> Float[Array, "*batch"]:
        """P(x = 1)."""
        return sigmoid(self.logits)

    @property
    def variance(self) -> Float[Array, "*batch"]:
        return sigmoid(self.logits) * sigmoid(-self.logits)

    def sample(self, key: Array | None, sample_shape: tuple[int, ...] = ()) -> Float[Array, "..."]:
        assert key is not None
        noise = logistic(key, sample_shape + self.batch_shape, self.logits.dtype)
        return (self.logits + noise > 0).astype(self.logits.dtype)

    def log_prob(self, value: Float[Array, "..."]) -> Float[Array, "..."]:
        return bit_log_probs(self.logits, value)


COUNTERPARTS[dist.BernoulliLogits] = lambda q: Bernoulli(q.logits)
COUNTERPARTS[dist.BernoulliProbs] = lambda q: Bernoulli(logit(q.probs))


class OneHotCategoricalLogits(dist.Distribution):
    r"""x is a vector with a single 1, at k with probability $p_k = \mathrm{softmax}(\phi)_k$, φ the
    logits: $\log q(x) = \sum_k x_k \log p_k$.

    Shapes: an event is (K,); the logits are (*batch, K).
    """

    arg_constraints: ClassVar[dict[str, Any]] = {"logits": constraints.real_vector}
    support = constraints.multinomial(1)

    def __init__(self, logits: Any, *, validate_args: bool | None = None) -> None:
        self.logits = logits
        *batch, categories = jnp.shape(logits)
        super().__init__(tuple(batch), (categories,), validate_args=validate_args)

    @property
    def log_probs(self) -> Float[Array, "*batch categories"]:
        """log p of each category."""
        return log_softmax(self.logits)

    @property
    def probs(self) -> Float[Array, "*batch categories"]:
        """The probability p of each category."""
        return softmax(self.logits)

    @property
    def mean(self) -> Float[Array, "*batch categories"]:
        return self.probs

    @property
    def variance(self) -> Float[Array, "*batch categories"]:
        return self.probs * -jnp.expm1(self.log_probs)

    def sample(self, key: Array | None, sample_shape: tuple[int, ...] = ()) -> Float[Array, "..."]:
        assert key is not None
        noise = gumbel(key, sample_shape + self.logits.shape, self.logits.dtype)
        return one_hot_of_largest(self.logits + noise)

    def log_prob(self, value: Any) -> Float[Array, "..."]:
        return (value * self.log_probs).sum(-1)


def one_hot_of_largest(z: Float[Array, "..."]) -> Float[Array, "..."]:
    """1 where z is largest along its last axis, 0 elsewhere; no gradient flows."""
    return jax.nn.one_hot(z.argmax(-1), z.shape[-1], dtype=z.dtype)


class _PermutationMatrix(constraints.ParameterFreeConstraint):
    """Entries 0 and 1, a single 1 in every row and in every column."""

    is_discrete = True
    event_dim = 2

    def __call__(self, x: Any) -> Any:
        are_bits = ((x == 0) | (x == 1)).all((-2, -1))
        rows_have_one = (x.sum(-1) == 1).all(-1)
        columns_have_one = (x.sum(-2) == 1).all(-1)
        return are_bits & rows_have_one & columns_have_one


class PlackettLuce(dist.Distribution):
    r"""A ranking of n items: item i is first with probability $\mathrm{softmax}(\phi)_i$, φ the
    logits, and so on without it (Luce, 1959; Plackett, 1975).

    x is the permutation matrix whose row r has its 1 at the item ranked r-th. With $s = x \phi$,
    the logits in that order, $\log q(x) = \sum_r [s_r - \log \sum_{t \ge r} e^{s_t}]$: the r-th
    item is chosen among those that are left. Equally, x sorts in descending order the logits with
    independent Gumbel noise added.

    Shapes: an event is (n, n); the logits are (*batch, n).
    """

    arg_constraints: ClassVar[dict[str, Any]] = {"logits": constraints.real_vector}
    support = _PermutationMatrix()

    def __init__(self, logits: Any, *, validate_args: bool | None = None) -> None:
        self.logits = logits
        *batch, items = jnp.shape(logits)
        super().__init__(tuple(batch), (items, items), validate_args=validate_args)

    def sample(self, key: Array | None, sample_shape: tuple[int, ...] = ()) -> Float[Array, "..."]:
        assert key is not None
        shape = sample_shape + self.logits.shape
        noise = gumbel(key, shape, self.logits.dtype)
        return ranking(self.logits + noise)

    def log_prob(self, value: Any) -> Float[Array, "..."]:
        ordered = (value * self.logits[..., None, :]).sum(-1)
        # against those that are left after it, so that neither tail is one less the other; the last
        # item has no choice
        later = log_remaining(ordered)[..., 1:]
        return jax.nn.log_sigmoid(ordered[..., :-1] - later).sum(-1)


def ranking(scores: Float[Array, "*batch n"]) -> Float[Array, "*batch n n"]:
    """The permutation matrix that sorts the scores in descending order."""
    order = jnp.argsort(-scores, axis=-1)
    return jax.nn.one_hot(order, scores.shape[-1], dtype=scores.dtype)


def log_remaining(ordered: Float[Array, "*batch n"]) -> Float[Array, "*batch n"]:
    r"""$\log \sum_{t \ge r} e^{s_t}$ for each place r, s the logits in the order of a ranking."""
    return jax.lax.cumlogsumexp(ordered, axis=ordered.ndim - 1, reverse=True)
