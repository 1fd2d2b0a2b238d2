"""A file to begin with: it can be planned, it passes `check`, and nothing is written over."""

import re
import subprocess
import sys

import pytest

from gradest.benchmarks.catalogue.starting import TEMPLATES
from tests.support.house import ROOT

TOML = """name = "started"
samples = [2]
replicates = 400
[[problem]]
name = "{problem}"
[[estimator]]
name = "{estimator}"
"""


def test_both_files_make_a_sweep(run_command, tmp_path):
    status, out, _ = run_command("new", "estimator", "my_baseline")
    assert status == 0
    assert "gradest check my_baseline.py:MyBaseline --fast" in out
    assert run_command("new", "problem", "bits", "-o", "other.py")[0] == 0
    names = {"estimator": "my_baseline.py:MyBaseline", "problem": "other.py:Bits"}
    (tmp_path / "started.toml").write_text(TOML.format(**names))
    status, out, err = run_command("plan", "started.toml")
    assert status == 0
    assert "1 cell to measure, 0 skipped" in out
    assert "will fail" not in err
    for name in names.values():
        assert run_command("describe", name)[0] == 0
    for path in tmp_path.glob("*.py"):
        assert max(map(len, path.read_text().splitlines())) <= 100


@pytest.mark.parametrize("kind", TEMPLATES)
def test_what_is_written_states_its_purpose(kind):
    assert re.search(r'^    purpose = "\w[^"]+"', TEMPLATES[kind], re.MULTILINE)


@pytest.mark.parametrize("words", ["ruff check", "ruff format --check"])
def test_linters_without_settings_find_nothing(run_command, tmp_path, words):
    for kind in TEMPLATES:
        assert run_command("new", kind, f"my_{kind}")[0] == 0
    done = subprocess.run(
        [sys.executable, "-m", *words.split(), "--isolated", "--no-cache", "."],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_types_of_what_is_written_are_right(run_command, tmp_path):
    for kind in TEMPLATES:
        assert run_command("new", kind, f"my_{kind}")[0] == 0
    settings = ["--config-file=", "--ignore-missing-imports", "--follow-imports=silent"]
    done = subprocess.run(
        [sys.executable, "-m", "mypy", *settings, *map(str, tmp_path.glob("*.py"))],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("kind", TEMPLATES)
def test_what_is_written_passes_its_checks(run_command, kind):
    assert run_command("new", kind, "begun")[0] == 0
    status, out, _ = run_command("check", "begun.py:Begun", "--fast")
    assert status == 0, out


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        *((name, "of ASCII letters") for name in ("1st", "a-b", "a b", "", "é", "../x")),
        ("class", "it is a keyword of Python's"),
    ],
)
def test_what_python_cannot_call_so_is_refused(run_command, tmp_path, name, reason):
    status, _, err = run_command("new", "problem", name)
    assert status == 2
    assert reason in err
    assert list(tmp_path.glob("*.py")) == []


def test_what_is_there_stays(run_command, tmp_path):
    (tmp_path / "mine.py").write_text("x = 1\n")
    status, _, err = run_command("new", "problem", "mine")
    assert status == 2
    assert "mine.py is there already" in err
    assert (tmp_path / "mine.py").read_text() == "x = 1\n"
    assert run_command("new", "problem", "mine", "-o", "mine.txt")[0] == 2
    assert run_command("new", "estimater", "mine")[0] == 2
