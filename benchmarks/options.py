"""What options may say: each is refused in one line, with what was expected."""

import math
from collections.abc import Iterable

from gradest.benchmarks.errors import BadInput
from gradest.problems.arguments import nearest


def one_of(option: str, names: Iterable[str], known: Iterable[str]) -> tuple[str, ...]:
    """Those of the known names that are asked for, each once; all where none is.

    Args:
        option: as it is written on the command line.
        names: those asked for.
        known: those that may be.

    Raises:
        BadInput: a name is not known.
    """
    asked = tuple(dict.fromkeys(names))
    choices = tuple(known)
    for name in asked:
        if name not in choices:
            raise BadInput(
                f"{option} {name!r}: expected one of {', '.join(choices)}{nearest(name, choices)}"
            )
    return asked or choices


def positive_integers(
    option: str, numbers: Iterable[int], usual: tuple[int, ...]
) -> tuple[int, ...]:
    """The numbers that are asked for, or the usual ones where none is.

    Args:
        option: as it is written on the command line.
        numbers: those asked for.
        usual: the defaults.

    Raises:
        BadInput: one of them is less than 1.
    """
    asked = tuple(numbers)
    for number in asked:
        if number < 1:
            raise BadInput(f"{option} {number}: expected an integer of at least 1")
    return asked or usual


def fraction(option: str, text: str) -> float:
    """A fraction, from "5%" or "0.05".

    Args:
        option: as it is written on the command line.
        text: what was written.

    Raises:
        BadInput: it is neither, or negative.
    """
    stripped = text.strip()
    in_percent = stripped.endswith("%")
    try:
        value = float(stripped.removesuffix("%")) / (100 if in_percent else 1)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value >= 0):
        raise BadInput(
            f"{option} {text!r}: expected a percentage such as 5% or a fraction such as 0.05, "
            "not below 0"
        )
    if not in_percent and value >= 1:
        raise BadInput(
            f"{option} {text!r}: expected a fraction below 1 or a percentage; "
            f"did you mean {stripped}%?"
        )
    return value
