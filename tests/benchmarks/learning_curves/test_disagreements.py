"""Where the quieter of two trains worse, with each reason planted, and none."""

import math

import pytest

from gradest.benchmarks.learning_curves.disagreements import (
    EQUAL_EVALUATIONS,
    EQUAL_STEPS,
    REASONS,
    UNEXPLAINED,
    bias_share,
    disagreements,
)
from tests.support.made_runs import PATHWISE, PLAIN
from tests.support.made_training import Made, contest, falling

LOUD = Made(PLAIN, falling(0.04), lambda step, seed: 16.0)
QUIET = Made(PATHWISE, falling(0.01), lambda step, seed: 1.0)


def reasons(*made: Made) -> list[str]:
    """Of the only disagreement."""
    (found,) = disagreements(contest(made))
    return [each.name for each in found.reasons]


def test_a_pair_is_found_with_both_sizes():
    (found,) = disagreements(contest([LOUD, QUIET]))
    assert found.quieter.estimator == "pathwise"
    assert found.better.estimator == "score_function"
    assert found.quieter_by == pytest.approx(4)
    assert found.at == EQUAL_STEPS
    assert found.worse_by.value == pytest.approx(3 * 1.11)
    assert found.reasons == (UNEXPLAINED,)


def test_who_agrees_is_no_disagreement():
    assert disagreements(contest([LOUD._replace(objective=falling(0.01)), QUIET])) == []
    louder = QUIET._replace(objective=falling(0.04))
    assert disagreements(contest([LOUD._replace(objective=falling(0.01)), louder])) == []


def test_what_is_within_the_intervals_is_none():
    """Of the start, known to half a percent; and of the end."""
    near = LOUD._replace(variance=lambda step, seed: 1.015)
    assert disagreements(contest([near, QUIET])) == []
    unsure = (2.0, -2.0, 1.5, -1.5, 1.0)
    even = LOUD._replace(
        objective=lambda step, seed: falling(0.01)(step, seed) - unsure[seed] * step / 100
    )
    assert disagreements(contest([even, QUIET])) == []


def test_biased_but_quiet():
    biased = QUIET._replace(
        variance=lambda step, seed: 0.25, bias_squared=lambda step, seed: 0.75, biased=True
    )
    assert reasons(LOUD, biased) == ["biased but quiet"]
    (found,) = disagreements(contest([LOUD, biased]))
    assert "75 %" in found.reasons[0].text
    assert bias_share(found.quieter) == pytest.approx(0.75)
    assert bias_share(found.better) == 0


def test_a_bias_that_was_not_found_is_no_reason():
    """Its square is measured less its noise, and so is above 0 half of the time."""
    lucky = QUIET._replace(bias_squared=lambda step, seed: 0.01)
    assert reasons(LOUD, lucky) == [UNEXPLAINED.name]


def test_quiet_late_loud_early():
    late = LOUD._replace(variance=lambda step, seed: 16.0 if step == 0 else 0.04)
    assert reasons(late, QUIET) == ["the other is quiet late, loud early"]
    (found,) = disagreements(contest([late, QUIET]))
    assert "5 × quieter" in found.reasons[0].text


def test_what_is_quieter_with_some_seeds_alone_is_no_reason():
    mixed = (0.01, 25.0, 0.04, 25.0, 1.0)
    late = LOUD._replace(variance=lambda step, seed: 16.0 if step == 0 else mixed[seed])
    assert reasons(late, QUIET) == [UNEXPLAINED.name]


def test_costs_more_an_estimate():
    """It trains as fast a step, and so ten times slower an evaluation."""
    dear = QUIET._replace(objective=falling(0.04), cost=10)
    assert reasons(LOUD, dear) == ["costs more an estimate"]
    (found,) = disagreements(contest([LOUD, dear]))
    assert found.at == EQUAL_EVALUATIONS
    # at 100 evaluations the one has made 100 steps and the other 10
    assert found.worse_by.value == pytest.approx(0.04 * 90 * 1.11)


def test_cost_is_no_reason_where_it_is_worse_a_step():
    assert reasons(LOUD, QUIET._replace(cost=10)) == [UNEXPLAINED.name]


def test_there_may_be_two_reasons():
    late = LOUD._replace(variance=lambda step, seed: 16.0 if step == 0 else 0.04)
    assert reasons(late, QUIET._replace(biased=True, bias_squared=lambda s, k: 0.5)) == [
        *list(REASONS)[:2]
    ]


def test_what_diverged_is_worse_than_any():
    broken = QUIET._replace(objective=falling(0.09), diverges={1: 40})
    (found,) = disagreements(contest([LOUD, broken]))
    assert found.worse_by.value == math.inf
    assert disagreements(contest([LOUD._replace(diverges={1: 40}), QUIET])) == []


def test_what_has_no_error_is_infinitely_quieter():
    (found,) = disagreements(contest([LOUD, QUIET._replace(variance=lambda s, k: 0.0)]))
    assert found.quieter_by == math.inf
