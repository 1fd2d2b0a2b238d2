"""published.csv of a run: what agrees, what does not, and what is not counted."""

import math

import pytest

from gradest.benchmarks.analysis.results import read_run
from gradest.benchmarks.analysis.verification import verified_run, verify
from gradest.benchmarks.errors import BadInput
from gradest.benchmarks.published.rows import nothing_kept, published_table
from gradest.benchmarks.sweeps.plan import resolve
from gradest.benchmarks.sweeps.run import run_sweep
from gradest.benchmarks.sweeps.schema import parse_sweep
from tests.support.papers import PAPER
from tests.support.sweeps import Quiet


@pytest.fixture(scope="module")
def paper():
    return resolve(parse_sweep(PAPER, "here"))


@pytest.fixture(scope="module")
def folder(paper, tmp_path_factory):
    folder = tmp_path_factory.mktemp("paper")
    run_sweep(paper, folder, Quiet())
    return folder


def test_the_table_of_a_run(folder):
    found = read_run(folder).published
    assert list(found.agrees[:2]) == [True, False]
    assert list(found.not_counted.isna()) == [True, True, False]
    assert found.published.tolist() == [2.5e-5, 9.0e-5, 0.003]
    first = found.iloc[0]
    assert first.ours_low < 2.5e-5 < first.ours_high
    assert first.published_low < 2.5e-5 < first.published_high
    assert found.ratio[1] == pytest.approx(found.ours[1] / 9.0e-5)
    arm = read_run(folder).measurements.query("estimator == 'arm' and num_samples == 2")
    of_arm = arm[arm.cell == found.cell[2]].variance.item()
    assert found.ours[2] == pytest.approx(math.sqrt(of_arm), rel=1e-9)  # from the moments
    assert found.note[2] == "they call another function"


def test_a_rerun_writes_the_same_bytes(paper, folder):
    before = (folder / "published.csv").read_bytes()
    run_sweep(paper, folder, Quiet())
    assert (folder / "published.csv").read_bytes() == before
    assert verify(folder).differences == []


def test_a_changed_number_is_refused(folder, tmp_path):
    for path in folder.iterdir():
        if path.is_file():
            (tmp_path / path.name).write_bytes(path.read_bytes())
    table = tmp_path / "published.csv"
    table.write_text(table.read_text().replace("9e-05", "4e-06"))
    with pytest.raises(BadInput, match=r"published\.csv was changed after it was written"):
        verified_run(tmp_path)


def test_without_moments_or_cells_nothing_is_said(paper, folder):
    measurements = read_run(folder).measurements
    bare = published_table("p", paper.published, measurements, nothing_kept)
    assert bare.not_counted.fillna("").tolist() == ["", "", "bug"]
    assert math.isnan(bare.ours[2])
    none = published_table("p", paper.published, measurements[:0], nothing_kept)
    assert set(none.not_counted[:2]) == {"not measured"}
    assert none.agrees.isna().all()


def test_an_unreliable_cell_is_not_counted(paper, folder):
    columns = {"status": "unreliable", "reason": "tail index 1.0"}
    measurements = read_run(folder).measurements.assign(**columns)
    found = published_table("p", paper.published, measurements, nothing_kept)
    assert set(found.not_counted[:2]) == {"unreliable"}
    assert found.note[0] == "ours: tail index 1.0"


def test_a_zero_of_ours_is_no_agreement(paper, folder):
    zero = dict.fromkeys(("variance", "variance_low", "variance_high"), 0.0)
    measurements = read_run(folder).measurements.assign(**zero, reason="variance zero")
    found = published_table("p", paper.published, measurements, nothing_kept)
    assert found.agrees[:2].tolist() == [False, False]
