"""Leaderboards and profiles of made runs, whose order, ties and factors are known."""

import numpy as np
import pytest

from gradest.benchmarks.analysis.results import read_run
from gradest.benchmarks.comparisons.leaderboard import FILED, leaderboard, leaderboards
from gradest.benchmarks.comparisons.profiles import overall
from tests.support.made_runs import (
    BATCHES,
    LEAVE_ONE_OUT,
    PATHWISE,
    PLAIN,
    SQUARE,
    cell,
    errors,
    jackknifed,
    write,
)

NO_BIAS = {"unbiased": True, "bias_finding": "equivalent"}
STEP = ("gaussian_step", {"dim": 1, "k": 0.3, "mean": 1.0, "scale": 1.0})


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


def test_an_estimator_is_ranked_at_the_largest_l_that_is_paid_for(tmp_path):
    """Of 32 evaluations pathwise makes 16 draws, and the score function 32: no gradients of f.

    Of the 4 that the least L is as evaluations pathwise makes none.
    """
    cells = [
        *(made(8 / level, PATHWISE, samples=level) for level in (4, 16, 64)),
        *(made(12 / level, PLAIN, samples=level, cost=1) for level in (4, 32)),
    ]
    boards = leaderboards(read_run(write(tmp_path, cells)).measurements)
    assert tuple(boards.columns) == FILED
    chosen = boards[(boards.budget == 32) & (boards.among == "all")]
    assert chosen.estimator.tolist() == ["score_function", "pathwise"]
    assert chosen.num_samples.tolist() == [32, 16]
    assert set(boards.budget) == {16, 32, 64}


def test_what_is_biased_is_ranked_among_all_and_not_among_the_unbiased(tmp_path):
    cells = [made(1.0, PATHWISE, bias=0.9), made(2.0, PLAIN)]
    boards = leaderboards(read_run(write(tmp_path, cells)).measurements)
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


@pytest.fixture
def two_places(tmp_path):
    """Pathwise is 3 times better at one place, and twice as bad at the other; leave-one-out, where
    it is measured, four times as bad as the best."""
    rng = np.random.default_rng(1)
    cells = [
        made(1.0, PATHWISE, wiggle=errors(rng, 0.02)),
        made(9.0, PLAIN, wiggle=errors(rng, 0.02)),
        made(4.0, PATHWISE, problem=STEP, wiggle=errors(rng, 0.02)),
        made(1.0, PLAIN, problem=STEP, wiggle=errors(rng, 0.02)),
        made(16.0, LEAVE_ONE_OUT, problem=STEP, wiggle=errors(rng, 0.02)),
    ]
    return read_run(write(tmp_path, cells)).measurements


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
