"""What a new user tried behaves: measured, or failed with what to write, and nothing in silence."""

import json
import shutil
import sys

import pandas as pd
import pytest

import gradest
from gradest.problems import Problem
from gradest.problems.registry import own_folders
from gradest.problems.registry.own_modules import own_class
from tests.support.house import ROOT

EXAMPLES = ROOT / "tests" / "support" / "examples"


@pytest.fixture
def run(tmp_path, monkeypatch, run_command):
    """Runs a sweep of the examples: its status, its cells, and what was said."""
    monkeypatch.setattr(sys, "path", sys.path.copy())
    monkeypatch.setattr(own_folders, "_sweep_folders", [])
    before = set(sys.modules)
    shutil.copytree(EXAMPLES, tmp_path, dirs_exist_ok=True)

    def call(sweep: str):
        status, out, err = run_command("run", sweep, "--json")
        folder = json.loads(out)["folder"]
        return status, pd.read_csv(tmp_path / folder / "measurements.csv"), err

    yield call
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", None)).startswith(str(tmp_path)):
            del sys.modules[name]


def test_a_numpy_constant_is_cast(run):
    status, cells, _ = run("mc64.toml")
    assert status == 0
    assert set(cells.status) <= {"ok", "unreliable"}


@pytest.mark.slow
def test_ones_own_estimator_is_measured_on_ones_own_problem(run):
    status, cells, err = run("my_sweep.toml")
    own = cells[cells.estimator == "greedy:SelfCritical"]
    assert status == 0
    assert set(own.problem) == {"maxcut:MaxCut", "bernoulli_square"}
    assert set(own.status) <= {"ok", "unreliable"}
    assert "measured nowhere" not in err


@pytest.mark.slow
@pytest.mark.parametrize("sweep", ["pol.toml", "pss.toml"])
def test_a_policy_is_measured_by_all(run, sweep):
    status, cells, _ = run(sweep)
    assert status == 0
    measured = cells[cells.status != "skipped"]
    assert len(set(measured.estimator)) == 4
    assert set(measured.status) <= {"ok", "unreliable"}


@pytest.mark.slow
def test_four_estimators_at_two_numbers_of_samples(run):
    """mine.py: what was a script of 18 lines."""
    policy = own_class("problem", Problem, "pol_scalar_scale:Policy")
    names = ["score_function", "pathwise", "measure_valued", "spsa"]
    measured = gradest.measure(policy, names, samples=(2, 16), replicates=40)
    assert len(measured.frame) == 8
    assert (measured.frame.variance > 0).all()
