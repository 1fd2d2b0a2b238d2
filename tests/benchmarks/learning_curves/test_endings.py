"""Who ends best: differences paired over seeds, ranks, ties, and what diverged."""

import math

import numpy as np
import pytest
from scipy import stats

from gradest.benchmarks.learning_curves.endings import endings, loss_over
from tests.support.made_runs import LEAVE_ONE_OUT, PATHWISE, PLAIN
from tests.support.made_training import FACTORS, Made, contest, falling

NOISE = (0.3, -0.1, 0.2, -0.4, 0.1)

BEST = Made(PATHWISE, falling(0.04))
WORSE = Made(PLAIN, falling(0.01))
NEAR = Made(LEAVE_ONE_OUT, lambda step, seed: falling(0.04)(step, seed) + NOISE[seed] * step / 100)


def test_differences_are_paired_over_seeds():
    """Of the best and one that differs from it by NOISE alone: Student's interval of NOISE."""
    best, near, worse = endings(contest([WORSE, BEST, NEAR]))
    assert [each.trained.estimator for each in (best, worse)] == ["pathwise", "score_function"]
    low, high = stats.t.interval(0.95, 4, np.mean(NOISE), stats.sem(NOISE))
    assert tuple(near.behind) == pytest.approx((np.mean(NOISE), low, high))
    apart = [0.03 * factor * 100 for factor in FACTORS]
    assert tuple(worse.behind) == pytest.approx(
        (np.mean(apart), *stats.t.interval(0.95, 4, np.mean(apart), stats.sem(apart)))
    )


def test_ranks_and_ties():
    found = endings(contest([WORSE, BEST, NEAR]))
    assert [(each.rank, each.tie) for each in found] == [(1, True), (2, True), (3, False)]


def test_the_objective_at_the_end_is_a_mean_over_seeds():
    best = endings(contest([BEST, WORSE]))[0]
    assert best.objective.value == pytest.approx(10 - 4 * np.mean(FACTORS))


def test_what_rises_is_best_where_it_is_highest():
    up = [Made(PLAIN, lambda step, seed: step), Made(PATHWISE, lambda step, seed: 2.0 * step)]
    best, other = endings(contest(up, rises=True))
    assert best.trained.estimator == "pathwise"
    assert other.behind.value == pytest.approx(100)
    assert other.behind.low == pytest.approx(100)


def test_what_diverged_with_some_seed_has_no_rank():
    """Though the seeds that are left end best."""
    broken = Made(LEAVE_ONE_OUT, falling(0.05), diverges={4: 80})
    found = endings(contest([WORSE, broken, BEST]))
    assert [each.rank for each in found] == [1, 2, None]
    last = found[-1]
    assert last.trained.diverged == 1
    assert last.behind.low == math.inf
    assert not last.tie
    assert last.objective.value == pytest.approx(10 - 5 * np.mean(FACTORS[:4]))


def test_of_two_that_diverged_nothing_is_known():
    broken = [Made(PLAIN, falling(0.1), diverges={0: 20}), BEST._replace(diverges={0: 20})]
    one, other = contest(broken).trained
    assert math.isnan(loss_over(contest(broken), one, other).low)
