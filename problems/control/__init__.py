"""Stochastic policies: bandits, linear–quadratic control, rollouts, walks, tokens."""

from gradest.problems.control.bandit import Bandit
from gradest.problems.control.chaotic_rollout import ChaoticRollout
from gradest.problems.control.linear_quadratic_control import LinearQuadraticControl
from gradest.problems.control.random_walk import RandomWalk
from gradest.problems.control.token_policy import TokenPolicy

__all__ = ["Bandit", "ChaoticRollout", "LinearQuadraticControl", "RandomWalk", "TokenPolicy"]
