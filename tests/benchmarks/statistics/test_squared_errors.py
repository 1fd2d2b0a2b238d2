"""Mean squared errors, against raw replicates, a known law, and what a truth's error adds."""

import numpy as np
import pytest

from gradest.benchmarks.statistics.bias import Truth, bias, biases, exactly
from gradest.benchmarks.statistics.moments import summarise

BATCHES, EPSILON = 20, 1e-16


def test_the_mean_of_squared_distances():
    """The mean over replicates of ‖g − ∇‖², with s² for the variance of those replicates."""
    drawn = np.random.default_rng(0).gamma(2.0, size=(400, 3))
    exact = np.array([1.0, 2.5, 2.0])
    found = bias(summarise(drawn, BATCHES), exact, EPSILON)
    plain = ((drawn - exact) ** 2).sum(1).mean()
    assert found.squared_error.value == pytest.approx(plain, rel=1e-12)
    length = np.linalg.norm(exact)
    np.testing.assert_allclose(found.relative_error, np.sqrt(found.squared_error) / length)


@pytest.mark.parametrize("shift", [0.0, 0.3, 3.0])
def test_intervals_hold_the_known_error(shift):
    """2,000 studies of R = 1,000 exponential numbers of variance 1, off by `shift`."""
    rng = np.random.default_rng(1)
    hits = []
    for _ in range(2_000):
        drawn = rng.standard_exponential((1_000, 1))
        found = bias(summarise(drawn, BATCHES), np.array([1.0 - shift]), EPSILON).squared_error
        hits.append(found.low <= 1 + shift**2 <= found.high)
    assert abs(np.mean(hits) - 0.95) < 0.01 + 3 * np.sqrt(0.95 * 0.05 / 2_000)


def test_an_estimate_that_never_varies_has_its_bias_for_an_error():
    drawn = np.full((200, 2), 3.0)
    found = bias(summarise(drawn, BATCHES), np.array([3.0, 7.0]), EPSILON)
    np.testing.assert_allclose(found.squared_error, 16)
    np.testing.assert_allclose(found.relative_error, 4 / np.sqrt(58))


def test_no_error_is_zero_up_to_rounding():
    drawn = np.full((200, 1), 3.0)
    found = bias(summarise(drawn, BATCHES), np.array([3.0]), 1e-7)
    assert found.squared_error.value == found.squared_error.low == 0
    assert 0 <= found.squared_error.high < 1e-10


def test_beside_a_gradient_of_zero_an_error_is_not_relative():
    drawn = np.random.default_rng(2).normal(size=(200, 2))
    found = bias(summarise(drawn, BATCHES), np.zeros(2), EPSILON)
    assert found.squared_error.value > 0
    assert np.isnan(found.relative_error.value)


def test_a_truths_own_error_widens_the_interval():
    drawn = np.random.default_rng(3).normal(size=(4_000, 1)) / 100
    moments = {"": summarise(drawn, BATCHES)}
    exact = np.array([-1.0])  # the bias is all of the error: 1
    sure = biases(moments, {"": exactly(exact)}, EPSILON)[""]
    rough = biases(moments, {"": Truth(exact, np.array([0.05]), 0.05)}, EPSILON)[""]
    # ∂‖bias‖²/∂∇ = 2, so that its standard error is 0.1, and 0.05 that of its root
    assert np.log(rough.squared_error.high) == pytest.approx(1.96 * 0.1, rel=0.05)
    # and ‖∇‖ is as uncertain: 0.05 twice
    relative = np.log(rough.relative_error.high / rough.relative_error.value)
    assert relative == pytest.approx(1.96 * np.hypot(0.05, 0.05), rel=0.05)
    assert sure.squared_error.high < 1.01
