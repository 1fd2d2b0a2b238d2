"""Which figures a run has, and what they show of it: nothing that was not measured."""

import json
import re

import numpy as np
import pandas as pd
import pytest

from gradest.benchmarks.analysis.labels import estimator_label, problem_label, slug
from gradest.benchmarks.analysis.places import place_names
from gradest.benchmarks.analysis.results import labelled
from gradest.benchmarks.figures.bias import bias
from gradest.benchmarks.figures.figures import figures
from tests.support.made_tables import ELEVEN, SQUARE, table


def specs_of(measurements):
    """Each figure under its name."""
    return {spec.name: spec for spec in figures(measurements)}


def notes_of(spec):
    return " ".join(spec.notes)


def lines_of(spec, panel=0):
    """The series of a panel, by label."""
    return {series.label: series for series in spec.panels[panel].series}


def sweep_of_k(values, **more):
    return table([(SQUARE[0], SQUARE[1] | {"k": k}) for k in values], **more)


BIASED = {"bias_finding": "biased"}


def test_names_tell_choices_of_arguments_apart():
    names = specs_of(sweep_of_k([-2.5, 3.0], groups=("mean",), **BIASED))
    assert list(names) == [
        "bias",
        "variance_vs_samples_gaussian_square_k_m2p5",
        "variance_vs_samples_gaussian_square",
    ]


@pytest.mark.parametrize(
    "columns", [{}, {"status": "skipped"}, {"status": "failed"}, {"variance": np.nan}]
)
def test_nothing_measured_draws_nothing(columns):
    assert specs_of(table(**columns) if columns else table().iloc[:0]) == {}


def test_a_table_without_what_a_figure_needs_goes_without_that_figure():
    assert specs_of(table(levels=(4,), bias_relative=np.nan, **BIASED)) == {}
    assert list(specs_of(table(levels=(4,), **BIASED))) == ["bias"]
    assert list(specs_of(table())) == ["variance_vs_samples_gaussian_square"]
    assert specs_of(table(levels=(1, 4))) == {}


@pytest.mark.parametrize(
    ("noise", "shown"), [(1.0, True), (12.0, True), (1e-2, True), (1e3, False), (1e-5, False)]
)
def test_minibatches_are_a_line_unless_far_from_all_others(noise, shown):
    """The variances are from 1/16 to 3; ten times beyond them the axis is not stretched."""
    made = table(groups=("mean",), minibatch_size=8, minibatch_variance=noise)
    panel = specs_of(made)["variance_vs_samples_gaussian_square"].panels[0]
    found = [(guide.at, guide.label) for guide in panel.guides]
    assert found == ([(noise, "minibatches of 8")] if shown else [])
    low, high = panel.y.limits
    assert (low < noise < high) == shown
    assert 0.005 < low < 1 / 16


def test_no_size_is_no_line():
    (panel,) = specs_of(table(groups=("mean",)))["variance_vs_samples_gaussian_square"].panels
    (other,) = specs_of(table(groups=("mean",), minibatch_size=8))[
        "variance_vs_samples_gaussian_square"
    ].panels
    assert panel.guides == other.guides == ()


@pytest.mark.parametrize(("variance", "reason"), [(3e-13, "variance zero to rounding"), (0.0, "")])
def test_a_variance_of_zero_is_named_and_does_not_stretch_the_axis(variance, reason):
    measurements = table()
    rows = measurements.estimator_args == json.dumps(ELEVEN[1][1], sort_keys=True)
    measurements.loc[rows, ["variance", "variance_low", "variance_high"]] = variance
    measurements.loc[rows, "reason"] = reason
    (spec,) = specs_of(measurements).values()
    assert all(panel.y.limits[0] > 0.01 for panel in spec.panels)
    assert "Variance zero (to rounding), not drawn: score function, mean." in spec.notes


def test_unreliable_points_are_said_to_be():
    measurements = table(levels=(1, 4, 16, 64), groups=("mean",))
    measurements.loc[3, "status"] = "unreliable"
    (spec,) = specs_of(measurements).values()
    assert lines_of(spec)["score function"].status == ("ok", "ok", "ok", "unreliable")
    assert "unreliable (hollow)" in [entry.label for entry in spec.key[1]]


def rising_in_k(made, *names):
    """The table with columns that are proportional to 1 + k."""
    factor = 1 + made.problem_args.map(lambda args: json.loads(args)["k"])
    return made.assign(**{name: made[name] * factor for name in names})


def test_an_argument_of_many_values_is_an_axis_with_the_exact_value_under_the_points():
    more = {"exact_variance": 0.5, "snr": 5.0, "snr_low": 4.0, "snr_high": 6.0, "exact_norm": 4}
    made = sweep_of_k(list(range(1, 10)), **more)
    drawn = specs_of(rising_in_k(made, "snr", "snr_low", "snr_high"))
    assert list(drawn) == [
        f"{column}_vs_k_gaussian_square_L{level}"
        for level in (1, 4, 16)
        for column in ("variance", "snr")
    ]
    signal = drawn["snr_vs_k_gaussian_square_L1"].panels[0]
    (line,) = signal.series
    assert line.label == "score function and 2 equal here"
    assert line.exact == pytest.approx([4 / np.sqrt(0.5)] * 9)
    along = drawn["variance_vs_k_gaussian_square_L1"].panels[0]
    assert (along.x.label, along.x.scale, along.y.label) == ("k", "linear", "tr Cov(g)")
    assert [series.exact for series in along.series] == [(0.5,) * 9] * 3
    wide = specs_of(sweep_of_k([0.1, 0.5, 1.0, 10.0], groups=("mean",)))
    assert wide["variance_vs_k_gaussian_square_L1"].panels[0].x.scale == "log"
    assert "variance_vs_samples_gaussian_square_k_0p1" in wide


def test_an_argument_has_a_figure_for_each_level():
    one, other = (
        sweep_of_k(range(9), estimators=[e], levels=(n,))
        for e, n in zip(ELEVEN[:2], (1, 2), strict=True)
    )
    made = rising_in_k(pd.concat([one, other]), "variance", "variance_low", "variance_high")
    assert [name for name in specs_of(made) if name.startswith("variance")] == [
        "variance_vs_k_gaussian_square_L1",
        "variance_vs_k_gaussian_square_L2",
    ]


def test_values_that_each_have_an_l_of_their_own_have_no_figure_along_them():
    """One value of an argument at an L is no line: so are k values summed, at L = k + 1."""
    parts = [
        sweep_of_k([k], levels=(level,), groups=("mean",)) for level, k in enumerate(range(1, 9), 2)
    ]
    assert not any("_vs_k" in name for name in specs_of(pd.concat(parts, ignore_index=True)))


def test_of_many_l_the_least_and_the_largest_have_figures_and_the_others_are_named():
    drawn = specs_of(sweep_of_k([1, 2, 3, 4], levels=(1, 2, 4, 8), groups=("mean",)))
    along = [name for name in drawn if "_vs_k" in name]
    assert along == ["variance_vs_k_gaussian_square_L1", "variance_vs_k_gaussian_square_L8"]
    for name in along:
        assert "No figure (numbers in tables/): L = 2, 4." in drawn[name].notes


def test_a_panel_in_which_nothing_differs_is_a_sentence():
    """Of one line with one value along all of the argument; two lines differ from each other."""
    sure = {"variance_low": 0.9, "variance": 1.0, "variance_high": 1.1}
    made = sweep_of_k([1, 2, 3, 4], levels=(1,), estimators=ELEVEN[:1])
    of_mean = made.group == "mean"
    made.loc[of_mean, [*sure]] = [*sure.values()]
    far = ~of_mean & made.problem_args.str.contains('"k": 4')
    made.loc[far, [*sure]] = [9.0, 10.0, 11.0]
    spec = specs_of(made)["variance_vs_k_gaussian_square"]
    assert [panel.name for panel in spec.panels] == ["scale"]
    assert "No panel, as nothing differs (numbers in tables/): mean." in spec.notes
    assert not any("_vs_k" in name for name in specs_of(made[of_mean]))


TEMPERATURES = (0.1, 0.5, 1.0, 4.0)


def sweep_of_temperatures(
    names=("gumbel_softmax", "gumbel_rao"), values=TEMPERATURES, levels=(1, 4, 16), **columns
):
    estimators = [(name, {"temperature": value}) for name in names for value in values]
    return table(estimators=[*estimators, *ELEVEN[:2]], levels=levels, groups=("mean",), **columns)


BIAS = {"bias_squared": 0.1, "bias_squared_low": 0.05, "bias_squared_high": 0.3}


def rising(made):
    """The table with squared biases that are proportional to the temperature."""
    arguments = made.estimator_args.map(json.loads)
    by = arguments.map(lambda args: args.get("temperature", 1.0))
    return made.assign(**{name: made[name] * by for name in BIAS})


def test_an_estimators_argument_of_many_values_is_an_axis_for_all_who_have_it():
    drawn = specs_of(rising(sweep_of_temperatures(unbiased=False, **BIAS, **BIASED)))
    place = "vs_temperature_gaussian_square"
    assert {
        f"{column}_{place}_L{level}" for column in ("variance", "bias_squared") for level in (1, 4)
    } <= set(drawn)
    lines = lines_of(drawn[f"variance_{place}_L4"])
    assert list(lines) == ["Gumbel-Rao", "Gumbel-softmax"]
    assert [line.x for line in lines.values()] == [(0.1, 0.5, 1.0, 4.0)] * 2
    assert lines["Gumbel-softmax"].value == (0.25, 0.5, 0.75, 1.0)
    x = drawn[f"variance_{place}_L4"].panels[0].x
    assert (x.label, x.scale) == ("temperature τ", "log")
    assert list(lines_of(drawn["variance_vs_samples_gaussian_square"])) == [
        "score function",
        "score function, mean",
    ]
    assert drawn["bias"].panels[0].y.names[1:] == (
        "score function",
        "score function, mean",
    )


def test_three_values_are_no_axis_and_a_bias_of_unbiased_estimators_is_not_drawn():
    assert not any(
        "temperature" in name for name in specs_of(sweep_of_temperatures(values=(1, 2, 3)))
    )
    unbiased = specs_of(sweep_of_temperatures(unbiased=True, **BIAS))
    assert any("temperature" in name for name in unbiased)
    assert not any(name.startswith("bias_squared") for name in unbiased)
    found = specs_of(rising(sweep_of_temperatures(unbiased=True, **BIAS, **BIASED)))
    assert any(name.startswith("bias_squared") for name in found)


def test_where_a_bias_may_be_zero_all_that_is_drawn_is_how_large_it_may_be():
    zero = {"variance": 0.0, "reason": "variance zero", "unbiased": False}
    made = rising(sweep_of_temperatures(names=("gumbel_softmax",), **zero, **BIAS))
    made.loc[made.num_samples == 1, "bias_squared_low"] = -0.1
    ends = [0.3 * value for value in TEMPERATURES]
    drawn = specs_of(made)
    spec = drawn["bias_squared_vs_temperature_gaussian_square_L1"]
    (line,) = spec.panels[0].series
    assert (set(line.value), set(line.low), set(line.high)) == ({None}, {None}, set(ends))
    assert "upper end of an interval that reaches 0" in [entry.label for entry in spec.key[1]]
    (line,) = drawn["bias_squared_vs_temperature_gaussian_square_L4"].panels[0].series
    assert (set(line.value), set(line.low), set(line.high)) == (
        {0.1 * value for value in TEMPERATURES},
        {0.05 * value for value in TEMPERATURES},
        set(ends),
    )


def test_a_panel_of_ends_of_intervals_alone_is_a_sentence_beside_one_with_values():
    estimators = [("gumbel_softmax", {"temperature": value}) for value in TEMPERATURES]
    made = rising(table(estimators=estimators, levels=(1,), unbiased=False, **BIAS))
    made.loc[made.group == "scale", "bias_squared_low"] = -0.1
    spec = specs_of(made)["bias_squared_vs_temperature_gaussian_square"]
    assert [panel.name for panel in spec.panels] == ["mean"]
    assert "No panel, as all intervals reach 0 (numbers in tables/): scale." in spec.notes


@pytest.mark.parametrize(
    ("exact", "said"),
    [
        (True, "along the exact gradient"),
        (False, "the gradient of a reference run of 9 × 64 draws"),
    ],
)
def test_a_bias_is_measured_against_what_is_said(exact, said):
    made = table(groups=("mean",), exact=exact, truth="9 × 64 draws", **BIASED)
    assert said in notes_of(specs_of(made)["bias"])


def test_biases_have_a_linear_axis_that_ends_and_their_numbers_in_the_margin():
    made = table(groups=("mean", "scale"))
    made.loc[[0, 1], "bias_finding"] = ["biased", "none found"]
    made.loc[4, ["bias_relative_low", "bias_relative", "bias_relative_high"]] = [29, 30, 31]
    made.loc[6, "unbiased"] = made.loc[7, "unbiased"] = True
    spec = specs_of(made)["bias"]
    (panel,) = spec.panels
    assert (panel.name, panel.x.scale) == ("Gaussian square, ∂/∂ mean", "linear")
    assert panel.x.limits[1] == pytest.approx(1.5, abs=0.2)
    assert panel.y.names == ("biased in theory", "score function")
    (series,) = panel.series
    assert (series.value[-1], series.printed) == (30.0, "3000 %*")
    assert series.biased == (True, False, False)
    assert "No row: unbiased in theory, and none found." in notes_of(spec)


def test_the_places_of_the_largest_biases_have_a_panel_and_the_others_are_named():
    made = sweep_of_k([2.0 + i / 100 for i in range(7)], unbiased=False)
    made["bias_relative"] = 0.01 * made.index
    made["bias_finding"] = "biased"
    made = made[made.estimator_args == made.estimator_args.iloc[0]]
    few = made[made.problem_args != made.problem_args.iloc[0]]
    assert len(few.groupby(["problem_args", "group"])) == 12
    biased = bias(labelled(made), place_names(made))
    assert len(biased.panels) == 12
    left = "Gaussian square (k = 2), ∂/∂ mean; Gaussian square (k = 2), ∂/∂ scale."
    assert [note for note in biased.notes if note.endswith(left)]
    assert not any("more biased" in note for note in bias(labelled(few), place_names(few)).notes)


def test_what_claims_bias_at_one_place_has_its_row_at_another_only_where_it_has_one():
    """Pathwise, say, where f jumps."""
    made = table(groups=("mean", "scale"), unbiased=True)
    jumps = (made.group == "scale") & (made.estimator_args == made.estimator_args.iloc[0])
    made.loc[jumps, "unbiased"] = False
    made.loc[jumps, "bias_finding"] = "biased"
    (panel,) = specs_of(made)["bias"].panels
    assert panel.name == "Gaussian square, ∂/∂ scale"
    assert panel.y.names == ("biased in theory", "score function")
    assert [each.label for each in panel.series] == ["score function"]


def test_where_no_bias_was_found_there_is_no_figure_of_it():
    assert not any("bias" in name for name in specs_of(table(unbiased=False)))


def test_labels_and_slugs_are_distinct():
    labels = [estimator_label(name, json.dumps(args)) for name, args in ELEVEN]
    assert len(set(labels)) == len(ELEVEN)
    assert labels[0] == "score function"
    assert "score function, leave-one-out" in labels
    assert "score function, delta" in labels
    assert estimator_label("measure_valued", '{"coupled": false}') == "measure-valued, uncoupled"
    assert estimator_label("gumbel_softmax", '{"temperature": 0.5}') == "Gumbel-softmax"
    assert (
        estimator_label("gumbel_softmax", '{"temperature": 0.5}', ["temperature"])
        == "Gumbel-softmax, τ = 0.5"
    )
    assert estimator_label("mine", '{"rate": 2.0}') == "mine, rate = 2"
    assert problem_label("gaussian_square", '{"k": 3.0}') == "Gaussian square"
    values = [0.1, 1.0, -1.0, 1e-7, 0.10000001, 10.0, 1e16]
    slugs = [slug("gaussian_square", json.dumps({"k": k})) for k in values]
    assert len(set(slugs)) == len(values)
    assert all(re.fullmatch("[a-z0-9_]+", text) for text in slugs)
