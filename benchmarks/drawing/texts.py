"""Texts of figures: how they are printed, how wide they are, and where they are broken."""

import functools
import re

import matplotlib as mpl
from matplotlib.textpath import TextPath

from gradest.benchmarks.minus import print_minus

LINE = 0.115
"""Inches from line to line of a text."""

GLUE = "\u2060"
"""Stands for a space at which no line may be broken."""

COMPUTER_MODERN = "cmr10"

IN_COMPUTER_MODERN = {
    **dict.fromkeys(map(chr, range(0xA1, 0xC5)), "?"),
    **{"<": "$<$", ">": "$>$", "|": "$|$", "_": r"$\_$", "{": r"$\{$", "}": r"$\}$"},
    **{"\\": r"$\backslash$", '"': "''", "²": "$^2$", "³": "$^3$", "¹": "$^1$", "±": r"$\pm$"},
    **{char: f"$^{digit}$" for char, digit in zip("⁰⁴⁵⁶⁷⁸⁹⁻", "0456789-", strict=True)},
    **{"°": r"$^\circ$", "·": r"$\cdot$", "µ": r"$\mu$", "½": "1/2", "Ä": r"$\ddot{\mathrm{A}}$"},
}
"""What is printed for the characters in whose places matplotlib's Computer Modern has others: ffl
for ², a dash for |."""

HELD = (
    " (?=[%=])",
    "(?<==) ",
    "(?<=∂/∂) ",
    r"(?<=step) (?=\d)",
    r"(?<=and) (?=\d+ equal here)",
    r"(?<=\d) (?=equal here)",
    "(?<=equal) (?=here)",
)
"""Spaces at which no line is broken, by what is beside them."""

HINTED = 0.96
"""The part of a width that a text may take: hinted to pixels its glyphs are a little wider."""


def printed(text: str) -> str:
    """A text of a page as it is to be printed."""
    return print_minus(without_math(text))


def without_math(text: str) -> str:
    """A text in one line of which matplotlib takes nothing for mathematics.

    In Computer Modern some characters are printed as mathematics, which shows what they are.
    """
    one_line = " ".join(text.splitlines())
    in_modern = mpl.rcParams["font.family"][0] == COMPUTER_MODERN
    if in_modern and IN_COMPUTER_MODERN.keys() & {*one_line}:
        return "".join(map(in_computer_modern, one_line))
    return one_line.replace("$", r"\$")


def in_computer_modern(char: str) -> str:
    """A character of a text that has mathematics in it: beside it no other font helps out."""
    usual = {"$": r"\$"} | IN_COMPUTER_MODERN
    return usual.get(char, char if char.isascii() else f"${char}$")


def text_width(text: str) -> float:
    """The width of a text in inches, in the style in use."""
    if not text.strip():
        return 0.0
    text = text.replace(GLUE, " ")
    family = mpl.rcParams["font.family"]
    return _width(text, float(mpl.rcParams["font.size"]), "".join(family))


@functools.cache
def _width(text: str, size: float, family: str) -> float:
    del family  # only tells texts of different fonts apart
    return float(TextPath((0, 0), printed(text), size=size).vertices[:, 0].max()) / 72


def wrapped(text: str, width: float) -> list[str]:
    """A text in lines that are no wider, where its words allow.

    Args:
        text: what is to be printed.
        width: in inches.
    """
    room = HINTED * width
    space = text_width("a a") - 2 * text_width("a")
    lines: list[str] = []
    end = 0.0
    for word in held_together(text).split():
        own = text_width(word)
        if lines and end + space + own <= room:
            lines[-1] += f" {word}"
            end += space + own
        else:
            lines.append(word)
            end = own
    return [line.replace(GLUE, " ") for line in lines] or [""]


def held_together(text: str) -> str:
    """The text, with what no line may end before in the place of some spaces.

    >>> held_together("τ = 0.5, 95 %, ∂/∂ log scale, step 1000 and 1 equal here").replace(GLUE, "_")
    'τ_=_0.5, 95_%, ∂/∂_log_scale, step_1000 and_1_equal_here'
    """
    of_two_words = re.sub(r"(?<=∂/∂ )(\w+) (\w+)(?=[,;:.)]| \(|$)", rf"\1{GLUE}\2", text)
    return re.sub("|".join(HELD), GLUE, of_two_words)
