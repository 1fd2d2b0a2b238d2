"""A user's modules travel with the orders for their classes."""

import subprocess
import sys

import pytest

from gradest.benchmarks.distributing.orders import packed
from gradest.benchmarks.distributing.own_modules import own_modules, places_of
from gradest.benchmarks.sweeps.plan import resolve
from gradest.benchmarks.sweeps.schema import load_sweep
from tests.support.workers import FEW

MINE = """
from beside_it import shift
from gradest.estimators.pathwise import Pathwise

class Mine(Pathwise):
    def estimate(self, problem, params, state, key, num_samples):
        return super().estimate(problem, params, state, shift(key), num_samples)
"""

ELSEWHERE = """
import pickle, sys
from gradest.benchmarks.distributing.own_modules import have
modules, content = pickle.load(sys.stdin.buffer)
have(modules)
print(type(pickle.loads(content)).__name__)
"""


@pytest.fixture
def plan(tmp_path):
    (tmp_path / "mine_here.py").write_text(MINE)
    (tmp_path / "beside_it.py").write_text("def shift(key):\n    return key\n")
    (tmp_path / "unrelated.py").write_text("1 / 0")
    text = FEW.replace('name = "pathwise"', 'name = "mine_here.py:Mine"')
    (tmp_path / "few.toml").write_text(text)
    yield resolve(load_sweep(str(tmp_path / "few.toml")))
    for name in ("mine_here", "beside_it"):
        sys.modules.pop(name, None)


def test_what_import_statements_name_below_the_sweeps_folder_travels(plan, tmp_path):
    modules = own_modules(plan.problems, plan.estimators)
    assert [each.name for each in modules.classes] == ["mine_here.py:Mine"]
    assert {each.path for each in modules.files} == {"mine_here.py", "beside_it.py"}
    assert {each.folder for each in modules.files} == {str(tmp_path.resolve())}


def test_ours_do_not_travel():
    plan = resolve(load_sweep("quick"))
    assert own_modules(plan.problems, plan.estimators) == ((), ())


def test_files_are_taken_where_they_lie_or_written_anew_where_they_differ(plan, tmp_path):
    modules = own_modules(plan.problems, plan.estimators)
    assert places_of(modules.files) == [tmp_path.resolve()]
    (tmp_path / "beside_it.py").write_text("edited = True")
    (place,) = places_of(modules.files)
    assert place != tmp_path.resolve()
    assert "def shift" in (place / "beside_it.py").read_text()
    assert (place / "mine_here.py").read_text() == MINE


@pytest.mark.slow
def test_another_process_without_the_files_reads_an_instance(plan, tmp_path):
    modules = own_modules(plan.problems, plan.estimators)
    mine = next(e for choice, e in plan.estimators.items() if ":" in choice.name)
    sent = packed((modules, packed(mine)))
    for file in tmp_path.glob("*.py"):
        file.unlink()
    done = subprocess.run(
        [sys.executable, "-c", ELSEWHERE], input=sent, capture_output=True, check=False
    )
    assert done.stdout.split() == [b"Mine"], done.stderr.decode()
