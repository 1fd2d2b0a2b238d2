"""The order at one place, of made rows whose errors are known."""

import numpy as np
import pytest

from gradest.benchmarks.recommending.ranking import (
    BACKWARDS,
    BIASED,
    FREE,
    UNRELIABLE,
    Rules,
    ranking,
)
from tests.support.made_errors import row, table
from tests.support.made_runs import LEAVE_ONE_OUT, PATHWISE, PLAIN, errors


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def barred(board):
    """What bars each estimator, in order."""
    names = zip(board.estimator, board.estimator_args, strict=True)
    short = ["rloo" if "leave" in args else name for name, args in names]
    return dict(zip(short, board.barred, strict=True))


def test_the_smallest_error_is_first_and_ratios_are_of_squares(tmp_path):
    board = ranking(table(tmp_path, row(9.0, PLAIN), row(1.0, PATHWISE), row(4.0, LEAVE_ONE_OUT)))
    assert barred(board) == {"pathwise": FREE, "rloo": FREE, "score_function": FREE}
    assert board.ratio.tolist() == pytest.approx([1, 4, 9])
    assert board.relative_rmse.tolist() == pytest.approx([1 / 4, 2 / 4, 3 / 4])
    assert board.tie.tolist() == [True, False, False]
    assert board["rank"].tolist() == [1, 2, 3]


def test_a_biased_one_may_be_the_best_unless_it_may_not_be(tmp_path):
    rows = table(tmp_path, row(1.0, PATHWISE, bias=0.9), row(2.0, PLAIN))
    assert barred(ranking(rows)) == {"pathwise": FREE, "score_function": FREE}
    board = ranking(rows, Rules(only_unbiased=True))
    assert barred(board) == {"score_function": FREE, "pathwise": BIASED}
    assert board.tie.tolist() == [True, False]


def test_what_claims_no_bias_and_has_one_is_biased(tmp_path):
    claims = {"unbiased": True, "bias_finding": "biased"}
    rows = table(tmp_path, row(1.0, PATHWISE, bias=0.9, **claims), row(2.0, PLAIN))
    board = ranking(rows, Rules(only_unbiased=True))
    assert barred(board) == {"score_function": FREE, "pathwise": BIASED}


@pytest.mark.parametrize(("p", "is_biased"), [(0.0124, True), (0.0126, False)])
def test_a_bias_that_is_not_claimed_has_to_be_sure_among_all(p, is_biased, tmp_path):
    """Two rows looked at twice: p below 0.05/4."""
    claims = {"unbiased": True, "bias_finding": "biased", "bias_p": p}
    rows = table(tmp_path, row(1.0, PATHWISE, bias=0.9, **claims), row(2.0, PLAIN))
    board = ranking(rows, Rules(tests=2, strict=True)).set_index("estimator")
    assert board.biased["pathwise"] == is_biased


@pytest.mark.parametrize(("along", "bar"), [(-1.0, BACKWARDS), (-0.9, FREE), (1.5, FREE)])
def test_what_points_away_is_never_first(along, bar, tmp_path):
    """Its error is the smallest; zero would be as good, or better."""
    board = ranking(table(tmp_path, row(16.0, PATHWISE, bias=15, along=along), row(99.0, PLAIN)))
    assert barred(board)["pathwise"] == bar
    assert (board.estimator.iloc[0] == "pathwise") == (bar == FREE)


def test_of_a_tie_the_unbiased_is_recommended(tmp_path, rng):
    shared = errors(rng, 0.02)
    near = row(1.01, PLAIN, wiggle=shared + errors(rng, 0.03))
    board = ranking(table(tmp_path, row(1.0, PATHWISE, bias=0.01, wiggle=shared), near))
    assert board.estimator.tolist() == ["score_function", "pathwise"]
    assert board.tie.all()


def test_an_interval_of_several_looks_is_wider(tmp_path, rng):
    """A ratio of 1.05 ± 0.02 is surely above 1 at one look, and not at a thousand."""
    rows = table(tmp_path, row(1.0, PATHWISE), row(1.05, PLAIN, wiggle=errors(rng, 0.02) - 0.0))
    once = ranking(rows).iloc[1]
    often = ranking(rows, Rules(tests=1000)).iloc[1]
    assert once.ratio == often.ratio
    widths = [np.log(each.ratio_high / each.ratio_low) for each in (once, often)]
    # Student's t at 31: 2.04 and 4.6
    assert widths[1] / widths[0] == pytest.approx(4.63 / 2.04, rel=0.02)


def test_what_a_time_errs_by_is_in_the_ratios(tmp_path, rng):
    """Errors of 10 % of each time make the ratio one of 15 %."""
    rows = table(tmp_path, row(1.0, PATHWISE), row(1.1, PLAIN, wiggle=errors(rng, 0.001)))
    assert ranking(rows).tie.tolist() == [True, False]
    assert ranking(rows, Rules(cost="batched")).tie.tolist() == [True, True]


def test_what_is_unreliable_comes_after_what_is_not_and_is_used_where_all_are(tmp_path):
    bad = {"status": "unreliable", "reason": "tail index 1.5"}
    rows = table(tmp_path / "a", row(1.0, PATHWISE, **bad), row(2.0, PLAIN))
    assert barred(ranking(rows)) == {"score_function": FREE, "pathwise": UNRELIABLE}
    rows = table(tmp_path / "b", row(1.0, PATHWISE, **bad), row(2.0, PLAIN, **bad))
    assert barred(ranking(rows)) == {"pathwise": FREE, "score_function": FREE}


def test_what_is_exact_is_a_tie_with_what_is_exact_alone(tmp_path):
    exact = {"reason": "variance zero to rounding"}
    rows = (row(1e-14, PATHWISE, **exact), row(3e-13, LEAVE_ONE_OUT, **exact), row(1.0, PLAIN))
    board = ranking(table(tmp_path, *rows))
    assert board.tie.tolist() == [True, True, False]
    assert board.ratio.tolist() == [1, 1, np.inf]


def test_what_has_lost_is_neither_first_nor_a_tie_again(tmp_path):
    rows = table(tmp_path, row(1.0, PATHWISE), row(1.0, PLAIN))
    first = ranking(rows).iloc[0]
    board = ranking(rows, lost={(first.estimator, first.estimator_args)})
    assert board.estimator.tolist() == [
        name for name in rows.estimator if name != first.estimator
    ] + [first.estimator]
    assert board.tie.tolist() == [True, False]
