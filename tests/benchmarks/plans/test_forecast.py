"""What a plan will take: from times that were taken here, or from rates that are stated."""

import json

import pandas as pd
import pytest

from gradest.benchmarks.plans.forecast import (
    COMPILING,
    DRAWING,
    ROW_BYTES,
    SUMMARY_BYTES,
    TIMED_BY,
    disk_of,
    duration,
    forecast,
    places_of,
    size,
)


def timed(folder, plan, cells):
    """A table in which each of these cells of a plan takes 2 s to compile and 1 ms an estimate."""
    rows = [
        (c.problem.name, c.problem.json, c.estimator.name, c.estimator.json, c.num_samples, 1e-3, 2)
        for c in cells
    ]
    folder.mkdir(parents=True)
    table = pd.DataFrame(rows, columns=[*TIMED_BY, "seconds", "compile_seconds"])
    table.to_csv(folder / "measurements.csv", index=False)
    environment = {"machine": "m1", "device": "cpu: cpu"}
    (folder / "manifest.json").write_text(json.dumps({"environments": [environment]}))


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_without_times_the_rates_are_stated(plan, tmp_path):
    found = forecast(plan, tmp_path / "results" / "new")
    draws = sum(cell.replicates * cell.num_samples for cell in plan.measurable)
    assert found.seconds == pytest.approx(COMPILING * len(plan.measurable) + DRAWING * draws)
    assert found.timed == 0
    assert "not timed here: 0.4 s to compile each cell and 0.4 µs a draw assumed" in found.text


def test_times_of_a_run_beside_it_are_taken(plan, tmp_path):
    cells = plan.measurable
    timed(tmp_path / "results" / "other", plan, cells)
    found = forecast(plan, tmp_path / "results" / "new")
    expected = sum(2 + cell.replicates * 1e-3 for cell in cells)
    assert found.seconds == pytest.approx(expected)
    assert found.timed == found.cells == len(cells)
    assert "other (m1, cpu: cpu)" in found.text


def test_cells_that_were_not_timed_take_what_the_others_do_a_draw(plan, tmp_path):
    cells = plan.measurable
    first = [cell for cell in cells if cell.num_samples == cells[0].num_samples]
    timed(tmp_path / "results" / "other", plan, first)
    found = forecast(plan, tmp_path / "results" / "new")
    rate = 1e-3 / cells[0].num_samples
    expected = sum(2 + cell.replicates * rate * cell.num_samples for cell in cells)
    assert found.seconds == pytest.approx(expected)
    assert found.timed == len(first) < found.cells


def test_another_s_table_is_no_run(plan, tmp_path):
    folder = tmp_path / "results" / "other"
    folder.mkdir(parents=True)
    (folder / "measurements.csv").write_text("a,b\n1,2\n")
    assert forecast(plan, tmp_path / "results" / "new").timed == 0


def test_disk_grows_with_cells_and_groups(plan):
    none, one = disk_of(plan, []), disk_of(plan, plan.measurable[:1])
    groups = 2  # of a Gaussian toy: a mean and a scale, a number each
    assert one - none == groups * (ROW_BYTES + SUMMARY_BYTES)


def test_places_have_their_cells(plan):
    places = places_of(plan)
    assert sum(places.values()) == len(plan.measurable)
    assert "gaussian_square[k=-3.0], init" in places


def test_words():
    assert [duration(each) for each in (0.2, 5, 100, 5_400, 90_000)] == [
        "1 second",
        "5 seconds",
        "2 minutes",
        "2 hours",
        "25 hours",
    ]
    assert [size(each) for each in (5_100_000, 190 * 10**6, 2.5e9)] == ["5 MB", "190 MB", "2 GB"]
