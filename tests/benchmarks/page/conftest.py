"""The page of the committed default run, made once, and a browser to see it in."""

from pathlib import Path

import pytest

from gradest.benchmarks.analysis.results import ESTIMATOR, PLACE, Run, read_run
from gradest.benchmarks.report.report import page_of
from gradest.benchmarks.report.summary import Findings
from tests.support.browser import Browser, browser_here, opened
from tests.support.house import ROOT


@pytest.fixture(scope="session")
def default_run() -> Run:
    return read_run(ROOT / "results" / "reference")


@pytest.fixture(scope="session")
def timed_run(default_run) -> Run:
    """A part of it with seconds of one gradient alone, at the least and the largest L: a call costs
    20 µs, and a sample three times what it does batched."""
    table = default_run.measurements
    names = ["bernoulli_square", "gaussian_square"]
    table = table[table.problem.isin(names)].reset_index(drop=True)
    levels = table.groupby([*PLACE, *ESTIMATOR], dropna=False).num_samples
    ends = (table.num_samples == levels.transform("min")) | (
        table.num_samples == levels.transform("max")
    )
    alone = 2e-5 + 3 * table.groupby("cell").seconds.transform("first")
    return default_run._replace(measurements=table.assign(seconds_alone=alone.where(ends)))


@pytest.fixture(scope="session")
def timed_file(timed_run, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("timed") / "report.html"
    path.write_text(page_of(Findings(timed_run)), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def default_page(default_run) -> str:
    return page_of(Findings(default_run))


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    program = browser_here()
    if program is None:
        pytest.skip("no Chromium here: the page is not looked at")
    browser = Browser(program, tmp_path_factory.mktemp("profile"))
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def default_file(default_page, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(default_page, encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def temperature_file(tmp_path_factory) -> Path:
    """The page of the committed run that sweeps a temperature."""
    path = tmp_path_factory.mktemp("temperature") / "report.html"
    run = read_run(ROOT / "results" / "reference" / "temperature")
    path.write_text(page_of(Findings(run)), encoding="utf-8")
    return path


@pytest.fixture
def page(browser, default_file):
    """The page of the default run, opened."""
    with opened(browser, default_file) as page:
        yield page
