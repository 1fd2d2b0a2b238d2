"""Policy gradients as language models are trained by, with what libraries change of them."""

from gradest.estimators.policy.kl_gradient import KLGradient
from gradest.estimators.policy.policy_gradient import PolicyGradient

__all__ = ["KLGradient", "PolicyGradient"]
