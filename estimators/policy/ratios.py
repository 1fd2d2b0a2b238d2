r"""Ratios: what weighs the term $A \nabla \log \pi_t$ of a token that an older policy has drawn.

$\rho_t = \pi_\theta / \pi_\mathrm{old}$ of the t-th of n tokens,
$\rho = \prod_t \rho_t$ that of the sequence, $s = \rho^{1/n}$. Where the policies are one, all
are 1.
"""

from abc import abstractmethod
from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from gradest.estimators.policy.rollouts import Rollouts

OfTokens = Float[Array, "G P #T"]
"""A number for each token, or for each sequence on an axis of length 1."""


class Ratio(eqx.Module):
    """The weight of each token's term, or of all those of a sequence."""

    unbiased: ClassVar[bool] = False
    """Whether it makes good for the older policy."""

    def __call__(self, rollouts: Rollouts, advantage: OfTokens) -> OfTokens:
        """The weight, which may depend on the sign of A."""
        return self.of(rollouts.log_ratio, rollouts, advantage)

    @abstractmethod
    def of(self, log_ratio: OfTokens, rollouts: Rollouts, advantage: OfTokens) -> OfTokens:
        r"""The weight from each token's $\log \rho_t$."""


class NoRatio(Ratio):
    """1."""

    def of(self, log_ratio: OfTokens, rollouts: Rollouts, advantage: OfTokens) -> OfTokens:
        return jnp.ones_like(log_ratio)


class OfSequence(Ratio):
    """ρ: the importance weight."""

    unbiased: ClassVar[bool] = True

    def of(self, log_ratio: OfTokens, rollouts: Rollouts, advantage: OfTokens) -> OfTokens:
        return jnp.exp(log_ratio.sum(-1, keepdims=True))


class OfPrefix(Ratio):
    r"""$\prod_{u \le t} \rho_u$: what comes after t is still the older policy's."""

    def of(self, log_ratio: OfTokens, rollouts: Rollouts, advantage: OfTokens) -> OfTokens:
        return jnp.exp(jnp.cumsum(log_ratio, axis=-1))


class OfToken(Ratio):
    r"""$\rho_t$: what comes before and after t is the older policy's (Schulman et al., 2017)."""

    def of(self, log_ratio: OfTokens, rollouts: Rollouts, advantage: OfTokens) -> OfTokens:
        return jnp.exp(log_ratio)


class Clipped(Ratio):
    r"""$\rho_t$, 0 where $\rho_t > 1 + \epsilon_+$ and A > 0, or $\rho_t < 1 - \epsilon_-$ and
    A < 0: PPO (Schulman et al., 2017).

    Clipped twice it is 0 too where $\rho_t > c$ and A < 0 (arXiv:1912.09729).
    """

    below: float = eqx.field(default=0.2, static=True)
    above: float = eqx.field(default=0.2, static=True)
    most: float = eqx.field(default=float("inf"), static=True)
    """c."""

    def of(self, log_ratio: OfTokens, rollouts: Rollouts, advantage: OfTokens) -> OfTokens:
        rho = jnp.exp(log_ratio)
        return jnp.where(self.passes(rho, advantage), rho, 0)

    def passes(self, rho: OfTokens, advantage: OfTokens) -> Bool[Array, "G P #T"]:
        """Where the clipped loss has the gradient of the one that is not."""
        too_likely = (rho > 1 + self.above) & (advantage > 0)
        too_rare = (rho < 1 - self.below) & (advantage < 0)
        far_too_likely = (rho > self.most) & (advantage < 0)
        return ~(too_likely | too_rare | far_too_likely)


class ClippedMean(Clipped):
    """s, 0 where it is clipped as PPO clips: GSPO (arXiv:2507.18071)."""

    below: float = eqx.field(default=3e-4, static=True)
    above: float = eqx.field(default=4e-4, static=True)

    def of(self, log_ratio: OfTokens, rollouts: Rollouts, advantage: OfTokens) -> OfTokens:
        n = rollouts.lengths[..., None]
        return super().of(log_ratio.sum(-1, keepdims=True) / n, rollouts, advantage)


class MeanOfClipped(Ratio):
    r"""The geometric mean of the clipped $\rho_t$, at tokens that are not clipped: GMPO
    (arXiv:2507.20673).

    Clipped is $\log \rho_t$, from above at w where A > 0, from below at −w where A < 0.
    """

    width: float = eqx.field(default=0.4, static=True)
    """w."""

    def of(self, log_ratio: OfTokens, rollouts: Rollouts, advantage: OfTokens) -> OfTokens:
        most = jnp.where(advantage > 0, self.width, jnp.inf)
        least = jnp.where(advantage < 0, -self.width, -jnp.inf)
        clipped = jnp.clip(log_ratio, least, most)
        n = rollouts.lengths[..., None]
        mean = jnp.exp(clipped.sum(-1, keepdims=True) / n)
        return jnp.where(clipped == log_ratio, mean, 0)


class Truncated(Ratio):
    r"""$\min(\rho_t, C)$: CISPO (arXiv:2506.13585), and truncated importance sampling."""

    most: float = eqx.field(default=2.0, static=True)
    """C."""

    def of(self, log_ratio: OfTokens, rollouts: Rollouts, advantage: OfTokens) -> OfTokens:
        return jnp.minimum(jnp.exp(log_ratio), self.most)


class Masked(Ratio):
    r"""$\rho_t$ where it is in a band, else 0: masked importance sampling, IcePop."""

    least: float = eqx.field(default=0.5, static=True)
    most: float = eqx.field(default=2.0, static=True)

    def of(self, log_ratio: OfTokens, rollouts: Rollouts, advantage: OfTokens) -> OfTokens:
        rho = jnp.exp(log_ratio)
        return jnp.where((rho >= self.least) & (rho <= self.most), rho, 0)


class Gated(Ratio):
    r"""$\rho_t$ times the derivative of $\frac4\tau \sigma(\tau (\rho - 1))$ at $\rho_t$, τ by the
    sign of A: SAPO (arXiv:2511.20347)."""

    above: float = eqx.field(default=1.0, static=True)
    """τ where A > 0."""
    below: float = eqx.field(default=1.05, static=True)
    """τ elsewhere."""

    def of(self, log_ratio: OfTokens, rollouts: Rollouts, advantage: OfTokens) -> OfTokens:
        rho = jnp.exp(log_ratio)
        tau = jnp.where(advantage > 0, self.above, self.below)
        gate = jax.nn.sigmoid(tau * (rho - 1))
        return 4 * gate * (1 - gate) * rho


class GammaWeighted(Ratio):
    r"""$\rho^k e^{\lambda (1 - \rho)}$, (k, λ) = (2, 3) where A ≥ 0, else (3, 2):
    VESPO (arXiv:2602.10693)."""

    above: tuple[float, float] = eqx.field(default=(2.0, 3.0), static=True)
    below: tuple[float, float] = eqx.field(default=(3.0, 2.0), static=True)

    def of(self, log_ratio: OfTokens, rollouts: Rollouts, advantage: OfTokens) -> OfTokens:
        log_rho = log_ratio.sum(-1, keepdims=True)
        k = jnp.where(advantage >= 0, self.above[0], self.below[0])
        lam = jnp.where(advantage >= 0, self.above[1], self.below[1])
        return jnp.exp(k * log_rho - lam * jnp.expm1(log_rho))


RATIOS: dict[str, Ratio] = {
    "none": NoRatio(),
    "sequence": OfSequence(),
    "prefix": OfPrefix(),
    "token": OfToken(),
    "ppo_clip": Clipped(),
    "dual_clip": Clipped(most=3.0),
    "cispo": Truncated(most=1.2),
    "gspo": ClippedMean(),
    "gmpo": MeanOfClipped(),
    "sapo": Gated(),
    "vespo": GammaWeighted(),
    "truncated": Truncated(),
    "masked": Masked(),
}
