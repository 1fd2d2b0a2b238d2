"""The normal–normal bound: by a product rule over all particles, and of one in closed form."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gradest.benchmarks.measurement.exact_gradient import exact_gradient
from gradest.problems import problem
from tests.support.derivatives import along, directions
from tests.support.estimates import as_vector
from tests.support.statistical import truth_of


def params_at(offset, slope, mean):
    return {
        "encoder": {"offset": jnp.float32(offset), "slope": jnp.float32(slope)},
        "model": {"mean": jnp.float32(mean)},
    }


def negative_bound(theta, points, variance, k):
    """−E[log mean w] per point by a product of Gauss–Hermite rules; θ is offset, slope, mean."""
    offset, slope, mean = theta
    nodes, weights = np.polynomial.hermite_e.hermegauss(48)
    weights = weights / weights.sum()
    total = 0.0
    for x in points:
        z = slope * x + offset + np.sqrt(variance) * nodes
        exponent = -((z - mean) ** 2 + (x - z) ** 2 - nodes**2) / 2
        w = np.exp(exponent) * np.sqrt(variance / (2 * np.pi))
        mixed = w
        probability = weights
        for _ in range(k - 1):
            mixed = np.add.outer(mixed, w)
            probability = np.multiply.outer(probability, weights)
        total -= (probability * np.log(mixed / k)).sum()
    return total / len(points)


@pytest.mark.parametrize("k", [1, 2, 3])
@pytest.mark.parametrize("variance", [2 / 3, 0.4])
def test_by_a_product_rule(k, variance):
    toy = problem("normal_normal_bound", num_particles=k, variance=variance, num_points=3)
    point = np.array([0.3, 0.7, -0.2], np.float32).astype(float)
    points = np.asarray(toy.points, float)

    def bound(theta):
        return negative_bound(theta, points, float(toy.variance), k)

    slopes = directions(3) @ as_vector(truth_of(toy, params_at(*point)))
    np.testing.assert_allclose(slopes, along(bound, point), rtol=1e-5, atol=1e-6)


def test_one_particle_in_closed_form():
    toy = problem("normal_normal_bound", num_particles=1)
    truth = truth_of(toy, params_at(0.3, 0.7, 0.5))
    x = np.asarray(toy.points, float)
    m = 0.7 * x + 0.3
    by_mean = (m - 0.5) - (x - m)
    np.testing.assert_allclose(truth["model"], [(0.5 - m).mean()], rtol=1e-6)
    np.testing.assert_allclose(truth["encoder"], [by_mean.mean(), (by_mean * x).mean()], rtol=1e-6)


def test_more_particles_bound_more_tightly():
    """And from below: E[log mean w] rises to log p(x), which has a closed form here."""
    x = np.asarray(problem("normal_normal_bound", num_points=3).points, float)
    theta = np.array([0.3, 0.7, -0.2])
    bounds = [negative_bound(theta, x, 2 / 3, k) for k in (1, 2, 3)]
    evidence = (0.25 * (x + 0.2) ** 2 + 0.5 * np.log(4 * np.pi)).mean()
    assert bounds[0] > bounds[1] > bounds[2] > evidence


@pytest.mark.parametrize("offset", [5.0, -20.0])
def test_far_from_the_optimum_no_gradient_is_claimed(offset):
    """The rule in log t spans 80, and log w varies by more: the gradient was 3 % off at −20."""
    far = problem("normal_normal_bound", offset=offset)
    assert exact_gradient(far, far.init_params(jax.random.key(3))) is None
