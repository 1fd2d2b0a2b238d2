"""Antithetic and Sobol draws: marginals, the points themselves against scipy's, and the variances that they give."""

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest
from scipy import stats
from scipy.stats import qmc

from gradest.benchmarks.measurement.exact_gradient import exact_gradient
from gradest.benchmarks.measurement.replicates import cell_key, measure
from gradest.benchmarks.statistics import intervals
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
from gradest.problems.distributions.coordinates import base
from tests.support.variants import small_problem

THEIRS = {
    jax.random.normal: stats.norm(),
    jax.random.logistic: stats.logistic(),
    jax.random.laplace: stats.laplace(),
    jax.random.exponential: stats.expon(),
    jax.random.gumbel: stats.gumbel_r(),
}


@pytest.mark.parametrize("sampler", NOISES, ids=lambda sampler: sampler.__name__)
def test_quantiles_and_mirrors(sampler):
    u = np.linspace(1e-4, 1 - 1e-4, 101)
    with jax.enable_x64(True):
        at_u = NOISES[sampler].quantile(jnp.asarray(u))
        mirrored = NOISES[sampler].mirror(at_u)
        np.testing.assert_allclose(at_u, THEIRS[sampler].ppf(u), rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(mirrored, THEIRS[sampler].ppf(1 - u), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", [name for name in PROBLEMS if name != "vae_bernoulli"])
def test_every_explicit_draw_is_of_a_noise_that_can_be_coupled(name: str):
    q = small_problem(name).abstract_distribution()
    if COUPLINGS["sobol"].refuses(q) is None and not estimator("pathwise").refuses(
        small_problem(name)
    ):
        concrete = small_problem(name).distribution(
            small_problem(name).init_params(jax.random.key(0))
        )
        assert explicit(base(concrete)).sampler in NOISES


def test_antithetic_draws_are_mirror_images_and_half_of_them_the_usual_ones():
    q = dist.Normal(jnp.array([1.0, -2.0]), jnp.array([0.5, 2.0])).to_event(1)
    x = COUPLINGS["antithetic"].rsample(q, jax.random.key(3), 8)
    np.testing.assert_allclose(x[:4] + x[4:], jnp.broadcast_to(2 * q.mean, (4, 2)), rtol=1e-6)
    np.testing.assert_array_equal(x[:4], rsample(q, jax.random.key(3), 4))


def test_unscrambled_points_are_scipys():
    """With the identity for the random matrix and no shift, as sets: scipy's order is another."""
    dims, num_samples = 5, 64
    directions = direction_numbers(dims, num_samples)
    points = np.zeros((num_samples, dims), np.uint32)
    for index in range(num_samples):
        for column in range(directions.shape[1]):
            if index >> column & 1:
                points[index] ^= directions[:, column]
    theirs = qmc.Sobol(dims, scramble=False, bits=32).random(num_samples) * 2.0**32
    assert {tuple(point) for point in points.astype(float)} == {tuple(point) for point in theirs}


def test_scrambled_points_stay_a_net():
    """Each of the L intervals of width 1/L holds one point of each coordinate, as in scipy's own scrambling."""
    num_samples, dims = 32, 6
    digits = scrambled(direction_numbers(dims, num_samples), jax.random.key(0), num_samples, (3,))
    u = np.asarray(uniform(digits, jnp.float32))
    assert u.shape == (num_samples, 3, dims)
    cells = np.sort((u * num_samples).astype(int), axis=0)
    assert (cells == np.arange(num_samples)[:, None, None]).all()
    # two coordinates: the first two of Sobol's sequence are a (0, 5, 2)-net, in 4 × 8 boxes too
    for wide, tall in ((4, 8), (8, 4), (2, 16), (16, 2)):
        boxes = (u[:, 0, 0] * wide).astype(int) * tall + (u[:, 0, 1] * tall).astype(int)
        assert len(set(boxes)) == num_samples
    apart = np.abs(np.asarray(u[:, 0]) - np.asarray(u[:, 1])).max()
    assert apart > 0.01, "each data point has a scrambling of its own"


def test_every_scrambled_point_is_uniform():
    keys = jax.random.split(jax.random.key(1), 20_000)
    directions = direction_numbers(2, 8)
    draw = jax.jit(jax.vmap(lambda key: uniform(scrambled(directions, key, 8, ()), jnp.float32)))
    u = np.asarray(draw(keys), float)
    assert u.min() > 0
    assert u.max() < 1
    for place in ((0, 0), (0, 1), (5, 0), (7, 1)):
        assert stats.kstest(u[:, *place], "uniform").pvalue > 1e-4
    # and pairwise independent beyond their first digits: the second digits of two points
    second = (u[:, 0, 0] * 16).astype(int) % 2, (u[:, 3, 0] * 16).astype(int) % 2
    assert abs(np.corrcoef(*second)[0, 1]) < 4 / np.sqrt(20_000)


def variances(
    name: str,
    label: str,
    num_samples: int,
    given: dict | None = None,
    replicates: int = 8_000,
    **arguments,
):
    toy = problem(name, **given or {})
    params = toy.init_params(jax.random.key(0))
    moments = measure(
        toy,
        estimator(label, **arguments),
        params,
        num_samples=num_samples,
        replicates=replicates,
        key=cell_key(0, name, "init", num_samples),
    ).moments
    truth = exact_gradient(toy, params)
    for group, found in moments.items():
        error = np.sqrt(intervals.variance(found).value / replicates)
        apart = float(np.abs(found.mean.mean(0) - truth[group]).max())
        assert apart < 4.5 * error + 1e-5 * float(np.abs(truth[group]).max()), "unbiased"
    return {group: intervals.variance(found) for group, found in moments.items()}


def test_antithetic_variances_in_closed_form():
    """On (x − k)² at N(μ, σ²), δ = μ − k: a pair's mean has only the even part of a term.

    Pathwise, mean: 2(δ + σε) becomes 2δ, no variance; scale: 2(δ + σε)ε becomes 2σε², variance 8σ²
        a pair. Score
    function, mean: (δ + σε)²ε/σ becomes 2δε², variance 8δ² a pair. On cos(kx), pathwise, mean: −k
    sin(kμ) cos(kσε).
    """
    delta, sigma, pairs = -2.0, 0.7, 4
    given = {"k": 3.0, "mean": 1.0, "scale": sigma}
    pathwise = variances("gaussian_square", "pathwise", 2 * pairs, given, coupling="antithetic")
    assert pathwise["mean"].value < 1e-10
    assert pathwise["scale"].low < 8 * sigma**2 / pairs < pathwise["scale"].high
    score = variances("gaussian_square", "score_function", 2 * pairs, given, coupling="antithetic")
    assert score["mean"].low < 8 * delta**2 / pairs < score["mean"].high
    k, mu = 1.3, 0.4
    cosine = variances(
        "gaussian_cosine", "pathwise", 2, {"k": k, "mean": mu}, coupling="antithetic"
    )
    spread = (1 + np.exp(-2 * k**2)) / 2 - np.exp(-(k**2))  # Var cos(kε)
    exact = (k * np.sin(k * mu)) ** 2 * spread
    assert cosine["mean"].low < exact < cosine["mean"].high


def test_sobol_falls_faster_than_independent_draws():
    """The slope of ln(variance) on ln(L) for pathwise on the cosine: −1 for independent draws, −2 or beyond here."""
    numbers = np.array([4, 8, 16, 32, 64, 128])
    found = {
        coupling: [
            variances("gaussian_cosine", "pathwise", int(n), replicates=2_000, coupling=coupling)
            for n in numbers
        ]
        for coupling in ("independent", "sobol")
    }
    for group in ("mean", "scale"):
        slopes = {}
        for coupling, cells in found.items():
            values = np.log([cell[group].value for cell in cells])
            widths = np.array([np.log(cell[group].high / cell[group].low) / 3.92 for cell in cells])
            centred = np.log(numbers) - np.log(numbers).mean()
            slope = centred @ values / (centred @ centred)
            error = np.sqrt(((centred * widths) ** 2).sum()) / (centred @ centred)
            slopes[coupling] = slope - 4 * error, slope + 4 * error
        assert slopes["independent"][0] < -1 < slopes["independent"][1]
        assert slopes["sobol"][1] < -1.7
        assert slopes["sobol"][0] > -3.3


@pytest.mark.parametrize("coupling", ["antithetic", "sobol"])
def test_couplings_refuse_what_they_cannot_do(coupling: str):
    square = problem("gaussian_square")
    assert "independent draws" in estimator(
        "score_function", baseline="leave_one_out", coupling=coupling
    ).refuses(square)
    assert "cannot be coupled" in estimator("pathwise", coupling=coupling).refuses(
        problem("gamma_toy")
    )
    assert estimator("pathwise", coupling=coupling).refuses_samples(3)
    assert not estimator("pathwise", coupling=coupling).refuses_samples(4)
    assert not estimator("pathwise", coupling=coupling).claims_one_over_samples()
    assert estimator("pathwise").claims_one_over_samples()


def test_evolution_strategies_are_the_score_function_at_antithetic_pairs():
    """For a Gaussian location: mean of [f(μ + σε) − f(μ − σε)] ε / 2σ."""
    square = problem("gaussian_cosine", dim=3, scale=0.5)
    params = square.init_params(jax.random.key(0))
    estimate, _ = estimator("score_function", coupling="antithetic").estimate(
        square, params, (), jax.random.key(4), 6
    )
    noise = np.asarray(jax.random.normal(jax.random.key(4), (3, 3)), float).T
    f = lambda x: np.cos(x).sum(1)  # noqa: E731
    expected = ((f(1 + 0.5 * noise) - f(1 - 0.5 * noise))[:, None] * noise / (2 * 0.5)).mean(0)
    np.testing.assert_allclose(estimate["mean"], expected, rtol=1e-4, atol=1e-6)
