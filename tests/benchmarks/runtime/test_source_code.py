"""Where the code lies, which commit it is, and that it was installed."""

import json
import os
import shutil
import subprocess
import sys
from importlib import metadata

import pytest

from gradest.benchmarks.errors import BadInput
from gradest.benchmarks.runtime import source_code
from gradest.benchmarks.runtime.environment import PACKAGES, environment
from gradest.benchmarks.runtime.processes import start
from gradest.benchmarks.runtime.source_code import git_state, installed_version, package_root
from tests.support.house import ROOT

NOT_INSTALLED = (
    "gradest is not installed: run `pip install -e .` or `make setup` in its folder first"
)


def git(*words, cwd):
    done = subprocess.run(["git", *words], cwd=cwd, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def elsewhere(tmp_path):
    """Somebody's repository, with a copy of our code, as a wheel installs it, that is untracked."""
    git("init", "-q", cwd=tmp_path)
    (tmp_path / ".gitignore").write_text("site\n")
    git("add", ".", cwd=tmp_path)
    identity = ["-c", "user.name=nobody", "-c", "user.email=nobody@example.org"]
    git(*identity, "commit", "-q", "-m", "theirs", cwd=tmp_path)
    shutil.copytree(
        package_root(), tmp_path / "site" / "gradest", ignore=shutil.ignore_patterns("__pycache__")
    )
    return tmp_path


def run_there(elsewhere, code):
    """Runs Python in somebody's repository, with the copy in place of this checkout."""
    environ = os.environ | {"PYTHONPATH": str(elsewhere / "site")}
    done = subprocess.run(
        [sys.executable, "-P", "-c", code],
        cwd=elsewhere,
        env=environ,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def test_the_commit_is_that_of_the_checkout(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert git_state()["commit"] == git("rev-parse", "HEAD", cwd=ROOT)
    assert git_state()["dirty"] in (True, False)


def test_a_changed_file_behind_a_link_makes_the_checkout_dirty(tmp_path, monkeypatch):
    (tmp_path / "gradest").mkdir()
    (tmp_path / "gradest" / "__init__.py").write_text("")
    (tmp_path / "problems").mkdir()
    (tmp_path / "problems" / "base.py").write_text("")
    (tmp_path / "gradest" / "problems").symlink_to("../problems")
    git("init", "-q", cwd=tmp_path)
    git("add", ".", cwd=tmp_path)
    identity = ["-c", "user.name=nobody", "-c", "user.email=nobody@example.org"]
    git(*identity, "commit", "-q", "-m", "ours", cwd=tmp_path)
    monkeypatch.setattr(source_code, "package_root", lambda: tmp_path / "gradest")
    assert git_state() == {"commit": git("rev-parse", "HEAD", cwd=tmp_path), "dirty": False}
    (tmp_path / "notes.txt").write_text("beside it")
    assert git_state()["dirty"] is False
    (tmp_path / "problems" / "base.py").write_text("changed = True")
    assert git_state()["dirty"] is True


def test_an_installed_copy_has_no_commit_though_it_lies_in_somebodys_repository(elsewhere):
    code = (
        "import json; from gradest.benchmarks.runtime import source_code as s\n"
        "print(json.dumps([str(s.package_root()), s.git_state()]))"
    )
    root, state = json.loads(run_there(elsewhere, code))
    assert root == str(elsewhere / "site" / "gradest")
    assert state == {"commit": None, "dirty": None}


def test_a_process_runs_the_code_of_the_one_that_started_it(elsewhere):
    """Wherever it is started, and whatever PYTHONPATH says."""
    code = (
        "import subprocess; from gradest.benchmarks.runtime.processes import start\n"
        "name = 'gradest.benchmarks.runtime.source_code'\n"
        "worker = start(name, stdout=subprocess.PIPE, text=True)\n"
        "print(worker.wait(), worker.args[2:], worker.stdout.read())"
    )
    module = elsewhere / "site" / "gradest" / "benchmarks" / "runtime" / "source_code.py"
    again = "if __name__ == '__main__':\n    print('here', package_root())\n"
    module.write_text(f"{module.read_text()}\n\n{again}")
    out = run_there(elsewhere, code)
    assert f"here {elsewhere / 'site' / 'gradest'}" in out


def test_a_module_that_starts_itself_is_found_by_its_name():
    with start("gradest.benchmarks.sweeps.timing", stdin=subprocess.PIPE, text=True) as worker:
        worker.communicate('{"sweep": {}, "groups": []}')
    assert worker.returncode == 1  # it ran, and refused an empty sweep


def test_a_copy_that_was_not_installed_is_one_clear_line(monkeypatch):
    version = metadata.version

    def missing(name):
        if name == "gradest":
            raise metadata.PackageNotFoundError(name)
        return version(name)

    monkeypatch.setattr(metadata, "version", missing)
    for ask in (installed_version, environment):
        with pytest.raises(BadInput, match="gradest is not installed") as raised:
            ask()
        assert str(raised.value) == NOT_INSTALLED


def test_the_environment_names_ours_and_what_results_depend_on():
    here = environment()
    assert here["gradest"] == installed_version()
    hardware = ["machine", "processor", "device"]
    assert list(here) == ["gradest", *PACKAGES, "python", *hardware, "prng"]


@pytest.mark.parametrize("words", [["--version"], ["run", "quick"]])
def test_commands_of_a_copy_that_was_not_installed_are_one_clear_line(words, tmp_path):
    """The record of our installation is hidden from importlib.metadata."""
    code = (
        "from importlib import metadata\n"
        "version = metadata.version\n"
        "def missing(name):\n"
        "    if name == 'gradest': raise metadata.PackageNotFoundError(name)\n"
        "    return version(name)\n"
        "metadata.version = missing\n"
        "from gradest.benchmarks.cli.main import main\n"
        f"main({words})"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"gradest: {NOT_INSTALLED}\n"
