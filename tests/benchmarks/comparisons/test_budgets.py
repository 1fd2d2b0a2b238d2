"""What budgets pay for, by each model of cost."""

import numpy as np
import pytest

from gradest.benchmarks.analysis.results import read_run
from gradest.benchmarks.comparisons.budgets import COSTS, Budget, budget_of, has_prices
from gradest.benchmarks.comparisons.leaderboard import leaderboard
from gradest.benchmarks.errors import BadInput
from tests.support.made_runs import BATCHES, PATHWISE, PLAIN, cell, jackknifed, write

LEVELS = (1, 4, 16, 64)
FIXED, PER_SAMPLE = 2e-5, 1e-6
"""Of one gradient alone, by pathwise; the score function takes twice that."""


def rows_of(folder, timed=(1, 64), estimators=(PATHWISE, PLAIN)):
    """Rows of two groups at each L, some of which were timed alone."""
    cells = []
    for factor, estimator in enumerate(estimators, 1):
        for level in LEVELS:
            alone = factor * (FIXED + PER_SAMPLE * level) if level in timed else np.nan
            noise = jackknifed(8 / level, np.zeros(BATCHES))
            cells += [
                cell(
                    noise,
                    estimator,
                    samples=level,
                    group=group,
                    relative_rmse=(8 / level) ** 0.5,
                    f_evals=level,
                    grad_evals=level,
                    seconds_alone=alone,
                )
                for group in ("mean", "scale")
            ]
    return read_run(write(folder, cells)).measurements


def test_prices_are_evaluations_a_line_of_seconds_and_seconds(tmp_path):
    rows = rows_of(tmp_path)
    factor = np.where(rows.estimator == "pathwise", 1, 2)
    expected = {
        "evaluations": 2 * rows.num_samples,
        "alone": factor * (FIXED + PER_SAMPLE * rows.num_samples),
        "batched": 1e-6 * rows.num_samples,
    }
    assert expected.keys() == COSTS.keys()
    for name, model in COSTS.items():
        assert has_prices(rows, name)
        found = model.prices(rows)
        assert found.index.equals(rows.index)
        np.testing.assert_allclose(found, expected[name])


def test_one_level_is_a_price_there_and_nowhere_else(tmp_path):
    rows = rows_of(tmp_path, timed=(4,))
    prices = COSTS["alone"].prices(rows)
    assert prices[rows.num_samples == 4].notna().all()
    assert prices[rows.num_samples != 4].isna().all()
    assert not has_prices(rows, "alone")
    assert has_prices(rows[rows.num_samples == 4], "alone")
    assert not has_prices(rows[:0], "alone")


def test_seconds_are_of_one_alone_where_all_have_it(tmp_path):
    """Alone 41 µs pay for 20 samples of pathwise, and none of the score function's 42 µs.

    Batched they pay for 41 of each, so for the 32 that double from 16.
    """
    rows = rows_of(tmp_path)
    budget = Budget(seconds=41e-6)
    board = leaderboard(rows, budget)
    assert set(zip(board.estimator, board.num_samples, strict=True)) == {("pathwise", 16)}
    assert budget.settled(rows).text == "41 µs a gradient, one alone"
    batched = budget._replace(cost="batched")
    found = leaderboard(rows, batched)
    assert set(zip(found.estimator, found.num_samples, strict=True)) == {
        ("pathwise", 32),
        ("score_function", 32),
    }
    assert batched.text == "41 µs a gradient, batched"


@pytest.mark.parametrize("timed", [(), (4,)])
def test_seconds_are_batched_where_some_have_no_other(tmp_path, timed):
    rows = rows_of(tmp_path, timed=timed)
    budget = Budget(seconds=5e-6)
    assert set(rows.num_samples[budget.pays_for(rows)]) == {1, 4}
    assert budget.settled(rows).text == "5 µs a gradient, batched"


def test_other_budgets_have_no_model_of_seconds(tmp_path):
    rows = rows_of(tmp_path)
    for budget in (Budget(), Budget(evaluations=8), Budget(samples=4)):
        assert budget.settled(rows) == budget
    assert set(rows.num_samples[Budget(evaluations=8).pays_for(rows)]) == {1, 4}
    assert set(rows.num_samples[Budget(evaluations=7).pays_for(rows)]) == {1}
    assert Budget(seconds=1e-3).text == "1 ms a gradient"


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (("1ms", None, None, "batch"), "cost 'batch': expected one of alone, batched; did you"),
        (("1ms", None, None, "evaluations"), "cost 'evaluations': expected one of alone, batched"),
        ((None, 8, None, "alone"), "cost 'alone': expected only with a budget of seconds"),
    ],
)
def test_a_cost_that_cannot_be_is_bad_input(asked, message):
    with pytest.raises(BadInput, match=message):
        budget_of(*asked)


def test_a_cost_is_chosen_by_name():
    assert budget_of("2 us", None, None, "batched") == Budget(pytest.approx(2e-6), cost="batched")
