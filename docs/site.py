"""How mkdocs makes a site of README.md and docs/: hooks that it calls.

A page has the address that its file has in the repository, and what pages link to comes along, so
that a link holds in both. Formulas are printed as text: nothing is fetched, and no script needed.
"""

import html
import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from gradest.benchmarks.analysis.verification import verified_run
from gradest.benchmarks.catalogue.mathematics import formula
from gradest.benchmarks.folders.record import PAGE
from gradest.benchmarks.report.gallery import gallery, runs_in
from gradest.benchmarks.report.report import page_of
from gradest.benchmarks.report.summary import Findings

TOP = Path(__file__).resolve().parents[1]
"""The repository."""

GALLERY = "docs/gallery.html"

STYLE = "docs/site.css"

LINK = re.compile(r"\]\(([^)#\s]+)")

PIECES = re.compile(r"^```.*?^```$|`[^`]+`|\$([^$]+)\$", re.M | re.S)
"""Code, which is left as it is, and formulas."""

BRACKETED = r"\(((?:[^()]|\([^()]*\))*)\)"
"""What stands in brackets, with brackets in it."""

SCRIPTS = (
    (r"\*\*([^\s(])", "sup"),
    (r"_([^\s(])", "sub"),
    (r"\*\*" + BRACKETED, "sup"),
    ("_" + BRACKETED, "sub"),
)
"""What Unicode has no characters for, as `formula` writes it, and HTML's tag for it."""


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """The site's files: pages, what they link to, the reference runs' pages and their gallery."""
    for file in list(files):
        if file.src_dir == config.docs_dir:
            files.remove(file)
    for path in (*linked_files(), STYLE):
        files.append(File.generated(config, path, abs_src_path=str(TOP / path)))
    for path, text in pages_of_runs().items():
        files.append(File.generated(config, path, content=text))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """A page's text with its formulas in HTML."""
    return PIECES.sub(lambda piece: as_html(piece[1]) if piece[1] else piece[0], markdown)


def linked_files() -> list[str]:
    """README.md, the pages in docs/, and every file that one of them leads to."""
    waiting = ["README.md", *sorted(f"docs/{path.name}" for path in (TOP / "docs").glob("*.md"))]
    found: dict[str, None] = {}
    while waiting:
        path = waiting.pop()
        if path not in found:
            found[path] = None
            waiting += links_of(path) if path.endswith(".md") else []
    return sorted(found)


def links_of(path: str) -> list[str]:
    """The files of the repository that a page links to."""
    text = (TOP / path).read_text(encoding="utf-8")
    folder = posixpath.dirname(path)
    links = [posixpath.normpath(posixpath.join(folder, link)) for link in LINK.findall(text)]
    return [link for link in links if (TOP / link).is_file()]


def pages_of_runs() -> dict[str, str]:
    """The page of each reference run, and their gallery, by their addresses."""
    folders = runs_in(TOP / "results" / "reference")
    runs = {
        f"{folder.relative_to(TOP).as_posix()}/{PAGE}": verified_run(folder) for folder in folders
    }
    from_gallery = {posixpath.relpath(path, "docs"): run for path, run in runs.items()}
    pages = {path: page_of(Findings(run)) for path, run in runs.items()}
    return pages | {GALLERY: gallery(from_gallery, "../index.html")}


def as_html(tex: str) -> str:
    """A formula in HTML, with nothing in it that Markdown reads."""
    text = html.escape(formula(tex))
    for pattern, tag in SCRIPTS:
        text = re.sub(pattern, rf"<{tag}>\1</{tag}>", text)
    plain = re.sub(r"[][*_`|\\]", lambda found: f"&#{ord(found[0])};", text)
    return f'<span class="formula">{plain}</span>'
