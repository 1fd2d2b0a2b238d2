"""Answers: who is best at equal cost, by how much, and who may be as good."""

import numpy as np
import pytest

from gradest.benchmarks.analysis.results import read_run
from gradest.benchmarks.comparisons.answers import answers
from gradest.benchmarks.comparisons.leaderboard import boards_of, levels_of
from tests.support.made_runs import (
    BATCHES,
    LEAVE_ONE_OUT,
    PATHWISE,
    PLAIN,
    cell,
    errors,
    jackknifed,
    write,
)

SPREAD = errors(np.random.default_rng(0), 0.02)
SPREAD = SPREAD - SPREAD.mean()
COST = {"exact_norm": 4.0, "f_evals": 16, "grad_evals": 16}


def ranked(variance, estimator, noise=SPREAD, bias=0.0, **columns):
    """A row with this mean squared error less bias, which is known batch by batch."""
    no_bias = jackknifed(1e-12 + bias**2, np.zeros(BATCHES))
    made = cell(jackknifed(variance, noise), estimator, bias=no_bias)
    claims = {"unbiased": bias == 0, "bias_finding": "biased" if bias else "equivalent"}
    return made | claims | COST | columns


def answers_in(folder, cells):
    return answers(boards_of(levels_of(read_run(write(folder, cells)).measurements)))


def only_answer(folder, cells):
    (found,) = answers_in(folder, cells)
    return found


def test_the_factor_is_that_of_the_errors_and_paired(tmp_path):
    """All noise is shared: the ratio of the errors is exactly √(9/4), though each varies."""
    found = only_answer(tmp_path, [ranked(9.0, PLAIN), ranked(4.0, PATHWISE)])
    assert (found.best.row.label, found.best.next) == ("pathwise", "score function")
    assert found.best.factor == pytest.approx((1.5, 1.5, 1.5), rel=1e-3)
    assert found.unbiased.row.label == "pathwise"
    assert found.lead is None
    assert found.budget == 32


def test_who_may_be_as_good_is_a_tie_and_not_the_next(tmp_path):
    noise = errors(np.random.default_rng(1), 0.02)
    cells = [
        ranked(4.0, PATHWISE),
        ranked(4.02, LEAVE_ONE_OUT, noise - noise.mean()),
        ranked(9.0, PLAIN),
    ]
    best = only_answer(tmp_path, cells).best
    assert best.ties == ("score function, leave-one-out",)
    assert best.next == "score function"
    none = only_answer(tmp_path / "two", cells[:2]).best
    assert (none.next, none.factor) == ("", None)


def test_a_biased_best_has_the_best_unbiased_beside_it(tmp_path):
    cells = [ranked(9.0, PLAIN), ranked(4.0, LEAVE_ONE_OUT), ranked(0.75, PATHWISE, bias=0.5)]
    found = only_answer(tmp_path, cells)
    assert found.best.row.label == "pathwise"
    assert found.best.row.biased
    assert found.unbiased.row.label == "score function, leave-one-out"
    assert found.unbiased.next == "score function"
    assert found.lead.value == pytest.approx(2.0, rel=1e-3)


def test_a_biased_one_that_is_no_better_is_not_the_answer(tmp_path):
    cells = [ranked(4.0, LEAVE_ONE_OUT), ranked(3.75, PATHWISE, bias=0.5), ranked(9.0, PLAIN)]
    best = only_answer(tmp_path, cells).best
    assert best.row.label == "score function, leave-one-out"
    assert best.ties == ("pathwise",)


def test_what_costs_more_is_taken_at_a_smaller_l(tmp_path):
    dear = [
        ranked(4.0 / n, PATHWISE, f_evals=7 * n, grad_evals=0) | {"num_samples": n, "cell": f"d{n}"}
        for n in (1, 4, 16)
    ]
    found = only_answer(tmp_path, [*dear, ranked(0.9, PLAIN)])
    assert (found.best.row.label, found.best.next) == ("score function", "pathwise")
    assert found.best.factor.value == pytest.approx((1.0 / 0.9) ** 0.5, rel=1e-3)


def test_what_has_no_error_is_exact_and_before_all_others(tmp_path):
    none = {"relative_rmse": 0.0, "relative_rmse_low": 0.0, "relative_rmse_high": 0.0}
    cells = [ranked(4.0, PATHWISE), ranked(9.0, PLAIN), ranked(1.0, LEAVE_ONE_OUT) | none]
    best = only_answer(tmp_path, cells).best
    assert best.is_exact
    assert (best.row.label, best.next) == ("score function, leave-one-out", "pathwise")
    assert best.factor is None


def test_one_estimator_alone_is_no_answer(tmp_path):
    assert answers_in(tmp_path, [ranked(1.0, PLAIN)]) == []
