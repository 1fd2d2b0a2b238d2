"""Text as LaTeX: whatever a name holds, it is printed and never obeyed."""

import re
from collections.abc import Iterable

from gradest.benchmarks.analysis.labels import greek_name

LATEX = {
    "∇": r"$\nabla$",
    "∂": r"$\partial$",
    "‖": r"$\|$",
    "–": "--",
    "†": r"$^\dagger$",
    "×": r"$\times$",
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "#": r"\#",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "_": r"\_",
    "%": r"\%",
    "&": r"\&",
    "<": r"$<$",
    ">": r"$>$",
    "|": r"$|$",
}
"""Characters that LaTeX obeys, or does not have in its usual fonts."""

LAST_LATIN = "\u017f"
"""Up to it, every letter is in LaTeX's usual fonts."""

ROMAN = {"ο": "o", "Α": "A", "Β": "B", "Ε": "E", "Ζ": "Z", "Η": "H", "Ι": "I", "Κ": "K", "Μ": "M"}
ROMAN |= {"Ν": "N", "Ο": "O", "Ρ": "P", "Τ": "T", "Υ": "Y", "Χ": "X"}
"""Greek letters that look like Latin ones, for which LaTeX has no commands."""


def escape(text: str) -> str:
    """Text as LaTeX, exponents and minus signs typeset.

    >>> escape("a_b {x} 100 %"), escape("μ"), escape("−1")
    ('a\\\\_b \\\\{x\\\\} 100 \\\\%', '$\\\\mu$', '$-$1')
    """
    text = "".join(map(character, text.replace("−", "-")))
    text = re.sub(
        r"(-?[\d.]+(?:\(\d+\))?)e([+-])0*(\d+)", lambda match: power(*match.groups()), text
    )
    return re.sub(r"(?<![\w$^{])-([\d.]+)", r"$-$\1", text)


def in_fonts(text: str) -> str:
    """A text with the numbers of the characters that LaTeX's usual fonts do not have.

    >>> in_fonts("a_b µ 雪")
    'a_b µ [U+96EA]'
    """
    printed = ((char, character(char)) for char in " ".join(text.split()))
    return "".join(shown if shown.startswith("[U+") else char for char, shown in printed)


def character(char: str) -> str:
    """One character as LaTeX."""
    if char in LATEX:
        return LATEX[char]
    if char.isascii():
        return char if char.isprintable() else " "
    name = greek_name(char)
    if char in ROMAN:
        return ROMAN[char]
    if name:
        return rf"$\{name}$"
    return char if char <= LAST_LATIN and char.isprintable() else f"[U+{ord(char):04X}]"


def power(mantissa: str, sign: str, exponent: str) -> str:
    """A number in scientific notation, typeset."""
    return rf"${mantissa} \times 10^{{{sign.replace('+', '')}{exponent}}}$"


def latex_row(texts: Iterable[str]) -> str:
    """One line of a `tabular`; a bracket at its beginning is not the line break's before."""
    row = " & ".join(map(escape, texts)) + r" \\"
    return "{}" + row if row.startswith("[") else row


def comment(text: str) -> str:
    """A line that LaTeX does not read."""
    return "% " + " ".join(text.split())
