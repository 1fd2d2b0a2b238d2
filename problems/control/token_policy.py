"""A language model of a few tokens: the policy gradients of post-training, with an exact answer."""

from collections.abc import Callable
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
from jax.lax import stop_gradient
from jaxtyping import Array, Float

from gradest.problems.arguments import Number, as_float, choice, integer, number
from gradest.problems.base import Params
from gradest.problems.distributions.discrete import TokenSequence
from gradest.problems.distributions.enumeration import (
    MOST_STATES,
    Enumerated,
    all_log_probs,
    all_states,
    number_of_states,
)

Goal = Callable[[Float[Array, " P"], int], Float[Array, " P"]]
"""h of each prompt's p, given k."""

GOALS: dict[str, Goal] = {
    "mean": lambda p, k: p,
    "pass_at_k": lambda p, k: 1 - (1 - p) ** k,
    "log": lambda p, k: jnp.log(p),
}
"""h(p), what is wanted of the probability p that a prompt's sequence earns its reward."""


class TokenPolicy(Enumerated):
    r"""$E[f] = -\frac1P \sum_m h(p_m) + \frac{\beta}{P} \sum_m KL(\pi_\theta \| \pi_\mathrm{ref})$,
    $p_m$ the probability that a policy's sequence for prompt m earns its reward.

    A sequence has at most T tokens out of V, the last of which ends it (EOS). The policy is a
    table, $\pi_\theta(x_t | x_{t-1}, m) = \mathrm{softmax}(B_{x_{t-1}} + U_m)_{x_t}$, and all
    prompts share B. The reward r is 1 for a sequence with exactly m + 1 times token 1, m from 0,
    that ends in EOS, else 0.

    With `mean` h(p) = p, and f = −r/P for each prompt. With `pass_at_k`
    $h(p) = 1 - (1 - p)^k$, with `log` $h(p) = \log p$, neither of which is a mean over single
    sequences: there f is h's tangent, $f = -\frac1P [h(p) + h'(p)(r - p)]$ with p held where it
    is, so that both E[f] and its gradient are right. To all is added
    $\frac{\beta}{P} \log(\pi_\theta(x) / \pi_\mathrm{ref}(x))$, held too.

    Estimators made for language models draw from $\pi_{\theta - \delta d}$, δ the drift, as where
    a policy learns from what an older one wrote; others draw from $\pi_\theta$.
    $\pi_\mathrm{ref}$ has θ as it starts, and a multiple of d added.

    Shapes: x is (P, T), the group `transition` (B) is (V, V), a row for each token before, the
    last for none (BOS); `prompt` (U) is (P, V). Truth: the sum over all sequences, of which there
    are 15 with the defaults.
    """

    vocabulary: int = integer(3, "V, the tokens, of which the last is EOS", at_least=3, at_most=64)
    horizon: int = integer(3, "T, the most tokens of a sequence", at_least=2, at_most=64)
    prompts: int = integer(2, "P, the prompts, fewer than T")
    goal: str = choice(tuple(GOALS), "mean", "h, what is wanted of the probability of a reward")
    k: int = integer(2, "of pass_at_k", at_most=1_000)
    drift: Number = number(0.0, "δ, how far θ has moved since the sequences were drawn")
    kl: Number = number(0.0, "β, the weight of the KL divergence from the reference policy")
    reference_shift: Number = number(0.0, "how far along d the reference policy is")

    smooth: ClassVar[bool] = False
    not_smooth: ClassVar[str] = "f is of whole tokens"
    evaluated: ClassVar[tuple[str, ...]] = ("objective", "rewards")
    purpose: ClassVar[str] = "a language model's policy gradient"

    def __check_init__(self) -> None:
        if self.prompts >= self.horizon:
            raise ValueError(
                f"prompts = {self.prompts}: expected at most horizon − 1 = {self.horizon - 1}, "
                "so that each has a sequence that earns its reward"
            )
        no_policy = np.zeros((1, self.vocabulary, self.vocabulary))
        sequences = number_of_states(TokenSequence(no_policy, self.horizon))
        if sequences > MOST_STATES:
            raise ValueError(
                f"vocabulary = {self.vocabulary} and horizon = {self.horizon} make "
                f"{sequences:.3g} sequences: expected at most {MOST_STATES:,}, "
                "over which the truth is a sum"
            )

    def init_params(self, key: Array) -> Params:
        transition, prompt = self.places()
        return {
            "transition": as_float(0.6 * np.cos(transition)),
            "prompt": as_float(0.5 * np.sin(prompt)),
        }

    def direction(self) -> Params:
        """d, along which the drift and the reference policy's shift are."""
        transition, prompt = self.places()
        return {"transition": as_float(np.sin(transition)), "prompt": as_float(np.cos(prompt))}

    def places(self) -> tuple[Float[np.ndarray, "V V"], Float[np.ndarray, "P V"]]:
        """A number for each entry of θ: 1 + 2i + 3j of `transition`, 1 + m + 2j of `prompt`."""
        column = np.arange(self.vocabulary)
        before = np.arange(self.vocabulary)[:, None]
        m = np.arange(self.prompts)[:, None]
        return 1.0 + 2 * before + 3 * column, 1.0 + m + 2 * column

    def behaviour(self, params: Params) -> Params:
        """θ − δd, of the policy that has drawn."""
        return jax.tree.map(lambda leaf, d: leaf - self.drift * d, params, self.direction())

    def reference(self) -> Params:
        """θ of the reference policy, the same wherever the policy is."""
        start = self.init_params(jax.random.key(0))
        return jax.tree.map(
            lambda leaf, d: leaf + self.reference_shift * d, start, self.direction()
        )

    def distribution(self, params: Params) -> dist.Distribution:
        return self.policy(params)

    def policy(self, params: Params) -> TokenSequence:
        """The law of the sequences."""
        logits = params["transition"] + params["prompt"][:, None, :]
        return TokenSequence(logits, self.horizon)

    def rewards(self, params: Params, x: Float[Array, "*batch P T"]) -> Float[Array, "*batch P"]:
        """r of a sequence for each prompt."""
        wanted = jnp.arange(self.prompts) + 1
        ones = (x == 1).sum(-1)
        ends = x[..., -1] == self.vocabulary - 1
        return ((ones == wanted) & ends).astype(x.dtype)

    def success(self, params: Params) -> Float[Array, " P"]:
        """p of each prompt."""
        q = self.policy(params)
        log_probs = all_log_probs(q)
        states = jnp.asarray(all_states(q), log_probs.dtype)
        each = jnp.broadcast_to(states[:, None], (len(states), *q.batch_shape, *q.event_shape))
        return (jnp.exp(log_probs).T * self.rewards(params, each)).sum(0)

    def log_ratio(self, params: Params, x: Float[Array, "P T"]) -> Float[Array, " P"]:
        r"""$\log(\pi_\theta(x) / \pi_\mathrm{ref}(x))$ for each prompt."""
        return self.policy(params).log_prob(x) - self.policy(self.reference()).log_prob(x)

    def objective(self, params: Params, x: Float[Array, "P T"]) -> Float[Array, " P"]:
        params = stop_gradient(params)
        p = self.success(params)
        h, slope = jax.vmap(jax.value_and_grad(self.wanted))(p)
        tangent = slope * self.rewards(params, x) + (h - slope * p)
        return (self.kl * self.log_ratio(params, x) - tangent) / self.prompts

    def wanted(self, p: Float[Array, ""]) -> Float[Array, ""]:
        """h(p)."""
        return GOALS[self.goal](p, self.k)
