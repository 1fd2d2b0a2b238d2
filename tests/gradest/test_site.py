"""The site that `make docs` builds from README.md and docs/."""

import importlib.util
import os
import posixpath
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag

import pytest

from gradest.benchmarks.report.gallery import runs_in
from tests.support.house import ROOT

pytest.importorskip("mkdocs", reason="no mkdocs here: the site is not built")

FETCHED = {"script": "src", "link": "href", "img": "src", "iframe": "src", "source": "src"}
"""What a browser fetches on its own, and by which attribute."""

DEAD_END = "http://127.0.0.1:9"
"""A proxy that is not there: whoever asks the network fails."""


class Page(HTMLParser):
    """What a page leads to and what it fetches."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.fetched: list[str] = []
        self.names: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.names |= {found[key] for key in ("id", "name") if found.get(key)}
        if tag == "a" and "href" in found:
            self.links.append(found["href"])
        if tag in FETCHED and FETCHED[tag] in found:
            self.fetched.append(found[FETCHED[tag]])


@pytest.fixture(scope="session")
def site(tmp_path_factory) -> Path:
    """The site, built in strict mode without a network."""
    folder = tmp_path_factory.mktemp("site")
    environment = os.environ | dict.fromkeys(("http_proxy", "https_proxy"), DEAD_END)
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="session")
def pages(site) -> dict[str, Page]:
    """The pages by their addresses, those of runs aside."""
    return {
        path.relative_to(site).as_posix(): Page(path.read_text(encoding="utf-8"))
        for path in site.rglob("*.html")
        if path.name not in ("report.html", "404.html")
    }


def targets(address: str, links: list[str]) -> list[tuple[str, str]]:
    """Where links within the site lead: a file, and a part of it."""
    own = [urldefrag(link) for link in links if not re.match(r"[a-z]+:", link)]
    folder = posixpath.dirname(address)
    return [
        (posixpath.normpath(posixpath.join(folder, unquote(link))) if link else address, part)
        for link, part in own
    ]


@pytest.mark.slow
def test_every_page_is_reached_from_the_first_and_no_link_is_dead(site, pages):
    waiting, reached = ["index.html"], set()
    while waiting:
        address = waiting.pop()
        if address in reached or address not in pages:
            continue
        reached.add(address)
        for file, part in targets(address, pages[address].links):
            assert (site / file).exists(), f"{address}: {file}"
            if part and file in pages:
                assert unquote(part) in pages[file].names, f"{address}: {file}#{part}"
            waiting.append(file)
    written = {f"docs/{path.stem}.html" for path in (ROOT / "docs").glob("*.md")}
    assert {"index.html", "docs/gallery.html", *written} <= reached
    assert reached == pages.keys()


@pytest.mark.slow
def test_nothing_is_fetched_from_elsewhere(site, pages):
    fetched = {link for page in pages.values() for link in page.fetched}
    assert len(fetched) > 5
    assert {link for link in fetched if re.match(r"([a-z]+:)?//", link)} == set()
    for style in site.rglob("*.css"):
        text = style.read_text(encoding="utf-8")
        assert not re.search(r"(@import|url\()\W*(https?:)?//", text), style


@pytest.mark.slow
def test_the_gallery_has_every_reference_run(site, pages):
    page = pages["docs/gallery.html"]
    folders = runs_in(ROOT / "results" / "reference")
    assert len(folders) > 4
    for folder in folders:
        link = f"../{folder.relative_to(ROOT).as_posix()}/report.html"
        assert link in page.links
        assert (site / "docs" / link).stat().st_size > 500_000
    assert len(page.fetched) == len(folders)


@pytest.mark.slow
def test_formulas_are_readable_and_code_is_as_it_was(site):
    glossary = (site / "docs" / "glossary.html").read_text(encoding="utf-8")
    assert '<span class="formula">τ(L) = a + b L</span>' in glossary
    assert "$" not in re.sub(r"<(script|style)\b.*?</\1>", "", glossary, flags=re.S)
    assert "$ gradest compare" in re.sub(
        "<[^>]*>", "", (site / "docs" / "comparing.html").read_text(encoding="utf-8")
    )


def hooks():
    """docs/site.py, which is in no package."""
    spec = importlib.util.spec_from_file_location("docs_site", ROOT / "docs" / "site.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("markdown", "shown"),
    [
        ("$a_\\theta < b$", '<span class="formula">a<sub>θ</sub> &lt; b</span>'),
        ("$E_{x \\sim q_\\theta}[f]$", None),
        ("$E_{x \\sim N(1, 1)}$", '<span class="formula">E<sub>x ~ N(1, 1)</sub></span>'),
        ("`$x_i$`", "`$x_i$`"),
        (
            "```\n$ gradest list\n```\n$x^2$",
            '```\n$ gradest list\n```\n<span class="formula">x²</span>',
        ),
        ("a\n`two\nlines` and $x$", 'a\n`two\nlines` and <span class="formula">x</span>'),
    ],
)
def test_formulas_among_code(markdown, shown):
    made = hooks().on_page_markdown(markdown)
    if shown is None:
        assert "E<sub>x ~ q<sub>θ</sub></sub>&#91;f&#93;" in made
    else:
        assert made == shown
