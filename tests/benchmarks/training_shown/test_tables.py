"""The tables of training: every estimator, with the numbers of the words."""

from gradest.benchmarks.learning_curves.curves import contests
from gradest.benchmarks.training_shown.tables import training_tables
from gradest.benchmarks.training_shown.words import (
    CORRELATIONS,
    DISAGREEMENTS,
    TABLE,
    told,
)
from tests.support.made_runs import LEAVE_ONE_OUT, PATHWISE, PLAIN
from tests.support.made_training import MEASURE_VALUED, Made, contest, falling, training

SLOW = Made(PLAIN, falling(0.01), lambda step, seed: 16.0)
FAST = Made(PATHWISE, falling(0.04), lambda step, seed: 1.0, cost=8)
STUCK = Made(LEAVE_ONE_OUT, lambda step, seed: 10 - min(step, 5) * 0.02, biased=True)
BROKEN = Made(MEASURE_VALUED, falling(0.03), diverges={1: 40})
ALL = [SLOW, FAST, STUCK, BROKEN]


def cells(made, column, name=TABLE):
    """A column of a table, by what stands in its second column."""
    found = {each.name: each for each in training_tables([told(contest(made))])}[name]
    number = found.header.index(column)
    return {row[1]: row[number] for row in found.rows}


def test_every_estimator_has_a_row_the_best_first():
    (table, *_) = training_tables([told(contest(ALL))])
    assert [row[1] for row in table.rows] == [
        "pathwise",
        "score function",
        "score function, leave-one-out, biased",
        "measure-valued",
    ]
    assert all(len(row) == len(table.header) for row in table.rows)


def test_what_never_got_there_is_a_bound_and_what_diverged_has_no_rank():
    assert cells(ALL, "reached by") == {
        "pathwise": "5 of 5",
        "score function": "5 of 5",
        "score function, leave-one-out, biased": "0 of 5",
        "measure-valued": "4 of 5",
    }
    steps = cells(ALL, "steps to the target")
    assert steps["score function, leave-one-out, biased"] == "> 100"
    assert steps["pathwise"].startswith("12.5 [")
    assert cells(ALL, "rank")["measure-valued"] == "–"
    assert cells(ALL, "seeds")["measure-valued"] == "5 (1 diverged)"
    assert cells(ALL, "behind the best")["measure-valued"] == "divergence"


def test_ratios_are_to_the_first():
    ratios = cells(ALL, "× the first's")
    assert ratios["pathwise"] == "1"
    assert ratios["score function"] == "4"
    assert ratios["score function, leave-one-out, biased"].startswith("more than 8 [")


def test_correlations_and_disagreements_have_tables_where_there_are_any():
    names = [each.name for each in training_tables([told(contest(ALL))])]
    assert names == [TABLE, CORRELATIONS, DISAGREEMENTS]
    assert cells(ALL, "reason", DISAGREEMENTS)["pathwise"] == "costs more an estimate"
    calm = [SLOW._replace(objective=falling(0.005)), FAST]
    calm = [each._replace(cost=1) for each in calm]
    assert [each.name for each in training_tables([told(contest(calm))])] == [TABLE]


def test_held_out_data_have_a_column_where_they_are():
    (bare,) = training_tables([told(contest([SLOW]))])
    assert "held out" not in bare.header
    (found,) = contests(training([SLOW], held_out=7.5))
    (table,) = training_tables([told(found)])
    assert table.rows[0][table.header.index("held out")] == "7.5"
