"""Breaks purity: draws from NumPy's generator beside the key."""

import jax
import numpy as np

from gradest.estimators.pathwise.pathwise import Pathwise

GENERATOR = np.random.default_rng(0)


class Broken(Pathwise):
    def estimate(self, problem, params, state, key, num_samples):
        estimate, state = super().estimate(problem, params, state, key, num_samples)
        noise = float(GENERATOR.normal(0, 1e-5))
        return jax.tree.map(lambda leaf: leaf * (1 + noise), estimate), state
