"""Tables and texts in the columns of a terminal: a long name goes on in further lines."""

import shutil
import textwrap
from collections.abc import Collection, Sequence

WIDTH = 80
"""Columns, where nobody asks for another number."""

GAP = "  "
"""Between two columns of a table, and before what follows the first line of a text."""


def columns_there() -> int:
    """How many columns the terminal has; WIDTH where there is none and COLUMNS says nothing."""
    return shutil.get_terminal_size((WIDTH, 24)).columns


def wrapped(text: str, width: int = WIDTH) -> str:
    """A text in so many columns, what follows its first line indented; `L = 4` stays together."""
    together = text.replace(" = ", "\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}")
    filled = textwrap.fill(
        together, width, subsequent_indent=GAP, break_on_hyphens=False, break_long_words=False
    )
    return filled.replace("\N{NO-BREAK SPACE}", " ")


def table_lines(
    table: Sequence[Sequence[str]],
    width: int = WIDTH,
    *,
    name: int = 0,
    least: int = 20,
    right: Collection[int] = (),
    further: str = "",
) -> list[str]:
    """The rows of a table in so many columns; a name that is too long goes on in further lines.

    Args:
        table: rows of cells, the header among them.
        width: of the terminal.
        name: the number of the cell that may be broken.
        least: characters that it has, though the table be wider then.
        right: the numbers of the cells that stand at the right.
        further: what goes before the further lines of a name.

    >>> table_lines([("a long name", "1"), ("name", "2")], 9, least=6)
    ['a long  1', 'name', 'name    2']
    """
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    others = sum(widths) - widths[name] + len(GAP) * (len(widths) - 1)
    widths[name] = min(widths[name], max(width - others, least))
    before = " " * (sum(widths[:name]) + len(GAP) * name)
    lines = []
    for row in table:
        first, *more = textwrap.wrap(
            row[name], widths[name], subsequent_indent=further, break_on_hyphens=False
        ) or [""]
        cells = [*row[:name], first, *row[name + 1 :]]
        aligned = [
            cell.rjust(width) if number in right else cell.ljust(width)
            for number, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ]
        lines.append(GAP.join(aligned).rstrip())
        lines += [before + text for text in more]
    return lines
