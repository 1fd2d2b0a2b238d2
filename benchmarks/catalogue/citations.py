"""The papers that classes name as their source, as BibTeX."""

import functools
import re
import tomllib
import unicodedata
from collections.abc import Iterable
from importlib.resources import files
from typing import Any

ENTRY_ORDER = (
    "author",
    "title",
    "booktitle",
    "journal",
    "volume",
    "number",
    "pages",
    "eprint",
    "year",
)
"""In which the fields of an entry are written."""

PROTECTED = re.compile(r"\b\w*[A-Z]\w*[A-Z]\w*\b")
"""Words of a title whose capitals a bibliography style must leave: ELBO, DisARM, PIPPS."""


@functools.cache
def references() -> dict[str, dict[str, Any]]:
    """references.toml: each paper by the words in which it is cited."""
    return tomllib.loads((files(__package__) / "references.toml").read_text(encoding="utf-8"))


def cited(source: str) -> list[str]:
    """The papers in a `source`.

    >>> cited("Glynn, 1990; Williams, 1992")
    ['Glynn, 1990', 'Williams, 1992']
    """
    return [part.strip() for part in source.split(";") if part.strip()]


def spelled(paper: dict[str, Any]) -> str:
    """The words in which a paper is cited: the surnames and the year.

    >>> spelled({"author": ["Kool, Wouter", "van Hoof, Herke", "Welling, Max"], "year": 2019})
    'Kool, van Hoof and Welling, 2019'
    """
    *others, last = [author.partition(",")[0] for author in paper["author"]]
    return (
        f"{', '.join(others)} and {last}, {paper['year']}" if others else f"{last}, {paper['year']}"
    )


def key(paper: dict[str, Any]) -> str:
    """Of an entry: first surname, year, first long word of the title.

    >>> key({"author": ["Liévin, Valentin"], "year": 2020, "title": "Optimal Variance Control"})
    'lievin2020optimal'
    """
    surname = paper["author"][0].partition(",")[0]
    word = next(word for word in re.findall(r"\w+", paper["title"]) if len(word) > 3)
    plain = (
        unicodedata.normalize("NFKD", f"{surname}{paper['year']}{word}")
        .encode("ascii", "ignore")
        .decode()
    )
    return re.sub(r"\W", "", plain).lower()


def entry(paper: dict[str, Any]) -> str:
    """A paper in BibTeX."""
    fields = paper | {
        "author": " and ".join(paper["author"]),
        "title": PROTECTED.sub(lambda word: f"{{{word[0]}}}", paper["title"]),
    }
    lines = [f"  {name} = {{{fields[name]}}}," for name in ENTRY_ORDER if name in fields]
    if "eprint" in paper:
        lines.append("  archiveprefix = {arXiv},")
    return "\n".join([f"@{paper['type']}{{{key(paper)},", *lines, "}"])


def bibtex(sources: Iterable[str]) -> str:
    """The papers of these sources, each once, in order; empty where nobody is cited.

    Raises:
        KeyError: a paper that references.toml does not have.
    """
    papers = dict.fromkeys(name for source in sources for name in cited(source))
    return "\n\n".join(entry(references()[name]) for name in papers)
