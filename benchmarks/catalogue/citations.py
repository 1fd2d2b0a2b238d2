"""The papers that classes name as their source, as BibTeX."""

import functools
import re
import tomllib
import unicodedata
from collections.abc import Iterable
from importlib.resources import files
from typing import Any

ENTRY_ORDER = (
    *("author", "title", "booktitle", "journal", "volume"),
    *("number", "pages", "eprint", "year"),
)
"""In which order the fields of an entry are written."""

PROTECTED = re.compile(r"\b\w*[A-Z]\w*[A-Z]\w*\b")
"""Words of a title whose capitals a bibliography style must leave: ELBO, DisARM, PIPPS."""


@functools.cache
def references() -> dict[str, dict[str, Any]]:
    """The papers of references.toml, each by the words in which it is cited."""
    return tomllib.loads((files(__package__) / "references.toml").read_text(encoding="utf-8"))


def cited(source: str) -> list[str]:
    """The papers in a `source`, each in the words in which it is cited.

    >>> cited("Glynn, 1990; Williams, 1992")
    ['Glynn, 1990', 'Williams, 1992']
    """
    return [part.strip() for part in source.split(";") if part.strip()]


def spelled(paper: dict[str, Any]) -> str:
    """The words in which a paper is cited: the surnames and the year.

    >>> spelled({"author": ["Kool, Wouter", "van Hoof, Herke", "Welling, Max"], "year": 2019})
    'Kool, van Hoof and Welling, 2019'
    """
    *others, last = [surname(author) for author in paper["author"]]
    authors = f"{', '.join(others)} and {last}" if others else last
    return f"{authors}, {paper['year']}"


def surname(author: str) -> str:
    """The surname of "Surname, Given Names"."""
    return author.partition(",")[0]


def key(paper: dict[str, Any]) -> str:
    """A key for a paper's entry: first surname, year, first long word of the title.

    >>> key({"author": ["Liévin, Valentin"], "year": 2020, "title": "Optimal Variance Control"})
    'lievin2020optimal'
    """
    words = re.findall(r"\w+", paper["title"])
    long_word = next(word for word in words if len(word) > 3)
    text = f"{surname(paper['author'][0])}{paper['year']}{long_word}"
    ascii_text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"\W", "", ascii_text).lower()


def entry(paper: dict[str, Any]) -> str:
    """A paper in BibTeX."""
    fields = paper | {
        "author": " and ".join(paper["author"]),
        "title": PROTECTED.sub(r"{\g<0>}", paper["title"]),
    }
    lines = [f"  {name} = {{{fields[name]}}}," for name in ENTRY_ORDER if name in fields]
    if "eprint" in paper:
        lines.append("  archiveprefix = {arXiv},")
    return "\n".join([f"@{paper['type']}{{{key(paper)},", *lines, "}"])


def bibtex(sources: Iterable[str]) -> str:
    """The papers of these sources in BibTeX, each once, in order; empty where nobody is cited.

    Raises:
        KeyError: a paper that references.toml does not have.
    """
    papers = dict.fromkeys(name for source in sources for name in cited(source))
    return "\n\n".join(entry(references()[name]) for name in papers)
