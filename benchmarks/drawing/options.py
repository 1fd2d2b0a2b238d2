"""How figures are to be printed, from what a user writes."""

import dataclasses
import re
from collections.abc import Collection, Sequence
from typing import Any

from gradest.benchmarks.drawing.styles import FONTS, FORMATS, STYLES, Format, Print
from gradest.benchmarks.errors import BadInput
from gradest.problems.arguments import nearest

LEGENDS = ("right", "none")

UNITS = {"in": 1.0, "cm": 1 / 2.54, "mm": 1 / 25.4, "pt": 1 / 72.27}
"""In inches; a point is TeX's."""

LEAST_WIDTH = 2.0


def print_of(
    style: str = "screen",
    *,
    width: str | float | None = None,
    title: bool = True,
    legend: str = "right",
    font: str | None = None,
) -> Print:
    """How figures are to be printed.

    Args:
        style: a name in STYLES.
        width: of the page, in inches or with a unit: "84mm".
        title: whether titles may stand in the figures.
        legend: "right", or "none".
        font: a name in FONTS; that of the style, where it is None.

    Raises:
        BadInput: no such style, width, legend or font.

    >>> print_of("paper", width="3in").width
    3.0
    """
    given: dict[str, tuple[str | None, Collection[str]]] = {
        "style": (style, STYLES),
        "font": (font, FONTS),
        "legend": (legend, LEGENDS),
    }
    for name, (value, known) in given.items():
        if value is not None and value not in known:
            raise BadInput(
                f"{name} {value!r}: expected one of {', '.join(known)}{nearest(value, known)}"
            )
    chosen = STYLES[style]
    changes: dict[str, Any] = {"legend": legend, "title": chosen.title and title}
    if width is not None:
        changes["width"] = inches_of(width)
    if font is not None:
        changes["font"] = font
    return dataclasses.replace(chosen, **changes)


def formats_of(names: Sequence[str]) -> tuple[Format, ...]:
    """The formats of these names, in the order of FORMATS; all of them, where there are no names.

    Raises:
        BadInput: no such format.

    >>> formats_of(["pdf", "png"])
    ('png', 'pdf')
    """
    for name in names:
        if name not in FORMATS:
            known = ", ".join(FORMATS)
            raise BadInput(f"format {name!r}: expected one of {known}{nearest(name, FORMATS)}")
    return tuple(each for each in FORMATS if each in names or not names)


def inches_of(width: str | float) -> float:
    """A width in inches.

    Raises:
        BadInput: it is none, or too small for a panel.

    >>> round(inches_of("84mm"), 2), inches_of("3.25in"), inches_of(3)
    (3.31, 3.25, 3.0)
    """
    shape = re.fullmatch(r"([0-9]*\.?[0-9]+)\s*([a-z]*)", str(width).strip())
    unit = UNITS.get(shape[2] or "in") if shape else None
    if shape is None or unit is None or not LEAST_WIDTH <= float(shape[1]) * unit <= 60:
        raise BadInput(
            f"width {width!r}: expected a length such as 3.25in or 84mm, of {LEAST_WIDTH:g} to 60 "
            "inches"
        )
    return float(shape[1]) * unit
