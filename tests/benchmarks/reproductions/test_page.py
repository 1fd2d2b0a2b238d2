"""docs/papers.md is that of the presets and of the committed runs."""

import pytest

from gradest.benchmarks.presets import paper_names
from gradest.benchmarks.reproductions import page as of_page
from gradest.benchmarks.reproductions.numbers import Count
from gradest.benchmarks.reproductions.page import page
from gradest.benchmarks.sweeps.plan import resolve
from gradest.benchmarks.sweeps.run import run_sweep
from gradest.benchmarks.sweeps.schema import parse_sweep
from tests.support.house import ROOT
from tests.support.papers import PAPER
from tests.support.sweeps import Quiet


def test_the_page_is_that_of_the_presets():
    """`make papers-page` writes it."""
    assert (ROOT / "docs" / "papers.md").read_text(encoding="utf-8") == page()


def test_a_line_for_each_paper():
    text = page()
    assert all(f"[`{name}`](#{name})" in text for name in paper_names())
    assert "`snr_mean`" in text


@pytest.fixture
def measured(tmp_path, monkeypatch):
    """As if a paper's run had been committed, under kool2020's name."""
    folder = tmp_path / "results" / "reference" / "papers" / "kool2020"
    folder.mkdir(parents=True)
    run_sweep(resolve(parse_sweep(PAPER, "here")), folder, Quiet())
    monkeypatch.setattr(of_page, "TOP", tmp_path)


def test_a_committed_run_is_counted_and_shown(measured):
    text = page()
    assert (
        "**1 of 2 published numbers agree; 1 more is shown and not counted**, of 1 paper." in text
    )
    assert "| 1 of 2 |" in text
    assert "](../results/reference/papers/kool2020/figures/paper_figure_1.png)" in text
    assert "](../results/reference/papers/kool2020/tables/published.md)" in text


def test_counts_in_words():
    assert Count(3, 3, 3).text == "3 of 3 published numbers agree"
