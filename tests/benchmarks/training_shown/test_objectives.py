"""Figures of training: what they show is what was trained."""

import json
import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from gradest.benchmarks.figures.bundles import MOST_LINES
from gradest.benchmarks.figures.looks import look_of
from gradest.benchmarks.figures.spec import FigureSpec
from gradest.benchmarks.learning_curves.curves import contests
from gradest.benchmarks.statistics.intervals import Interval
from gradest.benchmarks.training_shown.lines import Line, Point, cost_axis, power_name, powers
from gradest.benchmarks.training_shown.objectives import training_figures
from gradest.benchmarks.training_shown.optima import optimum_of
from tests.support.figure_faults import grey_faults
from tests.support.made_runs import LEAVE_ONE_OUT, PATHWISE, PLAIN
from tests.support.made_training import FACTORS, STEPS, Made, contest, falling, ten, training

SLOW = Made(PLAIN, falling(0.01), lambda step, seed: 16.0 * FACTORS[seed])
FAST = Made(PATHWISE, falling(0.04), cost=8, seconds=2e-3)


def specs(*made: Made, **options) -> list[FigureSpec]:
    return list(training_figures([contest(made, **options)]))


def series_of(spec, panel, label):
    """The values of a line by x."""
    (found,) = [each for each in spec.panels[panel].series if each.label == label]
    return found


def test_there_are_two_for_a_contest():
    names = [each.name for each in specs(SLOW, FAST)]
    assert names == ["training_gaussian_square", "training_noise_gaussian_square"]
    (found,) = training_figures(contests(training([SLOW, FAST])))
    assert found.name == "training_gaussian_square"


def test_several_numbers_of_draws_have_figures_of_their_own():
    table = pd.concat([training([SLOW], samples=samples) for samples in (1, 8)])
    names = [each.name for each in training_figures(contests(table))]
    assert names == ["training_gaussian_square_L1", "training_gaussian_square_L8"]


def test_lines_are_means_over_seeds_with_students_band():
    objective, _ = specs(SLOW, FAST)
    line = series_of(objective, 0, "pathwise")
    assert line.x == pytest.approx(STEPS)
    ends = [10 - 0.04 * factor * 100 for factor in FACTORS]
    low, high = stats.t.interval(0.95, 4, np.mean(ends), stats.sem(ends))
    assert (line.value[-1], line.low[-1], line.high[-1]) == pytest.approx(
        (np.mean(ends), low, high)
    )


def test_a_panel_for_each_cost_that_is_known():
    objective, _ = specs(SLOW, FAST)
    assert [each.title for each in objective.panels] == [
        "over steps",
        "over evaluations of f and its gradient",
        "over seconds of training",
    ]
    assert series_of(objective, 1, "pathwise").x[-1] == pytest.approx(800)
    assert series_of(objective, 2, "pathwise").x[-1] == pytest.approx(0.2)
    (untimed,) = contests(training([SLOW, FAST]).assign(seconds=np.nan))
    (found,) = training_figures([untimed])
    assert [each.name for each in found.panels] == ["by steps", "by evaluations"]


def test_the_axis_is_logarithmic_where_a_line_falls_early():
    """With evaluations the cheap one has made half of its way at 50 of 800; at steps none has."""
    objective, _ = specs(SLOW, FAST._replace(cost=20))
    by_steps, by_evaluations, _ = objective.panels
    assert by_steps.x.scale == "linear"
    assert by_evaluations.x.scale == "log"
    assert by_evaluations.x.names[0] == "0"
    first = by_evaluations.series[0].x[0]
    assert first == by_evaluations.x.ticks[0]
    assert 0 < first < 10
    assert "0, the start" in " ".join(objective.notes)


@pytest.mark.parametrize("steps", [(0, 200), (0, 30, 100), (0, 1, 10_000)])
def test_the_start_stands_apart_on_a_logarithmic_axis(steps):
    """From what comes next, be it the last: else the line would stand upright."""
    points = [Point(step, Interval(1.0, 1.0, 1.0)) for step in steps]
    line = Line(contest([SLOW]).trained[0], points)
    axis, place = cost_axis("steps", [line], early=True)
    assert place(steps[1]) > 1.4 * place(0)
    assert axis.limits[0] < place(0)
    assert len({*axis.ticks}) == len(axis.ticks)


def test_a_line_ends_where_a_seed_diverged():
    objective, _ = specs(SLOW, FAST._replace(diverges={3: 40}))
    assert series_of(objective, 0, "pathwise").x == (0, 10, 20)


def test_what_is_worse_than_the_start_leaves_the_panel():
    up = Made(LEAVE_ONE_OUT, lambda step, seed: 10 + 100 * step)
    objective, _ = specs(SLOW, up)
    low, high = objective.panels[0].y.limits
    assert low < 10 - 1.11 < 10 < high < 11


def test_what_rises_has_its_start_at_the_foot():
    rising = SLOW._replace(objective=lambda step, seed: falling(0.01)(step, seed) * -1)
    objective, _ = specs(rising, rises=True)
    low, high = objective.panels[0].y.limits
    assert low < -10 < -8.89 < high
    assert "to rise" in objective.panels[0].y.label


def test_lines_on_each_other_are_one():
    """Closer than 2 % of what the best gained; by evaluations the two are apart, at other costs."""
    near = Made(PATHWISE, lambda step, seed: falling(0.01)(step, seed) + 0.0001 * step, cost=9)
    objective, _ = specs(SLOW, near)
    (one,) = objective.panels[0].series
    assert len(one.members) == 2
    assert len(objective.panels[1].series) == 2
    assert "Equal: means closer than 2 %" in " ".join(objective.notes)
    far = Made(PATHWISE, lambda step, seed: falling(0.01)(step, seed) + 0.001 * step)
    assert len(specs(SLOW, far)[0].panels[0].series) == 2


def test_of_many_the_best_are_drawn_and_the_others_named():
    objective, noise = specs(*ten())
    for panel in (*objective.panels, *noise.panels):
        assert len(panel.series) <= MOST_LINES
        assert grey_faults(panel) == []
    for panel in objective.panels:
        drawn = {name for each in panel.series for name in each.members or [each.label]}
        (left,) = [
            note
            for note in objective.notes
            if note.startswith("Not drawn") and panel.name in note.partition(",")[0]
        ]
        assert len(drawn) < 10
        assert all((e.label in drawn) != (e.label in left) for e in contest(ten()).trained)


def test_looks_are_the_estimators_as_everywhere():
    objective, noise = specs(SLOW, FAST)
    for panel in (*objective.panels, *noise.panels):
        styles = {each.label: each.style for each in panel.series}
        for name, args, label in (
            (*PLAIN, "score function"),
            (*PATHWISE, "pathwise"),
        ):
            assert styles[label] == look_of(name, json.dumps(args))


def test_noise_is_the_geometric_mean_over_seeds():
    """Of variances 16 · factor, whose geometric mean is 16: the factors' product is 1."""
    _, noise = specs(SLOW, FAST)
    assert [each.name for each in noise.panels] == ["variance", "relative RMSE"]
    line = series_of(noise, 0, "score function")
    assert line.value == pytest.approx([16] * 3)
    assert line.low[0] < 16 < line.high[0]
    assert series_of(noise, 1, "score function").value == pytest.approx([4] * 3)


def test_what_has_no_noise_is_named():
    _, noise = specs(SLOW, FAST._replace(variance=lambda step, seed: 0.0))
    assert "No line, for there is no noise: pathwise." in noise.notes


def test_where_the_optimum_is_known_the_distance_from_it_is_drawn():
    falls = Made(PLAIN, lambda step, seed: 4 + FACTORS[seed] * math.exp(-step / 20))
    (estimated,) = contests(training([falls]))
    assert optimum_of(estimated) is None
    (exact,) = contests(training([falls], objective_kind="exact"))
    (objective,) = training_figures([exact])
    panel = objective.panels[0]
    assert panel.y.scale == "log"
    # of the seeds' distances 4 + factor · e^(−step/20) from 0
    logs = [
        np.mean([math.log(4 + factor * math.exp(-step / 20)) for factor in FACTORS])
        for step in STEPS
    ]
    expected = [math.exp(each) for each in logs]
    assert panel.series[0].value == pytest.approx(expected)
    assert panel.y.label == "objective − optimum"


@pytest.mark.parametrize(
    ("least", "longest", "expected"),
    [(10, 1000, [10, 100, 1000]), (3, 2e7, [10, 1e3, 1e5, 1e7]), (2, 7, [2, 7])],
)
def test_ticks_are_powers_of_ten(least, longest, expected):
    assert powers(least, longest) == pytest.approx(expected)


def test_their_names_are_short():
    assert [power_name(value) for value in (0.01, 1.0, 1e5, 2.5e-4)] == [
        "0.01",
        "1",
        "10⁵",
        "2.5 × 10⁻⁴",
    ]


def test_a_spec_goes_to_json_and_back():
    for spec in specs(*ten()):
        assert FigureSpec.from_json(spec.to_json()) == spec
