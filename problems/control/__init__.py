"""Stochastic policies: bandits, linear–quadratic control, rollouts."""

from gradest.problems.control.bandit import Bandit
from gradest.problems.control.chaotic_rollout import ChaoticRollout
from gradest.problems.control.linear_quadratic_control import LinearQuadraticControl

__all__ = ["Bandit", "ChaoticRollout", "LinearQuadraticControl"]
