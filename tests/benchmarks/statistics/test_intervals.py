"""The statistics and their intervals, against brute force on raw replicates and formulas written
out here.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from gradest.benchmarks.statistics import intervals, times
from gradest.benchmarks.statistics.intervals import LINEAR, LOG, Interval, Jackknifed
from gradest.benchmarks.statistics.moments import leave_out, summarise

BATCHES = 20
EXACT = np.array([1.0, -2.0, 0.5])


@pytest.fixture
def gradients() -> np.ndarray:
    return np.random.default_rng(0).gamma(2.0, size=(1000, 3)) * [1, 2, 0.5] + EXACT - [2, 4, 1]


def brute_force(gradients: np.ndarray, statistic) -> tuple[float, np.ndarray]:
    """A function of raw replicates, of all of them and of all but those of each batch."""
    split = gradients.reshape(BATCHES, -1, gradients.shape[1])
    parts = [np.delete(split, b, axis=0).reshape(-1, gradients.shape[1]) for b in range(BATCHES)]
    return statistic(gradients), np.array([statistic(part) for part in parts])


def norm_less_noise(g: np.ndarray, truth: np.ndarray | float = 0.0) -> float:
    """Σ over pairs of different replicates of ⟨g_i − truth, g_j − truth⟩: no replicate meets
    itself, so no bias.
    """
    apart, count = g - truth, len(g)
    return ((apart.sum(0) ** 2).sum() - (apart**2).sum()) / count / (count - 1)


STATISTICS = {
    "total variance": (intervals.total_variance, lambda g: g.var(0, ddof=1).sum()),
    "squared norm": (intervals.squared_norm, norm_less_noise),
    "squared signal-to-noise ratio": (
        intervals.squared_signal_to_noise,
        lambda g: norm_less_noise(g) / g.var(0, ddof=1).sum(),
    ),
    "squared bias": (intervals.squared_bias(EXACT), lambda g: norm_less_noise(g, EXACT)),
    "relative bias": (
        intervals.relative_bias(EXACT),
        lambda g: (g.mean(0) - EXACT) @ EXACT / (EXACT @ EXACT),
    ),
    "cosine": (
        intervals.cosine(EXACT),
        lambda g: g.mean(0) @ EXACT / np.sqrt(norm_less_noise(g)) / np.linalg.norm(EXACT),
    ),
}


@pytest.mark.parametrize("name", STATISTICS)
def test_a_statistic_of_summaries_is_that_of_raw_replicates_with_each_batch_deleted(
    name, gradients
):
    ours, theirs = STATISTICS[name]
    found = intervals.jackknife(ours, leave_out(summarise(gradients, BATCHES)))
    value, without = brute_force(gradients, theirs)
    np.testing.assert_allclose(found.value, value, rtol=1e-9)
    np.testing.assert_allclose(found.without, without, rtol=1e-9)


def test_the_jackknifes_interval_is_the_one_by_brute_force(gradients):
    value, without = brute_force(gradients, lambda g: np.log(g.var(0, ddof=1).sum()))
    error = np.sqrt((BATCHES - 1) / BATCHES * ((without - without.mean()) ** 2).sum())
    half = stats.t.ppf(0.975, BATCHES - 1) * error
    expected = np.exp([value, value - half, value + half])
    np.testing.assert_allclose(intervals.variance(summarise(gradients, BATCHES)), expected)


def test_each_coordinate_has_the_interval_that_it_has_alone(gradients):
    moments = summarise(gradients, BATCHES)
    found = intervals.interval(
        intervals.jackknife(intervals.coordinate_variances, leave_out(moments))
    )
    for i in range(3):
        alone = intervals.variance(summarise(gradients[:, [i]], BATCHES))
        np.testing.assert_allclose([bound[i] for bound in found], alone)


def test_the_largest_variances_interval_holds_for_all_at_once(gradients):
    found = intervals.largest_variance(leave_out(summarise(gradients, BATCHES)))
    wide = stats.t.ppf(1 - 0.025 / 3, BATCHES - 1)
    bounds = []
    for i in range(3):
        value, without = brute_force(gradients[:, [i]], lambda g: np.log(g.var(ddof=1)))
        half = wide * np.sqrt((BATCHES - 1) / BATCHES * ((without - without.mean()) ** 2).sum())
        bounds.append(np.exp([value, value - half, value + half]))
    np.testing.assert_allclose(found, np.max(bounds, axis=0))


def test_a_ratio_of_what_is_shared_is_known_exactly(gradients):
    """Twice the same replicates: the same batch is left out of both, so that nothing is left to
    vary.
    """
    one = intervals.jackknife(intervals.total_variance, leave_out(summarise(gradients, BATCHES)))
    two = intervals.jackknife(
        intervals.total_variance, leave_out(summarise(2 * gradients, BATCHES))
    )
    np.testing.assert_allclose(
        intervals.interval(intervals.combine(np.divide, two, one)), (4, 4, 4)
    )


def test_the_bootstrap_replaces_student_only_where_tails_are_heavy():
    rng = np.random.default_rng(1)
    for draw, heavy in (
        (rng.standard_normal, False),
        (lambda shape: rng.standard_normal(shape) ** 2, True),
    ):
        moments = summarise(draw((4000, 1)), BATCHES)
        estimate = intervals.jackknife(intervals.total_variance, leave_out(moments))
        assert (intervals.variance(moments) == intervals.interval(estimate, heavy=True)) == heavy
        assert (intervals.variance(moments) == intervals.interval(estimate)) == (not heavy)


def test_the_bootstrap_of_a_mean_is_the_textbooks():
    """Of the mean of 20 skewed numbers on a linear scale: resampled and studentized here again
    (Efron, 1981).
    """
    numbers = np.random.default_rng(2).exponential(size=BATCHES)
    without = (numbers.sum() - numbers) / (BATCHES - 1)
    down, up = intervals.bootstrap_t(Jackknifed(numbers.mean(), without), LINEAR)
    drawn = np.random.default_rng(3).choice(numbers, (100_000, BATCHES))
    t = (drawn.mean(1) - numbers.mean()) / (drawn.std(1, ddof=1) / np.sqrt(BATCHES))
    low, high = np.quantile(t, [0.025, 0.975])
    # quantiles from 2,000 resamples have a standard error of about 0.08 in the longer tail, 0.03 in
    # the shorter
    assert down == pytest.approx(high, abs=0.15)
    assert up == pytest.approx(-low, abs=0.35)
    assert up > 1.3 * down  # skewed, where Student's reach is the same both ways


def test_a_bootstrapped_interval_of_several_is_that_of_a_higher_level():
    """Of normal batches it is Student's, also at 1 − 0.05/10."""
    data = np.random.default_rng(0).normal(10, 1, 400)
    estimate = Jackknifed(data.mean(), (data.sum() - data) / (len(data) - 1))
    found = intervals.interval(estimate, LINEAR, heavy=True, tests=10)
    half = stats.t.ppf(1 - 0.025 / 10, 399) * data.std(ddof=1) / 20
    assert found.high - found.value == pytest.approx(half, rel=0.1)
    assert found.value - found.low == pytest.approx(half, rel=0.1)


def test_the_bootstrap_gives_way_where_the_scale_does_not_apply():
    """Pseudo-values that scatter round a negative mean have no logarithm."""
    value = 1.0
    without = value + 0.2 * np.arange(BATCHES)
    student = stats.t.ppf(0.975, BATCHES - 1)
    assert intervals.bootstrap_t(Jackknifed(np.asarray(value), without), LOG) == (student, student)


def test_nothing_varies_nothing_is_in_doubt():
    moments = summarise(np.ones((40, 2)), BATCHES)
    assert intervals.variance(moments) == Interval(0, 0, 0)
    assert all(np.isnan(bound) for bound in intervals.signal_to_noise(leave_out(moments)))
    assert intervals.largest_variance(leave_out(moments)) == Interval(0, 0, 0)


def test_where_a_logarithm_does_not_apply_there_is_no_interval():
    found = intervals.interval(Jackknifed(np.asarray(-1.0), -np.linspace(0.9, 1.1, BATCHES)))
    assert found.value == -1
    assert np.isnan(found.low)
    assert np.isnan(found.high)


# Squared distances


@settings(max_examples=100, deadline=None, derandomize=True)
@given(share=st.floats(-0.7, 50), c=st.floats(0.01, 10), noise=st.floats(0.1, 10))
def test_the_score_interval_holds_just_what_its_test_accepts(share, c, noise):
    """At both ends (θ̂ − θ)² = t² (v₀² + cθ), beyond them it is more; one coordinate never comes
    out below −v₀/√2.
    """
    value = share * noise
    without = value + np.sqrt(c) * np.random.default_rng(0).standard_normal(BATCHES)
    error = np.sqrt((BATCHES - 1) / BATCHES * ((without - without.mean()) ** 2).sum())
    found = intervals.score_interval(Jackknifed(np.asarray(value), without), 5.0, noise)
    t, slope = stats.t.ppf(0.975, BATCHES - 1), error**2 / 5.0
    for end, outside in ((found.low, -1), (found.high, 1)):
        excess = (value - end) ** 2 - t**2 * (noise**2 + slope * end)
        assert abs(excess) < 1e-6 * (1 + value**2 + t**2 * noise**2 + (t**2 * slope) ** 2)
        further = end + outside * 0.01 * (1 + abs(end))
        assert (value - further) ** 2 > t**2 * (noise**2 + slope * further)


def test_the_noise_of_a_squared_norm_is_the_one_seen():
    """The standard deviation of ‖ḡ‖² over 2,000 studies, itself known to 3 %, and its estimate on
    average.
    """
    rng, mixing = np.random.default_rng(4), np.array([[1.0, 0, 0], [2, 0.5, 0], [0, -1, 1]])
    seen, estimated = [], []
    for _ in range(2000):
        moments = summarise((rng.standard_exponential((200, 3)) - 1) @ mixing.T, BATCHES)
        seen.append((moments.mean.mean(0) ** 2).sum())
        estimated.append(intervals.noise_of_squared_norm(leave_out(moments)) ** 2)
    assert np.mean(estimated) == pytest.approx(np.var(seen), rel=0.15)
    covariance = mixing @ mixing.T / 200
    assert np.sqrt(np.mean(estimated)) == pytest.approx(
        np.sqrt(2 * (covariance**2).sum()), rel=0.05
    )


def test_the_error_of_a_truth_adds_to_the_noise():
    rng = np.random.default_rng(5)
    samples = leave_out(summarise(rng.standard_normal((20_000, 2)), BATCHES))
    error = np.array([0.1, 0.02])
    total = np.diag([1 / 20_000, 1 / 20_000]) + np.diag(error**2)
    assert intervals.noise_of_squared_norm(samples, error) == pytest.approx(
        np.sqrt(2 * (total**2).sum()), rel=0.01
    )


def test_the_signal_to_noise_ratio_reaches_down_to_none():
    rng = np.random.default_rng(6)
    quiet = intervals.signal_to_noise(leave_out(summarise(rng.standard_normal((2000, 3)), BATCHES)))
    assert quiet.low == 0
    assert quiet.high < 0.1
    loud = intervals.signal_to_noise(
        leave_out(summarise(rng.standard_normal((20_000, 3)) + 1, BATCHES))
    )
    assert loud.low < 1 < loud.high
    assert loud.high - loud.low < 0.05


@pytest.mark.parametrize("count", [6, 9, 15, 40])
def test_a_medians_interval_covers_what_order_statistics_do(count):
    """4,000 studies against the binomial sum: at least 95 %, and no rank further in would be."""
    rng = np.random.default_rng(7)
    every = [times.median(rng.lognormal(size=count)) for _ in range(4000)]
    covered = np.mean([found.low <= 1 <= found.high for found in every])
    exact = next(
        1 - 2 * p
        for k in range(count // 2, 0, -1)
        if (p := stats.binom.cdf(k - 1, count, 0.5)) <= 0.025
    )
    assert exact >= 0.95
    assert abs(covered - exact) < 4 * np.sqrt(exact * (1 - exact) / 4000)


def test_a_median_of_few_is_between_all_of_them():
    assert times.median(np.array([3.0, 1.0, 2.0])) == Interval(2, 1, 3)


@pytest.mark.parametrize(
    ("draw", "kurtosis"), [("standard_normal", 3.0), ("standard_exponential", 9.0)]
)
def test_as_many_replicates_as_asked_for_reach_the_precision(draw, kurtosis):
    """± 10 % asked for: the median half-width of 200 intervals is that; Student's t on 24 degrees
    adds 5 %.
    """
    replicates = round(intervals.replicates_for(0.1, kurtosis) / 25) * 25
    rng = np.random.default_rng(8)
    every = [
        intervals.variance(summarise(getattr(rng, draw)((replicates, 1)), 25)) for _ in range(200)
    ]
    half = np.median([np.log(found.high / found.low) / 2 for found in every])
    assert half / (stats.t.ppf(0.975, 24) / stats.norm.ppf(0.975)) == pytest.approx(0.1, rel=0.1)


def test_the_share_of_the_batch_that_varies_most():
    """Batches with the variances 1, 1, …, 1 and 9: of 20, 9/28 of the whole."""
    gradients = np.tile([[-1.0], [1.0]], (10 * BATCHES, 1)).reshape(BATCHES, -1, 1)
    gradients[7] *= 3
    moments = summarise(gradients.reshape(-1, 1), BATCHES)
    total = intervals.jackknife(intervals.total_variance, leave_out(moments))
    assert intervals.largest_share(total) == pytest.approx(9 / 28, rel=0.01)
    nothing = intervals.Jackknifed(np.float64(0), np.zeros(20))
    assert intervals.largest_share(nothing) == 0
