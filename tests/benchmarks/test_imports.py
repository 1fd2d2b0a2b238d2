"""What a module is made of and what it imports, from files that are written here."""

import sys

import pytest

from gradest.benchmarks.imports import Module, code_in, definer, module_at, reached
from gradest.benchmarks.runtime.source_code import package_root

FIRST = """
import numpy as np
import helper
from beside import parts as p
from beside.deep import thing

def f(x):
    return 2.0 * np.sum(x)
"""

SAME = """
'''Another docstring.'''
import numpy as np
import helper  # a comment
from beside import parts as p
from beside.deep import thing

def f(x):
    '''Says what it does.'''

    return (2.0
            * np.sum(x))
"""

FILES = {
    "first.py": FIRST,
    "helper.py": "import other\n",
    "other.py": "def g():\n    import lazy\n",
    "lazy.py": "import json, os.path\n",
    "unused.py": "",
    "beside/__init__.py": "from beside.far import number\n",
    "beside/parts.py": "from . import siblings\nfrom .deep import inside\n",
    "beside/siblings.py": "from .. import nothing\n",
    "beside/far.py": "number = 1\n",
    "beside/deep/__init__.py": "from .inside import thing\n",
    "beside/deep/inside.py": "from ..far import number\n",
}


@pytest.fixture
def folder(tmp_path):
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def digest(folder, name="first"):
    return code_in(Module(folder, name)).digest


def test_comments_layout_and_docstrings_are_no_code(folder):
    before = digest(folder)
    (folder / "same.py").write_text(SAME)
    assert digest(folder, "same") == before
    (folder / "edited.py").write_text(FIRST.replace("2.0", "3.0"))
    assert digest(folder, "edited") != before


def test_an_edited_file_is_read_again(folder):
    before = digest(folder)
    (folder / "first.py").write_text(FIRST + "more = 1\n")
    edited = digest(folder)
    assert edited != before
    (folder / "first.py").unlink()
    assert digest(folder) not in (before, edited)


def test_an_imported_module_is_what_it_was_when_its_file_is_edited(folder, monkeypatch):
    """Until it is imported again: what was imported is what runs."""
    monkeypatch.syspath_prepend(folder)
    monkeypatch.delitem(sys.modules, "unused", raising=False)
    __import__("unused")
    before = digest(folder, "unused")
    (folder / "unused.py").write_text("edited = True\n")
    assert digest(folder, "unused") == before
    del sys.modules["unused"]
    __import__("unused")
    assert digest(folder, "unused") != before


def test_every_module_of_a_users_that_is_imported_is_reached(folder):
    """Directly or not, in a function, from a package or relative to one; and no other's."""
    found = reached([Module(folder, "first")], lambda module: True)
    assert {module.name for module in found} == {
        "first",
        "helper",
        "other",
        "lazy",
        "beside",
        "beside.parts",
        "beside.siblings",
        "beside.far",
        "beside.deep",
        "beside.deep.inside",
    }


def test_a_file_that_is_no_python_is_its_bytes(folder):
    (folder / "broken.py").write_text("def f(:")
    before = digest(folder, "broken")
    (folder / "broken.py").write_text("def g(: 1")
    assert digest(folder, "broken") not in (before, "")


def test_a_module_is_named_below_its_packages(folder):
    assert module_at(folder / "first.py") == Module(folder, "first")
    assert module_at(folder / "beside" / "deep" / "inside.py") == Module(
        folder, "beside.deep.inside"
    )
    assert module_at(folder / "beside" / "__init__.py") == Module(folder, "beside")
    assert module_at(folder / "missing.py") is None


@pytest.mark.parametrize(
    ("package", "name", "home"),
    [
        ("gradest.problems", "Problem", "gradest.problems.base"),
        ("gradest.estimators.sampling", "base", "gradest.problems.distributions.coordinates"),
        ("gradest.benchmarks.statistics", "tails", "gradest.benchmarks.statistics.tails"),
        ("gradest.estimators", "estimator", "gradest.estimators"),
        ("gradest", "estimator", "gradest.estimators"),
    ],
)
def test_a_name_is_followed_to_the_module_that_defines_it(package, name, home):
    root = package_root().parent
    assert definer(Module(root, package), name) == Module(root, home)


def test_names_that_lead_in_a_circle_end_somewhere(tmp_path):
    for here, there in (("a", "b"), ("b", "a")):
        (tmp_path / here).mkdir()
        (tmp_path / here / "__init__.py").write_text(f"from {there} import name\n")
    assert definer(Module(tmp_path, "a"), "name").name in "ab"


def test_a_call_that_names_a_module_imports_it(tmp_path):
    (tmp_path / "other.py").write_text("SCALE = 1\n")
    (tmp_path / "mine.py").write_text("import importlib\nimportlib.import_module('other')\n")
    mine = Module(tmp_path, "mine")
    assert reached([mine], lambda _: True) == {mine, Module(tmp_path, "other")}
