"""The house rules that a machine can check."""

import ast
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MAY_IMPORT = {
    "problems": set(),
    "estimators": {"problems"},
    "benchmarks": {"problems", "estimators"},
}
FILES = [path for folder in MAY_IMPORT for path in sorted((ROOT / folder).rglob("*.py"))]
assert len(FILES) > 150


def imported(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            found.add(node.module)
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_run_one_way(path):
    folder = path.relative_to(ROOT).parts[0]
    names = [name.split(".") for name in imported(path)]
    assert {name[1] for name in names if name[0] == "gradest" and len(name) > 1} <= MAY_IMPORT[
        folder
    ] | {folder}
    assert not {name[0] for name in names} & {*MAY_IMPORT, "tests"}
    assert path.stem not in {"utils", "helpers", "common"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nameless_functions_are_registered(path):
    """A function called _ is only reached by what its decorator does with it."""
    functions = [
        node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)
    ]
    assert [f.lineno for f in functions if f.name == "_" and not f.decorator_list] == []


STATISTICS = ("moments", "intervals", "tails", "bias", "trends")


@pytest.mark.parametrize("name", STATISTICS)
def test_statistics_have_no_jax_in_them(name):
    """Nor anything of ours that has."""
    path = ROOT / "benchmarks" / "statistics" / f"{name}.py"
    assert not {name.split(".")[0] for name in imported(path)} & {
        "jax",
        "jaxlib",
        "equinox",
        "numpyro",
    }
    ours = {
        name.removeprefix("gradest.benchmarks.statistics.")
        for name in imported(path)
        if "gradest" in name
    }
    assert ours <= set(STATISTICS) | {"gradest.benchmarks.statistics"}


def test_packages_are_listed_and_the_lock_names_no_index():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert {path.name for path in (ROOT / "gradest").iterdir() if path.is_symlink()} == set(
        MAY_IMPORT
    )
    assert project["project"]["scripts"] == {"gradest": "gradest.benchmarks.cli.main:main"}
    lock = (ROOT / "requirements.lock").read_text()
    assert not re.search(r"https?://|--(extra-)?index|find-links", lock)
    pinned = set(re.findall(r"^([a-z0-9-]+)==", lock, flags=re.M))
    wanted = project["project"]["dependencies"] + project["project"]["optional-dependencies"]["dev"]
    assert {re.match("[a-z0-9-]+", line)[0] for line in wanted} <= pinned
