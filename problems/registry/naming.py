"""Problems and estimators as text names them: `name[argument=value,…]`, or by another name."""

import json
import re
from collections.abc import Mapping
from typing import Any

from gradest.problems.arguments import shown
from gradest.problems.registry.lookup import no_such, spelled

Aliases = Mapping[str, tuple[str, Mapping[str, Any]]]
"""For another name, the registered one that it stands for and the arguments with it."""

SHAPE = re.compile(r"(?P<name>[^\[\]]+?)\s*(\[(?P<arguments>[^\[\]]*)\])?")


def parse(text: str) -> tuple[str, dict[str, Any]]:
    """The name and the arguments in `name[argument=value,…]`, or in the name alone.

    Args:
        text: as a user writes it. A value is a number, true or false, or else a word.

    Returns:
        The name, and the arguments that are written.

    Raises:
        ValueError: the text has another shape.

    >>> parse("measure_valued[coupled=false]")
    ('measure_valued', {'coupled': False})
    """
    shape = SHAPE.fullmatch(text.strip())
    if shape is None:
        raise ValueError(f"{shown(text)}: expected name[argument=value,…], or the name alone")
    parts = (shape["arguments"] or "").split(",")
    arguments: dict[str, Any] = {}
    for key, value in (_argument(text, part) for part in parts if part.strip()):
        if key in arguments:
            raise ValueError(f"{shown(text)}: {key} is there twice: expected it once")
        arguments[key] = value
    return shape["name"], arguments


def _argument(text: str, part: str) -> tuple[str, Any]:
    key, equals, value = part.partition("=")
    if not equals:
        raise ValueError(f"{shown(text)}: {shown(part.strip())}: expected argument=value")
    return key.strip(), _value(value.strip())


def _value(text: str) -> Any:
    """A number, true or false, as TOML, JSON and Python write them, or else the text itself."""
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    try:
        return json.loads(text)
    except ValueError:
        return text.strip("\"'")


def written(name: str, given: Mapping[str, Any]) -> str:
    """What `parse` reads.

    >>> written("score_function", {"baseline": "leave_one_out"})
    'score_function[baseline=leave_one_out]'
    """
    if not given:
        return name
    return f"{name}[{','.join(f'{key}={value}' for key, value in given.items())}]"


def resolve(
    kind: str,
    registry: Mapping[str, Any],
    text: str,
    given: Mapping[str, Any] | None = None,
    aliases: Aliases | None = None,
) -> tuple[str, dict[str, Any]]:
    """The registered name that a text stands for, and all arguments that come with it.

    Args:
        kind: "problem" or "estimator", for the errors.
        registry: the names that there are. `module:Class`, a user's own, is left as it is.
        text: `name[argument=value,…]`; the name may be another one, in any spelling ("RLOO").
        given: arguments that are given apart from the text.
        aliases: other names.

    Returns:
        The registered name or `module:Class`, and the arguments.

    Raises:
        ValueError: no such name (naming the nearest), another shape, or arguments that contradict
            one another or what the name stands for.
    """
    aliases = aliases or {}
    if not isinstance(text, str):
        raise ValueError(f"{kind} {shown(text)}: expected a name, name[argument=value,…]")
    try:
        name, arguments = parse(text)
    except ValueError as error:
        raise ValueError(f"{kind} {error}") from None
    arguments = _joined(f"{kind} {shown(text)}", arguments, given or {})
    if name in registry or ":" in name:
        return name, arguments
    alias = spelled(name)
    if alias in registry:
        return alias, arguments
    if alias not in aliases:
        raise ValueError(no_such(kind, name, [*registry, *aliases]))
    registered, implied = aliases[alias]
    stands_for = f"{kind} {name!r}, which stands for {written(registered, implied)}"
    return registered, _joined(stands_for, implied, arguments)


def _joined(what: str, first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    for key in first.keys() & second.keys():
        if first[key] != second[key]:
            raise ValueError(
                f"{what}: {key} = {shown(second[key])}: expected {shown(first[key])} or nothing"
            )
    return {**first, **second}
