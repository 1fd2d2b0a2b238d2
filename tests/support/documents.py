"""What the documents show as code: each block, with its language."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.support.house import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]

BLOCK = re.compile(r"^```(?P<language>\w*)\n(?P<text>.*?)^```$", re.M | re.S)


class Block(NamedTuple):
    """A block of code in a page."""

    page: Path
    line: int
    language: str
    """Empty where it is commands."""
    text: str

    @property
    def label(self) -> str:
        """Where it is."""
        return f"{self.page.name}:{self.line}"


def blocks(language: str) -> list[Block]:
    """All blocks of one language."""
    found = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for block in BLOCK.finditer(text):
            line = text[: block.start()].count("\n") + 1
            found.append(Block(page, line, block["language"], block["text"]))
    return [block for block in found if block.language == language]


def commands(block: Block) -> Iterator[list[str]]:
    """The words of each command in a block of commands; what they print is left out."""
    lines = block.text.splitlines()
    if any(line.startswith("$ ") for line in lines):
        lines = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
    for line in lines:
        if words := shlex.split(line, comments=True):
            yield words
