"""The normal–normal bound: by a product rule over all particles, and of one in closed form."""

import itertools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest

from gradest.benchmarks.measurement.exact_gradient import exact_gradient
from gradest.estimators import estimator
from gradest.problems import PROBLEMS, problem
from gradest.problems.bounds import particles
from gradest.problems.registry.instances import Choice
from gradest.problems.variational.normal_normal import NormalNormalBound, standard_log_density
from tests.support.derivatives import along, directions, unrolled
from tests.support.estimates import as_vector, one_estimate
from tests.support.statistical import (
    assert_mean,
    assert_z,
    initial,
    moments_of,
    truth_of,
    variance_of,
)


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


class OneDimension(NormalNormalBound):
    """As it was when there was one dimension alone."""

    def init_params(self, key):
        mean = self.points.mean()
        model, slope, shift = self.offset * jax.random.normal(key, (3,), self.points.dtype)
        return {
            "model": {"mean": mean + model},
            "encoder": {"slope": 0.5 + slope, "offset": mean / 2 + shift},
        }

    def proposal_mean(self, params):
        encoder = params["encoder"]
        return encoder["slope"] * self.points + encoder["offset"]

    def distribution(self, params):
        mean = self.proposal_mean(params)[:, None]
        scale = jnp.broadcast_to(jnp.sqrt(self.variance), mean.shape)
        return particles(dist.Normal(mean, scale).to_event(1), self.num_particles)

    def log_joint(self, params, x):
        z = x[..., 0]
        log_prior = standard_log_density(z - params["model"]["mean"])
        return log_prior + standard_log_density(z - self.points[:, None])


@pytest.mark.parametrize("name", ["pathwise", "sticking_the_landing", "dreg", "ovis", "vimco"])
def test_one_dimension_is_as_before(name):
    """To the last bit."""
    for numbers in ({}, {"num_particles": 64, "num_points": 5, "offset": 0.1}):
        toys = [problem("normal_normal_bound", **numbers), OneDimension(**numbers)]
        now, before = (eqx.filter_jit(toy.init_params)(jax.random.key(2)) for toy in toys)
        assert jax.tree.structure(now) == jax.tree.structure(before)
        np.testing.assert_array_equal(as_vector(now), as_vector(before))
        estimates = [one_estimate(toy, estimator(name), now, 3) for toy in toys]
        np.testing.assert_array_equal(*map(as_vector, estimates))


def test_the_name_of_one_dimension():
    """Cells and their random numbers are named as before."""
    choice = Choice.of(PROBLEMS, "normal_normal_bound", {})
    assert choice.label == (
        "normal_normal_bound[num_particles=5,num_points=8,offset=0.01,variance=0.6666666666666666]"
    )
    assert choice.revision == 1
    assert "dim=2" in Choice.of(PROBLEMS, "normal_normal_bound", {"dim": 2}).label


def bound_of_planes(params, points, variance, k):
    """−E[log mean w] per point in several dimensions by a product of Gauss–Hermite rules."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(28 if k == 2 else 40)
    dim = points.shape[1]
    e = np.array(list(itertools.product(nodes, repeat=dim)))
    q = np.array([np.prod(each) for each in itertools.product(weights, repeat=dim)])
    q /= q.sum()
    mean = params["model"]["mean"]
    total = 0.0
    for x in points:
        z = params["slope"] @ x + params["offset"] + np.sqrt(variance) * e
        exponent = -((z - mean) ** 2 + (x - z) ** 2 - e**2).sum(1) / 2
        w = np.exp(exponent) * (variance / (2 * np.pi)) ** (dim / 2)
        mixed, probability = w, q
        if k == 2:
            mixed, probability = np.add.outer(w, w), np.multiply.outer(q, q)
        total -= (probability * np.log(mixed / k)).sum()
    return total / len(points)


@pytest.mark.parametrize(
    ("dim", "k", "variance"), [(2, 1, 2 / 3), (2, 2, 2 / 3), (2, 2, 0.4), (3, 1, 0.4)]
)
def test_several_dimensions_by_a_product_rule(dim, k, variance):
    toy = problem("normal_normal_bound", dim=dim, num_particles=k, variance=variance, num_points=3)
    start = toy.init_params(jax.random.key(2))
    step = jax.random.key(0)
    params = jax.tree.map(lambda leaf: leaf + 0.2 * jax.random.normal(step, leaf.shape), start)
    point, rolled = unrolled(params)
    points = np.asarray(toy.points, float)

    def bound(theta):
        return bound_of_planes(rolled(theta), points, float(toy.variance), k)

    slopes = directions(len(point)) @ as_vector(truth_of(toy, params))
    np.testing.assert_allclose(slopes, along(bound, point), rtol=1e-5, atol=1e-6)


def test_one_particle_in_closed_form_in_twenty_dimensions():
    toy = problem("normal_normal_bound", dim=20, num_points=1024, num_particles=1, variance=4 / 9)
    params = toy.init_params(jax.random.key(2))
    truth = truth_of(toy, params)
    x = np.asarray(toy.points, float)
    mu = np.asarray(params["model"]["mean"], float)
    m = x @ np.asarray(params["slope"], float).T + np.asarray(params["offset"], float)
    by_mean = 2 * m - mu - x
    np.testing.assert_allclose(truth["model"], (mu - m).mean(0), rtol=1e-9)
    np.testing.assert_allclose(truth["offset"], by_mean.mean(0), rtol=1e-9)
    np.testing.assert_allclose(truth["slope"], (by_mean.T @ x / 1024).ravel(), rtol=1e-8)


@pytest.mark.parametrize("dim", [1, 3])
def test_the_gradient_with_some_of_the_points(dim):
    """What all points share is found once; with one point alone there is nothing to share."""
    toy = problem("normal_normal_bound", dim=dim, num_points=4, num_particles=6, offset=0.05)
    params = initial(toy)
    gradient_of = toy.gradient_of_points(params)
    for point in range(4):
        alone = toy.with_data((toy.points[point : point + 1],))
        here, there = as_vector(gradient_of(alone)), as_vector(alone.exact_gradient(params))
        np.testing.assert_allclose(here, there, rtol=2e-4, atol=2e-5)
        assert np.linalg.norm(here) > 0.01


def test_at_the_exact_posterior():
    """All weights are equal: no gradient of the encoder, and no noise in it on the path alone."""
    toy = problem("normal_normal_bound", dim=3, variance=0.5, offset=0.0, num_particles=7)
    truth = truth_of(toy)
    estimate = one_estimate(toy, estimator("dreg"), initial(toy), 2)
    for group in ("slope", "offset"):
        np.testing.assert_allclose(truth[group], 0, atol=1e-6)
        np.testing.assert_allclose(estimate[group], 0, atol=1e-5)


def test_many_particles():
    """The bound comes to the evidence, whose gradient the encoder has no part in, as 1/K."""
    sizes = []
    for k in (100, 1_000):
        toy = problem("normal_normal_bound", dim=20, num_points=16, num_particles=k)
        sizes.append(float(np.linalg.norm(truth_of(toy)["offset"])))
    assert sizes[0] / sizes[1] == pytest.approx(10, rel=0.05)


MANY = problem("normal_normal_bound", dim=5, num_points=6, num_particles=30, variance=0.4)


@pytest.mark.parametrize("name", ["pathwise", "dreg", "ovis", "vimco"])
def test_estimates_in_five_dimensions(name):
    start = MANY.init_params(jax.random.key(2))
    params = jax.tree.map(lambda leaf: leaf + 0.1, start)
    moments = moments_of(MANY, estimator(name), 1, "five", params=params, replicates=8_000)
    assert_mean(moments["offset"], truth_of(MANY, params)["offset"], resolution=1e-5)


def iwae_gradient(toy, params, draws):
    """By b, in NumPy: the mean over points of −Σ w̃ ∂_m log w, with z = m + s ε."""
    x = np.asarray(toy.points, float)[:, None]
    mean = np.asarray(toy.proposal_mean(params), float)[:, None]
    mu = np.asarray(params["model"]["mean"], float)
    shape = (draws, toy.num_points, toy.num_particles, toy.dim)
    e = np.random.default_rng(0).normal(size=shape)
    z = mean + np.sqrt(float(toy.variance)) * e
    log_w = (-((z - mu) ** 2) - (x - z) ** 2 + e**2).sum(-1) / 2
    w = np.exp(log_w - log_w.max(-1, keepdims=True))
    share = w / w.sum(-1, keepdims=True)
    return -(share[..., None] * (mu + x - 2 * z)).sum(2).mean(1)


def test_variance_of_iwae():
    """Against plain draws."""
    toy = problem("normal_normal_bound", dim=3, num_points=5, num_particles=4, variance=4 / 9)
    params = toy.init_params(jax.random.key(2))
    moments = moments_of(toy, estimator("pathwise"), 1, "iwae", params=params, replicates=32_000)
    ours = variance_of(moments["offset"])
    drawn = iwae_gradient(toy, params, 32_000).reshape(32, -1, toy.dim)
    batches = drawn.var(1, ddof=1).sum(-1)
    error = np.hypot(
        np.log(ours.high / ours.low) / 2 / 1.96, batches.std(ddof=1) / np.sqrt(32) / batches.mean()
    )
    assert_z(np.log(ours.value / batches.mean()) / error)


def test_far_from_the_optimum_in_two_dimensions():
    far = problem("normal_normal_bound", dim=2, offset=20.0)
    assert exact_gradient(far, far.init_params(jax.random.key(3))) is None


def test_data_of_several_dimensions():
    """Drawn about one mean, with variance 2."""
    points = np.asarray(problem("normal_normal_bound", dim=20, num_points=4096).points, float)
    mean = points.mean(0)
    assert 0.5 < mean.std() < 1.5
    spread = ((points - mean) ** 2).mean()
    assert spread == pytest.approx(2, abs=5 * 2 * np.sqrt(2 / points.size))
