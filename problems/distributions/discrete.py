"""Discrete distributions where those of numpyro will not do: bits, one-hot variables, permutations,
sequences of tokens.

Each has a log-probability that is smooth in its logits, and defined on relaxed values too.
"""

from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpyro.distributions as dist
from jax.scipy.special import logit
from jaxtyping import Array, Float, Num
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


class TokenSequence(dist.Distribution):
    r"""A row of T tokens out of V, each of a softmax that the token before it chooses; the last of
    the V ends the sequence.

    $\log q(x) = \sum_{t \le n} \log \mathrm{softmax}(\phi_{x_{t-1}})_{x_t}$, n the length: up to
    the first token V − 1 (EOS), which counts, or T where there is none. After it x is filled with
    EOS.
    The row of $x_0$, before the first token, is the last one of φ: nothing follows EOS.

    Shapes: an event is (T,), of whole numbers from 0 to V − 1; the logits φ are (*batch, V, V), a
    row for each token before.
    """

    arg_constraints: ClassVar[dict[str, Any]] = {"logits": constraints.real_matrix}
    support = constraints.independent(constraints.nonnegative_integer, 1)
    pytree_data_fields = ("logits",)

    def __init__(self, logits: Any, horizon: int, *, validate_args: bool | None = None) -> None:
        self.logits = logits
        *batch, _, _ = jnp.shape(logits)
        super().__init__(tuple(batch), (horizon,), validate_args=validate_args)

    @property
    def vocabulary(self) -> int:
        """V."""
        return self.logits.shape[-1]

    @property
    def noise_shape(self) -> tuple[int, ...]:
        """Of the Gumbel noise that one x is made of: a number for each token that may come."""
        return (*self.batch_shape, *self.event_shape, self.vocabulary)

    def sample(self, key: Array | None, sample_shape: tuple[int, ...] = ()) -> Float[Array, "..."]:
        assert key is not None
        return self.tokens(gumbel(key, sample_shape + self.noise_shape, self.logits.dtype))

    def greedy(self) -> Float[Array, "*batch T"]:
        """The sequence whose every token is the likeliest after the one before it."""
        return self.tokens(jnp.zeros(self.noise_shape, self.logits.dtype))

    def tokens(self, noise: Float[Array, "*batch T V"]) -> Float[Array, "*batch T"]:
        """x from Gumbel noise, token by token: the one whose logit and noise are the largest."""
        end = self.vocabulary - 1

        def step(state: tuple[Array, Array], noise: Array) -> tuple[tuple[Array, Array], Array]:
            before, has_ended = state
            chosen = (rows_at(self.logits, before) + noise).argmax(-1)
            token = jnp.where(has_ended, end, chosen)
            return (token, token == end), token

        *batch, horizon, _ = noise.shape
        start = jnp.full(batch, end), jnp.zeros(batch, bool)
        _, x = jax.lax.scan(step, start, jnp.moveaxis(noise, -2, 0), length=horizon)
        return jnp.moveaxis(x, 0, -1).astype(noise.dtype)

    def mask(self, x: Float[Array, "*batch T"]) -> Float[Array, "*batch T"]:
        """1 for each token of the sequence, its EOS included, and 0 for what x is filled with."""
        is_end = x == self.vocabulary - 1
        ended_before = jnp.cumsum(is_end, -1) - is_end
        return (ended_before == 0).astype(x.dtype)

    def next_log_probs(self, x: Float[Array, "*#batch T"]) -> Float[Array, "*batch T V"]:
        """log q of every token that may stand in a place, given the one before it in x."""
        start = jnp.full_like(x[..., :1], self.vocabulary - 1)
        before = jnp.concatenate([start, x[..., :-1]], axis=-1)
        return rows_at(log_softmax(self.logits)[..., None, :, :], before)

    def token_log_probs(self, x: Float[Array, "*#batch T"]) -> Float[Array, "*batch T"]:
        """log q of each token, given the one before it; 0 where x is filled."""
        is_here = x[..., None] == jnp.arange(self.vocabulary)
        of_each = jnp.where(is_here, self.next_log_probs(x), 0).sum(-1)
        return of_each * self.mask(x)

    def log_prob(self, value: Any) -> Float[Array, "..."]:
        return self.token_log_probs(value).sum(-1)


def rows_at(
    table: Float[Array, "*#batch V V"], row: Num[Array, "*#batch"]
) -> Float[Array, "*batch V"]:
    """For each whole number the row of its table that it names."""
    is_named = row[..., None] == jnp.arange(table.shape[-2])
    return jnp.where(is_named[..., None], table, 0).sum(-2)
