"""The rule of equal cost: which rows are added, what they say, and which one a budget pays for."""

import itertools

import numpy as np
import pandas as pd
import pytest

import gradest
from gradest.benchmarks.analysis.results import ESTIMATOR, PLACE, read_run
from gradest.benchmarks.comparisons.budgets import Budget
from gradest.benchmarks.comparisons.leaderboard import (
    boards_of,
    filed,
    leaderboard,
    relative_error,
    usable,
)
from gradest.benchmarks.comparisons.levels import (
    MOST_SAMPLES,
    budgets_of,
    doubled,
    level_text,
    may_catch_up,
    paid_for,
    weights_of,
    with_levels,
)
from gradest.benchmarks.errors import BadInput
from gradest.benchmarks.recommending.finished import recommend_from
from gradest.benchmarks.recommending.ranking import FREE, Rules
from gradest.estimators import estimator
from tests.support.house import ROOT
from tests.support.made_errors import row, table
from tests.support.made_runs import LEAVE_ONE_OUT, PATHWISE, PLAIN

REFERENCE = ROOT / "results" / "reference"
RUNS = ("", "continuous", "discrete", "multisample", "temperature")
USERS_OWN = ("mine:Mine", {})
WITHOUT = ("without_replacement", {})


def levels_of(rows):
    """The L at which there are rows, measured ones apart from those added."""
    measured = rows.measured_samples.isna()
    return rows.num_samples[measured].tolist(), rows.num_samples[~measured].tolist()


def costing(error, estimator, samples, f, grad=0, **columns):
    """A row of so many evaluations."""
    return row(error, estimator, samples=samples, f_evals=f, grad_evals=grad, **columns)


def test_levels_double_from_each_measured_one_to_the_next():
    assert list(doubled([1, 8, 12], 50)) == [(0, 2), (0, 4), (2, 24), (2, 48)]
    assert list(doubled([3], 12)) == [(0, 6), (0, 12)]
    assert list(doubled([64], 64)) == []


def test_added_rows_are_what_a_run_that_measured_them_says():
    """∂/∂μ and ∂/∂σ of E(x − 3)², x ~ N(1, 1): pathwise has the variances 4/L and 4·Var[ε(x − 3)].

    With x − 3 = ε − 2 the latter is Var[ε² − 2ε] = 2 + 4 times 4.
    """
    made = gradest.measure("gaussian_square", "pathwise", samples=[1, 8], replicates=4000)
    other = gradest.measure(
        "gaussian_square", "pathwise", samples=[2, 4, 32], replicates=4000, seed=7
    )
    rows = with_levels(made.read.measurements).rows
    exact = {"mean": 4.0, "scale": 24.0}
    compared = 0
    for measured in other.read.measurements.itertuples():
        same = (rows.num_samples == measured.num_samples) & (rows.group == measured.group)
        (added,) = rows[same].itertuples()
        variance = exact[measured.group] / measured.num_samples
        assert added.measured_samples == {2: 1, 4: 1, 32: 8}[measured.num_samples]
        assert (added.f_evals, added.grad_evals) == (measured.f_evals, measured.grad_evals)
        for each in (added, measured):
            # twice the half-width: 3.9 standard errors
            assert abs(np.log(each.variance / variance)) < 2 * np.log(
                each.variance_high / each.variance
            )
            error = relative_error(each)
            assert error.low / 1.05 < np.sqrt(variance) / each.exact_norm < error.high * 1.05
        compared += 1
    assert compared == 6
    assert rows.num_samples.max() == MOST_SAMPLES


def test_a_row_has_the_nearest_measured_row_below_scaled_and_its_bias(tmp_path):
    """8/L + 0.25: measured at 1 and 4, so that L = 2 is from 1 and L = 8 from 4."""
    cells = [
        costing(8 / n + 0.25, PATHWISE, n, 3 + 2 * n, n, bias=0.25, seconds=1e-6 * (5 + n))
        for n in (1, 4)
    ]
    rows = with_levels(table(tmp_path, *cells), most=16).rows
    assert levels_of(rows) == ([1, 4], [2, 8, 16])
    row_at = {each.num_samples: each for each in rows.itertuples()}
    for level, measured in ((2, 1), (8, 4), (16, 4)):
        added, base = row_at[level], row_at[measured]
        assert added.measured_samples == measured
        assert added.variance == pytest.approx(8 / level)
        assert added.variance_high == pytest.approx(base.variance_high * measured / level)
        assert added.jackknifed.value == pytest.approx(8 / level)
        assert added.jackknifed.without == pytest.approx(8 / level)
        assert added.bias_squared == 0.25
        assert relative_error(added).value == pytest.approx(np.sqrt(8 / level + 0.25) / 4)
        assert (added.f_evals, added.grad_evals) == (3 + 2 * level, level)
        assert added.seconds == pytest.approx(1e-6 * (5 + level))
        assert np.isnan(added.snr)


def pairs(level):
    """3/L + 20/(L(L − 1))."""
    return 3 / level + 20 / (level * (level - 1))


def test_a_mean_over_pairs_is_known_from_two_levels(tmp_path):
    cells = [costing(pairs(n), LEAVE_ONE_OUT, n, n, bias=0.0) for n in (2, 16)]
    rows = with_levels(table(tmp_path, *cells), most=64).rows
    assert levels_of(rows) == ([2, 16], [4, 8, 32, 64])
    for added in rows[rows.measured_samples.notna()].itertuples():
        assert added.measured_samples == (2 if added.num_samples < 16 else 16)
        assert added.variance == pytest.approx(pairs(added.num_samples))
        assert added.jackknifed.value == pytest.approx(pairs(added.num_samples))
    alone = with_levels(table(tmp_path, cells[1]), most=64)
    assert levels_of(alone.rows) == ([16], [])
    assert alone.beyond.num_samples.tolist() == [32, 64]


def enumerated_variance(level):
    """The variance of leave-one-out's estimate for three values, over all their draws.

    ∂/∂ logits of E f(x), x categorical: the score of value x is e_x − p.
    """
    p, f = np.array([0.5, 0.3, 0.2]), np.array([1.0, -2.0, 4.0])
    scores = np.eye(3) - p
    first, second = np.zeros(3), 0.0
    for draws in itertools.product(range(3), repeat=level):
        x = np.array(draws)
        others = (f[x].sum() - f[x]) / (level - 1)
        estimate = ((f[x] - others)[:, None] * scores[x]).mean(0)
        first += p[x].prod() * estimate
        second += p[x].prod() * (estimate**2).sum()
    return second - (first**2).sum()


def test_leave_one_out_is_a_mean_over_pairs():
    """Its variance at L = 5 and 7 from those at 2 and 3, all by enumeration."""
    leave_one_out = estimator("score_function", baseline="leave_one_out")
    measured = [enumerated_variance(level) for level in (2, 3)]
    for level in (5, 7):
        weights = weights_of(leave_one_out, [2, 3], 1, level)
        found = sum(weight * measured[place] for place, weight in weights.items())
        assert found == pytest.approx(enumerated_variance(level), rel=1e-9)
    assert weights_of(estimator("score_function"), [2, 3], 1, 6) == {1: 0.5}
    antithetic = estimator("score_function", coupling="antithetic")
    assert weights_of(antithetic, [2, 4], 1, 8) == {}


def test_what_is_not_proportional_has_prices_and_no_rows(tmp_path):
    own = [costing(1.0, USERS_OWN, 4, 4)]
    cells = [costing(8 / n, WITHOUT, n, n) for n in (4, 16)]
    levels = with_levels(table(tmp_path, *cells, *own), most=32)
    assert levels_of(levels.rows) == ([4, 16, 4], [])
    found = levels.beyond.groupby("estimator").num_samples.agg(list).to_dict()
    assert found == {"without_replacement": [8, 32], "mine:Mine": [8, 16, 32]}
    assert levels.beyond.f_evals.tolist() == levels.beyond.num_samples.tolist()


@pytest.mark.parametrize(
    ("counts", "added"),
    [
        ({1: 3, 2: 4, 4: 6}, {8: 10}),  # 2 + L
        ({1: 3, 2: 4, 4: 7}, {}),  # on no line
        ({4: 12}, {8: 24}),  # one L, which divides it
        ({4: 13}, {}),
        ({1: 1, 5: 2}, {}),  # (3 + L)/4 is no whole number at L = 2, 4 and 10
    ],
)
def test_evaluations_are_those_of_an_exact_line(counts, added, tmp_path):
    rows = with_levels(
        table(tmp_path, *(costing(1.0, PATHWISE, n, f) for n, f in counts.items())), most=10
    ).rows
    found = rows[rows.measured_samples.notna()]
    assert dict(zip(found.num_samples, found.f_evals, strict=True)) == added


def test_an_l_that_the_estimator_refuses_is_left_out(tmp_path, monkeypatch):
    cells = table(tmp_path, costing(1.0, PATHWISE, 2, 2))
    refusing = gradest.estimator("pathwise")
    monkeypatch.setattr(
        type(refusing), "refuses_samples", lambda _, level: "no" if level == 8 else None
    )
    assert levels_of(with_levels(cells, most=16).rows) == ([2], [4, 16])


def hand_built(folder):
    """The score function, 16/L, and leave-one-out, 12/L, evaluate f; pathwise, 9/L, its gradient
    too."""
    return table(
        folder,
        *(costing(16 / n, PLAIN, n, n) for n in (1, 4, 16)),
        *(costing(12 / n, LEAVE_ONE_OUT, n, n) for n in (4, 16)),
        *(costing(9 / n, PATHWISE, n, n, n) for n in (1, 4, 16)),
    )


RANKED = {
    1: [("none", "1", 16.0)],
    2: [("none", "2, from 1", 8.0), ("pathwise", "1", 9.0)],
    4: [("leave_one_out", "4", 3.0), ("none", "4", 4.0), ("pathwise", "2, from 1", 4.5)],
    8: [
        ("leave_one_out", "8, from 4", 1.5),
        ("none", "8, from 4", 2.0),
        ("pathwise", "4", 2.25),
    ],
    16: [("leave_one_out", "16", 0.75), ("none", "16", 1.0), ("pathwise", "8, from 4", 1.125)],
    64: [
        ("leave_one_out", "64, from 16", 12 / 64),
        ("none", "64, from 16", 0.25),
        ("pathwise", "32, from 16", 9 / 32),
    ],
}
"""By the budget of evaluations: who, L in words, and the mean squared error."""


def kind_of(each):
    """An estimator in one word."""
    kinds = [name for name in ("leave_one_out", "none") if f'"baseline": "{name}"' in each]
    return kinds[0] if kinds else "pathwise"


@pytest.mark.parametrize("budget", RANKED)
def test_estimators_are_ranked_at_equal_evaluations(budget, tmp_path):
    board = leaderboard(hand_built(tmp_path), Budget(evaluations=budget))
    found = [(kind_of(each.estimator_args), level_text(each)) for each in board.itertuples()]
    assert found == [each[:2] for each in RANKED[budget]]
    expected = [np.sqrt(error) / 4 for *_, error in RANKED[budget]]
    assert board.relative_rmse.tolist() == pytest.approx(expected)


def test_what_could_have_had_more_samples_is_not_called_worse(tmp_path):
    """Of 8 evaluations one's own, at L = 4 with 3, would have 1.5, less than the best's 2."""
    cells = [costing(16 / n, PLAIN, n, n) for n in (1, 4, 16)]
    cells += [costing(12 / n, USERS_OWN, n, n) for n in (4, 16)]
    rows = table(tmp_path, *cells)
    board = leaderboard(rows, Budget(evaluations=8))
    assert board.estimator.tolist() == ["score_function", "mine:Mine"]
    assert board.tie.tolist() == [True, True]
    (short,) = board[board.paid_samples.notna()].itertuples()
    assert short.paid_samples == 8
    best = board.iloc[0]
    assert may_catch_up(best, short)
    assert not may_catch_up(best, short._replace(relative_rmse=1.5 * short.relative_rmse))
    assert not may_catch_up(best, short._replace(paid_samples=np.nan))
    dear = leaderboard(rows, Budget(evaluations=7))
    assert dear.paid_samples.isna().all()


@pytest.mark.parametrize("budget", RANKED)
def test_a_recommendation_is_in_the_order_of_the_leaderboard(budget, tmp_path):
    board = leaderboard(hand_built(tmp_path), Budget(evaluations=budget))
    run = read_run(tmp_path)
    found = recommend_from(run, Budget(evaluations=budget), Rules()).frame
    assert ordered(found) == ordered(board)
    assert found.tie.tolist() == board.tie.tolist()


def test_without_a_limit_the_measured_rows_are_ranked(tmp_path):
    board = leaderboard(hand_built(tmp_path))
    assert set(board.num_samples) == {16}
    assert board.measured_samples.isna().all()
    assert board.paid_samples.isna().all()


def test_seconds_are_those_of_a_line(tmp_path):
    """2 µs and 1 µs a sample: 20 µs pay for L = 16 of what was measured at 1, 4 and 64."""
    cells = [costing(8 / n, PATHWISE, n, n, seconds=1e-6 * (2 + n)) for n in (1, 4, 64)]
    board = leaderboard(table(tmp_path, *cells), Budget(seconds=20e-6, cost="batched"))
    assert board.num_samples.tolist() == [16]
    assert board.seconds.tolist() == pytest.approx([18e-6])


def test_the_budgets_of_a_place_are_its_levels_that_pay_for_two(tmp_path):
    assert budgets_of(hand_built(tmp_path)) == [4, 16]
    dear = [costing(1.0, PLAIN, n, n) for n in (1, 4, 16)]
    dear += [costing(1.0, USERS_OWN, n, 20 * n) for n in (1, 4)]
    assert budgets_of(table(tmp_path, *dear)) == [32]
    one_level = table(tmp_path, costing(1.0, PLAIN, 4, 12), costing(1.0, PATHWISE, 4, 4, 4))
    assert budgets_of(one_level) == [12]
    assert budgets_of(one_level[one_level.estimator == "pathwise"]) == [8]
    assert set(filed(boards_of(with_levels(one_level))).budget) == {12}
    assert budgets_of(one_level.assign(f_evals=pd.NA)) == []


@pytest.mark.parametrize("budget", [4096, 100_000])
def test_a_large_budget_is_spent_by_all(budget, tmp_path):
    """Pathwise, 9/L, costs two evaluations a draw, and measure-valued, 12/L, four: at equal cost 18
    and 48 over the evaluations."""
    cells = [costing(9 / n, PATHWISE, n, n, n) for n in (1, 4, 16)]
    cells += [costing(12 / n, ("measure_valued", {}), n, 4 * n) for n in (1, 4, 16)]
    board = leaderboard(table(tmp_path, *cells), Budget(evaluations=budget))
    assert board.estimator.tolist() == ["pathwise", "measure_valued"]
    spent = board.f_evals + board.grad_evals
    assert (spent <= budget).all()
    assert (spent > 0.9 * budget).all()
    squared = np.array([18.0, 48.0]) / spent.to_numpy(float)
    assert (4 * board.relative_rmse.to_numpy(float)) ** 2 == pytest.approx(squared)
    assert board.estimates.tolist() == [budget // 2048, budget // 4096]


def test_a_mean_keeps_the_bias_and_where_there_is_no_gradient_errors_are_absolute(tmp_path):
    """One's own at L = 4, 3/L + 0.25: of 4,096 evaluations 1,024 estimates."""
    rows = table(tmp_path, costing(3 / 4 + 0.25, USERS_OWN, 4, 4, bias=0.25))
    (far,) = leaderboard(rows, Budget(evaluations=4 * 1024)).itertuples()
    assert far.estimates == 1024
    assert far.relative_rmse == pytest.approx(np.sqrt(0.75 / 1024 + 0.25) / 4)
    (flat,) = leaderboard(rows.assign(exact_norm=0.0)).itertuples()
    assert flat.relative_rmse == pytest.approx(1.0)


def ordered(board):
    """The estimators of a ranking, each with its L and where that is from."""
    names = (*ESTIMATOR, "num_samples", "measured_samples", "paid_samples")
    cells = board[[*names]].fillna(0).itertuples(index=False, name=None)
    return [*cells]


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=() if name == "multisample" else pytest.mark.slow) for name in RUNS],
)
def test_leaderboard_and_recommendation_agree_at_every_budget(name):
    """They have the same estimators at the same L in the same order, but for who comes last for
    being barred, and an unbiased one that may be as good as a biased first."""
    run = read_run(REFERENCE / name)
    written = filed(boards_of(with_levels(usable(run.measurements))))
    compared = 0
    for budget in sorted(set(written.budget)):
        board = leaderboard(run.measurements, Budget(evaluations=int(budget)))
        try:
            found = recommend_from(run, Budget(evaluations=int(budget)), Rules()).frame
        except BadInput:
            continue
        boards = dict(list(board.groupby(PLACE)))
        for place, ranking in found.groupby(PLACE):
            ours = boards[place]
            assert sorted(ordered(ranking)) == sorted(ordered(ours)), (budget, place)
            free = ordered(ranking[ranking.barred == FREE])
            rest = [each for each in ordered(ours) if each in free]
            first = free[0]
            assert free == [first, *(each for each in rest if each != first)], (budget, place)
            if ordered(ours)[0] == first:
                ties = set(ordered(ours[ours.tie])) & {*free}
                assert ties == set(ordered(ranking[ranking.tie])), (budget, place)
            else:
                promoted = ours[[each == first for each in ordered(ours)]]
                assert first == rest[0] or (promoted.tie & ~promoted.biased).all()
            compared += 1
    assert compared >= len(written[PLACE].drop_duplicates())


def test_every_place_of_a_run_of_one_level_has_its_leaderboard():
    measured = read_run(REFERENCE / "temperature").measurements
    boards = filed(boards_of(with_levels(usable(measured))))
    assert set(measured.num_samples) == {1}
    places = measured.dropna(subset="group")[PLACE].drop_duplicates()
    assert len(boards[PLACE].drop_duplicates()) == len(places)
    assert boards.groupby([*PLACE, "budget"]).estimator_args.nunique().min() >= 2


def test_one_row_of_each_estimator_is_paid_for():
    levels = with_levels(read_run(REFERENCE).measurements.query("status == 'ok'"))
    found = paid_for(levels, Budget(evaluations=16))
    assert not found.duplicated([*PLACE, *ESTIMATOR]).any()
    assert (found.f_evals + found.grad_evals <= 16).all()
