"""Antithetic and Sobol draws: margins, points against scipy's, and the variances that they give."""

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest
from scipy import stats
from scipy.stats import qmc

from gradest.benchmarks.checks.trials import small_problem
from gradest.estimators import estimator
from gradest.estimators.sampling.couplings import (
    COUPLINGS,
    NOISES,
    direction_numbers,
    scrambled,
    uniform,
)
from gradest.estimators.sampling.draws import explicit, rsample
from gradest.problems import PROBLEMS, problem
from gradest.problems.distributions import fine_noise
from gradest.problems.distributions.coordinates import base
from tests.support.statistical import (
    assert_likely,
    assert_mean,
    assert_variance,
    assert_z,
    initial,
    moments_of,
    truth_of,
    variance_of,
)

THEIRS = {
    jax.random.normal: stats.norm(),
    jax.random.logistic: stats.logistic(),
    fine_noise.logistic: stats.logistic(),
    jax.random.laplace: stats.laplace(),
    jax.random.exponential: stats.expon(),
    jax.random.gumbel: stats.gumbel_r(),
}


@pytest.mark.parametrize("sampler", NOISES, ids=lambda sampler: sampler.__name__)
def test_quantiles_and_mirrors(sampler):
    digits = np.linspace(1e-4 * 2**32, (1 - 1e-4) * 2**32, 101).astype(np.uint32)
    u = (digits + 0.5) / 2.0**32
    with jax.enable_x64(True):
        at_u = NOISES[sampler].at_digits(jnp.asarray(digits), jnp.float64)
        mirrored = NOISES[sampler].mirror(at_u)
        np.testing.assert_allclose(at_u, THEIRS[sampler].ppf(u), rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(mirrored, THEIRS[sampler].ppf(1 - u), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", [name for name in PROBLEMS if name != "vae_bernoulli"])
def test_explicit_draws_can_be_coupled(name):
    """Whatever Sobol points and pathwise do not refuse is made of a noise in the table."""
    toy = small_problem(name)
    uncoupled = COUPLINGS["sobol"].refuses(toy.abstract_distribution())
    if uncoupled is None and estimator("pathwise").refuses(toy) is None:
        assert explicit(base(toy.distribution(initial(toy)))).sampler in NOISES


def test_antithetic_draws():
    """Mirror images, of which half are the usual draws."""
    q = dist.Normal(jnp.array([1.0, -2.0]), jnp.array([0.5, 2.0])).to_event(1)
    x = COUPLINGS["antithetic"].rsample(q, jax.random.key(3), 8)
    np.testing.assert_allclose(x[:4] + x[4:], jnp.broadcast_to(2 * q.mean, (4, 2)), rtol=1e-6)
    np.testing.assert_array_equal(x[:4], rsample(q, jax.random.key(3), 4))


def test_unscrambled_points_are_scipys():
    """With the identity for the matrix and no shift, as sets: scipy's order is another."""
    dims = 5
    num_samples = 64
    directions = direction_numbers(dims, num_samples)
    points = np.zeros((num_samples, dims), np.uint32)
    for index in range(num_samples):
        for column in range(directions.shape[1]):
            if index >> column & 1:
                points[index] ^= directions[:, column]
    theirs = qmc.Sobol(dims, scramble=False, bits=32).random(num_samples) * 2.0**32
    assert {tuple(point) for point in points.astype(float)} == {tuple(point) for point in theirs}


def test_scrambled_points_are_a_net():
    """Each interval of width 1/L holds one point of each coordinate, as when scipy scrambles."""
    num_samples = 32
    dims = 6
    directions = direction_numbers(dims, num_samples)
    digits = scrambled(directions, jax.random.key(0), num_samples, (3,))
    u = np.asarray(uniform(digits, jnp.float32))
    assert u.shape == (num_samples, 3, dims)
    cells = np.sort((u * num_samples).astype(int), axis=0)
    assert (cells == np.arange(num_samples)[:, None, None]).all()
    # two coordinates: the first two of Sobol's sequence are a (0, 5, 2)-net, in 4 × 8 boxes too
    for wide, tall in ((4, 8), (8, 4), (2, 16), (16, 2)):
        boxes = (u[:, 0, 0] * wide).astype(int) * tall + (u[:, 0, 1] * tall).astype(int)
        assert len(set(boxes)) == num_samples
    apart = np.abs(u[:, 0] - u[:, 1]).max()
    assert apart > 0.01, "each data point has a scrambling of its own"


def test_scrambled_points_are_uniform():
    """And pairwise independent beyond their first digits: the second digits of two points."""
    keys = jax.random.split(jax.random.key(1), 25_000)
    directions = direction_numbers(2, 8)
    draw = jax.jit(jax.vmap(lambda key: uniform(scrambled(directions, key, 8, ()), jnp.float32)))
    u = np.asarray(draw(keys), float)
    assert u.min() > 0
    assert u.max() < 1
    for point, coordinate in ((0, 0), (0, 1), (5, 0), (7, 1)):
        assert_likely(stats.kstest(u[:, point, coordinate], "uniform").pvalue)
    first, second = ((u[:, point, 0] * 16).astype(int) % 2 for point in (0, 3))
    assert_likely(stats.pearsonr(first, second).pvalue)


GROUPS = ("mean", "scale")


def unbiased_moments(name, given, label, num_samples, replicates, **arguments):
    """Moments, whose means are the gradient."""
    toy = problem(name, **given)
    coupled = estimator(label, **arguments)
    moments = moments_of(toy, coupled, num_samples, name, replicates=replicates)
    truth = truth_of(toy)
    for group in GROUPS:
        assert_mean(moments[group], truth[group], resolution=1e-6)
    return moments


ANTITHETIC = {"replicates": 40_000, "coupling": "antithetic"}


def test_antithetic_variances_on_the_square():
    """On (x − k)² at N(μ, σ²), δ = μ − k: a pair's mean has only the even part of a term.

    Pathwise, mean: 2(δ + σε) becomes 2δ, no variance; scale: 2(δ + σε)ε becomes 2σε², variance 8σ²
    a pair. Score function, mean: (δ + σε)²ε/σ becomes 2δε², variance 8δ² a pair.
    """
    delta, sigma, pairs = -2.0, 0.7, 4
    given = {"k": 3.0, "mean": 1.0, "scale": sigma}
    pathwise = unbiased_moments("gaussian_square", given, "pathwise", 2 * pairs, **ANTITHETIC)
    assert variance_of(pathwise["mean"]).value < 1e-10
    assert_variance(pathwise["scale"], 8 * sigma**2 / pairs)
    score = unbiased_moments("gaussian_square", given, "score_function", 2 * pairs, **ANTITHETIC)
    assert_variance(score["mean"], 8 * delta**2 / pairs)


def test_antithetic_variance_on_the_cosine():
    """On cos(kx), pathwise, mean: −k sin(kμ) cos(kσε)."""
    k, mu = 1.3, 0.4
    given = {"k": k, "mean": mu}
    moments = unbiased_moments("gaussian_cosine", given, "pathwise", 2, **ANTITHETIC)
    variance_of_cosine = (1 + np.exp(-2 * k**2)) / 2 - np.exp(-(k**2))
    assert_variance(moments["mean"], (k * np.sin(k * mu)) ** 2 * variance_of_cosine)


NUMBERS = (4, 8, 16, 32, 64, 128)


def slope_on_samples(coupling: str, group: str) -> tuple[float, float]:
    """Of ln(variance) on ln(L), pathwise on the cosine, and its standard error."""
    found = [
        unbiased_moments("gaussian_cosine", {}, "pathwise", n, 2_000, coupling=coupling)[group]
        for n in NUMBERS
    ]
    intervals = [variance_of(moments) for moments in found]
    values = np.log([interval.value for interval in intervals])
    errors = np.log([interval.high / interval.low for interval in intervals]) / 3.92
    centred = np.log(NUMBERS) - np.log(NUMBERS).mean()
    slope = centred @ values / (centred @ centred)
    error = np.sqrt(((centred * errors) ** 2).sum()) / (centred @ centred)
    return slope, error


@pytest.mark.slow
@pytest.mark.parametrize("group", GROUPS)
def test_sobol_falls_faster(group):
    """Independent draws fall as 1/L; these as 1/L² or beyond."""
    slope, error = slope_on_samples("independent", group)
    assert_z((slope + 1) / error)
    slope, error = slope_on_samples("sobol", group)
    assert slope + 4 * error < -1.7
    assert slope - 4 * error > -3.3


@pytest.mark.parametrize("coupling", ["antithetic", "sobol"])
def test_refusals(coupling):
    reinforce = estimator("score_function", baseline="leave_one_out", coupling=coupling)
    assert "independent draws" in reinforce.refuses(problem("gaussian_square"))
    pathwise = estimator("pathwise", coupling=coupling)
    assert "cannot be coupled" in pathwise.refuses(problem("gamma_toy"))
    assert pathwise.refuses_samples(3)
    assert not pathwise.refuses_samples(4)
    assert not pathwise.claims_one_over_samples()
    assert estimator("pathwise").claims_one_over_samples()


@pytest.mark.slow
def test_evolution_strategies():
    """The score function at antithetic pairs: the mean of [f(μ + σε) − f(μ − σε)] ε/2σ."""
    cosine = problem("gaussian_cosine", dim=3, scale=0.5)
    key = jax.random.key(4)
    antithetic = estimator("score_function", coupling="antithetic")
    estimate, _ = antithetic.estimate(cosine, initial(cosine), (), key, 6)
    noise = np.asarray(jax.random.normal(key, (3, 3)), float).T

    def f(x):
        return np.cos(x).sum(1)

    difference = f(1 + 0.5 * noise) - f(1 - 0.5 * noise)
    expected = (difference[:, None] * noise / (2 * 0.5)).mean(0)
    np.testing.assert_allclose(estimate["mean"], expected, rtol=1e-4, atol=1e-6)
