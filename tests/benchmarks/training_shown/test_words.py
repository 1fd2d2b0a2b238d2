"""What is said of training: the numbers of the tests of `learning_curves`, in words."""

import pandas as pd

from gradest.benchmarks.learning_curves.curves import contests
from gradest.benchmarks.training_shown.health import training_line
from gradest.benchmarks.training_shown.words import difference, lines_of_training, named, told
from tests.support.made_runs import LEAVE_ONE_OUT, PATHWISE, PLAIN
from tests.support.made_training import (
    MEASURE_VALUED,
    Made,
    contest,
    falling,
    ten,
    training,
)

SLOW = Made(PLAIN, falling(0.01), lambda step, seed: 16.0)
FAST = Made(PATHWISE, falling(0.04), lambda step, seed: 1.0, cost=8)
STUCK = Made(
    LEAVE_ONE_OUT,
    lambda step, seed: 10 - min(step, 5) * 0.02,
    lambda step, seed: 0.5,
    lambda step, seed: 0.5,
    biased=True,
)
BROKEN = Made(MEASURE_VALUED, falling(0.03), lambda step, seed: 4.0, diverges={1: 40})


def said(*made: Made, stated: float | None = None, **options) -> list[str]:
    return lines_of_training(told(contest(made, **options)._replace(stated=stated)))


def line(lines, begin):
    """The only line that begins so."""
    (found,) = [each for each in lines if each.startswith(begin)]
    return found


def test_a_contest_is_named_with_its_target():
    first = said(SLOW, Made(PATHWISE, falling(0.015)))[0]
    assert first.startswith("Gaussian square: 2 estimators, 100 steps, 5 seeds; objective at the")
    assert "start 10; target: objective 9.5, 67 % of the way of the best (what" in first
    assert "(what every seed of each unbiased estimator has reached" in first


def test_who_is_first_by_each_cost():
    lines = said(SLOW, FAST, stated=9.5)
    by_steps = line(lines, "First to reach it, per step and second: ")
    assert by_steps.endswith(
        "pathwise: 12.5 steps, 4 × before score function; 12.5 ms, 4 × before score function"
    )
    by_evaluations = line(lines, "First to reach it, per evaluation: ")
    assert by_evaluations.endswith("score function: 50 evaluations, 2 × before pathwise")


def test_a_tie_is_said():
    rates = (1.2, 0.8, 1.3, 0.7, 1.0)
    other = Made(PATHWISE, lambda step, seed: falling(0.0101 * rates[seed])(step, seed))
    assert "ties with" in line(said(SLOW, other), "First to reach it, per step, evaluation and")


def test_who_is_not_there():
    absent = line(said(SLOW, FAST, STUCK, BROKEN, stated=9.5), "Not there by the end: ")
    assert "measure-valued (1 of 5 seeds, 1 diverged)" in absent
    assert "score function, leave-one-out (5 of 5 seeds, biased)" in absent
    assert "pathwise" not in absent
    assert not [each for each in said(SLOW, FAST, stated=9.5) if each.startswith("Not there")]


def test_who_ends_worse_than_it_began():
    """As with a gradient of the wrong sign; one that does not move is not named, nor one that
    diverged."""
    turned = Made(LEAVE_ONE_OUT, lambda step, seed: 10 + step / 50)
    start = "Worse than the start (10), every seed: "
    worse = line(said(SLOW, FAST, turned, BROKEN), "Worse than the start ")
    assert worse == f"{start}score function, leave-one-out (objective 12)"
    assert not [each for each in said(SLOW, FAST, STUCK) if each.startswith("Worse than the start")]


def test_who_ends_best():
    best = line(said(SLOW, FAST, BROKEN), "Best at the end: ")
    assert best.startswith("Best at the end: pathwise: objective 5.6 [")
    assert "better than score function" in best
    assert best.endswith("diverged: measure-valued")
    everybody = said(BROKEN)
    assert line(everybody, "At the end: ") == "At the end: every estimator diverged with some seed"


def test_whether_variance_tells():
    tells = line(said(SLOW, FAST, STUCK, BROKEN), "Does variance tell?")
    # one pair of six more in order than not, one tied: 1/√(5 · 6)
    assert "over 4 estimators: relative RMSE at the start 0.1826" in tells
    assert line(said(SLOW, FAST), "Does variance tell?").endswith("for a rank correlation")


def test_disagreements_with_their_reasons():
    lines = said(SLOW, FAST, STUCK, BROKEN)
    found = [each for each in lines if each.startswith("Quieter but worse: ")]
    assert len(found) == 3
    assert "at equal evaluations by" in found[0]
    assert "costs more an estimate (8 evaluations a step, the other 1)" in found[0]
    assert "biased but quiet (50 % of its squared error is bias" in found[1]
    assert found[2].endswith("and diverges: not explained")


def test_of_one_seed_nothing_is_sure():
    lines = said(SLOW, FAST, seeds=1, stated=9.5)
    assert "ties with" in line(lines, "First to reach it, per step and second")
    assert "ties with" in line(lines, "Best at the end")


def test_where_nobody_gains_there_is_no_target():
    up = Made(PLAIN, lambda step, seed: 10 + step)
    lines = said(up)
    assert lines[0].endswith("no estimator ends better than it began with every seed: no target")
    assert not [each for each in lines if each.startswith("First")]


def test_a_target_that_nobody_reaches():
    found = lines_of_training(told(contest([SLOW, FAST])._replace(stated=-100.0)))
    assert "target: objective −100, " in found[0]
    assert found[0].endswith("(stated)")
    assert line(found, "Nobody reaches").endswith("per step, evaluation and second")


def test_what_failed_is_named():
    broken = training([STUCK]).assign(status="failed", objective=float("nan"), reason="oh")
    table = pd.concat([broken, training([SLOW])], ignore_index=True)
    (found,) = contests(table)
    assert line(lines_of_training(told(found)), "Failed: ") == (
        "Failed: score function, leave-one-out: oh"
    )


def test_lines_are_few():
    assert len(said(*ten())) <= 11


def test_who_diverged_is_said_with_the_step():
    diverged = line(said(SLOW, BROKEN), "Diverged: ")
    assert diverged == "Diverged: measure-valued (1 of 5 seeds, by step 40)"
    at_once = BROKEN._replace(diverges={0: 10, 1: 40})
    assert line(said(at_once), "Diverged: ").endswith("(2 of 5 seeds, by steps 10 to 40)")
    found = health_of(SLOW, at_once)
    assert found == (
        "Trainings: 8 ok, 2 failed; diverged: measure-valued (2 of 5 seeds, by steps 10 to 40) on "
        "Gaussian square."
    )


def health_of(*made: Made) -> str:
    table = training(made)
    return training_line(table, contests(table))


def test_the_steps_are_those_that_were_asked_for():
    found = told(contest([BROKEN])._replace(asked=60))
    assert "1 estimator, 60 steps" in lines_of_training(found)[0]


def test_held_out_data_are_told():
    table = training([SLOW, FAST])
    (found,) = contests(table.assign(held_out=table.objective + 1))
    words = line(lines_of_training(told(found)), "Held-out data at the end, from the best: ")
    assert words.startswith("Held-out data at the end, from the best: pathwise 6.6")
    assert "; score function 9.9" in words
    assert not [each for each in said(SLOW, FAST) if each.startswith("Held-out")]


def test_a_divergence_is_no_number():
    assert difference(told(contest([SLOW, BROKEN])).endings[-1].behind) == "divergence"


def test_labels_in_a_list_keep_their_commas_in_brackets():
    found = named(["score function, leave-one-out", "pathwise", "a", "b", "c"])
    assert found == "the score function (leave-one-out), pathwise, a and 2 more"
