"""What is read of training.csv and trajectory.csv."""

import math

import numpy as np
import pandas as pd
import pytest

from gradest.benchmarks.learning_curves.curves import contests
from tests.support.made_runs import LEAVE_ONE_OUT, PATHWISE, PLAIN, SQUARE
from tests.support.made_training import Made, contest, falling, training, trajectory

TWO = [Made(PLAIN, falling(0.01)), Made(PATHWISE, falling(0.02), cost=3)]


def test_a_contest_has_its_estimators_with_a_curve_a_seed():
    found = contest(TWO)
    assert [each.label for each in found.trained] == [
        "score function, no baseline",
        "pathwise",
    ] or [each.estimator for each in found.trained] == ["score_function", "pathwise"]
    one, other = found.trained
    assert [*one.curves] == [0, 1, 2, 3, 4]
    assert one.curves[0].objective[-1] == pytest.approx(10 - 0.01 * 0.5 * 100)
    assert other.curves[2].evaluations.tolist() == [0, 30, 60, 120, 240, 300]
    assert other.cost == 3
    assert found.steps == 100
    assert found.start == 10


def test_each_problem_and_each_number_of_draws_is_a_contest():
    other = ("gaussian_square", SQUARE[1] | {"k": 1.0})
    parts = [training(TWO), training(TWO, samples=8), training(TWO, problem=other)]
    found = contests(pd.concat(parts, ignore_index=True))
    assert len(found) == 3
    titles = [each.title for each in found]
    assert len({*titles}) == 3
    assert "L = 8" in titles[1]
    assert "k = 1" in titles[2]


def test_a_seed_that_diverges_ends_there_and_says_why():
    found = contest([Made(PLAIN, falling(0.01), diverges={1: 40}), TWO[1]])
    curve = found.trained[0].curves[1]
    assert curve.step.tolist() == [0, 10, 20]
    assert "step 40" in curve.ended
    assert found.trained[0].diverged == 1
    assert found.losses(found.trained[0], [0, 1])[1] == math.inf


def test_what_failed_from_the_start_has_no_curve_and_its_reason():
    broken = training([TWO[0]])
    broken = broken.assign(status="failed", objective=np.nan, reason="mine.py, line 3: oh")
    found = contests(pd.concat([broken, training([TWO[1]])], ignore_index=True))
    assert [each.estimator for each in found[0].trained] == ["pathwise"]
    assert [*found[0].failed.values()] == ["mine.py, line 3: oh"]


def test_what_was_skipped_is_not_there():
    skipped = training([TWO[0]]).assign(status="skipped", objective=np.nan)
    found = contests(pd.concat([skipped, training([TWO[1]])], ignore_index=True))
    assert len(found[0].trained) == 1
    assert found[0].failed == {}


def test_the_groups_of_theta_are_taken_together():
    """Squares add: of four groups as of one."""
    made = [Made(LEAVE_ONE_OUT, falling(0.01), lambda step, seed: 9.0, lambda step, seed: 7.0)]
    for groups in (("mean",), ("a", "b", "c", "d")):
        table = trajectory(made, groups=groups, norm=2.0)
        (found,) = contests(training(made), table)
        at = found.trained[0].checkpoints[0][10]
        assert at.variance == pytest.approx(9)
        assert at.relative == pytest.approx(math.log(math.sqrt(16) / 2))


def test_unbiased_is_what_claims_it_and_was_not_found_otherwise():
    lying = trajectory(TWO)
    is_late = (lying.estimator == "pathwise") & (lying.step > 0)
    lying.loc[is_late, "bias_finding"] = "biased"
    (found,) = contests(training(TWO), lying)
    assert [each.is_unbiased for each in found.trained] == [True, False]
    honest = contest([Made(PLAIN, falling(0.01), biased=True), TWO[1]])
    assert [each.is_unbiased for each in honest.trained] == [False, True]
