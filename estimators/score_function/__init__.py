"""Gradients of ln q: REINFORCE, its baselines and control variates, its multi-sample kin."""

from gradest.estimators.score_function.importance_weighted import ImportanceWeighted
from gradest.estimators.score_function.lax import LAX
from gradest.estimators.score_function.particles import OVIS, VIMCO
from gradest.estimators.score_function.rao_blackwell import RaoBlackwell
from gradest.estimators.score_function.score_function import ScoreFunction

__all__ = ["LAX", "OVIS", "VIMCO", "ImportanceWeighted", "RaoBlackwell", "ScoreFunction"]
