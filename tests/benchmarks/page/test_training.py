"""The page's part of training: in Python, and in a browser."""

import json
import re

import pytest

from gradest.benchmarks.analysis.results import Run
from gradest.benchmarks.learning_curves.endings import endings
from gradest.benchmarks.page.training import training_contents
from gradest.benchmarks.report.report import page_of
from gradest.benchmarks.report.summary import Findings
from gradest.benchmarks.training_shown.tables import training_tables
from gradest.benchmarks.training_shown.words import lines_of_training, told
from tests.support.browser import choose, opened, shown
from tests.support.made_training import STEPS, contest, ten, training, trajectory


@pytest.fixture(scope="module")
def trained_run(default_run) -> Run:
    """A small run with the training of ten estimators."""
    table = default_run.measurements
    table = table[table.problem == "gaussian_square"].reset_index(drop=True)
    made = ten()
    return default_run._replace(
        measurements=table, training=training(made), trajectory=trajectory(made)
    )


@pytest.fixture(scope="module")
def trained_file(trained_run, tmp_path_factory):
    path = tmp_path_factory.mktemp("trained") / "report.html"
    path.write_text(page_of(Findings(trained_run)), encoding="utf-8")
    return path


@pytest.fixture
def trained_page(browser, trained_file):
    with opened(browser, trained_file) as page:
        page.until("document.querySelector('#training-chart svg')")
        yield page


def test_its_numbers_are_those_of_the_curves(trained_run):
    (found,) = training_contents(Findings(trained_run).told)["contests"]
    in_order = endings(contest(ten()))
    assert [each["label"] for each in found["curves"]] == [each.label for each in in_order]
    for curve, ending in zip(found["curves"], in_order, strict=True):
        x, y, low, high, _ = curve["points"]["step"][-1]
        if ending.rank:
            assert x == STEPS[-1]
            assert (y, low, high) == pytest.approx(tuple(ending.objective), rel=1e-5)
        else:
            assert x < STEPS[-1]
    assert found["said"] == lines_of_training(told(contest(ten())))
    table = next(training_tables([told(contest(ten()))]))
    assert len(found["rows"]) == len(table.rows)


def test_a_run_that_trained_nothing_has_no_such_part(default_run, page):
    assert training_contents(Findings(default_run).told)["contests"] == []
    assert page.run("byId('training').hidden")
    assert page.run("byId('to-training').hidden")


def test_it_is_shown_with_its_answer_and_its_table(trained_page, trained_run):
    (found,) = training_contents(Findings(trained_run).told)["contests"]
    assert not trained_page.run("byId('training').hidden")
    said = trained_page.run(
        "[...document.querySelectorAll('#training-said li')].map(e => e.textContent)"
    )
    assert said == found["said"]
    rows = trained_page.run(
        "[...document.querySelectorAll('#trained tbody tr')].map(row => "
        "[...row.cells].map(cell => cell.textContent))"
    )
    assert rows == found["rows"]


def test_eight_lines_are_drawn_and_a_button_shows_all(trained_page):
    lines = "document.querySelectorAll('#training-chart .mark-line path').length"
    trained_page.until(f"{lines} === 8")
    assert trained_page.run("byId('training-legend').children.length") == 8
    trained_page.run("byId('training-all').click()")
    trained_page.until(f"{lines} === 10")


def test_another_cost_is_another_axis(trained_page):
    assert shown(trained_page, "#objectives th:nth-child(2)") == "steps"
    choose(trained_page, "cost", "evaluations")
    assert shown(trained_page, "#objectives th:nth-child(2)") == "evaluations of f and its gradient"
    trained_page.until(
        "document.querySelector('#training-chart svg').textContent.includes('evaluations of f')"
    )
    assert "cost=evaluations" in trained_page.run("location.hash")
    (found,) = json.loads(trained_page.run("JSON.stringify(run.training.contests)"))
    rows = trained_page.run("document.querySelectorAll('#objectives tbody tr').length")
    assert rows == sum(len(curve["points"]["evaluations"]) for curve in found["curves"])


def test_what_is_highlighted_fades_the_others(trained_page):
    trained_page.run("document.querySelector('#training-legend button').click()")
    faded = "document.querySelectorAll('#training-chart .mark-line path[opacity=\"0.12\"]').length"
    trained_page.until(f"{faded} === 7")


def test_its_table_is_copied_as_latex(trained_page):
    trained_page.run(
        "document.querySelector('.tools[data-table=trained] [data-copy=latex]').click()"
    )
    trained_page.until("byId('copied').value.includes('tabular')")
    text = trained_page.run("byId('copied').value")
    assert re.search(r"objective at the end", text)
    assert text.count(r"\\") == 1 + 10
    trained_page.run(
        "document.querySelector('.tools[data-table=trained] [data-copy=toml]').click()"
    )
    trained_page.until("byId('copied').value.includes('[[problem]]')")
    assert trained_page.run("byId('copied').value === run.sweep")


def test_it_fits_a_narrow_screen(trained_page):
    size = {"width": 400, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    trained_page.call("Emulation.setDeviceMetricsOverride", **size)
    try:
        trained_page.until("matchMedia(NARROW).matches")
        assert trained_page.run("document.documentElement.scrollWidth") <= 400
    finally:
        trained_page.call("Emulation.clearDeviceMetricsOverride")
