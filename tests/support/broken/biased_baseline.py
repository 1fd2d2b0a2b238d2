"""Breaks unbiasedness: the baseline is the mean over all samples, the l-th among them."""

import jax.numpy as jnp

from gradest.estimators.score_function.baselines import LeaveOneOut
from gradest.estimators.score_function.score_function import ScoreFunction


class MeanOfAll(LeaveOneOut):
    def value(self, drawn, state):
        return jnp.broadcast_to(drawn.signal.mean(0), drawn.signal.shape)


class Broken(ScoreFunction):
    def __post_init__(self):
        self.baseline = MeanOfAll()
