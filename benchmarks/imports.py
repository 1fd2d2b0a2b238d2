"""What a module is made of and what it imports, read from files alone: nothing is imported.

Two files are one code where their syntax trees are the same: comments, layout and docstrings do not
count.
"""

import ast
import functools
import hashlib
import sys
import sysconfig
from collections.abc import Callable, Iterable, Iterator
from importlib.machinery import EXTENSION_SUFFIXES
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

INSTALLED = {"site-packages", "dist-packages"}
"""Folders of what others wrote: their versions say what it is."""

STANDARD = Path(sysconfig.get_path("stdlib"))


class Import(NamedTuple):
    """One name that an import statement takes."""

    module: str
    """From which, by its full name."""
    name: str
    """What is taken; "" where that is the module itself."""
    bound: str
    """What it is called where it is taken."""


class Code(NamedTuple):
    """What a module's file says."""

    digest: str
    """Of its syntax tree, 16 hex digits."""
    imports: tuple[Import, ...]
    """By import statements anywhere in it, and by calls that name a module."""


class Module(NamedTuple):
    """A module, or a package, by its name below the folder that it is imported from."""

    root: Path
    name: str

    @property
    def top(self) -> str:
        """The first part of its name."""
        return self.name.partition(".")[0]

    @property
    def parents(self) -> "list[Module]":
        """The packages that it is in, which Python imports before it."""
        parts = self.name.split(".")
        names = [".".join(parts[:length]) for length in range(1, len(parts))]
        return [Module(self.root, name) for name in names]

    @property
    def file(self) -> Path | None:
        """Its file, or the `__init__.py` of a package; None where there is neither."""
        if self not in _files:
            path = self.root.joinpath(*self.name.split("."))
            names = [path.with_name(path.name + suffix) for suffix in (".py", *EXTENSION_SUFFIXES)]
            there = [file for file in (path / "__init__.py", *names) if file.is_file()]
            if not there:
                return None  # it may be written yet
            _files[self] = there[0]
        return _files[self]

    @property
    def is_installed(self) -> bool:
        """Whether it was installed, or comes with Python."""
        return bool(INSTALLED & set(self.root.parts)) or self.root.is_relative_to(STANDARD)

    @property
    def is_there(self) -> bool:
        """Whether it has a file, or is a folder without one, in which modules may be."""
        return self.file is not None or self.root.joinpath(*self.name.split(".")).is_dir()


_files: dict[Module, Path] = {}
"""Where modules were found: looking for one takes longer than reading it."""


class Seen(NamedTuple):
    """What a file said when it was read."""

    stamp: int
    """Another one where it may say something else by now."""
    spec: Any
    """Of the module that was imported from it; kept, so that no other has its id."""
    code: Code


_seen: dict[Path, Seen] = {}


def code_in(module: Module) -> Code:
    """What a module's file says; nothing where it has none.

    Of a module that has been imported, it is what the file said at first sight: edited since, it
    goes on to run as it was. Each file is read once.
    """
    file = module.file
    if file is None:
        return Code("", ())
    loaded = sys.modules.get(module.name)
    is_loaded = getattr(loaded, "__file__", None) == str(file)
    spec = getattr(loaded, "__spec__", None) if is_loaded else None
    if spec is None and not file.is_file():
        return Code("gone", ())
    stamp = file.stat().st_mtime_ns if spec is None else id(spec)
    seen = _seen.get(file)
    if seen is None or seen.stamp != stamp:
        seen = _seen[file] = Seen(stamp, spec, _read(module, file))
    return seen.code


def _read(module: Module, file: Path) -> Code:
    content = file.read_bytes()
    try:
        tree = ast.parse(content)
    except (SyntaxError, ValueError):  # it is compiled, or no Python
        return Code(hashlib.sha256(content).hexdigest()[:16], ())
    is_package = file.name == "__init__.py"
    package = module.name if is_package else module.name.rpartition(".")[0]
    imports = tuple(_imports(tree, package))
    for node in ast.walk(tree):
        if isinstance(body := getattr(node, "body", None), list):
            node.body = [each for each in body if not _does_nothing(each)]  # type: ignore[attr-defined]
    return Code(hashlib.sha256(ast.dump(tree).encode()).hexdigest()[:16], imports)


def _does_nothing(node: ast.AST) -> bool:
    """Whether a statement is `pass`, or a text alone, as docstrings are."""
    value = node.value if isinstance(node, ast.Expr) else None
    is_text = isinstance(value, ast.Constant) and isinstance(value.value, str)
    return is_text or isinstance(node, ast.Pass)


def _imports(tree: ast.AST, package: str) -> Iterator[Import]:
    """What the import statements in a tree take.

    Args:
        tree: of a module.
        package: that it is in, or is.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (Import(alias.name, "", alias.asname or "") for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            source = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                source = ".".join([*above, *filter(None, [source])])
            yield from (Import(source, a.name, a.asname or a.name) for a in node.names)
        if isinstance(node, ast.Call) and _called(node) in CALLED and node.args:
            name = node.args[0]
            if isinstance(name, ast.Constant) and isinstance(name.value, str):
                yield Import(name.value, "", "")


CALLED = {"import_module", "__import__"}
"""Functions that import the module that their first argument names."""


def _called(node: ast.Call) -> str:
    """The last part of the name of the function that is called."""
    return getattr(node.func, "attr", getattr(node.func, "id", ""))


def found(name: str, beside: Module) -> Module | None:
    """The module that an import statement means; None where it is none of the user's or of ours.

    Args:
        name: in the statement.
        beside: the module that the statement is in. Modules beside it come first.
    """
    top = name.partition(".")[0]
    if not name or top in sys.stdlib_module_names:
        return None
    near = Module(beside.root, name)
    may_be_beside = top != "gradest" and not beside.is_installed
    if (top == beside.top or may_be_beside) and near.is_there:
        return near
    try:
        spec = find_spec(top)
    except (ImportError, ValueError):  # a module without a record of where it is from
        return None
    if spec is None:
        return None
    inside = spec.submodule_search_locations
    folders = [spec.origin] if inside is None else list(inside)
    modules = [Module(Path(folder).parent, name) for folder in folders if folder]
    allowed = [far for far in modules if top == "gradest" or not far.is_installed]
    return next((far for far in allowed if far.is_there), None)


def module_at(file: Path) -> Module | None:
    """The module in a file, named as the folder above its packages has it; None without a file."""
    if not file.is_file():
        return None
    name = "" if file.name == "__init__.py" else file.name.partition(".")[0]
    root = file.parent
    while (root / "__init__.py").is_file():
        name = f"{root.name}.{name}".rstrip(".")
        root = root.parent
    return Module(root, name)


def definer(module: Module, name: str) -> Module:
    """The module that defines what `from module import name` takes.

    A package that takes it from elsewhere does not.
    """
    seen = set()
    while (module, name) not in seen:
        seen.add((module, name))
        inside = Module(module.root, f"{module.name}.{name}")
        if name and inside.is_there:
            return inside
        if module.file is not None and module.file.name == "__init__.py":
            taken = [each for each in code_in(module).imports if each.bound == name]
            sources = [(found(each.module, module), each.name) for each in taken]
            module, name = next(((m, n) for m, n in sources if m is not None), (module, name))
    return module


@functools.cache
def _led_to(module: Module, code: Code) -> frozenset[Module]:
    """The modules of which a module's import statements take something.

    A package of ours that a name is only taken through is none of them: it does nothing else.
    """
    led = set()
    for each in code.imports:
        source = found(each.module, module)
        if source is not None:
            led.add(definer(source, each.name))
            if source.top != "gradest":
                led.add(source)
    return frozenset(led)


def reached(start: Iterable[Module], counts: Callable[[Module], bool]) -> set[Module]:
    """The modules that modules run through: they themselves, and what they import.

    Args:
        start: where to begin.
        counts: whether an import of a module is followed.
    """
    seen: set[Module] = set()
    waiting = list(start)
    while waiting:
        module = waiting.pop()
        if module in seen or module.file is None:
            continue
        seen.add(module)
        waiting += filter(counts, _led_to(module, code_in(module)))
        if module.top != "gradest":  # ours do nothing but name what is in them
            waiting += module.parents
    return seen
