"""The first figures of a run: dots at equal cost, and the performance profile."""

import json

import pandas as pd
import pytest

from gradest.benchmarks.analysis.places import place_names
from gradest.benchmarks.analysis.results import labelled
from gradest.benchmarks.comparisons.leaderboard import boards_of, levels_of
from gradest.benchmarks.figures.bundles import MOST_LINES
from gradest.benchmarks.figures.figures import figures
from gradest.benchmarks.figures.leaders import (
    COLUMNS,
    MOST_PLACES,
    MOST_ROWS,
    leading_figures,
)
from gradest.benchmarks.figures.looks import look_of
from tests.support.made_tables import ELEVEN, SQUARE, ranked, table


def leading(made):
    """The first figures of a ranked table, by name."""
    measured = labelled(made)
    boards = boards_of(levels_of(made))
    return {spec.name: spec for spec in leading_figures(measured, place_names(measured), boards)}


def of(made, i):
    """Which rows are the i-th estimator's."""
    return made.estimator_args == json.dumps(ELEVEN[i][1], sort_keys=True)


def problems(count):
    return [(SQUARE[0], SQUARE[1] | {"k": float(k)}) for k in range(1, count + 1)]


def test_they_come_first():
    made = ranked(table(problems(2), bias_finding="biased"))
    assert [spec.name for spec in figures(made)][:2] == ["relative_rmse", "performance_profile"]


def test_dots_are_those_of_the_leaderboard_at_equal_cost():
    made = ranked(table())
    dear = of(made, 1)
    made.loc[dear, "f_evals"] *= 4  # its L = 4 takes what L = 16 takes of the others
    panels = leading(made)["relative_rmse"].panels
    assert [panel.title for panel in panels] == [
        "Gaussian square, ∂/∂ mean",
        "Gaussian square, ∂/∂ scale",
    ]
    series = {each.label: each for each in panels[0].series}
    assert {label: each.x for label, each in series.items()} == {
        "score function": (16.0,),
        "score function, mean": (4.0,),
        "score function, moving average": (16.0,),
    }
    assert series["score function, mean"].value == pytest.approx([(2 / 4) ** 0.5])
    for each in series.values():
        assert each.low == pytest.approx([0.95 * each.value[0]])
        assert each.high == pytest.approx([1.05 * each.value[0]])
    row = made[of(made, 2)].iloc[0]
    assert series["score function, moving average"].style == look_of(
        row.estimator, row.estimator_args
    )
    assert (panels[0].x.scale, panels[0].x.label) == ("log", "relative RMSE")


def test_names_are_in_the_order_of_nearness_and_shared():
    made = ranked(table(groups=("mean", "scale")))
    first = of(made, 0)
    errors = ["relative_rmse", "relative_rmse_low", "relative_rmse_high"]
    made.loc[first & (made.group == "mean"), errors] *= 100
    spec = leading(made)["relative_rmse"]
    expected = ("score function, mean", "score function, moving average", "score function")
    assert [panel.y.names for panel in spec.panels] == [expected] * 2


def test_what_is_biased_is_hatched_and_said_to_be():
    made = ranked(table(groups=("mean",), unbiased=True))
    made.loc[of(made, 1), "bias_finding"] = "biased"
    made.loc[of(made, 2), "unbiased"] = False
    spec = leading(made)["relative_rmse"]
    (panel,) = spec.panels
    assert panel.hatched
    assert {each.label: each.biased for each in panel.series} == {
        "score function": (False,),
        "score function, mean": (True,),
        "score function, moving average": (True,),
    }
    assert "biased, in theory or as it was found" in [each.label for each in spec.key[0]]


def test_places_at_which_nothing_differs_are_a_sentence():
    made = ranked(table())
    made.loc[made.group == "scale", "relative_rmse"] = 0.5
    spec = leading(made)["relative_rmse"]
    (panel,) = spec.panels
    assert "mean" in panel.title
    assert any("no estimator stands out" in note and "scale" in note for note in spec.notes)
    assert leading(made[made.group == "scale"]) == {}


def test_what_has_no_error_has_no_dot_and_is_named():
    made = ranked(table(groups=("mean",)))
    made.loc[of(made, 1), "relative_rmse"] = 0.0
    spec = leading(made)["relative_rmse"]
    (panel,) = spec.panels
    assert "score function, mean" not in [each.label for each in panel.series]
    assert "Exact, so without a dot: score function, mean (Gaussian square)." in spec.notes


def test_one_estimator_or_no_cost_leaves_nothing_to_compare():
    assert leading(ranked(table(estimators=ELEVEN[:1]))) == {}
    assert leading(table()) == {}


@pytest.mark.parametrize(("count", "estimators"), [(8, ELEVEN[:3]), (8, ELEVEN)])
def test_the_dots_fit_a_page(count, estimators):
    spec = leading(ranked(table(problems(count), estimators, levels=(16,))))["relative_rmse"]
    rows = len(estimators) * len(spec.panels)
    assert len(spec.panels) <= MOST_PLACES
    assert rows <= max(MOST_ROWS, COLUMNS * len(estimators))
    assert any("others differ more" in note for note in spec.notes)


def test_a_profile_is_the_share_of_places_within_a_factor_of_the_best():
    made = ranked(table(problems(2), unbiased=True))  # errors in the ratios 1, √2, √3 at 4 places
    gone = of(made, 1) & (made.group == "mean")
    made = made[~gone]
    made.loc[of(made, 2), "unbiased"] = False
    spec = leading(made)["performance_profile"]
    everyone, unbiased = spec.panels
    shares = {each.label: dict(zip(each.x, each.value, strict=True)) for each in everyone.series}
    assert set(shares["score function"].values()) == {1.0}
    assert list(shares["score function, mean"].values()) == [0.0, 0.5, 0.5]
    assert list(shares["score function, mean"])[1] == pytest.approx(2**0.5)
    assert list(shares["score function, moving average"].values()) == [0.0, 1.0, 1.0]
    assert all(each.steps for each in everyone.series)
    assert [each.label for each in unbiased.series] == ["score function", "score function, mean"]
    assert "4 places" in " ".join(spec.notes)


def test_a_profile_has_eight_estimators_and_names_the_others():
    made = ranked(table(problems(2), ELEVEN, unbiased=True))
    spec = leading(made)["performance_profile"]
    for panel in spec.panels:
        assert len(panel.series) == MOST_LINES
        (left,) = [note for note in spec.notes if note.startswith(f"Not drawn ({panel.name})")]
        assert left.count(";") == 2


def test_of_a_swept_estimator_a_profile_has_the_best_alone():
    swept = [("gumbel_softmax", {"temperature": value}) for value in (0.1, 0.5, 1.0, 2.0)]
    made = ranked(table(problems(2), [ELEVEN[0], *swept], unbiased=False))
    spec = leading(made)["performance_profile"]
    labels = [each.label for each in spec.panels[0].series]
    assert labels == ["score function", "Gumbel-softmax, τ = 0.1"]
    assert any("many values of a number" in note for note in spec.notes)
    assert len(leading(made)["relative_rmse"].panels[0].y.names) == 5
    few = made[made.estimator_args != json.dumps({"temperature": 2.0})]
    spec = leading(few)["performance_profile"]
    assert len(spec.panels[0].series) == 4
    assert not any("many values" in note for note in spec.notes)


def test_estimators_that_are_alike_everywhere_are_one_in_a_profile():
    made = ranked(table(problems(2), ELEVEN[:3]))
    twin = made[of(made, 1)].assign(
        estimator_args=json.dumps(ELEVEN[3][1], sort_keys=True),
        relative_rmse=lambda rows: 1.01 * rows.relative_rmse,
    )
    spec = leading(pd.concat([made, twin], ignore_index=True))["performance_profile"]
    (one,) = [each for each in spec.panels[0].series if each.members]
    assert set(one.members) == {"score function, mean", "score function, leave-one-out"}
    assert one.label.endswith("and 1 equal here")


def test_where_all_are_unbiased_a_profile_has_one_panel():
    (panel,) = leading(ranked(table(problems(2), unbiased=True)))["performance_profile"].panels
    assert panel.title == "all, and the same of the unbiased only"


def test_who_has_no_dot_in_any_panel_has_no_row_and_is_named():
    made = ranked(table(problems(7)))  # 14 places: two are left out, as others differ more
    first = made.problem_args == made.problem_args.iloc[0]
    made = made[~of(made, 1) | first]
    made.loc[first, ["relative_rmse", "relative_rmse_low", "relative_rmse_high"]] = 0.5
    spec = leading(made)["relative_rmse"]
    assert all("score function, mean" not in panel.y.names for panel in spec.panels)
    assert "No row, as they have no dot in these panels: score function, mean." in spec.notes


def test_few_places_have_no_profile():
    assert "performance_profile" not in leading(ranked(table(groups=("mean",))))
