"""What a variational bound adds to a problem."""

import jax.numpy as jnp
from jax.lax import stop_gradient

from gradest.benchmarks.checks.evaluations import count_evaluations
from gradest.estimators.pathwise.pathwise import Pathwise
from gradest.problems import problem
from tests.support.statistical import initial


def test_log_weights_evaluate_f():
    """Of the same x once, however often they are asked for."""

    class Asks(Pathwise):
        def surrogate(self, problem, params, state, key, num_samples):
            x = jnp.ones((8, 5, 1))
            q = problem.distribution(params)
            weights, again = (stop_gradient(problem.log_weights(params, q, x)) for _ in range(2))
            more = problem.log_weights(params, q, x + 1)
            return ((weights + again) * more).sum(), state

    toy = problem("normal_normal_bound")
    assert count_evaluations(Asks(), toy, initial(toy), (), 1) == (2, 1)
