"""Breaks unbiasedness: the baseline is the mean over all samples, the l-th among them."""

import jax.numpy as jnp

from gradest.estimators.score_function.baselines import LeaveOneOut
from gradest.estimators.score_function.score_function import ScoreFunction


class MeanOfAll(LeaveOneOut):
    def value(self, signal, state):
        return jnp.broadcast_to(signal.mean(0), signal.shape)


class Broken(ScoreFunction):
    def __post_init__(self):
        self.baseline = MeanOfAll()
