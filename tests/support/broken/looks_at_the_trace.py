"""Breaks agreement under jit: computes something else while it is traced."""

import jax

from gradest.estimators.pathwise.pathwise import Pathwise


class Broken(Pathwise):
    def estimate(self, problem, params, state, key, num_samples):
        estimate, state = super().estimate(problem, params, state, key, num_samples)
        factor = 1.01 if isinstance(key, jax.core.Tracer) else 1.0
        return jax.tree.map(lambda leaf: leaf * factor, estimate), state
