"""The largest L that a budget pays for."""

import numpy as np
import pandas as pd
import pytest

import gradest
from gradest.benchmarks.comparisons.budgets import Budget
from gradest.benchmarks.comparisons.levels import MOST_SAMPLES
from gradest.benchmarks.recommending.levels import (
    allowed,
    costs_of,
    most_along,
    most_within,
)
from gradest.benchmarks.statistics.times import TimeLine


def test_levels_are_those_that_the_estimator_takes():
    antithetic = gradest.estimator("pathwise", coupling="antithetic")
    assert allowed(antithetic, 9) == 8
    assert allowed(antithetic, 1) == 0
    assert allowed(gradest.estimator("pathwise", coupling="sobol"), 100) == 64


def test_evaluations_are_counted_of_f_and_of_its_gradient():
    problem = gradest.problem("gaussian_square")
    assert most_within(11, problem, gradest.estimator("pathwise")) == 5
    assert most_within(0, problem, gradest.estimator("pathwise")) == 0


def test_a_line_is_followed_to_the_budget():
    """a + bL = 1 + 2 L."""
    line = TimeLine(1.0, 2.0)
    assert [most_along(line, amount) for amount in (0.5, 1.0, 2.9, 3.0, 1e9)] == [
        0,
        0,
        0,
        1,
        MOST_SAMPLES,
    ]
    assert most_along(TimeLine(1.0, 0.0), 1.0) == MOST_SAMPLES


ROWS = pd.DataFrame(
    {
        "num_samples": [1, 4, 16],
        "seconds": [3.3e-6, 8.1e-6, 33e-6],  # 1 + 2 L µs, each a tenth off at most
        "f_evals": [3, 6, 18],
        "grad_evals": [1, 4, 16],
    }
)


def test_seconds_are_those_of_the_line_and_evaluations_what_they_are():
    costs, line = costs_of(Budget(seconds=1e-5), ROWS)
    assert costs == pytest.approx(1e-6 * (1 + 2 * ROWS.num_samples), rel=0.12)
    np.testing.assert_allclose(costs, line.fixed + line.per_sample * ROWS.num_samples)
    costs, line = costs_of(Budget(evaluations=9), ROWS)
    assert costs.tolist() == [4, 10, 34]
    assert line == pytest.approx((2.0, 2.0))
    assert most_along(line, 9) == 3
    assert costs_of(Budget(samples=3), ROWS)[0].tolist() == [1, 4, 16]
