r"""Advantages A: what multiplies the score of a sequence, or of each of its tokens.

r is the reward, $\bar r$ its mean over the G sequences of a prompt, s its standard deviation there.
"""

from abc import abstractmethod
from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from gradest.estimators.policy.rollouts import Rollouts


class Advantage(eqx.Module):
    """A of each sequence; or of each of its tokens, on an axis of length T."""

    goal: ClassVar[str] = ""
    """Of which goal E[A ∇ log π] is the gradient on policy; "" where it is of none."""

    off_policy: ClassVar[bool] = True
    """Whether the same holds for sequences of another policy, each weighted by its ratio."""

    joins_sequences: ClassVar[bool] = True
    """Whether A is made of other sequences too."""

    joins_prompts: ClassVar[bool] = False
    """Whether A is made of other prompts' sequences too."""

    further_rewards: ClassVar[int] = 0
    """How often the reward is evaluated beyond the sequences of the group."""

    def least_group(self, k: int) -> int:
        """The least G, where k is that of pass@k."""
        return 2 if self.joins_sequences else 1

    @abstractmethod
    def __call__(self, rollouts: Rollouts, k: int) -> Float[Array, "G P #T"]:
        """A, which may depend on k of pass@k."""


class OfSequences(Advantage):
    """An advantage that all tokens of a sequence share."""

    def __call__(self, rollouts: Rollouts, k: int) -> Float[Array, "G P #T"]:
        return self.of(rollouts.rewards, rollouts, k)[..., None]

    @abstractmethod
    def of(self, r: Float[Array, "G P"], rollouts: Rollouts, k: int) -> Float[Array, "G P"]:
        """A from the rewards."""


class NoBaseline(OfSequences):
    """A = r."""

    goal: ClassVar[str] = "mean"
    joins_sequences: ClassVar[bool] = False

    def of(self, r: Float[Array, "G P"], rollouts: Rollouts, k: int) -> Float[Array, "G P"]:
        return r


class LeaveOneOut(OfSequences):
    r"""$A_i = \frac{G}{G-1} (r_i - \bar r) = r_i - \frac1{G-1} \sum_{j \ne i} r_j$: RLOO
    (arXiv:2402.14740)."""

    goal: ClassVar[str] = "mean"

    def of(self, r: Float[Array, "G P"], rollouts: Rollouts, k: int) -> Float[Array, "G P"]:
        return (r - r.mean(0)) * rollouts.group / (rollouts.group - 1)


class GroupMean(OfSequences):
    r"""$A_i = r_i - \bar r$: Dr. GRPO (arXiv:2503.20783), 1 − 1/G times RLOO."""

    def of(self, r: Float[Array, "G P"], rollouts: Rollouts, k: int) -> Float[Array, "G P"]:
        return r - r.mean(0)


class GroupDeviation(OfSequences):
    r"""$A_i = (r_i - \bar r) / (s + \epsilon)$, s with G − 1 in it: GRPO (arXiv:2402.03300)."""

    epsilon: float = eqx.field(default=1e-4, static=True)

    def of(self, r: Float[Array, "G P"], rollouts: Rollouts, k: int) -> Float[Array, "G P"]:
        return (r - r.mean(0)) / (r.std(0, ddof=1) + self.epsilon)


class BatchDeviation(OfSequences):
    r"""$A_i = (r_i - \bar r) / (s_\mathrm{batch} + \epsilon)$, s over all prompts' sequences."""

    epsilon: float = eqx.field(default=1e-4, static=True)
    joins_prompts: ClassVar[bool] = True

    def of(self, r: Float[Array, "G P"], rollouts: Rollouts, k: int) -> Float[Array, "G P"]:
        return (r - r.mean(0)) / (r.std(ddof=1) + self.epsilon)


class Whitened(OfSequences):
    r"""$A_i = (r_i - \mu) / \sqrt{v + \epsilon}$, μ and v the mean and the variance over all
    tokens, each with the reward of its sequence: REINFORCE++ (arXiv:2501.03262)."""

    epsilon: float = eqx.field(default=1e-8, static=True)
    joins_prompts: ClassVar[bool] = True

    def of(self, r: Float[Array, "G P"], rollouts: Rollouts, k: int) -> Float[Array, "G P"]:
        tokens = rollouts.lengths
        mu = (tokens * r).sum() / tokens.sum()
        v = (tokens * (r - mu) ** 2).sum() / (tokens.sum() - 1)
        return (r - mu) / jnp.sqrt(v + self.epsilon)


class Greedy(OfSequences):
    r"""$A_i = r_i - r(\text{greedy})$: ReMax (arXiv:2310.10505).

    The reward of the sequence whose every token is the likeliest, one more evaluation.
    """

    goal: ClassVar[str] = "mean"
    joins_sequences: ClassVar[bool] = False
    further_rewards: ClassVar[int] = 1

    def of(self, r: Float[Array, "G P"], rollouts: Rollouts, k: int) -> Float[Array, "G P"]:
        return r - rollouts.problem.rewards(rollouts.params, rollouts.old.greedy())


class LengthWeighted(OfSequences):
    r"""$A_i = r_i - \sum_j n_j r_j / \sum_j n_j$, n the length: OPO (arXiv:2505.23585)."""

    def of(self, r: Float[Array, "G P"], rollouts: Rollouts, k: int) -> Float[Array, "G P"]:
        n = rollouts.lengths
        return r - (n * r).sum(0) / n.sum(0)


class OptimalToken(Advantage):
    r"""$A_{it} = r_i - \sum_j r_j W_{jt} / \sum_j W_{jt}$, over the sequences that go on to t, with
    $W_{jt} = \sum_{u \le t} (1 - 2 \pi_{ju} + \sum_v \pi_{ju}(v)^2)$: the optimal token baseline.

    In the brackets is the squared norm of the score of a token's logits.
    """

    def __call__(self, rollouts: Rollouts, k: int) -> Float[Array, "G P #T"]:
        pi = jnp.exp(rollouts.old.next_log_probs(rollouts.x))
        pi_chosen = jnp.exp(rollouts.old.token_log_probs(rollouts.x))
        norm = 1 - 2 * pi_chosen + (pi**2).sum(-1)
        w = jnp.cumsum(norm * rollouts.mask, axis=-1) * rollouts.mask
        r = rollouts.rewards[..., None]
        total = w.sum(0)
        return r - (r * w).sum(0) / jnp.where(total > 0, total, 1)


class MaxRL(OfSequences):
    r"""$A_i = (r_i - \bar r) / \bar r$, 0 where no sequence earned anything: MaxRL
    (arXiv:2602.02710).

    Of rewards 0 and 1 its mean is $[1 - (1 - p)^{G-1}] \nabla \log p$.
    """

    def of(self, r: Float[Array, "G P"], rollouts: Rollouts, k: int) -> Float[Array, "G P"]:
        mean = r.mean(0)
        return (r - mean) / jnp.where(mean > 0, mean, 1)


class PassAtK(OfSequences):
    r"""A = k where $r_i = 1$, else $k\,[1 - \binom{G-1-c}{k-1} / \binom{G-1}{k-1}]$, c the number
    of rewarded sequences: PKPO (arXiv:2505.15201).

    It is k times the probability that a choice of k sequences, this one among them, has a reward.
    """

    goal: ClassVar[str] = "pass_at_k"
    off_policy: ClassVar[bool] = False

    def least_group(self, k: int) -> int:
        return k

    def of(self, r: Float[Array, "G P"], rollouts: Rollouts, k: int) -> Float[Array, "G P"]:
        others = rollouts.group - 1
        c = r.sum(0)
        none = jnp.ones_like(c)
        for chosen in range(k - 1):
            none = none * jnp.maximum(others - c - chosen, 0) / (others - chosen)
        return k * jnp.where(r > 0, 1, 1 - none)


ADVANTAGES: dict[str, Advantage] = {
    "none": NoBaseline(),
    "leave_one_out": LeaveOneOut(),
    "mean": GroupMean(),
    "group_std": GroupDeviation(),
    "batch_std": BatchDeviation(),
    "whiten": Whitened(),
    "remax": Greedy(),
    "opo": LengthWeighted(),
    "optimal_token": OptimalToken(),
    "maxrl": MaxRL(),
    "pass_at_k": PassAtK(),
}
