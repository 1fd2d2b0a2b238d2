"""What a language model's policy gradient is made of: a group of sequences for each prompt."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.lax import stop_gradient
from jaxtyping import Array, Float

from gradest.estimators.sampling.draws import sample
from gradest.problems.base import Params
from gradest.problems.control.token_policy import TokenPolicy
from gradest.problems.distributions.discrete import TokenSequence

NOT_TOKENS = "x is no sequence of tokens that earns a reward"
"""Why an estimator made for a language model refuses all other problems."""


class Rollouts(NamedTuple):
    r"""G sequences for each of P prompts, drawn from $\pi_\mathrm{old}$.

    All but `policy` and `log_probs` is constant.
    """

    problem: TokenPolicy
    params: Params
    policy: TokenSequence
    """The one that learns, as a function of θ."""
    old: TokenSequence
    """The one that drew them."""
    x: Float[Array, "G P T"]
    rewards: Float[Array, "G P"]
    mask: Float[Array, "G P T"]
    """1 for each token of a sequence, 0 after its end."""
    log_probs: Float[Array, "G P T"]
    r"""$\log \pi_\theta$ of each token, as a function of θ; 0 after a sequence's end."""
    log_ratio: Float[Array, "G P T"]
    r"""$\log (\pi_\theta / \pi_\mathrm{old})$ of each token; 0 after a sequence's end."""

    @property
    def group(self) -> int:
        """G."""
        return len(self.x)

    @property
    def lengths(self) -> Float[Array, "G P"]:
        """Tokens of each sequence, its EOS included."""
        return self.mask.sum(-1)


def drawn_from(
    problem: TokenPolicy, params: Params, key: Array, num_samples: int
) -> Float[Array, "G P T"]:
    """A group of sequences for each prompt, from the policy that draws."""
    return sample(problem.policy(problem.behaviour(params)), key, num_samples)


def rollouts_of(problem: TokenPolicy, params: Params, x: Float[Array, "G P T"]) -> Rollouts:
    """What is known of sequences that were drawn."""
    old = jax.tree.map(stop_gradient, problem.policy(problem.behaviour(params)))
    q = problem.policy(params)
    log_probs = q.token_log_probs(x)
    log_ratio = stop_gradient(log_probs) - old.token_log_probs(x)
    rewards = jax.vmap(problem.rewards, in_axes=(None, 0))(stop_gradient(params), x)
    return Rollouts(
        problem, stop_gradient(params), q, old, x, rewards, q.mask(x), log_probs, log_ratio
    )


def on_policy(problem: TokenPolicy) -> bool:
    """Whether the policy that draws is the one that learns."""
    return bool(jnp.all(problem.drift == 0))
