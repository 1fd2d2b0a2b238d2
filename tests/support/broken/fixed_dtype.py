"""Breaks the dtypes: float32 whatever the precision in force."""

import jax
import jax.numpy as jnp

from gradest.estimators.pathwise.pathwise import Pathwise


class Broken(Pathwise):
    def estimate(self, problem, params, state, key, num_samples):
        estimate, state = super().estimate(problem, params, state, key, num_samples)
        return jax.tree.map(lambda leaf: leaf.astype(jnp.float32), estimate), state
