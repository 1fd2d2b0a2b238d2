"""A paper's figures: its points over our curves, where they belong."""

import json

import pytest

from gradest.benchmarks.analysis.results import read_run
from gradest.benchmarks.drawing.drawing import draw
from gradest.benchmarks.figures.spec import FigureSpec
from gradest.benchmarks.report.report import write_report
from gradest.benchmarks.reproductions.curves import NOT_COUNTED, paper_figure, paper_figures
from gradest.benchmarks.reproductions.figures import figures_of
from gradest.benchmarks.reproductions.values import figures_asked
from gradest.benchmarks.sweeps.plan import resolve
from gradest.benchmarks.sweeps.run import run_sweep
from gradest.benchmarks.sweeps.schema import parse_sweep
from tests.support.papers import PAPER
from tests.support.sweeps import Quiet


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("paper")
    run_sweep(resolve(parse_sweep(PAPER, "here")), folder, Quiet())
    return read_run(folder)


def test_lines_panels_and_published_points(run):
    lines, rows = paper_figures(run)
    assert (lines.title, [panel.title for panel in lines.panels]) == (
        "Figure 1",
        ["logit = 0", "logit = 1"],
    )
    first, second = lines.panels
    assert [series.label for series in first.series] == ["LOORF"]
    assert first.series[0].x == (2.0, 4.0)
    assert first.series[0].exact[0] == pytest.approx(2.5e-5, rel=1e-4)
    (theirs,) = first.published
    assert (theirs.x, theirs.value) == ((2.0, 4.0), (2.5e-5, 9.0e-5))
    assert theirs.low[0] < 2.5e-5 < theirs.high[0]
    assert second.published == ()
    assert first.y.scale == "log"
    assert first.y.limits[1] > 9.0e-5
    assert [entry.label for group in lines.key for entry in group] == ["published", "exact"]
    assert FigureSpec.from_json(lines.to_json()) == lines
    assert rows.panels[0].y.names == ("ARM", "LOORF")


def test_a_metric_of_moments_is_drawn_where_it_was_compared(run):
    """Of the leave-one-out estimate nothing is published in this metric: it has no point."""
    _, rows = paper_figures(run)
    (panel,) = rows.panels
    arm, loo = panel.series
    assert arm.value[0] == pytest.approx(run.published.ours[2])
    assert set(loo.value) == {None}
    assert [series.style.color for series in panel.published] == [NOT_COUNTED]


@pytest.mark.parametrize("scale", ["log", "linear"])
def test_points_in_rows_lie_inside_their_axis(run, scale):
    """What is drawn in rows is clipped at the limits, which are to be those of the values."""
    _, asked = figures_asked(run)
    (panel,) = paper_figure(asked.model_copy(update={"y_scale": scale}), run).panels
    low, high = panel.x.limits
    drawn = [*panel.series, *panel.published]
    points = [value for series in drawn for value in series.value if value is not None]
    assert len(points) == 2
    assert all(low < value < high for value in points)


def test_they_come_first_and_can_be_drawn(run):
    names = [spec.name for spec in figures_of(run)]
    assert names[:2] == ["paper_figure_1", "paper_figure_2_a_row_each"]
    assert len(names) == len(set(names))
    for spec in paper_figures(run):
        draw(spec)


def test_a_report_has_them_and_the_numbers(run):
    files = {path.relative_to(run.folder).as_posix() for path in write_report(run.folder).files}
    assert {"figures/paper_figure_1.png", "tables/published.md", "tables/published.tex"} <= files
    text = (run.folder / "summary.md").read_text()
    assert "1 of 2 published numbers agree; 1 more is shown and not counted." in text
    assert "Figure 1: score function, leave-one-out" in text
    table = (run.folder / "tables" / "published.md").read_text()
    assert "not counted: bug" in table
    assert "they call another function" in table
    page = (run.folder / "report.html").read_text()
    assert "published numbers agree" in page
    assert json.loads((run.folder / "manifest.json").read_text())["files"]["published.csv"]


def test_papers_are_cited(run):
    write_report(run.folder)
    assert "kool2020estimating" in (run.folder / "refs.bib").read_text()
