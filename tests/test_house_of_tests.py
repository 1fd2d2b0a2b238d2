"""The rules of the house that tests keep themselves."""

import ast
import re
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import jaxtyping
import pytest

from gradest.estimators.learning import Perceptron
from gradest.problems import problem
from tests.conftest import CHECKED
from tests.support.house import ROOT, imported

TESTS = ROOT / "tests"
FILES = sorted(TESTS.rglob("*.py"))
MODULES = [path for path in FILES if path.name.startswith("test_")]
FOLDERS = sorted({path.parent for path in MODULES} - {TESTS, TESTS / "extremes"})

MOST_LINES = 400
"""Of a test module: a few more than of the module that it tests."""


def name_of(path: Path) -> str:
    return str(path.relative_to(TESTS))


def test_there_are_tests():
    assert len(MODULES) > 70
    assert len(FOLDERS) > 18


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_no_import_of_a_test_module(path):
    """What several need lies in tests/support, or is a fixture of tests/conftest.py."""
    parts = {part for name in imported(path) for part in name.split(".")}
    assert not {part for part in parts if re.match("test_", part)}
    relative = [n for n in ast.walk(ast.parse(path.read_text())) if getattr(n, "level", 0)]
    assert not relative


@pytest.mark.parametrize("folder", FOLDERS, ids=name_of)
def test_folders_mirror_packages(folder):
    """Each has its __init__.py: two modules of one name in two folders are told apart by it."""
    assert (ROOT / folder.relative_to(TESTS) / "__init__.py").exists()
    assert (folder / "__init__.py").exists()


MIRRORS = [
    path for wing in ("estimators", "problems") for path in (TESTS / wing).rglob("test_*.py")
]


@pytest.mark.parametrize("path", MIRRORS, ids=name_of)
def test_modules_mirror_modules(path):
    """tests/estimators/pathwise/test_pathwise.py tests estimators/pathwise/pathwise.py."""
    name = path.name.removeprefix("test_")
    if name == "registry.py":
        name = "__init__.py"
    assert (ROOT / path.relative_to(TESTS).parent / name).exists()


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_no_long_modules(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MOST_LINES


def test_wrong_shapes_are_refused_in_problems():
    """A single x is no batch of L."""
    toy = problem("gaussian_cosine")
    params = toy.init_params(jax.random.key(0))
    with pytest.raises(jaxtyping.TypeCheckError, match=r"Problem\.objectives"):
        toy.objectives(params, jnp.zeros(()))


def test_wrong_types_are_refused_in_estimators():
    """Whole numbers are no floats."""
    network = Perceptron(jax.random.key(0), 3, 4)
    with pytest.raises(jaxtyping.TypeCheckError, match=r"Perceptron\.__call__"):
        network(jnp.ones((2, 3), int))


def test_all_modules_are_checked():
    """Also through the links by which gradest/ holds the packages."""
    loaders = {
        name: type(module.__spec__.loader).__module__
        for name, module in sys.modules.items()
        if name.startswith(CHECKED)
    }
    assert len(loaders) > 50
    assert set(loaders.values()) == {jaxtyping.install_import_hook.__module__}
