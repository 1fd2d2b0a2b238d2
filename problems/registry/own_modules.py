"""Classes of a user's own: `module:Class`, `package.module:Class` or `folder/file.py:Class`.

A module is looked for by its name, and the first one that is there wins:

1. the standard library, which no file of a user's hides;
2. a file or a package in the folder of the sweep, then one in the working folder;
3. wherever Python imports from, as installed distributions are.

So a user's problems.py is taken though a distribution that has a package `problems` is installed.
Where another module of the same name has been imported already, both stay, and the user's has
another name in `sys.modules`. A path is taken from the folder of the sweep, then from the working
folder.

While a user's module is imported, the modules beside it come before what is installed. Afterwards
its folder is the last on `sys.path`: what it imports later is there, and hides nothing.
"""

import ast
import hashlib
import importlib
import importlib.util
import inspect
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType

from gradest.problems.arguments import nearest
from gradest.problems.registry.own_faults import FAILURES, located, place_of
from gradest.problems.registry.own_folders import folders, hidden_file


class ImportFails(ValueError):
    """A user's module is there, and raised as it was imported: the fault of its classes alone."""


def own_class(kind: str, expected: type | tuple[type, ...], name: str) -> type:
    """The class that a user calls `name`, imported from where the user has it.

    Args:
        kind: "problem" or "estimator", with which errors begin.
        expected: what the class must derive from.
        name: `module:Class` or `file.py:Class`.

    Raises:
        ImportFails: the module raised something.
        ValueError: no such module or class (with the nearest), a module that ends the program, a
            class of another type.
    """
    source, _, class_name = name.rpartition(":")
    if not (class_name.isidentifier() and _is_well_formed(source)):
        raise ValueError(
            f"{kind} {name!r}: expected a module and a class, as in my_module:MyEstimator"
        )
    module = _imported(f"{kind} {name!r}", source)
    cls = getattr(module, class_name, None)
    if inspect.isclass(cls) and issubclass(cls, expected):
        return cls
    types = expected if isinstance(expected, tuple) else (expected,)
    wanted = " or ".join(each.__name__ for each in types)
    fault = f"it is no {wanted}"
    if cls is None:
        whose = ", which is the standard library's," if source in sys.stdlib_module_names else ""
        fault = f"module {source}{whose} has no {class_name}"
    taken = getattr(module, "__file__", None)
    hint = nearest(class_name, _classes(module, expected))
    if hidden := hidden_file(source, taken):
        where = taken or "Python itself"
        hint = f"; what was taken is in {where}, and hides {hidden}: write {hidden}:{class_name}"
    raise ValueError(f"{kind} {name!r}: {fault}: expected a subclass of {wanted}{hint}")


def _is_well_formed(source: str) -> bool:
    return source.endswith(".py") or all(part.isidentifier() for part in source.split("."))


def _classes(module: ModuleType, expected: type | tuple[type, ...]) -> list[str]:
    """The names of a module's classes that derive from what is expected."""
    members = inspect.getmembers(module, inspect.isclass)
    return [name for name, cls in members if issubclass(cls, expected)]


def classes_in(source: str) -> list[str] | None:
    """The classes in the file of a module in the user's folders, which is read and not run.

    Args:
        source: a module's name, or a path that ends in .py.

    Returns:
        Their names in order, those that begin with _ left out; None where there is no such file.
    """
    if not _is_well_formed(source):
        return None
    path = source if source.endswith(".py") else f"{source.replace('.', '/')}.py"
    try:
        files = [folder / path for folder in folders() if (folder / path).is_file()]
    except OSError:  # the name is longer than a file's may be
        return None
    if not files:
        return None
    try:
        body = ast.parse(files[0].read_bytes()).body
    except (SyntaxError, ValueError, OSError):
        return []
    return [n.name for n in body if isinstance(n, ast.ClassDef) and not n.name.startswith("_")]


def _imported(what: str, source: str) -> ModuleType:
    """The module that a user calls `source`; errors begin with `what`."""
    importlib.invalidate_caches()  # the file may have been written a moment ago
    load = _load_path if source.endswith(".py") else _load_name
    try:
        return load(source)
    except FAILURES as error:
        is_there = not (isinstance(error, ModuleNotFoundError) and _is_within(source, error.name))
        kind = ImportFails if is_there and isinstance(error, Exception) else ValueError
        raise kind(f"{what}: {_fault(source, error)}") from error


def _is_within(source: str, name: str | None) -> bool:
    """Whether a name is that of a module that a user asked for, or of a package that it is in."""
    return f"{source}.".startswith(f"{name}.")


def _fault(source: str, error: BaseException) -> str:
    """Why a module could not be imported, in a line: with its file and line, where it was found."""
    place = place_of(error)
    if not isinstance(error, ModuleNotFoundError):
        return f"module {source} fails: {located(error, place)}; expected one that can be imported"
    if not _is_within(source, error.name):
        where = f" ({place})" if place else ""
        return f"module {source} needs {error.name}, which is not there{where}"
    places = " or ".join(map(str, folders()))
    files = [path for folder in folders() for path in folder.glob("*.py")]
    if source.endswith(".py"):
        return f"no file {source} in {places}{nearest(source, [path.name for path in files])}"
    return (
        f"no module {source}: expected a file {source.replace('.', '/')}.py in {places}, or an "
        f"installed module{nearest(source, [path.stem for path in files])}"
    )


def _load_path(source: str) -> ModuleType:
    """The module in the file at a path."""
    for folder in folders():
        file = folder / source
        if file.is_file():
            return _load(file.stem, file, file.parent)
    raise ModuleNotFoundError(f"no file {source}", name=source)


def _load_name(source: str) -> ModuleType:
    """The module of a name: one in the user's folders, or else whatever Python finds."""
    top, _, rest = source.partition(".")
    for folder in folders():
        spec = _spec_in(folder, top)
        if spec is not None and spec.origin is not None:
            module = _load(top, Path(spec.origin), folder)
            if not rest:
                return module
            with _first(folder):
                return importlib.import_module(f"{module.__name__}.{rest}")
    for folder in folders():
        _append(folder)
    return importlib.import_module(source)


def _spec_in(folder: Path, name: str) -> ModuleSpec | None:
    """The module or package `name` in a folder; none that hides the standard library's."""
    if name in sys.stdlib_module_names:
        return None
    spec = PathFinder.find_spec(name, [str(folder)])
    if spec is None or spec.origin is None:  # a folder without __init__.py
        return None
    return spec


def _load(name: str, file: Path, folder: Path) -> ModuleType:
    """The module in a file, imported unless it has been.

    Args:
        name: what it is called in `sys.modules`, where no other module is.
        file: its own, or a package's `__init__.py`.
        folder: where the modules beside it are.
    """
    if _is_taken(name, file):
        name += "_" + hashlib.sha256(str(file.resolve()).encode()).hexdigest()[:8]
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        with _first(folder):
            spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    _append(folder)
    return module


def _is_taken(name: str, file: Path) -> bool:
    """Whether a name is that of another module than the one in a file."""
    if name not in sys.modules:
        return name in sys.stdlib_module_names
    known = getattr(sys.modules[name], "__file__", None)
    return known is None or Path(known).resolve() != file.resolve()


class _Beside(MetaPathFinder):
    """Finds the modules in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if path is not None:  # inside a package, which knows where its modules are
            return None
        return _spec_in(self.folder, fullname)


@contextmanager
def _first(folder: Path) -> Iterator[None]:
    """While it lasts, the modules in a folder come before what is installed."""
    finder = _Beside(folder)
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)


def _append(folder: Path) -> None:
    """The folder is where modules are looked for last."""
    if str(folder) not in sys.path:
        sys.path.append(str(folder))
