"""Equal curves are one line, and figures that would mislead are found to."""

import dataclasses
import json

import pandas as pd
import pytest

from gradest.benchmarks.analysis.results import labelled
from gradest.benchmarks.figures.bundles import MOST_LINES, are_equal, best_of, bundled
from gradest.benchmarks.figures.figures import figures
from gradest.benchmarks.figures.looks import style_of
from gradest.benchmarks.figures.spec import Series
from tests.support.figure_faults import faults
from tests.support.made_tables import ELEVEN, table

LEVELS = (1, 4, 16)


def series(label, values, width=0.001, x=LEVELS, status="ok"):
    """A line whose intervals reach so far to both sides."""
    return Series(
        label,
        "pathwise",
        style_of("pathwise", {}),
        x=tuple(map(float, x)),
        value=tuple(values),
        low=tuple(value * (1 - width) for value in values),
        high=tuple(value * (1 + width) for value in values),
        exact=(None,) * len(x),
        status=(status,) * len(x),
    )


ONE = series("one", [1.0, 0.25, 0.06])


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (series("1 % apart", [1.01, 0.2525, 0.0606]), True),
        (series("3 % apart", [1.03, 0.2575, 0.0618]), False),
        (series("within intervals", [1.1, 0.275, 0.066], width=0.12), True),
        (series("apart at one L", [1.0, 0.25, 0.07]), False),
        (series("at fewer L", [0.25, 0.06], x=(4, 16)), True),
        (series("at no common L", [0.5], x=(2,)), False),
        (series("at one more L", [1.0, 0.25, 0.06, 0.015], x=(1, 4, 16, 64)), False),
        (series("unreliable", [1.0, 0.25, 0.06], status="unreliable"), False),
    ],
    ids=lambda value: getattr(value, "label", ""),
)
def test_who_is_equal(other, expected):
    assert are_equal(ONE, other) is expected


def test_limits_are_equal_where_they_may_be():
    limits = dataclasses.replace(ONE, value=(None,) * 3, low=(None,) * 3)
    assert are_equal(limits, ONE)
    assert not are_equal(limits, series("above", [2.0, 0.5, 0.12]))


def test_equal_lines_are_one_in_the_look_of_the_first_and_named_so():
    lines = bundled([ONE, series("two", [1.01, 0.25, 0.06]), series("three", [2.0, 0.5, 0.1])])
    assert [each.label for each in lines] == ["one and 1 equal here", "three"]
    assert lines[0].members == ("one", "two")
    assert lines[0].value == ONE.value
    nothing = dataclasses.replace(ONE, value=(None,) * 3, high=(None,) * 3)
    assert bundled([nothing]) == []


def test_a_chain_of_equals_is_equal_to_the_line_that_is_drawn():
    chain = [series(str(i), [1.015**i] * 3) for i in range(4)]
    assert [each.members for each in bundled(chain)] == [("0", "1"), ("2", "3")]


def test_a_panel_has_the_lowest_lines_at_the_largest_x():
    many = [series(str(i), [1.0, 1.0, 1.0 - i / 20]) for i in range(12)]
    kept = best_of(many)
    assert [each.label for each in kept] == [str(i) for i in range(4, 12)]
    assert [each.label for each in best_of(many, highest=True)] == [str(i) for i in range(8)]
    assert len(kept) == MOST_LINES
    assert series("short", [0.1, 0.1], x=(1, 4)) not in best_of(
        [*many, series("short", [0.1, 0.1], x=(1, 4))]
    )


def test_what_may_be_zero_is_not_among_the_highest():
    """Of a ratio whose interval reaches 0 its upper end is no evidence."""
    many = [series(str(i), [1.0, 1.0, 1.0 + i]) for i in range(MOST_LINES)]
    end = dataclasses.replace(
        series("may be 0", [1.0, 1.0, 99.0]), value=(1.0, 1.0, None), low=(1.0, 1.0, None)
    )
    assert end not in best_of([*many, end], highest=True)
    assert end not in best_of([*many, end])


def alike(factor):
    """A table in which the second estimator's variance is so many times the first one's."""
    made = table(estimators=ELEVEN[:3], groups=("mean",))
    second = made.estimator_args == json.dumps(ELEVEN[1][1], sort_keys=True)
    for column in ("variance", "variance_low", "variance_high"):
        made.loc[second, column] = made.loc[second, "num_samples"].rdiv(1) * factor
    for end, width in (("low", 0.999), ("high", 1.001)):
        made[f"variance_{end}"] = made.variance * width
    return made


def only_figure(made):
    (spec,) = [spec for spec in figures(made) if spec.name.startswith("variance")]
    return spec


def test_a_figure_of_estimators_1_percent_apart_has_one_line_for_them():
    spec = only_figure(alike(1.01))
    first = spec.panels[0].series[0]
    assert len(spec.panels[0].series) == 2
    assert first.members == ("score function", "score function, mean")
    assert first.label == "score function and 1 equal here"
    assert any("score function, mean" in entry.label for group in spec.key for entry in group)
    assert faults(spec, labelled(alike(1.01))) == []
    assert len(only_figure(alike(1.05)).panels[0].series) == 3


def planted(spec, **changes):
    """The figure with its first line changed so, beside the others."""
    (panel,) = spec.panels
    first, *others = panel.series
    faulty = dataclasses.replace(first, **changes)
    return dataclasses.replace(spec, panels=(dataclasses.replace(panel, series=(faulty, *others)),))


def test_planted_faults_are_found():
    made = alike(1.5)
    spec = only_figure(made)
    assert faults(spec, labelled(made)) == []
    values = spec.panels[0].series[1].value
    ends = {"low": spec.panels[0].series[1].low, "high": spec.panels[0].series[1].high}
    apart = planted(spec, value=tuple(1.01 * value for value in values), **ends)
    assert "are equal" in faults(apart, labelled(made))[0]
    wide = {
        "value": tuple(1.1 * value for value in values),
        "low": tuple(0.9 * value for value in values),
        "high": tuple(1.3 * value for value in values),
    }
    assert "are equal" in faults(planted(spec, **wide), labelled(made))[0]
    bare = planted(spec, low=(None,) * 3, high=(None,) * 3)
    assert "no interval" in faults(bare, labelled(made))[0]
    recoloured = planted(spec, style=style_of("pathwise", {}))
    assert "another look" in faults(recoloured, labelled(made))[0]


def test_no_fault_in_figures_of_many_estimators_and_the_rest_are_named():
    several = [("rebar", {"coefficient": float(i)}) for i in range(3)]
    made = table(estimators=[*ELEVEN, *several], groups=("mean", "scale"))
    spec = only_figure(made)
    assert faults(spec, labelled(made)) == []
    drawn = {series.label for panel in spec.panels for series in panel.series}
    named = " ".join(spec.notes)
    missing = {label for label in labelled(made).label if label not in drawn and label not in named}
    assert not {label for label in missing if not any(label in str(each) for each in spec.key)}


def test_a_panel_in_which_all_agree_or_with_two_levels_is_a_sentence():
    made = table(groups=("mean", "scale"))
    scale = made.group == "scale"
    for column in ("variance", "variance_low", "variance_high"):
        made.loc[scale, column] = {"variance_low": 0.9, "variance_high": 1.1}.get(column, 1.0)
    spec = only_figure(made)
    assert [panel.name for panel in spec.panels] == ["mean"]
    assert any("all estimators agree" in note and "scale" in note for note in spec.notes)
    two = made[scale.to_numpy() & (made.num_samples < 16)]
    spec = only_figure(pd.concat([made[~scale], two]))
    assert [panel.name for panel in spec.panels] == ["mean"]
    assert any("scale" in note for note in spec.notes)
    assert [each for each in figures(two) if each.name.startswith("variance")] == []
