"""f's change as one coordinate changes, by its terms and by f as a whole."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gradest.estimators import estimator
from gradest.estimators.sampling.draws import sample
from gradest.problems import PROBLEMS
from gradest.problems.base import Problem, SumOfTerms
from tests.support.bits import f_and_gradient, interacting
from tests.support.programs import elements_of

SUMS = [name for name, kind in PROBLEMS.items() if issubclass(kind, SumOfTerms)]
DIM = 5


def test_sums_are_known():
    assert len(SUMS) > 10


@pytest.mark.parametrize("name", SUMS)
def test_a_changed_term_is_a_changed_f(name):
    problem = PROBLEMS[name](dim=DIM)
    params = problem.init_params(jax.random.key(0))
    q = problem.distribution(params)
    x, new, old = (sample(q, jax.random.key(seed), 3) for seed in range(3))
    by_terms = problem.changes_by_coordinate(params, x, new, old)
    whole = Problem.changes_by_coordinate(problem, params, x, new, old)
    size = float(jnp.abs(problem.objectives(params, jnp.concatenate([x, new, old]))).max())
    np.testing.assert_allclose(by_terms, whole, rtol=0, atol=1e-6 * max(1.0, size))


def test_a_subclass_with_an_f_of_its_own_is_no_sum():
    problem, params = interacting()
    x = np.array([[0.0, 1.0], [1.0, 1.0]])
    changes = problem.changes_by_coordinate(params, jnp.array(x), jnp.array(1 - x), jnp.array(x))
    first = f_and_gradient(np.stack([1 - x[:, 0], x[:, 1]], -1))[0]
    second = f_and_gradient(np.stack([x[:, 0], 1 - x[:, 1]], -1))[0]
    expected = np.stack([first, second], -1) - f_and_gradient(x)[0][:, None]
    np.testing.assert_allclose(changes, expected, rtol=1e-5)


ONE_AT_A_TIME = [
    ("measure_valued", "gaussian_square", {}),
    ("measure_valued", "bernoulli_square", {}),
    ("stochastic_triple", "bernoulli_square", {"pruned": False}),
]
"""Estimators that change one coordinate at a time."""


@pytest.mark.parametrize(("name", "problem_name", "arguments"), ONE_AT_A_TIME)
def test_of_a_sum_the_cost_is_linear_in_its_coordinates(name, problem_name, arguments):
    """f as a whole at each of D changed coordinates would be four times as much at twice the D."""
    subject = estimator(name, **arguments)

    def cost(dim):
        problem = PROBLEMS[problem_name](dim=dim)
        params = problem.init_params(jax.random.key(0))
        estimate = partial(subject.estimate, problem, params, (), num_samples=4)
        return elements_of(lambda key: estimate(key=key), jax.random.key(0))

    assert cost(200) < 2.1 * cost(100)
