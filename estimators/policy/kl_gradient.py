"""The gradient of a KL divergence from a reference policy, in the forms that libraries give it."""

from abc import abstractmethod
from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
from jax.lax import stop_gradient
from jaxtyping import Array, Float

from gradest.estimators.base import Evaluations
from gradest.estimators.policy.groups import GroupEstimator
from gradest.estimators.policy.rollouts import NOT_TOKENS, Rollouts, on_policy
from gradest.problems.arguments import choice
from gradest.problems.base import Problem
from gradest.problems.control.token_policy import TokenPolicy

PerToken = Float[Array, "G P T"]
PerSequence = Float[Array, "G P"]


class Terms(eqx.Module):
    """What the forms are made of; all are 0 after a sequence's end."""

    log_pi: PerToken
    r"""$\log \pi_\theta$ of each token, as a function of θ."""
    kappa: PerToken
    r"""$\kappa_t = \log \pi_\theta - \log \pi_\mathrm{ref}$ of each token."""
    kl: PerToken
    """The KL divergence of the next token, over all that there are."""
    log_rho: PerToken
    r"""$\log \pi_\theta - \log \pi_\mathrm{old}$ of each token."""
    lengths: PerSequence

    @property
    def k3(self) -> PerToken:
        r"""$e^{-\kappa} - 1 + \kappa$."""
        return jnp.expm1(-self.kappa) + self.kappa


def terms_of(rollouts: Rollouts) -> Terms:
    """As functions of θ."""
    log_pi = rollouts.log_probs
    q, ref = rollouts.policy, rollouts.problem.policy(rollouts.problem.reference())
    kappa = log_pi - ref.token_log_probs(rollouts.x)
    ours, theirs = (each.next_log_probs(rollouts.x) for each in (q, ref))
    kl = (jnp.exp(ours) * (ours - theirs)).sum(-1) * rollouts.mask
    log_rho = log_pi - rollouts.old.token_log_probs(rollouts.x)
    return Terms(log_pi, kappa, kl, log_rho, rollouts.lengths)


class Form(eqx.Module):
    """A loss of each sequence, whose gradient stands for that of the KL divergence."""

    on_policy: ClassVar[bool] = False
    """Whether the mean of its gradient is that, of sequences of the policy itself."""

    off_policy: ClassVar[bool] = False
    """Whether it is so too of sequences of an older one."""

    @abstractmethod
    def __call__(self, terms: Terms) -> PerSequence:
        """The loss."""


class K1InLoss(Form):
    r"""$\sum_t \kappa_t$: the mean of its gradient is 0."""

    def __call__(self, terms: Terms) -> PerSequence:
        return terms.kappa.sum(-1)


class K1InReward(Form):
    r"""$\kappa \log \pi$, $\kappa = \sum_t \kappa_t$ held: the KL divergence as a part of the
    reward; $\frac12 \kappa^2$ in the loss has the same gradient."""

    on_policy: ClassVar[bool] = True

    def __call__(self, terms: Terms) -> PerSequence:
        return stop_gradient(terms.kappa.sum(-1)) * terms.log_pi.sum(-1)


class K1ToGo(Form):
    r"""$\sum_t \log \pi_t \sum_{u \ge t} \kappa_u$, κ held."""

    on_policy: ClassVar[bool] = True

    def __call__(self, terms: Terms) -> PerSequence:
        to_go = jnp.cumsum(terms.kappa[..., ::-1], axis=-1)[..., ::-1]
        return (stop_gradient(to_go) * terms.log_pi).sum(-1)


class K2Token(Form):
    r"""$\frac12 \sum_t \kappa_t^2$: the gradient of each token's divergence given those before."""

    def __call__(self, terms: Terms) -> PerSequence:
        return (terms.kappa**2).sum(-1) / 2


class K3Token(Form):
    r"""$\sum_t e^{-\kappa_t} - 1 + \kappa_t$: GRPO's (arXiv:2402.03300)."""

    def __call__(self, terms: Terms) -> PerSequence:
        return terms.k3.sum(-1)


class K3Sequence(Form):
    r"""$e^{-\kappa} - 1 + \kappa$ of whole sequences: its gradient's mean is
    $\nabla KL(\pi_\mathrm{ref} \| \pi_\theta)$, the divergence the other way round."""

    def __call__(self, terms: Terms) -> PerSequence:
        kappa = terms.kappa.sum(-1)
        return jnp.expm1(-kappa) + kappa


class K3TokenWeighted(Form):
    r"""$\sum_t \rho_t (e^{-\kappa_t} - 1 + \kappa_t)$, ρ differentiated: on policy that of
    `k2_token`."""

    def __call__(self, terms: Terms) -> PerSequence:
        return (jnp.exp(terms.log_rho) * terms.k3).sum(-1)


class K3MeanWeighted(Form):
    r"""$\rho^{1/n} \sum_t (e^{-\kappa_t} - 1 + \kappa_t)$, ρ of the sequence of n tokens."""

    def __call__(self, terms: Terms) -> PerSequence:
        return jnp.exp(terms.log_rho.sum(-1) / terms.lengths) * terms.k3.sum(-1)


class K3PrefixWeighted(Form):
    r"""$\sum_t \prod_{u \le t} \rho_u (e^{-\kappa_t} - 1 + \kappa_t)$."""

    on_policy: ClassVar[bool] = True
    off_policy: ClassVar[bool] = True

    def __call__(self, terms: Terms) -> PerSequence:
        return (jnp.exp(jnp.cumsum(terms.log_rho, axis=-1)) * terms.k3).sum(-1)


class ExactToken(Form):
    r"""$\sum_t KL_t$, of the next token over all that there are: how θ decides which come before is
    left out."""

    def __call__(self, terms: Terms) -> PerSequence:
        return terms.kl.sum(-1)


class RaoBlackwellised(Form):
    r"""$\sum_t KL_t + \log \pi_t \sum_{u > t} KL_u$, the last sum held (arXiv:2504.10637)."""

    on_policy: ClassVar[bool] = True

    def __call__(self, terms: Terms) -> PerSequence:
        to_go = jnp.cumsum(terms.kl[..., ::-1], axis=-1)[..., ::-1]
        later = stop_gradient(to_go - terms.kl)
        return (terms.kl + terms.log_pi * later).sum(-1)


FORMS: dict[str, Form] = {
    "k1_in_loss": K1InLoss(),
    "k1_in_reward": K1InReward(),
    "k1_to_go": K1ToGo(),
    "k2_token": K2Token(),
    "k3_token": K3Token(),
    "k3_sequence": K3Sequence(),
    "k3_token_weighted": K3TokenWeighted(),
    "k3_mean_weighted": K3MeanWeighted(),
    "k3_prefix_weighted": K3PrefixWeighted(),
    "exact_token": ExactToken(),
    "rao_blackwell": RaoBlackwellised(),
}


class KLGradient(GroupEstimator):
    r"""The score function of the reward, and a form of the KL divergence's gradient.

    $\frac1P \sum_m \frac1G \sum_i -\rho_i r_i \nabla_\theta \log \pi_\theta(x_i)
    + \beta \nabla_\theta D(x_i)$ with $x_i \sim \pi_\mathrm{old}$

    ρ is the importance weight of a sequence, D the form: a function of
    $\kappa = \log(\pi_\theta / \pi_\mathrm{ref})$ of its tokens. Unbiased on policy are the forms
    k1_in_reward, k1_to_go, k3_prefix_weighted and rao_blackwell, with a drift k3_prefix_weighted
    alone, and where β is 0 all are; the others are biased. For the goal mean of `token_policy`.
    Cost: L evaluations of f.
    """

    form: Form = choice(FORMS, "k3_prefix_weighted", "D", static=False)

    purpose: ClassVar[str] = "k1, k2, k3: a KL penalty's gradient"
    unbiased: ClassVar[bool] = True
    biased_by: ClassVar[str] = "most forms of the KL term"
    independent_terms: ClassVar[bool] = True
    source: ClassVar[str] = (
        "Schulman, 2020; Shao, Wang, Zhu, Xu, Song, Bi, Zhang, Zhang, Li, Wu and Guo, 2024; "
        "Amini, Vieira and Cotterell, 2025"
    )

    def losses(self, rollouts: Rollouts) -> Float[Array, " P"]:
        rho = jnp.exp(rollouts.log_ratio.sum(-1))
        of_reward = -rho * rollouts.rewards * rollouts.log_probs.sum(-1)
        of_divergence = self.form(terms_of(rollouts))
        loss = of_reward + rollouts.problem.kl * of_divergence
        return loss.mean(0) / rollouts.problem.prompts

    def claims_unbiased(self, problem: Problem) -> bool:
        if not isinstance(problem, TokenPolicy):
            return self.unbiased
        nothing = bool(jnp.all(problem.kl == 0))
        drawn_here = self.form.on_policy and on_policy(problem)
        return nothing or self.form.off_policy or drawn_here

    def refuses(self, problem: Problem) -> str | None:
        if not isinstance(problem, TokenPolicy):
            return NOT_TOKENS
        if problem.goal != "mean":
            return f"the goal is {problem.goal}: expected mean, beside which the KL term stands"
        return None

    def evaluations(self, problem: Problem, num_samples: int) -> Evaluations:
        return Evaluations(f=num_samples, grad=0)
