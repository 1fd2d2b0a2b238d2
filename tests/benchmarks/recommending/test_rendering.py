"""What is printed of a recommendation."""

import dataclasses
import json

import pytest

from gradest.benchmarks.analysis.results import read_run
from gradest.benchmarks.comparisons.budgets import Budget
from gradest.benchmarks.learning_curves.confirming import Confirmed, Pair
from gradest.benchmarks.recommending.candidates import TIME_SPENT
from gradest.benchmarks.recommending.finished import recommend_from
from gradest.benchmarks.recommending.ranking import Rules
from gradest.benchmarks.recommending.rendering import (
    as_html,
    as_json,
    as_text,
    by_reason,
)
from gradest.benchmarks.statistics.intervals import Interval
from gradest.benchmarks.terminal import WIDTH
from tests.support.made_errors import row
from tests.support.made_runs import LEAVE_ONE_OUT, PATHWISE, PLAIN, write

STEP = ("gaussian_step", {"dim": 1, "k": 0.3, "mean": 1.0, "scale": 1.0})

BACKWARDS = {"unbiased": False, "bias_finding": "biased"}


@pytest.fixture
def found(tmp_path):
    """On a step, where pathwise is wrong; leave-one-out is the best by a factor of 3 in error.

    The other needs 9 times the samples, each of which costs a quarter.
    """
    rows = [
        row(20.0, PATHWISE, bias=19, along=-1.17, problem=STEP, **BACKWARDS),
        row(9.0, PLAIN, problem=STEP, f_evals=16, grad_evals=0),
        row(1.0, LEAVE_ONE_OUT, problem=STEP, f_evals=64, grad_evals=0),
    ]
    run = read_run(write(tmp_path, rows))
    return recommend_from(run, Budget(samples=16), Rules())


def test_the_text_says_what_to_use_and_why_not_others(found):
    text = as_text(found)
    assert "Use score_function[baseline=leave_one_out], L = 16." in text
    assert "unbiased; 2.2 ×" in text
    assert "−120 %: f jumps; do not use" in text
    lines = text.splitlines()
    assert max(map(len, lines)) <= WIDTH
    starts = [line.split()[0] for line in lines if "step" not in line and line.startswith("  ")]
    assert [start for start in starts if start in ("1", "2", "–")] == ["1", "2", "–"]


def test_json_has_what_the_design_says(found):
    answer = as_json(found)
    assert list(answer) == [
        "problem",
        "point",
        "group",
        "budget",
        "recommended",
        "ranking",
        "left_out",
    ]
    assert answer["budget"] == {"samples": 16}
    place = [answer[key] for key in ("problem", "point", "group")]
    assert place == ["gaussian_step[k=0.3]", "init", "mean"]
    assert answer["recommended"] == "score_function[baseline=leave_one_out]"
    first, second, third = answer["ranking"]
    assert list(first) == [
        "estimator",
        "estimator_args",
        "num_samples",
        "relative_rmse",
        "low",
        "high",
        "bias_relative",
        "unbiased",
        "tie",
        "unreliable",
        "points_away",
        "compute",
    ]
    assert [each["points_away"] for each in answer["ranking"]] == [False, False, True]
    assert [each["compute"] for each in answer["ranking"]] == [None, pytest.approx(9 / 4), None]
    assert first["relative_rmse"] == pytest.approx(1 / 4)
    assert second["relative_rmse"] == pytest.approx(3 / 4)
    assert [each["tie"] for each in (first, second, third)] == [True, False, False]
    assert [each["unbiased"] for each in (first, second, third)] == [True, True, False]
    assert third["bias_relative"] == -1.17
    json.dumps(answer, allow_nan=False)


def test_a_notebook_sees_the_same(found):
    page = as_html(found)
    assert page.count("<tr") == 4
    assert page.count('<tr class="best">') == 1
    assert page.count('<tr class="biased">') == 1
    assert "Use score_function[baseline=leave_one_out], L = 16." in page


def test_what_is_unreliable_has_its_reason(tmp_path):
    bad = {"status": "unreliable", "reason": "no two values in R = 800 replicates"}
    run = read_run(write(tmp_path, [row(1.0, PATHWISE, **bad), row(2.0, PLAIN)]))
    found = recommend_from(run, Budget(), Rules())
    said = "Unreliable: pathwise: no two values in R = 800 replicates."
    assert said in as_text(found)
    assert said in as_html(found)
    reasons = {each["estimator"]: each["unreliable"] for each in as_json(found)["ranking"]}
    assert reasons == {"score_function": None, "pathwise": bad["reason"]}


def test_who_was_not_measured_is_counted_and_named_where_asked(found):
    late = dict.fromkeys(["rebar", "relax", "arm"], TIME_SPENT)
    found = dataclasses.replace(found, left_out={"vimco": "no bound", **late})
    text = as_text(found)
    assert "3 candidates not measured: the time was spent. More seconds measure more" in text
    assert "vimco: no bound" in text
    assert "rebar" not in text
    assert "rebar, relax, arm: the time was spent" in as_text(found, verbose=True)
    assert as_json(found)["left_out"] == {"vimco": "no bound", **late}
    page = as_html(found)
    assert "4 estimators not in the ranking" in page
    assert "rebar, relax, arm: the time was spent" in page


def test_a_biased_best_is_said_to_be_with_the_best_unbiased_one(tmp_path):
    rows = [row(1.0, PATHWISE, bias=0.5, along=-0.18), row(9.0, PLAIN)]
    run = read_run(write(tmp_path, rows))
    text = as_text(recommend_from(run, Budget(), Rules())).replace("\n  ", " ")
    assert "Use pathwise, L = 16, biased by −18 %." in text
    assert "It is biased; the best unbiased one: score_function, L = 16, error 0.75" in text
    text = as_text(recommend_from(run, Budget(), Rules(only_unbiased=True)))
    assert "Use score_function, L = 16." in text


def test_an_error_above_the_gradient_asks_for_more(tmp_path):
    run = read_run(write(tmp_path, [row(17.0, PATHWISE)]))
    assert "a larger budget is needed" in as_text(recommend_from(run, Budget(), Rules()))
    run = read_run(write(tmp_path, [row(15.0, PATHWISE)]))
    assert "a larger budget is needed" not in as_text(recommend_from(run, Budget(), Rules()))


def test_reasons_are_said_once_and_variants_with_their_estimator():
    left_out = {"rebar": "a", "rebar[temperature=0.2]": "a", "arm": "b", "x[y=1]": "b"}
    assert by_reason(left_out) == {"a": ["rebar"], "b": ["arm", "x[y=1]"]}


def test_what_training_says_is_in_the_text_and_in_json(found):
    pair = Pair("a", "b", Interval(2.0, 1.0, 3.0))
    confirmed = Confirmed(300, 5, ("a", "b"), (pair,), {"c": "mine.py, line 3"})
    trained = dataclasses.replace(found, confirmed={found.answer.place: confirmed})
    text = " ".join(as_text(trained).split())
    assert "Trained for 300 steps with 5 seeds: the order holds: a ends 2.0 [1.0, 3.0]" in text
    assert "failed to train: c: mine.py, line 3" in text
    assert as_json(trained)["confirmed"]["holds"] is True
    assert "confirmed" not in as_json(found)
    assert "the order holds" in as_html(trained)
