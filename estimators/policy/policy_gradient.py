"""The policy gradient of sequences of tokens, with every change that libraries make to it."""

from typing import ClassVar

import jax.numpy as jnp
from jax.lax import stop_gradient
from jaxtyping import Array, Float

from gradest.estimators.base import Evaluations
from gradest.estimators.policy.advantages import ADVANTAGES, Advantage
from gradest.estimators.policy.aggregations import AGGREGATIONS, Aggregation
from gradest.estimators.policy.groups import GroupEstimator
from gradest.estimators.policy.ratios import RATIOS, Ratio
from gradest.estimators.policy.rollouts import NOT_TOKENS, Rollouts, on_policy
from gradest.problems.arguments import choice, integer
from gradest.problems.base import Problem
from gradest.problems.control.token_policy import TokenPolicy


class PolicyGradient(GroupEstimator):
    r"""Advantages on the scores of tokens, of a group of G = L sequences for each prompt.

    $-\frac1P \sum_m \frac1G \sum_i \sum_t w_{it}\, \rho_{it} A_{it} \nabla_\theta
    \log \pi_\theta(x_{it} | x_{i,t-1}, m)$ with $x_i \sim \pi_\mathrm{old}$

    A is the advantage, w the aggregation and ρ the ratio. Unbiased for the goal mean are the
    advantages none, leave_one_out (RLOO) and remax, for pass_at_k that of its name and k on policy;
    with the aggregation sequence_sum, and with the ratio sequence, or any where the drift is 0.
    All others are biased, some in their scale alone: mean (Dr. GRPO) is 1 − 1/G times RLOO, and
    horizon 1/T of the sum. For prompts, sequences and rewards as `token_policy` has them, without
    its KL term. Cost: L evaluations of f, L + 1 with remax.
    """

    advantage: Advantage = choice(
        ADVANTAGES, "leave_one_out", "A, what a sequence earned beyond what is usual", static=False
    )
    aggregation: Aggregation = choice(
        AGGREGATIONS, "sequence_sum", "w, what a token weighs", static=False
    )
    ratio: Ratio = choice(
        RATIOS, "sequence", "ρ, what weighs a token of an older policy", static=False
    )
    k: int = integer(2, "of the advantage pass_at_k", at_most=1_000)

    purpose: ClassVar[str] = "RLOO, GRPO, PPO clip and their kin"
    unbiased: ClassVar[bool] = True
    biased_by: ClassVar[str] = "most advantages, aggregations and ratios"
    source: ClassVar[str] = (
        "Williams, 1992; Schulman, Wolski, Dhariwal, Radford and Klimov, 2017; Ahmadian, Cremer, "
        "Gallé, Fadaee, Kreutzer, Pietquin, Üstün and Hooker, 2024; "
        "Shao, Wang, Zhu, Xu, Song, Bi, Zhang, Zhang, Li, Wu and Guo, 2024"
    )

    def losses(self, rollouts: Rollouts) -> Float[Array, " P"]:
        a = self.advantage(rollouts, self.k)
        rho = self.ratio(rollouts, a)
        w = self.aggregation(rollouts)[..., None]
        per_token = stop_gradient(w * rho * a) * rollouts.log_probs
        return -per_token.sum(-1).mean(0) / rollouts.problem.prompts

    @property
    def joins_prompts(self) -> bool:
        return self.advantage.joins_prompts or self.aggregation.joins_prompts

    def claims_unbiased(self, problem: Problem) -> bool:
        if not isinstance(problem, TokenPolicy):
            return self.unbiased
        same_k = self.advantage.goal != "pass_at_k" or self.k == problem.k
        weighted = self.ratio.unbiased and self.advantage.off_policy
        return (
            self.advantage.goal == problem.goal
            and same_k
            and self.aggregation.unbiased
            and (weighted or on_policy(problem))
        )

    def claims_one_over_samples(self) -> bool:
        return not self.advantage.joins_sequences and not self.aggregation.joins_prompts

    @property
    def min_samples(self) -> int:
        return self.advantage.least_group(self.k)

    def refuses(self, problem: Problem) -> str | None:
        if not isinstance(problem, TokenPolicy):
            return NOT_TOKENS
        if bool(jnp.any(problem.kl != 0)):
            return "f has a KL term: kl_gradient estimates it"
        return None

    def evaluations(self, problem: Problem, num_samples: int) -> Evaluations:
        return Evaluations(f=num_samples + self.advantage.further_rewards, grad=0)
