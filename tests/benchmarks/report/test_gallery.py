"""The page of several runs."""

import base64
import html
import re
import struct

import pytest

from gradest.benchmarks.analysis.results import read_run
from gradest.benchmarks.catalogue.listing import presets
from gradest.benchmarks.report.gallery import DOTS_PER_INCH, gallery, runs_in
from gradest.benchmarks.report.summary import Findings, answer
from tests.support.house import ROOT
from tests.support.made_errors import row
from tests.support.made_runs import LEAVE_ONE_OUT, PATHWISE, PLAIN, write

REFERENCE = ROOT / "results" / "reference"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A run whose name is markup."""
    rows = [
        row(size / samples, estimator, samples=samples, f_evals=samples, grad_evals=samples)
        for size, estimator in ((1.0, PATHWISE), (4.0, PLAIN), (2.0, LEAVE_ONE_OUT))
        for samples in (1, 4, 16)
    ]
    return read_run(write(tmp_path_factory.mktemp("made") / "a<b>", rows))


@pytest.fixture(scope="module")
def page(made):
    return gallery({"../runs/made/report.html": made}, "../index.html")


def images(page: str) -> list[bytes]:
    return [base64.b64decode(each) for each in re.findall(r"data:image/png;base64,([^\"]+)", page)]


def test_a_run_has_its_name_its_answer_its_figure_and_its_page(made, page):
    assert '<a href="../index.html">gradest</a>' in page
    assert '<a href="../runs/made/report.html">a&lt;b&gt;</a>' in page
    assert f'<p class="answer">{html.escape(answer(Findings(made))[0])}</p>' in page
    (image,) = images(page)
    assert image.startswith(b"\x89PNG")
    width, height = struct.unpack(">II", image[16:24])
    assert 2 * DOTS_PER_INCH < width < 8 * DOTS_PER_INCH
    assert height > DOTS_PER_INCH


def test_nothing_is_fetched_and_nothing_runs(page):
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'; img-src data:;")
    assert not re.search(r"<script|<link|<iframe|@import|url\(|https?:|\son\w+=", page)
    assert "a<b>" not in page


def test_the_same_bytes_each_time(made, page):
    assert gallery({"../runs/made/report.html": made}, "../index.html") == page


def test_the_folder_and_those_in_it_are_found(tmp_path):
    for name in ("", "one", "two"):
        write(tmp_path / name, [row(1.0, PATHWISE)])
    (tmp_path / "figures").mkdir()
    (tmp_path / "notes.md").write_text("")
    assert runs_in(tmp_path) == [tmp_path, tmp_path / "one", tmp_path / "two"]


def test_every_committed_run_is_of_a_preset_that_says_what_it_is_for():
    """Its first line stands in the gallery."""
    folders = {folder.name for folder in runs_in(REFERENCE)} - {"reference"}
    assert folders
    assert folders <= presets().keys()
