"""The house as its files say it: modules, what each imports, and on which floor each room stands.

A room is a folder with modules of ours. A module imports another where an import statement anywhere
in it says so. A room's floor is the longest chain of rooms under it.
"""

import ast
import functools
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
WINGS = ("problems", "estimators", "benchmarks", "gradest")
"""The top-level folders with modules of ours."""


def modules(root: Path = ROOT) -> list[Path]:
    """Every module of ours under `root`, without those that are seen through a link."""
    found = [path for wing in WINGS for path in sorted((root / wing).rglob("*.py"))]
    return [path for path in found if not through_a_link(path, root)]


def through_a_link(path: Path, root: Path) -> bool:
    """Whether a folder between `root` and the file is a symbolic link."""
    return any(folder.is_symlink() for folder in path.parents if folder.is_relative_to(root))


def room_of(path: Path, root: Path = ROOT) -> str:
    """The folder of a module; a wing's registry, its `__init__.py`, is a room of its own."""
    folder = path.relative_to(root).parent.as_posix()
    if path.name == "__init__.py" and folder in WINGS:
        return f"{folder}/__init__"
    return folder


def dotted(path: Path, root: Path = ROOT) -> str:
    """The name by which a module of ours is imported, without the leading `gradest.`."""
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


@functools.cache
def syntax(path: Path) -> ast.Module:
    """The module's syntax tree."""
    return ast.parse(path.read_text(encoding="utf-8"))


def imported(path: Path) -> Iterator[str]:
    """Each module that an import statement names, and each `module.name` that it takes from one."""
    for node in ast.walk(syntax(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def imports(root: Path = ROOT) -> dict[Path, set[Path]]:
    """For each module of ours, those of ours that it imports."""
    files = {dotted(path, root): path for path in modules(root)}
    return {path: imports_of(path, files) for path in files.values()}


def imports_of(path: Path, files: dict[str, Path]) -> set[Path]:
    """Those of `files` that one module imports."""
    names = {name.removeprefix("gradest.") for name in imported(path)}
    found = {files[name] for name in names & files.keys()}
    # `from package import module` takes the module, not what else the package holds
    packages = {files[name] for name in names & files.keys() if is_only_a_way(name, names, files)}
    return found - packages - {path}


def is_only_a_way(name: str, names: set[str], files: dict[str, Path]) -> bool:
    """Whether a package is named only on the way to modules in it."""
    if files[name].name != "__init__.py":
        return False
    inside = {other for other in names if other.rpartition(".")[0] == name}
    return bool(inside) and inside <= files.keys()


def rooms(root: Path = ROOT) -> dict[str, set[str]]:
    """For each room, the rooms that it imports from."""
    found: dict[str, set[str]] = {}
    for path, others in imports(root).items():
        room = room_of(path, root)
        found.setdefault(room, set()).update(room_of(other, root) for other in others)
    return {room: others - {room} for room, others in found.items()}


def floors(graph: dict[str, set[str]]) -> dict[str, int]:
    """The floor of each room: 0 where it imports from no other, else one above the highest of them.

    Raises:
        ValueError: rooms import one another in a circle.
    """
    found: dict[str, int] = {}
    while len(found) < len(graph):
        ready = [r for r in graph if r not in found and graph[r] <= found.keys()]
        if not ready:
            circle = sorted(graph.keys() - found.keys())
            raise ValueError(f"rooms import one another in a circle: {', '.join(circle)}")
        found |= {room: max((found[o] + 1 for o in graph[room]), default=0) for room in ready}
    return found


ROOMS_OF_RUNS = {
    "folders",
    "sweeps",
    "analysis",
    "plans",
    "figures",
    "drawing",
    "report",
    "cli",
}

FILES_OF_RUNS = [
    path
    for path in modules()
    if room_of(path).startswith("gradest")
    or path.parent.name
    in {"folders", "sweeps", "analysis", "plans", "figures", "drawing", "report", "cli"}
]
"""The modules that write or read what a results folder holds."""
