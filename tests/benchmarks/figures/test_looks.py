"""How estimators look: for ever, whatever else a run measured, and no two alike."""

import dataclasses
import itertools
import json

import pytest

from gradest.benchmarks.analysis.labels import noteworthy
from gradest.benchmarks.analysis.results import labelled, read_run
from gradest.benchmarks.catalogue.facts import changes
from gradest.benchmarks.figures.figures import figures, styles_in
from gradest.benchmarks.figures.looks import LOOKS, STRANGERS, style_of
from gradest.benchmarks.figures.spec import COLOURS, LIMIT, MARKERS
from gradest.estimators import ESTIMATORS
from gradest.problems.registry.naming import parse
from tests.support.figure_faults import are_alike_in_grey, grey_faults
from tests.support.house import ROOT
from tests.support.made_tables import ELEVEN, table


def variants():
    """Each registered estimator, and with one choice or flag changed at a time."""
    for name, cls in ESTIMATORS.items():
        yield name, {}
        yield from ((name, {key: value}) for key, value in changes(cls))


def shape(style):
    return style.color, style.marker, style.dashes


def test_no_two_estimators_or_variants_look_alike():
    shapes = {}
    for name, arguments in variants():
        shapes.setdefault(shape(style_of(name, arguments)), []).append((name, arguments))
    assert len(shapes) > 60
    assert [names for names in shapes.values() if len(names) > 1] == []


def test_no_two_estimators_or_variants_look_alike_in_grey():
    """Nor in one panel, therefore, whatever a run compares."""
    styles = [(name, arguments, style_of(name, arguments)) for name, arguments in variants()]
    pairs = itertools.combinations(styles, 2)
    assert [pair for pair in pairs if are_alike_in_grey(pair[0][2], pair[1][2])] == []


def test_what_is_alike_in_grey_is_found():
    style = style_of("rebar", {"learned": True})
    assert are_alike_in_grey(style, style)
    orange = dataclasses.replace(style, color=COLOURS[4])
    assert are_alike_in_grey(style, orange)
    others = {"marker": "o", "dashes": (1.0, 9.0), "color": COLOURS[0]}
    changed = [dataclasses.replace(style, **{key: value}) for key, value in others.items()]
    assert not any(are_alike_in_grey(style, other) for other in changed)


@pytest.mark.slow
@pytest.mark.parametrize("run", [".", "discrete", "temperature"])
def test_no_panel_of_the_reference_runs_has_two_lines_alike_in_grey(run):
    specs = figures(read_run(ROOT / "results" / "reference" / run).measurements)
    panels = [panel for spec in specs for panel in spec.panels if panel.y.scale != "rows"]
    assert len(panels) > 5
    assert [fault for panel in panels for fault in grey_faults(panel)] == []


def test_a_variant_has_the_colour_of_its_estimator():
    for name, arguments in variants():
        assert style_of(name, arguments).color == style_of(name, {}).color, (name, arguments)


def test_each_look_is_one_that_can_be_asked_for():
    """A flag spelled otherwise than `written` does would never be found."""
    for written in LOOKS:
        name, arguments = parse(written)
        assert noteworthy(ESTIMATORS[name], json.dumps(arguments)) == arguments
        assert style_of(name, arguments) is LOOKS[written]


def test_markers_are_drawn_and_those_of_strangers_are_theirs():
    assert {style.marker for style in LOOKS.values()} <= MARKERS.keys() - set(STRANGERS)
    assert LIMIT.marker not in MARKERS
    ours, others = style_of("mine:Estimator", {}), style_of("yours:Estimator", {})
    assert {ours.marker, others.marker} <= set(STRANGERS)
    assert shape(ours) != shape(others)
    assert style_of("mine:Estimator", {"rate": 2.0}).dashes


@pytest.mark.parametrize("count", [1, 3, 10])
def test_a_look_is_the_same_whatever_else_is_in_the_run(count):
    whole = styles_in(labelled(table(estimators=ELEVEN)))
    for some in itertools.islice(itertools.combinations(ELEVEN, count), 12):
        part = labelled(table(estimators=some, levels=(1,), groups=("mean",)))
        for row in part.itertuples():
            arguments = noteworthy(ESTIMATORS[row.estimator], row.estimator_args)
            assert styles_in(part)[row.label] == style_of(row.estimator, arguments)
            assert styles_in(part)[row.label] in whole.values()


def test_what_is_swept_is_not_part_of_the_look():
    estimators = [("gumbel_softmax", {"temperature": value}) for value in (0.1, 0.3, 1.0, 3.0)]
    made = table(estimators=estimators, levels=(1,), groups=("mean",))
    along = next(spec for spec in figures(made) if spec.name.startswith("variance_vs_temperature"))
    assert {series.style for panel in along.panels for series in panel.series} == {
        style_of("gumbel_softmax", {})
    }
