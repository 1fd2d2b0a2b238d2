"""A part of a sweep: some of its problems and estimators, and other values of its keys."""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

from gradest.benchmarks.errors import BadInput
from gradest.benchmarks.sweeps.entries import Entry
from gradest.benchmarks.sweeps.plan import NAMED
from gradest.benchmarks.sweeps.schema import KEYS, Sweep, override
from gradest.estimators import ESTIMATORS
from gradest.problems import PROBLEMS
from gradest.problems.arguments import defaults, instead, nearest, shown
from gradest.problems.registry.lookup import look_up

Kind = TypeVar("Kind", bound=Entry)
"""Of entries: those of problems have more keys."""

OPTIONS = {"problem": "-p", "estimator": "-e"}
"""What each kind is chosen with on the command line."""

REGISTRIES: dict[str, Mapping[str, type]] = {"problem": PROBLEMS, "estimator": ESTIMATORS}

LISTS = ("samples",)
"""Keys of a sweep whose value is a list."""


TRAINING = "training."
"""With which begins a key of the table [training]."""


class Wanted(NamedTuple):
    """What is asked for: a name, and those of its arguments that matter."""

    text: str
    name: str
    arguments: dict[str, Any]


def selected(sweep: Sweep, problems: Sequence[str], estimators: Sequence[str]) -> Sweep:
    """The sweep with those of its problems and estimators alone that are asked for.

    Their cells are those of the whole sweep: the same names, random numbers and results.

    Args:
        sweep: as its file has it.
        problems: each a name, `name[argument=value,…]` too; none is all.
        estimators: likewise.

    Raises:
        BadInput: one is not in the sweep.
    """
    return sweep.model_copy(
        update={
            "problem": chosen_of("problem", sweep.problem, problems, sweep.name),
            "estimator": chosen_of("estimator", sweep.estimator, estimators, sweep.name),
        }
    )


def chosen_of(kind: str, entries: list[Kind], texts: Sequence[str], sweep: str) -> list[Kind]:
    """The entries, one for each combination of arguments, that some text asks for."""
    if not texts:
        return entries
    wanted = [wanted_of(kind, text) for text in texts]
    single = list(one_by_one(kind, entries))
    chosen = [entry for entry in single if any(is_meant(kind, entry, each) for each in wanted)]
    for each in wanted:
        if not any(is_meant(kind, entry, each) for entry in single):
            known = list(dict.fromkeys(entry.label for entry in single))
            expected = instead(each.name, known, f"one of {', '.join(known)}")
            raise BadInput(
                f"{OPTIONS[kind]} {shown(each.text)}: sweep {sweep} has no such {kind}: {expected}"
            )
    return chosen


def wanted_of(kind: str, text: str) -> Wanted:
    """What a text of the command line asks for.

    Raises:
        BadInput: it is no name, or has an argument that the name does not.
    """
    try:
        name, arguments = NAMED[kind](text, {})
        known = defaults(look_up(kind, REGISTRIES[kind], name))
    except ValueError as error:
        raise BadInput(f"{OPTIONS[kind]} {shown(text)}: {error}") from error
    for key in arguments:
        if key not in known:
            expected = f"expected one of {', '.join(known)}{nearest(key, known)}"
            raise BadInput(f"{OPTIONS[kind]} {shown(text)}: unknown argument {key}: {expected}")
    return Wanted(text, name, arguments)


def one_by_one(kind: str, entries: Iterable[Kind]) -> Iterator[Kind]:
    """An entry for each name and combination of arguments, under the registered name."""
    for entry in entries:
        for text in entry.names:
            for combination in entry.combinations:
                name, arguments = NAMED[kind](text, combination)
                own = {key: getattr(entry, key) for key in type(entry).model_fields}
                yield type(entry)(**{**own, "name": name, **arguments})


def is_meant(kind: str, entry: Entry, wanted: Wanted) -> bool:
    """Whether an entry, of one name and one combination, is what is asked for."""
    if entry.names != [wanted.name]:
        return False
    usual = defaults(look_up(kind, REGISTRIES[kind], wanted.name))
    values = {**usual, **(entry.model_extra or {})}
    return all(values[key] == value for key, value in wanted.arguments.items())


def reset(sweep: Sweep, texts: Sequence[str]) -> Sweep:
    """The sweep with other values of its keys.

    Args:
        sweep: as its file has it.
        texts: each `key=value`, the value as a file has it; a list's may be without its brackets.

    Raises:
        BadInput: one is not written so, is no key of a sweep, or has a value that does not fit.
    """
    if not texts:
        return sweep
    keys = dict(map(assignment, texts))
    own = sweep.training.model_dump(exclude_none=True) if sweep.training else {}
    own |= {key.removeprefix(TRAINING): keys.pop(key) for key in [*keys] if is_of_training(key)}
    try:
        return override(sweep, **keys, training=own or None)
    except BadInput as error:  # which calls a key as an option of its own would be called
        raise BadInput(re.sub("^--(?!set)", "--set ", str(error), flags=re.MULTILINE)) from error


def assignment(text: str) -> tuple[str, Any]:
    """A key and its value.

    Raises:
        BadInput: it is not written so, or no such key.

    >>> assignment("samples=1,8")
    ('samples', [1, 8])
    """
    key, separator, value = (part.strip() for part in text.partition("="))
    known = [name for name in KEYS if name not in ("schema", "problem", "estimator", "training")]
    if not separator or not value:
        raise BadInput(f"--set {shown(text)}: expected key=value")
    if key not in known and not is_of_training(key):
        known = [*known, f"{TRAINING}steps"]
        expected = f"expected one of {', '.join(known)}{nearest(key, known)}"
        raise BadInput(f"--set {shown(text)}: unknown key {shown(key)}: {expected}")
    return key, value_of(key, value)


def is_of_training(key: str) -> bool:
    """Whether a key is one of the table [training]."""
    return key.startswith(TRAINING)


def value_of(key: str, text: str) -> Any:
    """A value as a file has it; one that is none there is a text."""
    is_list = key in LISTS or (is_of_training(key) and "," in text)
    listed = is_list and not text.startswith("[")
    try:
        return tomllib.loads(f"value = [{text}]" if listed else f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
