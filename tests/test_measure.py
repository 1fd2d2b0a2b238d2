"""The harness: keys, chunks, state, slopes, memory."""

import subprocess
import sys

import jax
import numpy as np
import pytest

from benchmarks import measure as measuring
from benchmarks import statistics
from benchmarks.measure import cell_key, measure, number_of_batches
from benchmarks.statistics import Interval, log_log_slope
from estimators import estimator
from problems import problem
from tests.variants import small_problem


def measured(toy, candidate, num_samples=2, replicates=400, **given):
    params = toy.init_params(jax.random.key(0))
    key = cell_key(0, "toy", "init", num_samples)
    return measure(toy, candidate, params, num_samples=num_samples, replicates=replicates, key=key, **given)


def test_moments_are_those_of_the_replicates_made_one_by_one():
    toy = problem("gaussian_square", dim=2)
    params, key = toy.init_params(jax.random.key(0)), cell_key(0, "toy", "init", 2)
    pathwise = estimator("pathwise")
    each = jax.jit(lambda i: pathwise.estimate(toy, params, (), jax.random.fold_in(key, i), 2)[0]["mean"])
    raw = np.array([each(np.uint32(i)) for i in range(400)], np.float64)
    moments = measured(toy, pathwise).moments["mean"]
    np.testing.assert_allclose(statistics.pool(moments).mean[0], raw.mean(0), rtol=1e-5)
    np.testing.assert_allclose(statistics.variances(moments), raw.var(0, ddof=1), rtol=1e-5)
    apart = ((raw - raw.mean(0)) ** 2).sum(1)
    assert statistics.kurtosis(moments) == pytest.approx((apart**2).mean() / apart.mean() ** 2, rel=0.2)


@pytest.mark.parametrize("name", ["gaussian_square", "vae_bernoulli"])
def test_no_number_depends_on_the_chunk_size(name, monkeypatch):
    toy, candidate = small_problem(name), estimator("score_function", baseline="leave_one_out")
    whole = measured(toy, candidate)
    monkeypatch.setattr(measuring, "CHUNK_ELEMENTS", 1)
    single = measured(toy, candidate, replicates=400)
    for group in whole.moments:
        ours, theirs = statistics.variance(whole.moments[group]), statistics.variance(single.moments[group])
        np.testing.assert_allclose(ours, theirs, rtol=1e-4)


def test_estimators_share_their_randomness():
    """On the square with the delta control variate's gradient known, pathwise and score function see the same draws."""
    toy = problem("gaussian_square")
    means = {
        name: statistics.pool(measured(toy, estimator(name, **given), 1, 2000).moments["scale"]).mean[0, 0]
        for name, given in {"pathwise": {}, "score_function": {"baseline": "mean"}}.items()
    }
    errors = [means[name] - 2 for name in means]
    assert errors[0] * errors[1] > 0  # both are off to the same side: E over the same sample of ε² − 1
    assert str(cell_key(0, "a", "init", 1)) != str(cell_key(0, "b", "init", 1))


def test_keys_depend_on_seed_problem_point_and_samples_alone():
    keys = [
        cell_key(*spec)
        for spec in [(0, "a", "p", 1), (1, "a", "p", 1), (0, "b", "p", 1), (0, "a", "q", 1), (0, "a", "p", 2)]
    ]
    assert len({tuple(np.asarray(jax.random.key_data(key))) for key in keys}) == len(keys)
    np.testing.assert_array_equal(jax.random.key_data(keys[0]), jax.random.key_data(cell_key(0, "a", "p", 1)))


@pytest.mark.parametrize(
    ("name", "candidate"),
    [("gaussian_cosine", estimator("pathwise")), ("bernoulli_square", estimator("score_function")),
     ("gaussian_step", estimator("measure_valued")), ("vae_gaussian", estimator("pathwise"))],
)  # fmt: skip
def test_variance_falls_as_one_over_L(name, candidate):  # noqa: N802
    levels = [1, 4, 16]
    toy = small_problem(name)
    for group in toy.init_params(jax.random.key(0)):
        intervals = [statistics.variance(measured(toy, candidate, n, 10_000).moments[group]) for n in levels]
        slope = log_log_slope(np.array(levels), intervals, number_of_batches(10_000))
        half = (slope.high - slope.low) / 2
        assert abs(slope.value + 1) < 2 * half  # four standard errors, for the seven slopes here
        assert half < 0.03


def test_adaptation_is_counted_and_frozen():
    toy = problem("gaussian_square")
    assert measured(toy, estimator("pathwise")).adapt_steps == 0
    learned = estimator("score_function", baseline="mean")
    assert measured(toy, learned, adapt_steps=30).adapt_steps == 30
    short, long = (
        statistics.variance(measured(toy, learned, 1, 20_000, adapt_steps=steps).moments["mean"]).value
        for steps in (1, 1000)
    )
    assert short != long


@pytest.mark.parametrize(("replicates", "batches"), [(20_000, 32), (1_000, 25), (64, 32), (40, 20), (4096, 32)])
def test_replicates_split_into_equal_batches(replicates, batches):
    assert number_of_batches(replicates) == batches


@pytest.mark.parametrize("replicates", [39, 41, 20_011])
def test_replicates_that_do_not_split_are_refused_with_a_number_that_does(replicates):
    with pytest.raises(ValueError, match=f"replicates = {replicates}: expected .*did you mean (\\d+)") as raised:
        number_of_batches(replicates)
    number_of_batches(int(str(raised.value).split()[-1].rstrip("?")))


def test_too_few_samples_are_refused():
    with pytest.raises(ValueError, match="num_samples = 1: expected at least 2"):
        measured(problem("gaussian_square"), estimator("score_function", baseline="leave_one_out"), 1)


def test_an_estimate_that_is_not_finite_is_reported():
    with pytest.raises(FloatingPointError, match="group mean: the estimate is not finite"):
        measured(problem("gaussian_exponential", k=-0.2, scale=1.0, mean=40.0), estimator("score_function"), 64, 400)


def test_a_slope_needs_positive_variances():
    zero = Interval(0.0, 0.0, 0.0)
    assert log_log_slope(np.array([1, 4]), [zero, zero], 50) is None


PEAK = """
import resource, sys, jax
from benchmarks.measure import cell_key, measure
from estimators import estimator
from problems import problem
toy = problem("gaussian_square", dim=10)
measure(toy, estimator("pathwise"), toy.init_params(jax.random.key(0)), num_samples=4,
        replicates=int(sys.argv[1]), key=cell_key(0, "toy", "init", 4))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.slow
def test_memory_is_flat_in_the_number_of_replicates():
    few, many = (
        int(subprocess.run([sys.executable, "-c", PEAK, r], capture_output=True, text=True, check=True).stdout)
        for r in ("10000", "1000000")
    )
    assert many < few + 60_000  # kilobytes: the million gradients alone would be 80,000
