"""As pol.py was at first: a scalar scale ended the whole run."""

import jax
import jax.numpy as jnp
import numpyro.distributions as dist

from gradest.problems.base import Problem


class Policy(Problem):
    smooth = False

    def init_params(self, key):
        return {"w": 0.1 * jax.random.normal(key, (4,))}

    def distribution(self, params):
        return dist.Normal(params["w"], 0.3).to_event(1)

    def objective(self, params, x):
        return jnp.sum(jnp.tanh(x) ** 2) + jnp.where(x[0] > 0, 1.0, 0.0)
