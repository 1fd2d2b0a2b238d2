"""From a name to a class, and from a class and its arguments to a problem or an estimator."""

from collections.abc import Mapping
from typing import Any

from gradest.problems.arguments import Configured, arguments, nearest, refused, shown
from gradest.problems.registry.own_faults import FAILURES, located, place_of
from gradest.problems.registry.own_folders import is_ours
from gradest.problems.registry.own_modules import own_class


def build(kind: str, registry: Mapping[str, type], name: str, chosen: Mapping[str, Any]) -> Any:
    """A problem or an estimator, made from its name and arguments.

    Args:
        kind: "problem" or "estimator", with which errors begin.
        registry: the classes that come with gradest.
        name: a registered one, or one for a class of a user's own.
        chosen: arguments; the others keep their defaults.

    Raises:
        ValueError: no such name, no such argument, or a value that its argument refuses.
    """
    return make(kind, name, look_up(kind, registry, name), chosen)


def make(kind: str, name: str, cls: Any, chosen: Mapping[str, Any]) -> Any:
    """An object of a class, with errors that name what the user wrote.

    Args:
        kind: "problem" or "estimator".
        name: what the class is called where the user named it.
        cls: the class.
        chosen: arguments; the others keep their defaults.

    Raises:
        ValueError: no such argument, a value that its argument refuses, or a class that cannot be
            made.
    """
    known = arguments(cls)
    for key in chosen:
        if key not in known:
            expected = ", ".join(known) or "no arguments"
            hint = nearest(key, known)
            raise ValueError(
                f"{kind} {name}: unknown argument {shown(key)}: expected {expected}{hint}"
            )
    for key, value in chosen.items():
        if getattr(value, "ndim", 0) or not known[key].accepts(value):
            raise ValueError(f"{kind} {name}: {refused(key, value, known[key])}")
    try:
        return cls(**chosen)
    except FAILURES as error:
        fault = why_not_made(cls, error)
        if not fault:
            raise
        raise ValueError(f"{kind} {name}: {fault}") from error


def why_not_made(cls: type, error: BaseException) -> str:
    """Why a class could not be made, in a line; "" where that is a fault of ours."""
    place = "" if is_ours(cls) else place_of(error)
    if place:
        return f"cannot be made: {located(error, place)}"
    if isinstance(error, TypeError):  # an abstract method or an argument's default left out
        return f"cannot be made: {error}"
    return str(error) if isinstance(error, ValueError) else ""


def look_up(kind: str, registry: Mapping[str, type], name: str) -> Any:
    """The class that a name stands for.

    Args:
        kind: "problem" or "estimator", with which errors begin.
        registry: the classes that come with gradest.
        name: a registered one, or, with a colon, that of a user's own class (`own_modules`).

    Raises:
        ValueError: no such name (with the nearest), or a class that is not of the registry's type.
    """
    if ":" in name:
        return own_class(kind, common_type(registry), name)
    if name not in registry:
        hint = nearest(name, registry)
        raise ValueError(f"{kind} {shown(name)}: expected one of {', '.join(registry)}{hint}")
    return registry[name]


def common_type(registry: Mapping[str, type]) -> type:
    """The type that all classes of a registry share: the one made straight from `Configured`."""
    first = next(iter(registry.values()))
    return next(cls for cls in first.__mro__ if Configured in cls.__bases__)
