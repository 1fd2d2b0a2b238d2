"""A user's own modules, which travel with the orders for their classes.

They are looked for where they are here: on this machine, or on a file system that is shared. Where
they are not there, or say something else, the worker writes them into a folder of its own. What
travels is the modules that import statements name, below the folders where a user's files are
looked for; what was installed is to be installed where the workers are.
"""

import sys
import tempfile
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from gradest.benchmarks.imports import reached
from gradest.benchmarks.runtime.environment import classes_of, home_of, is_no_verb
from gradest.estimators.base import Estimator
from gradest.problems.base import Problem
from gradest.problems.registry.instances import Choice
from gradest.problems.registry.own_folders import folders, is_ours, search_in
from gradest.problems.registry.own_modules import own_class

KINDS: dict[str, type] = {"problem": Problem, "estimator": Estimator}


class OwnClass(NamedTuple):
    """One of a user's classes."""

    kind: str
    """"problem" or "estimator"."""
    name: str
    """As the sweep has it: `module:Class` or `file.py:Class`."""
    module: str
    """What its module is called in this process."""


class OwnFile(NamedTuple):
    """A file that a user's classes need."""

    folder: str
    """Where it is looked for."""
    path: str
    """Its own, from there."""
    content: bytes


class OwnModules(NamedTuple):
    """All that a worker needs to have a user's classes."""

    classes: tuple[OwnClass, ...] = ()
    files: tuple[OwnFile, ...] = ()


def own_modules(problems: dict[Choice, Any], estimators: dict[Choice, Any]) -> OwnModules:
    """The user's modules that problems and estimators come from; none where all are ours."""
    own = [
        (kind, choice.name, thing)
        for kind, things in (("problem", problems), ("estimator", estimators))
        for choice, thing in things.items()
        if not is_ours(type(thing))
    ]
    classes = dict.fromkeys(
        OwnClass(kind, name, type(thing).__module__) for kind, name, thing in own
    )
    return OwnModules(tuple(classes), tuple(files_of(thing for _, _, thing in own)))


def files_of(things: Iterable[Any]) -> list[OwnFile]:
    """The files of a user's that some objects' classes need, below the folders of a user's."""
    places = [folder.resolve() for folder in folders()]
    homes = {home_of(cls) for thing in things for cls in classes_of(thing)}
    start = [home for home in homes if home and home.top != "gradest" and not home.is_installed]
    found = []
    for module in sorted(reached(start, is_no_verb)):
        file = module.file
        if module.top == "gradest" or file is None:
            continue
        file = file.resolve()
        place = next((each for each in places if file.is_relative_to(each)), None)
        if place is not None:
            path = file.relative_to(place).as_posix()
            found.append(OwnFile(str(place), path, file.read_bytes()))
    return found


@cache
def have(modules: OwnModules) -> None:
    """From now on these classes are there, under the names that pickled objects know them by.

    Raises:
        ValueError: one cannot be imported.
    """
    if modules.classes:
        for place in reversed(places_of(modules.files)):
            search_in(place)
    for kind, name, module in modules.classes:
        cls = own_class(kind, KINDS[kind], name)
        sys.modules.setdefault(module, sys.modules[cls.__module__])


def places_of(files: Iterable[OwnFile]) -> list[Path]:
    """Folders with the files: theirs where all are there as they were sent, or new ones."""
    by_folder: dict[str, list[OwnFile]] = {}
    for file in files:
        by_folder.setdefault(file.folder, []).append(file)
    return [
        Path(folder) if all(is_there(file) for file in each) else written(each)
        for folder, each in by_folder.items()
    ]


def is_there(file: OwnFile) -> bool:
    """Whether a file is, on this machine too, where it was and what it was."""
    try:
        return Path(file.folder, file.path).read_bytes() == file.content
    except OSError:
        return False


def written(files: Iterable[OwnFile]) -> Path:
    """A folder with these files, which stays as long as the process."""
    folder = tempfile.TemporaryDirectory(prefix="gradest-")
    _folders.append(folder)
    for file in files:
        path = Path(folder.name, file.path)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.content)
    return Path(folder.name)


_folders: list[tempfile.TemporaryDirectory] = []
"""Of files that were sent; removed when the process ends."""
