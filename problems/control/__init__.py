"""Stochastic policies: bandits, linear–quadratic control, rollouts, walks."""

from gradest.problems.control.bandit import Bandit
from gradest.problems.control.chaotic_rollout import ChaoticRollout
from gradest.problems.control.linear_quadratic_control import LinearQuadraticControl
from gradest.problems.control.random_walk import RandomWalk

__all__ = ["Bandit", "ChaoticRollout", "LinearQuadraticControl", "RandomWalk"]
