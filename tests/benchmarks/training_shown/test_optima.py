"""The least objectives, against those of f itself at every bit, or on a fine grid."""

import itertools
import json

import jax.numpy as jnp
import numpy as np
import pytest

from gradest.benchmarks.learning_curves.curves import contests
from gradest.benchmarks.training_shown.optima import INFIMA, optimum_of
from gradest.problems import PROBLEMS
from gradest.problems.arguments import defaults
from tests.support.made_runs import PLAIN
from tests.support.made_training import Made, contest, falling, training

GAUSSIAN = [name for name in INFIMA if name.startswith("gaussian")]

GRID = np.linspace(-40, 40, 160_001)


def arguments_of(name, **chosen):
    return dict(defaults(PROBLEMS[name])) | chosen


@pytest.mark.parametrize("name", GAUSSIAN)
@pytest.mark.parametrize("k", [1.5, 0.0, -0.125])
def test_a_gaussian_may_be_as_narrow_as_it_likes(name, k):
    """So that the least expectation is the least of h, in each coordinate."""
    arguments = arguments_of(name, dim=3, k=k)
    problem = PROBLEMS[name](**arguments)
    least = 3 * float(problem.integrand(jnp.asarray(GRID, jnp.float32)).min())
    assert INFIMA[name](arguments) == pytest.approx(least, abs=1e-6)


@pytest.mark.parametrize("t", [0.1, 0.45, 0.8])
@pytest.mark.parametrize("reduce", ["sum", "mean"])
def test_bits_are_best_at_one_of_their_corners(t, reduce):
    arguments = arguments_of("bernoulli_square", t=t, dim=3, reduce=reduce)
    problem = PROBLEMS["bernoulli_square"](**arguments)
    corners = itertools.product((0.0, 1.0), repeat=3)
    least = min(float(problem.terms({}, jnp.array(corner)).sum()) for corner in corners)
    assert INFIMA["bernoulli_square"](arguments) == pytest.approx(least, rel=1e-6)


def test_bits_that_share_their_logit_are_all_alike():
    """E[f] = Σ p (1 − t)² + (1 − p) t² over a grid of p, t being the three published targets."""
    p = np.linspace(0, 1, 10_001)
    expected = sum(p * (1 - t) ** 2 + (1 - p) * t**2 for t in (0.6, 0.51, 0.48))
    assert INFIMA["bernoulli_shared"]({}) == pytest.approx(expected.min())


def test_it_is_known_only_where_the_objective_is_and_falls():
    made = [Made(PLAIN, falling(0.01))]
    assert optimum_of(contest(made)) is None
    (exact,) = contests(training(made, objective_kind="exact"))
    assert optimum_of(exact) == 0
    assert optimum_of(exact._replace(sign=-1)) is None
    assert optimum_of(exact._replace(problem="vae_bernoulli")) is None
    assert json.loads(exact.problem_args)
