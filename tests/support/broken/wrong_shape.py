"""Breaks the shapes: the estimate keeps an axis of length one."""

import jax

from gradest.estimators.pathwise.pathwise import Pathwise


class Broken(Pathwise):
    def estimate(self, problem, params, state, key, num_samples):
        estimate, state = super().estimate(problem, params, state, key, num_samples)
        return jax.tree.map(lambda leaf: leaf[None], estimate), state
