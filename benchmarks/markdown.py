"""Tables in Markdown, for summaries, pages and READMEs."""

from collections.abc import Iterable, Sequence

OBEYED = "\\`|<&*"
"""What Markdown, or the HTML in it, would not print as it is."""


def plain(text: str) -> str:
    """A text that Markdown prints as it is, in one line, in a table too.

    >>> plain("a|b <c>"), plain("a\\nb")
    ('a\\\\|b \\\\<c>', 'a b')
    """
    one_line = " ".join(text.splitlines())
    return "".join(f"\\{char}" if char in OBEYED else char for char in one_line)


def markdown_table(
    header: Sequence[str], rows: Iterable[Sequence[str]], left: int | None = None
) -> str:
    """A Markdown table.

    pandas' `to_markdown` would need a package of its own, tabulate, and pads every cell.

    Args:
        header: a text for each column.
        rows: for each line a text for each column.
        left: how many columns are flush left, the others flush right; all where it is None.

    Returns:
        The lines, without a line break after the last.

    >>> print(markdown_table(["estimator", "variance"], [["pathwise", "4.0"]], left=1))
    | estimator | variance |
    | --- | ---: |
    | pathwise | 4.0 |
    """
    if left is None:
        left = len(header)
    rule = ["---"] * left + ["---:"] * (len(header) - left)
    return "\n".join("| " + " | ".join(line) + " |" for line in (header, rule, *rows))
