"""`gradest open`: where the page of a run is, and a browser that shows it."""

import webbrowser

import pytest


@pytest.fixture
def folder(tmp_path):
    """A run's, as far as `open` looks at it."""
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "measurements.csv").write_text("")
    return folder


@pytest.fixture
def opened(monkeypatch):
    """The addresses that a browser was asked to open."""
    addresses = []
    monkeypatch.setattr(webbrowser, "open", lambda url: addresses.append(url) or len(addresses) < 2)
    return addresses


def test_it_prints_where_the_page_is_and_shows_it(run_command, folder, opened):
    page = folder / "report.html"
    page.write_text("page")
    assert run_command("open", "mine", "--no-browser") == (0, f"{page}\n", "")
    assert opened == []
    assert run_command("open", "mine") == (0, f"{page}\n", "")
    assert opened == [page.as_uri()]
    status, out, err = run_command("open", str(folder))
    assert (status, out) == (0, f"{page}\n")
    assert "no browser was found" in err


def test_a_run_without_its_page_says_what_writes_it(run_command, folder, opened):
    status, out, err = run_command("open", "mine")
    assert (status, out) == (2, "")
    assert "report.html is not there" in err
    assert "`gradest report mine` writes it" in err
    assert opened == []
