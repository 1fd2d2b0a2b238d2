"""The page of the committed default run, made once, and a browser to see it in."""

from pathlib import Path

import pytest

from gradest.benchmarks.analysis.results import Run, read_run
from gradest.benchmarks.report.report import page_of
from tests.support.browser import Browser, browser_here
from tests.support.house import ROOT


@pytest.fixture(scope="session")
def default_run() -> Run:
    return read_run(ROOT / "results" / "reference")


@pytest.fixture(scope="session")
def default_page(default_run) -> str:
    return page_of(default_run)


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
    path.write_text(page_of(run), encoding="utf-8")
    return path
