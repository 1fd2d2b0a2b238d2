"""Stochastic policies: bandits, linear–quadratic control, rollouts."""
