"""Pydantic's faults in our words: the key, the value, what was expected, the nearest valid name."""

import re
from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError

from gradest.problems.arguments import nearest, shown


def complaints_of(
    error: ValidationError, known: Sequence[str], *, of_options: bool = False
) -> list[str]:
    """A line for each thing that is wrong.

    Args:
        error: what pydantic raised.
        known: the keys that there are.
        of_options: whether the keys are options of the command line, to be written so.
    """
    faults = error.errors(include_url=False)
    return [as_option(fault, known) if of_options else describe(fault, known) for fault in faults]


def as_option(fault: Any, known: Sequence[str]) -> str:
    """One fault, with an option of the command line as it is written there."""
    name, colon, rest = describe(fault, known).partition(" " if fault["loc"] else ":")
    root, dot, key = name.partition(".")  # what follows is written as a file has it
    return f"--{root.replace('_', '-')}{dot}{key}{colon}{rest}"


def describe(fault: Any, known: Sequence[str]) -> str:
    """One fault: the key, the value, what was expected."""
    place = place_of(fault["loc"])
    if fault["type"] == "extra_forbidden":
        return f"unknown key {shown(place)}: expected {', '.join(known)}{nearest(place, known)}"
    if fault["type"] == "missing":
        return f"{place} is missing"
    if fault["type"] == "value_error":
        reason = fault["msg"].removeprefix("Value error, ")
        return f"{place}: {reason}" if place else reason
    expected = re.sub("^(Input|String|List|Keys) should ", "", fault["msg"])
    expected = expected.removeprefix("should ")
    names = []
    if fault["type"] == "literal_error":
        names = re.findall("'([^']+)'", fault["ctx"]["expected"])
    value = fault["input"]
    hint = nearest(value, names) if isinstance(value, str) else ""
    return f"{place} = {shown(value)}: expected it to {expected}{hint}"


def place_of(parts: tuple[int | str, ...]) -> str:
    """Where in a sweep a fault is, as one would write it.

    >>> place_of(("problem", 0, "samples"))
    'problem[0].samples'
    """
    words = [f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts]
    return "".join(words).lstrip(".")
