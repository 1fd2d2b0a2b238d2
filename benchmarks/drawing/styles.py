"""For what a figure is drawn: a screen, a column of a paper, or a talk.

All sizes are made for 7-point text and grow with it, so that text and lines keep their proportions.
"""

import contextlib
from dataclasses import dataclass
from typing import Any, Literal, get_args

import matplotlib as mpl
import matplotlib.style

POINTS = 7.0
"""The least size of text, for which all sizes here and in `layout` are made."""

STYLE: dict[str, Any] = {
    "axes.titlesize": "medium",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "0.92",
    "pdf.fonttype": 42,
    "svg.fonttype": "path",
    "svg.hashsalt": "gradest",
    "savefig.dpi": 200,
}

SIZES = {
    "axes.titlepad": 4,
    "axes.labelpad": 2,
    "axes.linewidth": 0.5,
    "grid.linewidth": 0.4,
    "hatch.linewidth": 0.4,
    "lines.linewidth": 0.8,
    "lines.markeredgewidth": 0.4,
    "xtick.major.width": 0.5,
    "xtick.major.size": 3.5,
    "xtick.major.pad": 3.5,
    "ytick.major.width": 0.5,
    "ytick.major.size": 3.5,
    "ytick.major.pad": 3.5,
}
"""In points, for text of POINTS."""

Format = Literal["png", "svg", "pdf"]
FORMATS: tuple[Format, ...] = get_args(Format)

FONTS: dict[str, dict[str, Any]] = {
    "sans": {"mathtext.fontset": "dejavusans"},
    "cm": {
        "font.family": ["cmr10", "STIXGeneral", "DejaVu Serif"],
        "mathtext.fontset": "cm",
        "axes.formatter.use_mathtext": True,
    },
}
"""DejaVu Sans, and Computer Modern as in LaTeX: what it has no glyphs for is Times-like."""


@dataclass(frozen=True)
class Print:
    """How figures are printed."""

    width: float | None = None
    """Of the page, in inches; None: 3.3 for one panel in a row and 6.8 for more."""
    size: float = POINTS
    """Of the text, in points."""
    title: bool = True
    """Whether the figure's title stands in it."""
    legend: Literal["right", "none"] = "right"
    """Names at the ends of lines and the key under the panels, or neither."""
    font: Literal["sans", "cm"] = "sans"
    formats: tuple[Format, ...] = FORMATS
    """Of the files."""


SCREEN = Print()
STYLES = {
    "screen": SCREEN,
    "paper": Print(width=3.25, title=False, font="cm"),
    "talk": Print(width=10.0, size=16.0),
}
"""The names of styles."""


def in_style(how: Print = SCREEN) -> contextlib.AbstractContextManager[None]:
    """A context in which figures are made and written the same whatever the user's matplotlibrc."""
    times = how.size / POINTS
    sizes = {key: value * times for key, value in SIZES.items()}
    text = {"font.size": how.size}
    return matplotlib.style.context(["default", STYLE, sizes, FONTS[how.font], text])


def grown(length: float) -> float:
    """A length that was made for text of POINTS, for that of the style in use."""
    return length * float(mpl.rcParams["font.size"]) / POINTS
