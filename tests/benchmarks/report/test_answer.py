"""The answer in words: the best unbiased estimator, and what has less noise but is wrong."""

from gradest.benchmarks.analysis.results import read_run
from gradest.benchmarks.report.answer import answer_lines, answer_table
from gradest.benchmarks.report.summary import Findings
from tests.support.made_errors import row
from tests.support.made_runs import LEAVE_ONE_OUT, PATHWISE, PLAIN, write

COST = {"f_evals": 16, "grad_evals": 0}


def found_in(folder, *rows):
    return Findings(read_run(write(folder, list(rows))))


def lines(found):
    return answer_lines(found.answers, found.names)


def test_the_best_unbiased_one_is_named_before_a_biased_one_with_less_noise(tmp_path):
    """Errors are √(9/4) and √(4/1) times one another, and the bias is a fifth of the gradient."""
    found = found_in(
        tmp_path,
        row(9.0, PLAIN, **COST),
        row(4.0, LEAVE_ONE_OUT, **COST),
        row(1.0, PATHWISE, bias=0.64, **COST),
    )
    assert lines(found) == [
        "score function, leave-one-out (1 of 1): Gaussian square, 1.5 × before score function "
        "(less noise but wrong by −20 %: pathwise, 2 × less error)"
    ]
    among = [(each[2], each[3]) for each in answer_table(found.answers, found.names).rows]
    assert among == [("unbiased", "score function, leave-one-out"), ("all", "pathwise")]


def test_where_all_are_biased_that_is_said_and_by_how_much(tmp_path):
    found = found_in(
        tmp_path,
        row(1.0, PATHWISE, bias=0.64, **COST),
        row(4.0, LEAVE_ONE_OUT, bias=1.0, **COST),
    )
    assert lines(found) == [
        "pathwise, biased, as all are (1 of 1): Gaussian square, wrong by −20 %, "
        "2 × before score function, leave-one-out"
    ]


def test_a_biased_one_that_is_no_better_is_not_named(tmp_path):
    found = found_in(
        tmp_path,
        row(1.0, LEAVE_ONE_OUT, **COST),
        row(4.0, PATHWISE, bias=0.64, **COST),
    )
    assert lines(found) == [
        "score function, leave-one-out (1 of 1): Gaussian square, 2 × before pathwise"
    ]
