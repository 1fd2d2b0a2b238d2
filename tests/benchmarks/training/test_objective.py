"""The objective along training: exact where it is known, with an interval where it is not."""

import jax
import numpy as np
import pytest

from gradest.benchmarks.training.objective import estimated, objective_at
from gradest.problems import problem
from gradest.problems.toys.gaussian import GaussianSquare
from tests.support.statistical import initial

KEY = jax.random.key(0)


class Unknown(GaussianSquare):
    """A square of which nothing is known."""

    def exact_objective(self, params):
        return None


class Split(GaussianSquare):
    """A square that has others to be tried on."""

    def held_out(self):
        return GaussianSquare(k=5.0)


def test_it_is_exact_where_it_is_known():
    """(1 − 3)² + 1."""
    value = objective_at(problem("gaussian_square"), initial(problem("gaussian_square")), KEY, 10)
    assert value.kind == "exact"
    assert value.interval == (5.0, 5.0, 5.0)


def test_elsewhere_it_has_an_interval():
    toy = Unknown()
    value = objective_at(toy, initial(toy), KEY, 4_000)
    assert value.kind == "estimated"
    assert value.interval.low < 5 < value.interval.high
    # of (1 − 3 + ε)²: 4 + 16 + 2 − … the variance is 4·4·1 + 2
    half = 1.96 * np.sqrt(18 / 4_000)
    assert value.interval.high - value.interval.low == pytest.approx(2 * half, rel=0.1)


def test_the_draws_depend_on_the_key_alone():
    toy = Unknown()
    params = initial(toy)
    first = estimated(toy, params, KEY, 50)
    np.testing.assert_array_equal(first, estimated(toy, params, KEY, 50))
    moved = {"mean": params["mean"] + 1, "scale": params["scale"]}
    z = np.sqrt(first), np.sqrt(estimated(toy, moved, KEY, 50))
    assert not np.array_equal(*z)
    assert not np.array_equal(first, estimated(toy, params, jax.random.key(1), 50))


def test_data_points_are_summed():
    """As the estimates have it: the mean over images is a sum of terms over their number."""
    vae = problem("vae_bernoulli", num_images=3, latent_dim=2, hidden_dim=4)
    params = initial(vae)
    exact = objective_at(vae, params, KEY, 2)
    values = estimated(vae, params, KEY, 1_000)
    error = values.std() / np.sqrt(1_000)
    assert exact.kind == "exact"
    assert abs(values.mean() - exact.interval.value) < 4 * error


def test_data_that_are_held_out():
    assert problem("gaussian_square").held_out() is None
    others = Split().held_out()
    value = objective_at(others, initial(others), KEY, 10)
    assert value.interval.value == pytest.approx(17)  # (1 − 5)² + 1
