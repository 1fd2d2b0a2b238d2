"""Who comes to a target first, on straight lines, whose crossings are known."""

import math

import numpy as np
import pytest

from gradest.benchmarks.learning_curves.curves import contests
from gradest.benchmarks.learning_curves.paired import AT_LEAST
from gradest.benchmarks.learning_curves.reaching import (
    BY_ALL,
    BY_UNBIASED,
    HALFWAY,
    STATED,
    is_known,
    race,
    races,
    reached_at,
    target_of,
)
from tests.support.made_runs import LEAVE_ONE_OUT, PATHWISE, PLAIN
from tests.support.made_training import (
    FACTORS,
    MEASURE_VALUED,
    Made,
    contest,
    falling,
    training,
)

SLOW = Made(PLAIN, falling(0.01))
FAST = Made(PATHWISE, falling(0.04), cost=8, seconds=2e-3)
NEAR_BY = Made(PATHWISE, falling(0.015))
BIASED = Made(LEAVE_ONE_OUT, lambda step, seed: 10 - min(step, 5) * 0.02, biased=True)


@pytest.mark.parametrize(
    ("target", "expected"), [(10.0, 0.0), (8.0, 2.0), (7.0, 3.0), (5.0, 6.0), (1.0, math.nan)]
)
def test_a_curve_is_linear_between_its_points(target, expected):
    x = np.array([0.0, 2.0, 4.0, 8.0])
    loss = np.array([10.0, 8.0, 6.0, 4.0])
    assert reached_at(x, loss, target) == pytest.approx(expected, nan_ok=True)


def test_the_first_crossing_counts():
    """What rises again later was there."""
    loss = np.array([10.0, 4.0, 9.0, 3.0])
    assert reached_at(np.arange(4.0), loss, 5.0) == pytest.approx(5 / 6)


def test_the_target_is_what_every_seed_of_the_unbiased_has_reached():
    """The slowest seed of the slowest: 10 − 0.01 · 0.5 · 100."""
    target = target_of(contest([SLOW, NEAR_BY, BIASED]))
    assert target.value == pytest.approx(9.5)
    assert target.rule == BY_UNBIASED
    assert target.share == pytest.approx(0.5 / 0.75)


def test_a_target_is_no_nearer_to_the_start_than_half_of_the_way():
    """The slowest seeds come to 9.5 and to 8: the one is a quarter of the way of the other."""
    target = target_of(contest([SLOW, FAST, BIASED]))
    assert target == (pytest.approx(9.0), HALFWAY, 0.5)


def test_no_unbiased_estimator_is_left_without_a_time_by_it():
    for each in races(contest([SLOW, NEAR_BY, BIASED])):
        unbiased = [one for one in each.runners if one.trained.is_unbiased]
        assert not any(one.times.never.any() for one in unbiased)


def test_what_gains_nothing_or_diverges_sets_no_target():
    up = Made(MEASURE_VALUED, lambda step, seed: 10 + step)
    broken = Made(LEAVE_ONE_OUT, falling(0.02), diverges={0: 40})
    assert target_of(contest([SLOW, up, broken])).value == pytest.approx(9.5)
    assert target_of(contest([up])) is None
    assert races(contest([up])) == []


def test_where_all_are_biased_all_count():
    found = target_of(contest([SLOW._replace(biased=True), NEAR_BY._replace(biased=True)]))
    assert found.value == pytest.approx(9.5)
    assert found.rule == BY_ALL


def test_times_and_ratios_are_those_of_straight_lines():
    """A seed comes to 9.5 after 0.5/(rate · factor) steps; factors cancel in ratios."""
    found = contest([SLOW, FAST])
    by_steps = race(found, "step", 9.5)
    assert by_steps.first.trained.estimator == "pathwise"
    expected = [0.5 / (0.04 * factor) for factor in FACTORS]
    assert by_steps.first.times.at == pytest.approx(expected)
    assert tuple(by_steps.next.ratio.interval) == pytest.approx((4, 4, 4))
    assert by_steps.next.rank == 2
    by_evaluations = race(found, "evaluations", 9.5)
    assert by_evaluations.first.trained.estimator == "score_function"
    assert tuple(by_evaluations.next.ratio.interval) == pytest.approx((2, 2, 2))
    by_seconds = race(found, "seconds", 9.5)
    assert by_seconds.first.trained.estimator == "pathwise"
    assert by_seconds.next.ratio.interval.value == pytest.approx(2)


def test_what_rises_is_the_mirror_image():
    mirrored = [
        each._replace(objective=lambda step, seed, of=each.objective: -of(step, seed))
        for each in (SLOW, NEAR_BY)
    ]
    found = contest(mirrored, rises=True)
    assert target_of(found).value == pytest.approx(-9.5)
    here, there = race(found, "step"), race(contest([SLOW, NEAR_BY]), "step")
    assert here.first.times.at == pytest.approx(there.first.times.at)
    assert target_of(contest(mirrored)) is None


def test_who_never_gets_there_is_last_and_no_number_is_made_up_for_it():
    found = race(contest([SLOW, FAST, BIASED]), "step")
    last = found.runners[-1]
    assert last.trained.estimator_args.count("leave_one_out")
    assert last.rank is None
    assert not last.tie
    assert last.times.reached == 0
    assert last.ratio.bound == AT_LEAST
    assert last.ratio.interval.high == math.inf


def test_a_seed_that_diverged_before_is_one_that_never_got_there():
    """The slowest seed needs 12.5 steps, and is followed for ten of them."""
    broken = FAST._replace(diverges={0: 20})
    found = race(contest([SLOW, broken]), "step", stated=9.5)
    runner = next(each for each in found.runners if each.trained.diverged)
    assert runner.times.never.tolist() == [True, False, False, False, False]
    assert runner.times.at[0] == 10
    assert runner.together.bound == AT_LEAST


def test_a_stated_target_is_said_to_be():
    found = race(contest([SLOW, FAST]), "step", stated=9.01)
    assert found.target == (9.01, STATED, pytest.approx(0.99 / 2))
    assert found.runners[-1].times.never.tolist() == [True, True, False, False, False]


def test_a_tie_is_what_is_not_surely_later():
    """The one is faster with some seeds and slower with others."""
    rates = (1.2, 0.8, 1.3, 0.7, 1.0)
    other = Made(PATHWISE, lambda step, seed: 10 - 0.0101 * rates[seed] * FACTORS[seed] * step)
    found = race(contest([SLOW, other]), "step", stated=9.8)
    assert all(each.tie for each in found.runners)
    assert found.next is None
    assert len(found.ties) == 1


def test_of_one_seed_nothing_is_surely_later():
    found = race(contest([SLOW, NEAR_BY], seeds=1), "step")
    assert found.next is None
    assert math.isnan(found.runners[1].ratio.interval.low)


def test_a_cost_that_was_not_taken_has_no_race():
    (found,) = contests(training([SLOW, FAST]).assign(seconds=np.nan))
    assert not is_known(found, "seconds")
    assert [each.cost for each in races(found)] == ["step", "evaluations"]
