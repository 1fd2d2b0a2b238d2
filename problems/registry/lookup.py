"""From a name to a class, and from a class and its arguments to a problem or an estimator."""

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from gradest.problems.arguments import (
    Configured,
    arguments,
    instead,
    nearest,
    refused,
    shown,
)
from gradest.problems.registry.own_faults import FAILURES, located, place_of
from gradest.problems.registry.own_folders import is_ours
from gradest.problems.registry.own_modules import classes_in, own_class


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
        raise ValueError(no_such(kind, name, registry))
    return registry[name]


KINDS: dict[str, Collection[str]] = {}
"""The names of each kind, other names too: problems and estimators add theirs as they are
imported, and so an error can say of one that it is another's."""

WITH_ARTICLE = {"problem": "a problem", "estimator": "an estimator"}


def spelled(name: str) -> str:
    """A name as it is registered, however it was spelled.

    >>> spelled("Score-Function")
    'score_function'
    """
    return re.sub(r"[\s-]+", "_", name.strip().lower())


def no_such(kind: str, name: str, known: Iterable[str]) -> str:
    """The error of a name that is none: another kind's, a module's without a class, or unknown.

    Args:
        kind: "problem" or "estimator"; anything else for either.
        name: as a user wrote it.
        known: the names that are near it, if any.
    """
    noun = WITH_ARTICLE.get(kind, "a name")
    expected = f"{noun} that `gradest list` shows, or module:Class"
    for other, names in KINDS.items():
        if kind in WITH_ARTICLE and other != kind and spelled(name) in names:
            return f"{shown(name)} is {WITH_ARTICLE[other]}: expected {expected}"
    classes = classes_in(name)
    if classes is None:
        return f"{kind} {shown(name)}: {instead(name, known, expected)}"
    written = ", ".join(f"{name}:{cls}" for cls in classes)
    listed = f": {written}" if classes else ", and it has none"
    return f"{kind} {shown(name)} is a module: expected a class of it{listed}"


def common_type(registry: Mapping[str, type]) -> type:
    """The type that all classes of a registry share: the one made straight from `Configured`."""
    first = next(iter(registry.values()))
    return next(cls for cls in first.__mro__ if Configured in cls.__bases__)
