r"""Aggregations: what the tokens of a sequence of length n weigh in the mean over sequences."""

from abc import abstractmethod
from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from gradest.estimators.policy.rollouts import Rollouts


class Aggregation(eqx.Module):
    """The weight of each token of a sequence."""

    unbiased: ClassVar[bool] = False
    """Whether the weighted mean has the expectation of the sum of the tokens' terms."""

    joins_prompts: ClassVar[bool] = False
    """Whether a weight is made of all sequences, those of other prompts too."""

    @abstractmethod
    def __call__(self, rollouts: Rollouts) -> Float[Array, "G P"]:
        """The weight."""


class SequenceSum(Aggregation):
    """1."""

    unbiased: ClassVar[bool] = True

    def __call__(self, rollouts: Rollouts) -> Float[Array, "G P"]:
        return jnp.ones_like(rollouts.rewards)


class Horizon(Aggregation):
    """1/T, of all sequences alike: the scale is another, the direction is right
    (arXiv:2503.20783).
    """

    def __call__(self, rollouts: Rollouts) -> Float[Array, "G P"]:
        return jnp.full_like(rollouts.rewards, 1 / rollouts.mask.shape[-1])


class SequenceMean(Aggregation):
    """1/n, n the sequence's own length: the direction is wrong for any G (arXiv:2402.03300)."""

    def __call__(self, rollouts: Rollouts) -> Float[Array, "G P"]:
        return 1 / rollouts.lengths


class TokenMean(Aggregation):
    r"""$1 / \bar n$, $\bar n$ the mean length of all sequences of all prompts (arXiv:2503.14476).

    The direction becomes right as their number grows.
    """

    joins_prompts: ClassVar[bool] = True

    def __call__(self, rollouts: Rollouts) -> Float[Array, "G P"]:
        return jnp.broadcast_to(1 / rollouts.lengths.mean(), rollouts.rewards.shape)


AGGREGATIONS: dict[str, Aggregation] = {
    "sequence_sum": SequenceSum(),
    "horizon": Horizon(),
    "sequence_mean": SequenceMean(),
    "token_mean": TokenMean(),
}
