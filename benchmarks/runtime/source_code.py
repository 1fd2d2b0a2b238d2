"""Our own code: where it lies, its version and commit, and which files a module runs through.

Nothing here imports JAX.
"""

import ast
import subprocess
from collections.abc import Iterator
from importlib import metadata
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

from gradest.benchmarks.errors import BadInput


def package_root() -> Path:
    """The folder of the package `gradest`, wherever Python imports it from.

    In a checkout it holds links to problems/, estimators/ and benchmarks/ beside it, in an
    installed wheel these folders themselves.
    """
    return Path(str(files("gradest")))


def installed_version() -> str:
    """The version of gradest, as its installation records it.

    Raises:
        BadInput: gradest runs from a copy that was never installed.
    """
    try:
        return metadata.version("gradest")
    except metadata.PackageNotFoundError as error:
        raise BadInput(
            "gradest is not installed: run `pip install -e .` or `make setup` in its folder first"
        ) from error


def git_state() -> dict[str, str | bool | None]:
    """The commit of the code that runs, and whether it has been changed since.

    Both are None where the code is under no version control: an installed wheel may lie inside
    somebody's repository without being part of it.
    """
    if git("ls-files", "--error-unmatch", "--", "__init__.py") is None:
        return {"commit": None, "dirty": None}
    linked = [str(path.resolve()) for path in package_root().iterdir() if path.is_symlink()]
    changed = git("status", "--porcelain", "--untracked-files=no", "--", ".", *linked)
    return {
        "commit": git("rev-parse", "HEAD"),
        "dirty": None if changed is None else bool(changed),
    }


def git(*words: str) -> str | None:
    """What a git command prints, run in the package's folder; None where it fails."""
    try:
        done = subprocess.run(
            ["git", *words], cwd=package_root(), capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()


def package_files(package: str) -> list[Path]:
    """Every module in a package, whether or not it has been imported.

    Raises:
        ValueError: there is none beside the package itself.
    """
    init = file_of(package)
    modules = sorted(init.parent.rglob("*.py"))
    if len(modules) < 2:
        raise ValueError(f"{package}: expected modules in {init.parent}, found none")
    return modules


def reached(module: str, within: str = "gradest.benchmarks") -> set[str]:
    """The modules that a module imports, directly or not, and itself.

    Args:
        module: its full name.
        within: the package outside which no import is followed.
    """
    seen: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            inside = [other for other in imported(name) if other.startswith(f"{within}.")]
            waiting += filter(is_module, inside)
    return seen


def imported(module: str) -> Iterator[str]:
    """What the import statements anywhere in a module name: modules, and `module.name` each."""
    for node in ast.walk(ast.parse(file_of(module).read_bytes())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def is_module(name: str) -> bool:
    """Whether a dotted name is a module's, and not that of something in a module."""
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:  # what it would be in is no package
        return False


def file_of(module: str) -> Path:
    """The file that a module is read from.

    Raises:
        ValueError: there is no such module, or it has no file.
    """
    spec = find_spec(module)
    if spec is None or spec.origin is None:
        raise ValueError(f"module {module}: expected one that is read from a file")
    return Path(spec.origin)
