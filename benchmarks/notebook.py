"""Tables as notebooks show them: all in one look, whatever made them."""

import html
from collections.abc import Iterable, Sequence

STYLE = """
.gradest table { border-collapse: collapse; margin: .5rem 0 1rem }
.gradest th, .gradest td { text-align: left; padding: .15rem .8rem .15rem 0; border: 0 }
.gradest th { font-weight: 600; border-bottom: 1px solid #999 }
.gradest caption { text-align: left; font-weight: 600; padding: .3rem 0; white-space: nowrap }
.gradest tr.best td { font-weight: 600 }
.gradest tr.biased td { color: #777 }
.gradest svg { max-width: 100%; height: auto }
.gradest p { margin: .2rem 0 }
"""

Row = tuple[Iterable[str], Sequence[str]]
"""The classes of a row, and its cells."""


def table(caption: str, header: Sequence[str], rows: Iterable[Row]) -> str:
    """A table.

    Args:
        caption: over it.
        header: of each column.
        rows: each with the classes that it has in STYLE.
    """
    head = "".join(f"<th>{html.escape(name)}</th>" for name in header)
    body = "".join(row(*each) for each in rows)
    return f"<table><caption>{html.escape(caption)}</caption><tr>{head}</tr>{body}</table>"


def row(classes: Iterable[str], cells: Sequence[str]) -> str:
    """A row of a table."""
    written = "".join(f"<td>{html.escape(cell)}</td>" for cell in cells)
    return f'<tr class="{" ".join(classes)}">{written}</tr>'


def paragraphs(texts: Iterable[str]) -> str:
    """A paragraph for each text."""
    return "".join(f"<p>{html.escape(text)}</p>" for text in texts)


def folded(summary: str, texts: Iterable[str]) -> str:
    """Paragraphs behind a line that opens them; nothing where there are none."""
    inside = paragraphs(texts)
    return f"<details><summary>{html.escape(summary)}</summary>{inside}</details>" if inside else ""


def block(parts: Iterable[str]) -> str:
    """What a notebook shows: parts in HTML, in the look of all."""
    return f'<div class="gradest"><style>{STYLE}</style>{"".join(parts)}</div>'
