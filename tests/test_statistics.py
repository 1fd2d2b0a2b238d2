"""The statistics, against brute force and against data whose variance is known."""

import numpy as np
import pytest
from scipy import stats

from benchmarks import statistics
from benchmarks.statistics import Interval, Moments


def summarise(gradients: np.ndarray, batches: int, center: np.ndarray | None = None) -> Moments:
    """Batch summaries of raw gradients (R, P)."""
    split = gradients.reshape(batches, -1, gradients.shape[1])
    mean = split.mean(1)
    center = gradients.mean(0) if center is None else center
    fourth = (((split - center) ** 2).sum(2) ** 2).sum(1)
    return Moments(split.shape[1], mean, ((split - mean[:, None]) ** 2).sum(1), fourth)


@pytest.fixture
def gradients() -> np.ndarray:
    return np.random.default_rng(0).gamma(2.0, size=(1000, 3)) * [1, 5, 0.1] + 100


def test_pooled_moments_are_numpys(gradients):
    moments = summarise(gradients, 20)
    np.testing.assert_allclose(statistics.pool(moments).mean[0], gradients.mean(0))
    np.testing.assert_allclose(statistics.variances(moments), gradients.var(0, ddof=1))
    apart = ((gradients - gradients.mean(0)) ** 2).sum(1)
    assert statistics.kurtosis(moments) == pytest.approx((apart**2).mean() / apart.mean() ** 2)


def test_one_dimensional_kurtosis_is_the_usual_one(gradients):
    one = gradients[:, :1]
    assert statistics.kurtosis(summarise(one, 20)) == pytest.approx(stats.kurtosis(one[:, 0], fisher=False))


def test_merging_chunks_is_summarising_them_together(gradients):
    center = gradients.mean(0)
    halves = gradients.reshape(20, 2, 25, 3)
    chunks = [summarise(halves[:, i].reshape(-1, 3), 20, center) for i in range(2)]
    for merged, whole in zip(statistics.merge(chunks), summarise(gradients, 20, center), strict=True):
        np.testing.assert_allclose(merged, whole)


def test_the_jackknife_is_the_one_by_brute_force(gradients):
    batches = 20
    split = gradients.reshape(batches, -1, 3)
    logs = np.log([np.delete(split, b, axis=0).reshape(-1, 3).var(0, ddof=1).sum() for b in range(batches)])
    half = stats.t.ppf(0.975, batches - 1) * np.sqrt((batches - 1) / batches * ((logs - logs.mean()) ** 2).sum())
    total = gradients.var(0, ddof=1).sum()
    expected = (total, total * np.exp(-half), total * np.exp(half))
    np.testing.assert_allclose(statistics.variance(summarise(gradients, batches)), expected)


@pytest.mark.parametrize(
    ("draw", "variance"),
    [
        (lambda rng, shape: rng.normal(size=shape), 1.0),
        (lambda rng, shape: rng.laplace(size=shape), 2.0),
        (lambda rng, shape: rng.chisquare(1, size=shape), 2.0),
    ],
    ids=["normal (kurtosis 3)", "Laplace (kurtosis 6)", "chi-square (kurtosis 15)"],
)
def test_intervals_cover_what_they_claim(draw, variance):
    """400 studies: the coverage of a 95 % interval has standard error 1.1 %, so 91.5 % is 3 of them low."""
    rng = np.random.default_rng(1)
    intervals = [statistics.variance(summarise(draw(rng, (4000, 1)), 50)) for _ in range(400)]
    covered = np.mean([interval.low < variance < interval.high for interval in intervals])
    assert 0.915 < covered < 0.985
    # the chi-square interval, which assumes a Gaussian, is what we must not be
    if variance != 1.0:
        low, high = 4000 / stats.chi2.ppf([0.975, 0.025], 3999)
        naive = np.mean([i.value * low < variance < i.value * high for i in intervals])
        assert naive < 0.85


def test_bias_p_values_are_uniform_or_larger_without_bias():
    rng = np.random.default_rng(2)
    ps = [statistics.bias(summarise(rng.normal(1, 1, (400, 5)), 20), np.ones(5), 1e-7).p for _ in range(400)]
    assert 0.01 < np.mean(np.array(ps) < 0.05) < 0.085


def test_a_planted_bias_is_found_and_measured():
    rng = np.random.default_rng(3)
    moments = summarise(rng.normal([1.1, 2.0, 3.0], 1, (20_000, 3)), 50)
    bias = statistics.bias(moments, np.array([1.0, 2.0, 3.0]), 1e-7)
    assert bias.p < 1e-10
    assert bias.norm == pytest.approx(0.1, abs=0.03)
    assert abs(bias.relative.value - 0.1 / 14) < 2 * (bias.relative.high - bias.relative.value)


def test_rounding_is_no_bias():
    """An estimate without variance that differs from the truth in its last digit."""
    moments = summarise(np.full((40, 1), np.float64(np.float32(0.1))), 20)
    assert statistics.bias(moments, np.array([0.1]), np.finfo(np.float32).eps).p > 0.1
    assert statistics.bias(moments, np.array([0.1001]), np.finfo(np.float32).eps).p < 1e-10


def test_zero_variance_has_a_degenerate_interval():
    assert statistics.variance(summarise(np.ones((40, 2)), 20)) == Interval(0, 0, 0)


@pytest.mark.parametrize("slope", [-1.0, -2.0])
def test_the_slope_is_recovered_and_its_interval_covers(slope):
    rng = np.random.default_rng(4)
    samples, error, quantile = np.array([1, 4, 16, 64]), 0.02, statistics.t_quantile(49)
    covered = 0
    for _ in range(400):
        value = 7 * samples**slope * np.exp(error * rng.normal(size=4))
        measured = [Interval(v, v * np.exp(-quantile * error), v * np.exp(quantile * error)) for v in value]
        found = statistics.log_log_slope(samples, measured, 50)
        covered += found.low < slope < found.high
    assert 0.915 < covered / 400 < 0.985


def test_no_slope_from_one_level():
    assert statistics.log_log_slope(np.array([4]), [Interval(1, 0.9, 1.1)], 50) is None
