"""Users' own classes by name: which module is taken where several have it, and what it imports."""

import importlib
import pickle
import sys
import traceback
from pathlib import Path

import pandas as pd
import pytest

from gradest.benchmarks.checks.check import own_problems
from gradest.benchmarks.sweeps.plan import resolve
from gradest.benchmarks.sweeps.schema import load_sweep
from gradest.estimators import Estimator
from gradest.problems import PROBLEMS, Problem, problem
from gradest.problems.registry import own_folders
from gradest.problems.registry.lookup import build
from gradest.problems.registry.own_faults import fault_of, is_of_a_user
from gradest.problems.registry.own_folders import search_in
from gradest.problems.registry.own_modules import own_class
from gradest.problems.toys.gaussian import GaussianSquare
from tests.support.sweeps import GOOD_SWEEP

OWN = """
from gradest.problems.toys.gaussian import GaussianSquare

class {name}(GaussianSquare):
    pass
"""

ESTIMATOR = """
from gradest.estimators.pathwise.pathwise import Pathwise

class Estimator(Pathwise):
    pass
"""


@pytest.fixture(autouse=True)
def restored(monkeypatch, tmp_path):
    """What an import of a user's module changes in the process is taken back."""
    monkeypatch.setattr(sys, "path", sys.path.copy())
    monkeypatch.setattr(sys, "meta_path", sys.meta_path.copy())
    monkeypatch.setattr(own_folders, "_sweep_folders", [])
    before = sys.modules.copy()
    yield
    for name in sys.modules.keys() - before.keys():
        if str(getattr(sys.modules[name], "__file__", None)).startswith(str(tmp_path)):
            del sys.modules[name]
    sys.modules.update(before)


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """An empty working folder."""
    working = tmp_path / "working"
    working.mkdir()
    monkeypatch.chdir(working)
    return working


@pytest.fixture
def installed(tmp_path, monkeypatch) -> Path:
    """A folder that Python imports from, before all others."""
    packages = tmp_path / "installed"
    packages.mkdir()
    monkeypatch.syspath_prepend(str(packages))
    return packages


def write(path: Path, name: str = "Mine", more: str = "") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(OWN.format(name=name) + more)


def get(name: str) -> type:
    return own_class("problem", Problem, name)


def file_of(cls: type) -> Path:
    return Path(sys.modules[cls.__module__].__file__)


def test_files_before_installed_packages(folder, installed):
    """A file in the working folder wins over an installed package of its name."""
    write(folder / "problems.py")
    write(installed / "problems" / "__init__.py")
    assert file_of(get("problems:Mine")) == folder / "problems.py"


def test_packages_before_installed_ones(folder, installed):
    """One in the working folder wins."""
    write(folder / "benchmarks" / "__init__.py", "Base")
    (folder / "benchmarks" / "toys.py").write_text(
        "from . import Base\n\nclass Mine(Base):\n    pass\n"
    )
    write(installed / "benchmarks" / "toys.py")
    write(installed / "benchmarks" / "__init__.py")
    assert file_of(get("benchmarks.toys:Mine")) == folder / "benchmarks" / "toys.py"
    assert get("benchmarks:Base") in get("benchmarks.toys:Mine").__bases__


def test_both_stay_imported(folder, installed):
    """Where the installed one was imported before ours."""
    write(folder / "problems.py")
    write(installed / "problems" / "__init__.py")
    theirs = importlib.import_module("problems")
    ours = sys.modules["gradest.problems"]
    mine = get("problems:Mine")
    assert file_of(mine) == folder / "problems.py"
    assert sys.modules["problems"] is theirs
    assert sys.modules["gradest.problems"] is ours
    assert get("problems:Mine") is mine
    assert type(pickle.loads(pickle.dumps(mine(k=2.0)))) is mine


def test_a_package_whose_name_is_taken(folder, installed):
    """A module in it is imported, with what it imports from its package."""
    write(folder / "toys" / "__init__.py")
    write(folder / "toys" / "small.py", more="from .other import VALUE\n")
    (folder / "toys" / "other.py").write_text("VALUE = 3\n")
    write(installed / "toys.py")
    importlib.import_module("toys")
    mine = get("toys.small:Mine")
    assert file_of(mine) == folder / "toys" / "small.py"
    assert sys.modules[mine.__module__].VALUE == 3


def test_an_installed_module(folder, installed):
    """It is taken where no file has its name."""
    write(installed / "theirs.py")
    assert file_of(get("theirs:Mine")) == installed / "theirs.py"


def test_the_standard_library(folder):
    """It is not hidden, except by paths."""
    standard = importlib.import_module("random")
    write(folder / "random.py")
    write(folder / "colorsys.py", "Shade")
    write(folder / "mine.py", more="import colorsys\n")
    with pytest.raises(ValueError, match="random, which is the standard library's, has no Mine"):
        get("random:Mine")
    assert file_of(get("random.py:Mine")) == folder / "random.py"
    assert file_of(get("colorsys.py:Shade")) == folder / "colorsys.py"
    assert sys.modules["random"] is standard
    module = sys.modules[get("mine:Mine").__module__]
    assert hasattr(module.colorsys, "rgb_to_hsv")


def test_modules_beside_it(folder, installed):
    """They come first while it is imported, and last from then on."""
    write(folder / "mine.py", more="import beside\n\ndef later():\n    import further, sole\n")
    for name in ("beside", "further"):
        (folder / f"{name}.py").write_text("WHERE = 'working'\n")
        (installed / f"{name}.py").write_text("WHERE = 'installed'\n")
    (folder / "sole.py").write_text("")
    module = sys.modules[get("mine:Mine").__module__]
    assert module.beside.WHERE == "working"
    module.later()
    assert sys.modules["further"].WHERE == "installed"
    assert sys.path[-1] == str(folder)
    assert [type(finder).__name__ for finder in sys.meta_path].count("_Beside") == 0


def test_a_folder_that_is_no_package(folder, installed):
    """It hides nothing."""
    write(folder / "data" / "mine.py", "Here")
    write(installed / "data" / "__init__.py", "There")
    assert file_of(get("data:There")) == installed / "data" / "__init__.py"
    write(folder / "loose" / "mine.py", "Here")
    assert file_of(get("loose.mine:Here")) == folder / "loose" / "mine.py"


def test_a_path_is_that_of_a_file(folder):
    write(folder / "greedy.py", "Above")
    write(folder / "sub" / "greedy.py", "Below", "import beside\n")
    (folder / "sub" / "beside.py").write_text("")
    below = get("sub/greedy.py:Below")
    assert file_of(below) == folder / "sub" / "greedy.py"
    assert file_of(get("greedy.py:Above")) == folder / "greedy.py"
    assert get("greedy:Above") is get("greedy.py:Above") is get(f"{folder}/greedy.py:Above")
    assert get("sub/greedy.py:Below") is below
    for name in ("greedy:Above", "sub/greedy.py:Below"):
        instance = build("problem", PROBLEMS, name, {"k": 2.0})
        assert type(pickle.loads(pickle.dumps(instance))) is type(instance)


def test_a_problem_beside_an_estimator(folder):
    """It is the one in the same file."""
    write(folder / "greedy.py")
    write(folder / "sub" / "greedy.py", more=ESTIMATOR)
    cls = own_class("estimator", Estimator, "sub/greedy.py:Estimator")
    (beside,) = own_problems(cls).values()
    assert file_of(type(beside)) == folder / "sub" / "greedy.py"


def test_the_sweeps_folder_comes_first(folder):
    """Before the working folder."""
    write(folder / "mine.py", "Here")
    write(folder / "below" / "mine.py", "There")
    entry = '\n[[problem]]\nname = "mine:There"\n\n[[problem]]\nname = "mine.py:There"\n'
    (folder / "below" / "sweep.toml").write_text(GOOD_SWEEP + entry)
    plan = resolve(load_sweep("below/sweep.toml"))
    own = [built for choice, built in plan.problems.items() if ":" in choice.name]
    assert [file_of(type(each)) for each in own] == [folder / "below" / "mine.py"] * 2


def test_the_latest_sweep_comes_first(folder, tmp_path):
    for name in ("first", "second"):
        write(tmp_path / name / "mine.py", name.title())
        search_in(tmp_path / name)
    assert file_of(get("mine:Second")) == tmp_path / "second" / "mine.py"
    search_in(tmp_path / "first")
    assert file_of(get("mine:First")) == tmp_path / "first" / "mine.py"


def test_ours_are_not_hidden(folder):
    """Not by files of their names."""
    write(folder / "problems.py")
    write(folder / "gradest.py")
    assert issubclass(get("problems:Mine"), GaussianSquare)
    assert issubclass(get("gradest:Mine"), GaussianSquare)
    assert importlib.import_module("gradest.problems").problem is problem


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "greedi.py:Mine",
            "problem 'greedi.py:Mine': no file greedi.py in .*; did you mean greedy.py",
        ),
        ("sub/greedy.py:Mine", "no file sub/greedy.py in "),
        (
            "greedi:Mine",
            r"no module greedi: expected a file greedi.py in .*; did you mean greedy\?",
        ),
        (
            "greedy.py:Min",
            r"module greedy.py has no Min: expected a subclass of Problem; did .* Mine",
        ),
        ("greedy.py:Number", "greedy.py:Number': it is no Problem: expected a subclass of Problem"),
        ("greedy.py:", "expected a module and a class, as in my_module:MyEstimator"),
        ("a b:Mine", "expected a module and a class, as in my_module:MyEstimator"),
        (
            "fails:Mine",
            "module fails fails: fails.py:6: ZeroDivisionError: division by zero; expected",
        ),
        ("fails.py:Mine", "module fails.py fails: fails.py:6: ZeroDivisionError: division by zero"),
        ("needs:Mine", "module needs needs a_missing_module, which is not there \\(needs.py:6\\)"),
    ],
)
def test_errors(folder, name, message):
    """What cannot be taken is said in a line."""
    write(folder / "greedy.py", more="class Number:\n    pass\n")
    write(folder / "fails.py", more="1 / 0\n")
    write(folder / "needs.py", more="import a_missing_module\n")
    with pytest.raises(ValueError, match=message):
        get(name)
    assert "fails" not in sys.modules


def test_a_mended_module(folder):
    """It is imported, though it failed before."""
    write(folder / "mine.py", more="1 / 0\n")
    with pytest.raises(ValueError, match="fails"):
        get("mine:Mine")
    write(folder / "mine.py")
    assert file_of(get("mine:Mine")) == folder / "mine.py"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "random:Mine",
            r"module random, which is the standard library's, has no Mine: expected .*; what was "
            r"taken is in .*random.py, and hides random.py: write random.py:Mine$",
        ),
        ("time:Mine", "what was taken is in Python itself, and hides time.py: write time.py:Mine$"),
        ("both:Mine", "taken is in .*both/__init__.py, and hides both.py: write both.py:Mine$"),
        (
            "asks:Mine",
            r"module asks fails: asks.py:6: ImportError: cannot import name 'Mine' from 'random' "
            r"\(.*random.py\): that hides random.py, which needs another name; expected",
        ),
        (
            "leads:Mine",
            r"module leads fails: helps.py:7: AttributeError: module 'random' has no attribute "
            r"'Mine': that hides random.py, which needs another name; expected",
        ),
    ],
)
def test_a_hidden_file_is_said_to_be(folder, name, message):
    for hidden in ("random", "time", "both"):
        write(folder / f"{hidden}.py")
    write(folder / "both" / "__init__.py", name="Other")
    write(folder / "asks.py", more="from random import Mine\n")
    write(folder / "leads.py", more="import helps\n")
    write(folder / "helps.py", more="import random\nrandom.Mine\n")
    with pytest.raises(ValueError, match=message):
        get(name)
    for hidden in ("random", "time", "both"):
        assert file_of(get(f"{hidden}.py:Mine")) == folder / f"{hidden}.py"


def test_a_hidden_file_is_said_to_be_where_a_class_runs(folder):
    """It is imported, and what it lacks is only asked for later."""
    write(folder / "random.py")
    write(folder / "helps.py", more="import random\ndef shade():\n    return random.Mine\n")
    write(folder / "late.py", more="import helps\n")
    module = sys.modules[get("late:Mine").__module__]
    with pytest.raises(AttributeError) as raised:
        module.helps.shade()
    assert fault_of(raised.value, get("late:Mine")).endswith(
        "has no attribute 'Mine': that hides random.py, which needs another name"
    )


@pytest.mark.parametrize("name", ["leaves:Mine", "leaves.py:Mine"])
def test_a_module_that_exits_is_an_error(run_command, tmp_path, name):
    write(tmp_path / "leaves.py", more="import sys\nsys.exit(0)\n")
    with pytest.raises(ValueError, match=r"fails: leaves\.py:7: SystemExit: 0: leave out sys.exit"):
        get(name)
    (tmp_path / "leaves.toml").write_text(GOOD_SWEEP + f'[[problem]]\nname = "{name}"\n')
    for words in (("check", name), ("plan", "leaves.toml"), ("run", "leaves.toml")):
        status, out, err = run_command(*words)
        assert (status, out) == (2, "")
        assert "leaves.py:7: SystemExit: 0" in err


def test_what_an_extension_module_raises_is_nobodys_line():
    """pandas names the file that it was compiled from, by a path of its makers'."""
    with pytest.raises(TypeError) as caught:
        bool(pd.NA)
    innermost = traceback.extract_tb(caught.value.__traceback__)[-1].filename
    assert innermost.endswith(".pyx")
    assert not is_of_a_user(innermost)
