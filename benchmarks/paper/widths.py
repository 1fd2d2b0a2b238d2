"""How wide text is in print, before any TeX has seen it: never less than Computer Modern's."""

import re

SIZE = 9.0
"""Of a table's text, in points."""

COLUMN = 3.25 * 72.27
"""A column of a two-column article, in TeX's points."""

SEPARATION = 2.5
"""Left and right of what stands between two columns of a table, in points."""

BOLD = 1.16
"""How much wider bold text is."""

WIDTHS = {
    **dict.fromkeys("ijl.,:;'|![] ", 0.35),
    **dict.fromkeys("()frt-", 0.42),
    **dict.fromkeys("0123456789/", 0.515),
    **dict.fromkeys("acegszvxykoqbdhnpu", 0.575),
    **dict.fromkeys("†", 0.42),
}
"""Of characters at a size of 1."""

USUAL, WIDE = 0.85, 1.1
"""Of all others, and of those that are wider still."""

WIDEST = "mMwW@%×–—…"


def width_of(text: str, *, bold: bool = False) -> float:
    """The width of a line of text in points, or a little more.

    >>> 30 < width_of("0.245(8)") < width_of("0.245(8)", bold=True) < 45
    True
    """
    total = sum(WIDTHS.get(char, WIDE if char in WIDEST else USUAL) for char in text)
    return SIZE * total * (BOLD if bold else 1.0)


def wrapped(text: str, width: float) -> list[str]:
    """A text in lines that are no wider than so many points, broken after commas or at spaces.

    A word that is wider is broken anywhere. All lines but the first are to be indented by a quad.

    >>> wrapped("score function, moving average", 90)
    ['score function,', 'moving average']
    """
    lines = [""]
    for piece in pieces_of(text, width - SIZE):
        room = width - (SIZE if len(lines) > 1 else 0)
        joined = f"{lines[-1]} {piece}".strip()
        if width_of(joined) <= room or not lines[-1]:
            lines[-1] = joined
        else:
            lines.append(piece)
    return lines


def pieces_of(text: str, width: float) -> list[str]:
    """What a text may be broken into: what ends with a comma, or words where that is too wide."""
    pieces: list[str] = []
    for part in re.split("(?<=,) ", " ".join(text.split())):
        if width_of(part) <= width:
            pieces.append(part)
        else:
            pieces += [piece for word in part.split() for piece in cut(word, width)]
    return pieces


def cut(word: str, width: float) -> list[str]:
    """A word in parts that are no wider than that."""
    parts = [""]
    for char in word:
        if parts[-1] and width_of(parts[-1] + char) > width:
            parts.append("")
        parts[-1] += char
    return parts
