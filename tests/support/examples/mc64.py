"""The same with a constant in NumPy's float64."""

import jax
import numpy as np
import numpyro.distributions as dist

from gradest.problems.base import Problem

W = np.triu(np.random.default_rng(1).uniform(size=(6, 6)), 1)


class MaxCut(Problem):
    r"""Minus the weight of a cut of a random graph of 6 nodes; x a side for each node."""

    truth = "closed form"

    def init_params(self, key):
        return {"logits": 0.5 * jax.random.normal(key, (6,))}

    def distribution(self, params):
        return dist.Bernoulli(logits=params["logits"]).to_event(1)

    def objective(self, params, x):
        return -(W * (x[:, None] * (1 - x[None]) + x[None] * (1 - x[:, None]))).sum()

    def exact_gradient(self, params):
        def value(params):
            p = jax.nn.sigmoid(params["logits"])
            return -(W * (p[:, None] * (1 - p[None]) + p[None] * (1 - p[:, None]))).sum()

        return jax.grad(value)(params)
