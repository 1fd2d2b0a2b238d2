"""Leaderboards of made runs, whose order and ties are known."""

import numpy as np
import pytest

from gradest.benchmarks.analysis.results import read_run
from gradest.benchmarks.comparisons.leaderboard import (
    FILED,
    boards_of,
    filed,
    leaderboard,
    levels_of,
)
from tests.support.made_runs import (
    BATCHES,
    PATHWISE,
    PLAIN,
    SQUARE,
    cell,
    errors,
    jackknifed,
    write,
)

NO_BIAS = {"unbiased": True, "bias_finding": "equivalent"}


def made(error, estimator, *, samples=16, problem=SQUARE, cost=2, bias=0.0, **columns):
    """A cell of this mean squared error, of which `bias` is the squared bias, of batches that do
    not differ but by the first one's."""
    wiggle = columns.pop("wiggle", np.zeros(BATCHES))
    squared = jackknifed(max(bias, 1e-12), np.zeros(BATCHES))
    claims = {} if bias else NO_BIAS
    return cell(
        jackknifed(error - bias, wiggle),
        estimator,
        problem,
        samples,
        bias=squared,
        mse=error,
        mse_low=0.9 * error,
        mse_high=1.1 * error,
        relative_rmse=error**0.5 / 4,
        relative_rmse_low=0.9 * error**0.5 / 4,
        relative_rmse_high=1.1 * error**0.5 / 4,
        f_evals=samples,
        grad_evals=(cost - 1) * samples,
        **claims,
        **columns,
    )


def filed_boards(folder, cells):
    """leaderboard.csv of a run of these cells."""
    return filed(boards_of(levels_of(read_run(write(folder, cells)).measurements)))


def test_an_estimator_is_ranked_at_the_largest_l_that_is_paid_for(tmp_path):
    """Of 32 evaluations pathwise makes 16 draws, and the score function 32: no gradients of f.

    Of the 4 that the least L is as evaluations pathwise makes none.
    """
    cells = [
        *(made(8 / level, PATHWISE, samples=level) for level in (4, 16, 64)),
        *(made(12 / level, PLAIN, samples=level, cost=1) for level in (4, 32)),
    ]
    boards = filed_boards(tmp_path, cells)
    assert tuple(boards.columns) == FILED
    chosen = boards[(boards.budget == 32) & (boards.among == "all")]
    assert chosen.estimator.tolist() == ["score_function", "pathwise"]
    assert chosen.num_samples.tolist() == [32, 16]
    assert set(boards.budget) == {16, 32, 64}


def test_what_is_biased_is_ranked_among_all_and_not_among_the_unbiased(tmp_path):
    cells = [made(1.0, PATHWISE, bias=0.9), made(2.0, PLAIN)]
    boards = filed_boards(tmp_path, cells)
    names = {among: rows.estimator.tolist() for among, rows in boards.groupby("among")}
    assert names == {"all": ["pathwise", "score_function"], "unbiased": ["score_function"]}


@pytest.mark.parametrize(("ratio", "tie"), [(1.02, True), (1.3, False)])
def test_a_tie_is_one_by_the_paired_interval(ratio, tie, tmp_path):
    """Errors of 5 % that are shared cancel; of those that are not, 2 % remain."""
    rng = np.random.default_rng(0)
    shared = errors(rng, 0.05)
    cells = [
        made(1.0, PATHWISE, wiggle=shared + errors(rng, 0.015)),
        made(ratio, PLAIN, wiggle=shared + errors(rng, 0.015)),
    ]
    board = leaderboard(read_run(write(tmp_path, cells)).measurements).set_index("estimator")
    assert board.tie["pathwise"]
    assert board.tie["score_function"] == tie


def test_other_draws_are_not_paired(tmp_path):
    """The 2 % above would separate them; with other draws 5 % of each do not."""
    rng = np.random.default_rng(0)
    shared = errors(rng, 0.05)
    cells = [
        made(1.0, PATHWISE, wiggle=shared),
        made(1.08, PLAIN, wiggle=shared, seed=1),
    ]
    board = leaderboard(read_run(write(tmp_path, cells)).measurements)
    assert board.tie.all()


def test_what_has_no_truth_comes_last(tmp_path):
    nothing = dict.fromkeys(("mse", "relative_rmse"), float("nan"))
    rows = [cell(jackknifed(1e-9, np.zeros(BATCHES)), PLAIN, **nothing), made(1.0, PATHWISE)]
    board = leaderboard(read_run(write(tmp_path, rows)).measurements)
    assert board.estimator.tolist() == ["pathwise", "score_function"]
    assert board.tie.tolist() == [True, False]
