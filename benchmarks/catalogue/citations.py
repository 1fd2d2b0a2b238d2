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
    *("number", "pages", "eprint", "howpublished", "note", "year"),
)
"""In which order the fields of an entry are written."""

PROTECTED = re.compile(r"\b\w*[A-Z]\w*[A-Z]\w*\b")
"""Words of a title whose capitals a bibliography style must leave: ELBO, DisARM, PIPPS."""


ACCENTS = {
    "\u0300": r"\`",
    "\u0301": r"\'",
    "\u0302": r"\^",
    "\u0303": r"\~",
    "\u0304": r"\=",
    "\u0306": r"\u",
    "\u0307": r"\.",
    "\u0308": r"\"",
    "\u030a": r"\r",
    "\u030b": r"\H",
    "\u030c": r"\v",
    "\u0327": r"\c",
    "\u0328": r"\k",
}
"""TeX's commands for accents, as Unicode combines them with letters."""

LETTERS = {"ø": r"\o", "Ø": r"\O", "ł": r"\l", "Ł": r"\L", "ß": r"\ss", "æ": r"\ae", "Æ": r"\AE"}
LETTERS |= {"œ": r"\oe", "Œ": r"\OE", "ı": r"\i", "–": "--"}
"""How TeX writes letters of their own, and the dash between two names."""


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


def accented(text: str) -> str:
    r"""A text with its accents as BibTeX sorts and prints them, whatever its version.

    >>> print(accented("Liévin, Ángel Šćepanović, Søren Größe"))
    Li{\'e}vin, {\'A}ngel {\v{S}}{\'c}epanovi{\'c}, S{\o}ren Gr{\"o}{\ss}e
    """
    return "".join(map(accented_letter, unicodedata.normalize("NFC", text)))


def accented_letter(char: str) -> str:
    """One character in BibTeX: a letter with one accent, or one that has a command of its own."""
    if char in LETTERS:
        return f"{{{LETTERS[char]}}}"
    parts = unicodedata.normalize("NFD", char).ljust(2)
    letter, accent = parts[0], parts[1]
    if accent not in ACCENTS:
        return char
    command = ACCENTS[accent]
    return f"{{{command}{{{letter}}}}}" if command[1].isalpha() else f"{{{command}{letter}}}"


def entry(paper: dict[str, Any], name: str = "") -> str:
    """A paper in BibTeX.

    Args:
        paper: its fields.
        name: the entry's key; without one, that of the paper.
    """
    fields = paper | {
        "author": accented(" and ".join(paper["author"])),
        "title": accented(PROTECTED.sub(r"{\g<0>}", paper["title"])),
    }
    lines = [f"  {name} = {{{fields[name]}}}," for name in ENTRY_ORDER if name in fields]
    if "eprint" in paper:
        lines.append("  archiveprefix = {arXiv},")
    return "\n".join([f"@{paper['type']}{{{name or key(paper)},", *lines, "}"])


def bibtex(sources: Iterable[str]) -> str:
    """The papers of these sources in BibTeX, each once, in order; empty where nobody is cited.

    Raises:
        KeyError: a paper that references.toml does not have.
    """
    papers = dict.fromkeys(name for source in sources for name in cited(source))
    return "\n\n".join(entry(references()[name]) for name in papers)
