"""Kendall's τ-b against scipy's, and its interval against all resamples there are."""

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from gradest.benchmarks.learning_curves.correlation import (
    ERRORS,
    correlation,
    correlations,
    tau_b,
)
from tests.support.made_runs import PATHWISE, PLAIN
from tests.support.made_training import FOUR, Made, contest, falling


def test_tau_is_scipys_with_ties_and_without():
    rng = np.random.default_rng(0)
    for size in (4, 7, 12):
        for _ in range(50):
            first = rng.integers(0, size, size).astype(float)
            second = first + rng.integers(0, size, size)
            expected = stats.kendalltau(first, second).statistic
            assert tau_b(first, second) == pytest.approx(expected, nan_ok=True)


def test_tau_is_that_of_every_row():
    rng = np.random.default_rng(1)
    first, second = rng.normal(size=(2, 6, 5))
    expected = [stats.kendalltau(*each).statistic for each in zip(first, second, strict=True)]
    assert tau_b(first, second) == pytest.approx(expected)


def test_what_is_infinite_is_in_order():
    assert tau_b(np.array([-np.inf, 1.0, 2.0, 3.0]), np.array([1.0, 2.0, 3.0, np.inf])) == 1


def test_what_never_differs_says_nothing():
    assert math.isnan(tau_b(np.ones(4), np.arange(4.0)))


def test_the_interval_is_the_bootstraps_over_all_resamples():
    """Of three seeds there are 27 resamples, all alike in chance; 2,000 draws come to them."""
    rng = np.random.default_rng(2)
    errors, losses = rng.normal(size=(2, 5, 3))
    every = [
        stats.kendalltau(errors[:, drawn].mean(1), losses[:, drawn].mean(1)).statistic
        for drawn in map(list, itertools.product(range(3), repeat=3))
    ]
    low, high = np.quantile(every, [0.025, 0.975], method="inverted_cdf")
    found = correlation(errors, losses)
    assert found.value == pytest.approx(stats.kendalltau(errors.mean(1), losses.mean(1)).statistic)
    assert found.low == pytest.approx(low)
    assert found.high == pytest.approx(high)


def of_four(variances, rates):
    """Four estimators with these variances, which train at these rates."""
    pairs = zip(FOUR, variances, rates, strict=True)
    return [
        Made(each, falling(rate), lambda step, seed, variance=variance: variance)
        for each, variance, rate in pairs
    ]


@pytest.mark.parametrize(
    ("rates", "expected"),
    [
        ((0.04, 0.03, 0.02, 0.01), 1.0),
        ((0.01, 0.02, 0.03, 0.04), -1.0),
        ((0.04, 0.03, 0.01, 0.02), 4 / 6),
    ],
)
def test_the_quieter_the_better_is_one(rates, expected):
    """The variances rise; one pair of the six in the wrong order takes two sixths."""
    found = correlations(contest(of_four((1.0, 2.0, 3.0, 4.0), rates)))
    assert [each.error for each in found] == [*ERRORS]
    for each in found:
        assert tuple(each.tau) == pytest.approx((expected, expected, expected))
        assert each.estimators == 4


def test_along_the_way_is_another_order_than_at_the_start():
    """The loudest at the start is the quietest of all later, and trains best."""
    late = lambda step, seed: 4.0 if step == 0 else 1e-6  # noqa: E731
    made = of_four((1.0, 2.0, 3.0, 4.0), (0.03, 0.02, 0.01, 0.04))
    made[3] = made[3]._replace(variance=late)
    found = {each.error: each.tau.value for each in correlations(contest(made))}
    assert found["relative RMSE at the start"] == pytest.approx(0.0)
    assert found["relative RMSE along the way"] == pytest.approx(1.0)


def test_what_rises_turns_no_sign():
    made = [
        each._replace(objective=lambda step, seed, of=each.objective: -of(step, seed))
        for each in of_four((1.0, 2.0, 3.0, 4.0), (0.04, 0.03, 0.02, 0.01))
    ]
    assert all(each.tau.value == 1 for each in correlations(contest(made, rises=True)))


def test_three_estimators_say_nothing():
    assert correlations(contest(of_four((1.0, 2.0, 3.0, 4.0), (0.04,) * 4)[:3])) == []


def test_what_diverges_is_worst():
    made = of_four((1.0, 2.0, 3.0, 4.0), (0.03, 0.02, 0.01, 0.9))
    made[3] = made[3]._replace(diverges={2: 40})
    assert correlations(contest(made))[0].tau.value == 1


def test_what_has_no_error_is_the_quietest():
    made = of_four((0.0, 2.0, 3.0, 4.0), (0.04, 0.03, 0.02, 0.01))
    assert correlations(contest(made))[0].tau.value == 1


def test_without_checkpoints_there_is_none():
    made = [Made(each, falling(0.01)) for each in (PLAIN, PATHWISE)]
    found = contest(made)
    bare = found._replace(trained=tuple(e._replace(checkpoints={}) for e in found.trained))
    assert correlations(bare) == []
