"""What a user's module and its methods print is never among the data on stdout."""

import json
import sys

import pytest

from gradest.benchmarks.cli.main import main
from gradest.benchmarks.cli.output import emit
from gradest.benchmarks.runtime.processes import data_alone

LOUD = """
import os

import jax

from gradest.estimators.pathwise.pathwise import Pathwise

print("at import")
os.write(1, b"by the descriptor\\n")
os.system("echo by a process")


class Loud(Pathwise):
    def surrogate(self, problem, params, state, key, num_samples):
        print("while traced")
        jax.debug.print("while run {}", num_samples)
        return super().surrogate(problem, params, state, key, num_samples)
"""
SAID = ["at import", "by the descriptor", "by a process", "while traced", "while run 2"]

SWEEP = """
schema = 1
name = "loud"
replicates = 40
samples = [2]
[[problem]]
name = "gaussian_square"
[[estimator]]
name = "loud:Loud"
"""


@pytest.fixture
def run(tmp_path, monkeypatch, capfd):
    """Runs a command beside loud.py: the status, what was on stdout, as JSON, and stderr."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", sys.path.copy())
    (tmp_path / "loud.py").write_text(LOUD)
    (tmp_path / "loud.toml").write_text(SWEEP)

    def call(*words):
        sys.modules.pop("loud", None)
        with pytest.raises(SystemExit) as ended:
            main([*words, "--json"])
        out, err = capfd.readouterr()
        return ended.value.code, json.loads(out), err

    yield call
    sys.modules.pop("loud", None)


def test_what_a_class_prints_is_on_stderr(run):
    status, plan, err = run("plan", "loud.toml")
    assert (status, plan["draws"]) == (0, 80)
    assert [line for line in SAID[:3] if line not in err] == []
    status, summary, err = run("run", "loud.toml")
    assert (status, summary["cells"]["failed"]) == (0, 0)
    assert [line for line in SAID if line not in err] == []


@pytest.mark.slow
def test_what_it_prints_in_a_timing_process_is_no_time(run):
    run("run", "loud.toml")
    status, timed, _ = run("time", "loud", "--processes", "2")
    assert (status, timed["timed"]) == (0, 4)  # batched and alone, in each process


def fails_inside():
    with data_alone():
        with data_alone():
            print("inner")
            emit("data")
        print("outer")
        emit("more")
        raise KeyError


def test_stdout_comes_back(capsys):
    """After an error too, and one inside the other."""
    with pytest.raises(KeyError):
        fails_inside()
    print("after")
    out, err = capsys.readouterr()
    assert out.split() == ["data", "more", "after"]
    assert err.split() == ["inner", "outer"]
