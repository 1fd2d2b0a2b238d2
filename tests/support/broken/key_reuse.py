"""Breaks the 1/L: all L samples are drawn from one key, so that they are the same."""

import jax.numpy as jnp

from gradest.estimators.pathwise.pathwise import Pathwise
from gradest.estimators.sampling.draws import rsample


class Broken(Pathwise):
    def surrogate(self, problem, params, state, key, num_samples):
        x = rsample(problem.distribution(params), key, 1)
        return problem.objectives(params, jnp.repeat(x, num_samples, axis=0)).mean(0).sum(), state
