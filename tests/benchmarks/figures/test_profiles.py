"""Profiles of made runs, whose factors are known."""

import numpy as np
import pytest

from gradest.benchmarks.comparisons.leaderboard import leaderboard
from gradest.benchmarks.figures.profiles import overall
from tests.support.made_errors import row, table
from tests.support.made_runs import LEAVE_ONE_OUT, PATHWISE, PLAIN, errors

STEP = ("gaussian_step", {"dim": 1, "k": 0.3, "mean": 1.0, "scale": 1.0})


def centred(rng):
    """Errors of 2 % of the batches, which leave the mean as it is."""
    drawn = errors(rng, 0.02)
    return drawn - drawn.mean()


@pytest.fixture
def two_places(tmp_path):
    """Pathwise is 3 times better at one place, and twice as bad at the other; leave-one-out, where
    it is measured, four times as bad as the best."""
    rng = np.random.default_rng(1)
    cells = [
        row(1.0, PATHWISE, wiggle=centred(rng)),
        row(9.0, PLAIN, wiggle=centred(rng)),
        row(4.0, PATHWISE, problem=STEP, wiggle=centred(rng)),
        row(1.0, PLAIN, problem=STEP, wiggle=centred(rng)),
        row(16.0, LEAVE_ONE_OUT, problem=STEP, wiggle=centred(rng)),
    ]
    return table(tmp_path, *cells)


def test_a_profile_is_the_share_of_places_near_the_best(two_places):
    found = overall(leaderboard(two_places))
    shares = {
        (each.estimator, "leave_one_out" in each.estimator_args): [
            each.share(factor) for factor in (1, 2.001, 3.001, 4.001)
        ]
        for each in found
    }
    assert shares == {
        ("pathwise", False): [0.5, 1, 1, 1],
        ("score_function", False): [0.5, 0.5, 1, 1],
        ("score_function", True): [0, 0, 0, 0.5],
    }
    assert found[0].estimator == "pathwise"
    assert [each.places for each in found] == [2, 2, 1]


def test_beside_what_is_exact_all_others_are_infinitely_far(two_places):
    board = leaderboard(two_places)
    exact = (board.problem == STEP[0]) & (board.estimator == "pathwise")
    found = overall(board.assign(relative_rmse=board.relative_rmse.mask(exact, 0.0)))
    assert [each.share(1) for each in found] == [1, 0, 0]
    assert [each.share(1e9) for each in found] == [1, 0.5, 0]
    assert [each.mean.value for each in found] == pytest.approx([1, 3, np.inf])


def test_geometric_means_are_over_the_places_with_their_errors(two_places):
    """√(1 · 2) and √(3 · 1); each factor is the root of a ratio with errors of 2 % twice."""
    found = {each.estimator_args: each.mean for each in overall(leaderboard(two_places))}
    pathwise = next(mean for args, mean in found.items() if "baseline" not in args)
    assert pathwise.value == pytest.approx(np.sqrt(2))
    # only at the second place does it differ from the best: half of the log of one root ratio
    half = 1.96 * 0.02 * np.sqrt(2) / 2 / 2
    assert np.log(pathwise.high / pathwise.low) / 2 == pytest.approx(half, rel=0.4)
    assert pathwise.low < pathwise.value < pathwise.high
