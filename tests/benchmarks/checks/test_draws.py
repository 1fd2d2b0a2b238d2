"""The counter of random numbers, on estimates whose numbers can be counted by hand."""

import jax
import pytest

from gradest.benchmarks.checks.evaluations import Uncountable, count_draws
from gradest.estimators import estimator
from gradest.estimators.pathwise.pathwise import Pathwise
from gradest.problems import problem
from gradest.problems.toys.gaussian import GaussianSquare

SQUARE = problem("gaussian_square", dim=3)


def counted(toy, candidate, num_samples):
    params = toy.init_params(jax.random.key(0))
    state = candidate.init(toy, params, jax.random.key(0))
    return count_draws(candidate, toy, params, state, num_samples)


@pytest.mark.parametrize(
    ("name", "label", "arguments", "dim", "expected"),
    [
        ("gaussian_square", "pathwise", {}, 3, 1),
        ("gaussian_square", "pathwise", {"coupling": "antithetic"}, 3, 0.5),
        ("gaussian_square", "score_function", {"baseline": "optimal"}, 3, 1),
        ("gaussian_step", "pathwise", {}, 3, 1),
        # W; a vector of three, its sign and U. Of a sum only the changed term is made, not x
        ("gaussian_square", "measure_valued", {}, 3, 6),
        ("gaussian_square", "measure_valued", {"coupled": False}, 3, 7),
        ("bernoulli_square", "measure_valued", {}, 10, 0),
        ("bernoulli_square", "score_function", {"baseline": "leave_one_out"}, 3, 1),
        ("bernoulli_square", "gumbel_softmax", {}, 3, 1),
        ("bernoulli_square", "rebar", {}, 3, 2),
        ("bernoulli_square", "gumbel_rao", {"conditional_draws": 5}, 3, 6),
    ],
)
def test_what_an_estimate_draws_is_counted(name, label, arguments, dim, expected):
    toy, candidate = problem(name, dim=dim), estimator(label, **arguments)
    assert counted(toy, candidate, 16) == candidate.draws(toy, 16) == expected * 16 * dim


class Whole(GaussianSquare):
    """The same f, not known as a sum."""

    def objective(self, params, x):
        return self.terms(params, x).sum(-1)


@pytest.mark.parametrize(("dim", "expected"), [(1, 6), (3, 7)])
def test_x_is_drawn_where_others_of_its_coordinates_stay(dim, expected):
    toy, candidate = Whole(dim=dim), estimator("measure_valued")
    assert counted(toy, candidate, 16) == candidate.draws(toy, 16) == expected * 16 * dim


@pytest.mark.parametrize("points", [3, 10])
def test_data_points_have_numbers_of_their_own(points):
    toy = problem("vae_gaussian", latent_dim=2, num_images=points, hidden_dim=4)
    assert counted(toy, Pathwise(), 5) == Pathwise().draws(toy, 5) == 5 * points * 2


class Drawn(Pathwise):
    """Adds to the estimate what `extra` makes of a key."""

    def extra(self, key):
        raise NotImplementedError

    def estimate(self, problem, params, state, key, num_samples):
        grads, state = super().estimate(problem, params, state, key, num_samples)
        return jax.tree.map(lambda leaf: leaf + self.extra(key), grads), state


@pytest.mark.parametrize(
    ("extra", "more"),
    [
        (lambda key: 0.0, 0),
        (lambda key: jax.random.normal(key), 1),
        (lambda key: jax.random.normal(key) + jax.random.normal(key), 1),
        (lambda key: jax.random.normal(key) + jax.random.uniform(key), 1),
        (lambda key: sum(map(jax.random.normal, jax.random.split(key))), 2),
        (lambda key: 0 * jax.random.normal(key, (5,)).shape[0], 0),
        (lambda key: jax.vmap(jax.random.rademacher)(jax.random.split(key, 4)).sum(), 4),
        (lambda key: jax.lax.map(jax.random.logistic, jax.random.split(key, 6)).sum(), 6),
    ],
    ids=["none", "one", "equal", "of one word", "two keys", "unused", "batched", "in a loop"],
)
def test_equal_numbers_count_once_and_unused_ones_not_at_all(extra, more):
    candidate = type("Made", (Drawn,), {"__doc__": "With that.", "extra": staticmethod(extra)})()
    assert counted(SQUARE, candidate, 4) == 4 * 3 + more


@pytest.mark.parametrize(
    "sampler",
    [
        lambda key: jax.random.gamma(key, 2.0),
        lambda key: jax.random.poisson(key, 2.0).astype(float),
    ],
)
def test_what_is_drawn_by_rejection_cannot_be_counted(sampler):
    candidate = type("Made", (Drawn,), {"__doc__": "With that.", "extra": staticmethod(sampler)})()
    with pytest.raises(Uncountable, match="random numbers are drawn in a while loop"):
        counted(SQUARE, candidate, 4)
