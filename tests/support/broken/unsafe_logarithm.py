"""Breaks at extreme θ: takes log p and log(1 − p) of probabilities that round to 0 and 1."""

import jax.numpy as jnp
from jax.lax import stop_gradient

from gradest.estimators.sampling.draws import sample
from gradest.estimators.score_function.score_function import ScoreFunction
from gradest.problems.distributions.coordinates import base


class Broken(ScoreFunction):
    def surrogate(self, problem, params, state, key, num_samples):
        q = problem.distribution(params)
        x = sample(q, key, num_samples)
        p, f = base(q).probs, problem.objectives(params, x)
        log_q = (x * jnp.log(p) + (1 - x) * jnp.log(1 - p)).sum(-1)
        return (stop_gradient(f) * log_q + f).mean(0).sum(), state
