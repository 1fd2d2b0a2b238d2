"""Intervals over seeds, against Student's formula and against coverage in closed form."""

import math

import numpy as np
import pytest
from scipy import stats

from gradest.benchmarks.learning_curves.paired import (
    AT_LEAST,
    AT_MOST,
    NOTHING,
    Times,
    geometric_mean,
    mean_over_seeds,
    ratio_of_times,
    times_together,
)

VALUES = np.array([1.0, 2.5, 0.7, 3.1, 1.9])


def times(at, never=()) -> Times:
    return Times(np.array(at, float), np.isin(np.arange(len(at)), never))


def test_the_mean_has_students_interval():
    found = mean_over_seeds(VALUES)
    low, high = stats.t.interval(0.95, 4, VALUES.mean(), stats.sem(VALUES))
    assert tuple(found) == pytest.approx((VALUES.mean(), low, high))


def test_one_seed_has_no_interval_and_what_is_infinite_no_mean():
    value, low, high = mean_over_seeds([3.0])
    assert value == 3.0
    assert math.isnan(low)
    assert math.isnan(high)
    assert math.isnan(mean_over_seeds([1.0, math.inf]).value)
    assert math.isnan(mean_over_seeds([]).value)


def test_a_ratio_is_students_on_logarithms_of_pairs():
    below = np.array([2.0, 3.0, 1.0, 4.0, 2.0])
    found = ratio_of_times(times(VALUES), times(below))
    logs = np.log(VALUES / below)
    low, high = stats.t.interval(0.95, 4, logs.mean(), stats.sem(logs))
    assert tuple(found.interval) == pytest.approx(tuple(map(math.exp, (logs.mean(), low, high))))
    assert found.bound == ""


def test_what_seeds_have_in_common_cancels():
    """Unpaired, the interval would be as wide as the seeds differ."""
    found = ratio_of_times(times(3 * VALUES), times(VALUES))
    assert tuple(found.interval) == pytest.approx((3, 3, 3))


def test_a_seed_that_never_got_there_bounds_the_ratio():
    """Followed for 10, it may have needed more: with 10 or 1000 the truth is above the bound."""
    below = times([2.0, 2.0, 2.0])
    found = ratio_of_times(times([4.0, 8.0, 10.0], never=[2]), below)
    assert found.bound == AT_LEAST
    for needed in (10.0, 1000.0):
        true = ratio_of_times(times([4.0, 8.0, needed]), below)
        assert true.interval.value >= found.interval.value * (1 - 1e-12)
    assert found.interval.high == math.inf
    other = ratio_of_times(below, times([4.0, 8.0, 10.0], never=[2]))
    assert other.bound == AT_MOST
    assert other.interval.low == 0
    assert other.interval.value == pytest.approx(1 / found.interval.value)


def test_where_both_never_got_there_nothing_is_known():
    one, other = times([4.0, 9.0], never=[1]), times([9.0, 3.0], never=[0])
    found = ratio_of_times(one, other)
    assert found.bound == NOTHING
    assert math.isnan(found.interval.value)


def test_a_ratio_to_what_was_there_at_once_is_unknown():
    assert ratio_of_times(times([1.0, 2.0]), times([0.0, 1.0])).bound == NOTHING


def test_times_together_are_bounds_where_some_never_got_there():
    assert times_together(times([2.0, 8.0])).interval.value == pytest.approx(4)
    assert times_together(times([2.0, 8.0])).bound == ""
    assert times_together(times([2.0, 8.0], never=[1])).bound == AT_LEAST


def test_the_interval_covers_as_often_as_it_says():
    """Of log-normal ratios: 95 % of 4,000 studies of five seeds, within four standard errors."""
    rng = np.random.default_rng(0)
    studies = 4_000
    covered = 0
    for logs in rng.normal(0.7, 0.5, (studies, 5)):
        low, high = geometric_mean(np.exp(logs))[1:]
        covered += low <= math.exp(0.7) <= high
    error = math.sqrt(0.95 * 0.05 / studies)
    assert abs(covered / studies - 0.95) < 4 * error
