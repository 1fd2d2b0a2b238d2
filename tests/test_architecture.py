"""The house rules that a machine can check."""

import ast
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MAY_IMPORT = {"problems": set(), "estimators": {"problems"}, "benchmarks": {"problems", "estimators"}}
FILES = [path for folder in MAY_IMPORT for path in sorted((ROOT / folder).glob("*.py"))]


def imported(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        names = [node.module] if isinstance(node, ast.ImportFrom) else [a.name for a in getattr(node, "names", [])]
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            found |= {name.split(".")[0] for name in names if name}
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_imports_run_one_way(path):
    folder = path.parent.name
    assert imported(path) & set(MAY_IMPORT) <= MAY_IMPORT[folder] | {folder}
    assert path.stem not in {"utils", "helpers", "common"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_nameless_functions_are_registered(path):
    """A function called _ is only reached by what its decorator does with it."""
    functions = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)]
    assert [f.lineno for f in functions if f.name == "_" and not f.decorator_list] == []


STATISTICS = ("moments", "statistics", "tails", "bias", "trends")


@pytest.mark.parametrize("name", STATISTICS)
def test_statistics_have_no_jax_in_them(name):
    """Nor anything of ours that has."""
    path = ROOT / "benchmarks" / f"{name}.py"
    assert not imported(path) & {"jax", "jaxlib", "equinox", "numpyro", "problems", "estimators"}
    ours = re.findall(r"^from benchmarks\.(\w+) import", path.read_text(), flags=re.M)
    assert set(ours) <= set(STATISTICS)


def test_packages_are_listed_and_the_lock_names_no_index():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert project["tool"]["setuptools"]["packages"] == list(MAY_IMPORT)
    assert project["project"]["scripts"] == {"gradvar": "benchmarks.cli:main"}
    lock = (ROOT / "requirements.lock").read_text()
    assert not re.search(r"https?://|--(extra-)?index|find-links", lock)
    pinned = set(re.findall(r"^([a-z0-9-]+)==", lock, flags=re.M))
    wanted = project["project"]["dependencies"] + project["project"]["optional-dependencies"]["dev"]
    assert {re.match("[a-z0-9-]+", line)[0] for line in wanted} <= pinned
