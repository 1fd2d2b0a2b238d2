"""How estimators look: for ever, whatever else a run measured, and no two alike."""

import itertools
import json

import pytest

from gradest.benchmarks.analysis.labels import noteworthy
from gradest.benchmarks.analysis.results import labelled
from gradest.benchmarks.catalogue.facts import changes
from gradest.benchmarks.figures.figures import figures, styles_in
from gradest.benchmarks.figures.looks import LOOKS, STRANGERS, style_of
from gradest.benchmarks.figures.spec import MARKERS
from gradest.estimators import ESTIMATORS
from gradest.problems.registry.naming import parse
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
