"""Figures into files: the same bytes whoever writes them, and nothing half-written left behind."""

import dataclasses
import multiprocessing
import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest

from gradest.benchmarks.drawing import saving as module
from gradest.benchmarks.drawing.saving import METADATA, saving
from gradest.benchmarks.errors import GradestError
from gradest.benchmarks.figures.figures import figures
from gradest.benchmarks.figures.spec import Axis, FigureSpec, Panel
from tests.support.made_runs import BATCHES, PATHWISE, SQUARE, cell, jackknifed, write
from tests.support.made_tables import table

ROOT = Path(__file__).parents[3]


@pytest.fixture
def processes(monkeypatch):
    """Two drawing processes, from the first figure on."""
    monkeypatch.setattr(module, "MOST_ALONE", 0)
    monkeypatch.setattr(module, "may_start_processes", lambda: True)
    monkeypatch.setattr(module.os, "cpu_count", lambda: 2)


def plain(name, title=""):
    """A figure of one empty panel."""
    return FigureSpec(name, title, (Panel("", "", Axis(), Axis(), ()),), columns=1, key=())


def many(count):
    return [plain(f"figure_{i:02}") for i in range(count)]


def until(happened):
    """Waits for it, up to a minute."""
    for _ in range(600):
        if happened():
            return
        time.sleep(0.1)
    raise TimeoutError


def run_python(*words, folder, **environment):
    """What an interpreter that finds gradest says, started in the folder; it must succeed."""
    done = subprocess.run(
        [sys.executable, *map(str, words)],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_other_processes_give_the_same_bytes(processes, tmp_path, monkeypatch):
    measurements = table(groups=("mean",), bias_finding="biased")
    with monkeypatch.context() as patch:
        patch.setattr(module, "MOST_ALONE", 8)
        with saving(figures(measurements), tmp_path / "alone") as alone:
            assert not multiprocessing.active_children()
    with saving(figures(measurements), tmp_path / "others") as others:
        assert multiprocessing.active_children()
    assert not multiprocessing.active_children()
    assert len(alone) == 6
    for one, other in zip(alone, others, strict=True):
        assert one.name == other.name
        assert one.read_bytes() == other.read_bytes(), one.name
    assert sorted((tmp_path / "others").iterdir()) == others


def test_they_write_while_the_body_runs_and_all_is_there_after_it(processes, tmp_path):
    with saving(many(12), tmp_path) as paths:
        until(paths[0].exists)
    assert {path.name for path in tmp_path.iterdir()} == {
        f"{spec.name}.{suffix}" for spec in many(12) for suffix in METADATA
    }
    assert all(path.stat().st_size for path in paths)


@pytest.mark.parametrize("most_alone", [0, 8])
def test_a_figure_that_cannot_be_written_is_one_error_that_names_it(
    processes, tmp_path, monkeypatch, most_alone
):
    monkeypatch.setattr(module, "MOST_ALONE", most_alone)
    specs = [plain("good"), dataclasses.replace(plain("bad"), columns=0), plain("never")]
    with (
        pytest.raises(GradestError, match=r"^figure bad: ZeroDivisionError: "),
        saving(specs, tmp_path),
    ):
        pass
    names = {path.name for path in tmp_path.iterdir()}
    assert {"good.pdf", "good.png", "good.svg"} <= names
    assert not any("bad" in name for name in names)
    assert not multiprocessing.active_children()


def kill_all():
    for process in multiprocessing.active_children():
        process.kill()
        process.join()


@pytest.mark.parametrize("many", [False, True])
def test_a_file_that_cannot_be_written_is_named(request, tmp_path, many):
    """It is the machine's fault, in whatever process it is written."""
    if many:
        request.getfixturevalue("processes")
    (tmp_path / "plain.svg").mkdir()
    with pytest.raises(IsADirectoryError) as failure, saving([plain("plain")], tmp_path):
        pass
    assert failure.value.filename == str(tmp_path / "plain.svg")


def test_a_process_that_is_killed_is_an_error(processes, tmp_path):
    with (
        pytest.raises(GradestError, match="a drawing process ended before all figures"),
        saving(many(30), tmp_path),
    ):
        kill_all()
    assert not list(tmp_path.glob(".*"))


def interrupted_after(path):
    until(path.exists)
    raise KeyboardInterrupt


def test_an_interrupt_ends_the_others_and_leaves_nothing_half_done(processes, tmp_path):
    with pytest.raises(KeyboardInterrupt), saving(many(30), tmp_path) as paths:
        interrupted_after(paths[0])
    assert not multiprocessing.active_children()
    assert not list(tmp_path.glob(".*"))
    assert 1 <= len(list(tmp_path.iterdir())) < len(paths)


SCRIPT = """
import multiprocessing, os, signal
from pathlib import Path
from gradest.benchmarks.drawing import saving as module
from tests.benchmarks.drawing.test_saving import many

os.cpu_count = lambda: 2
with open("starts", "a") as log:
    log.write("started\\n")
with module.saving(many(12), Path("figures")) as paths:
    print(len(multiprocessing.active_children()), "processes", flush=True)
    if {kill}:
        os.kill(os.getpid(), signal.SIGKILL)
"""


def test_processes_end_with_a_run_that_is_killed(tmp_path):
    """They would hold the pipe to which they were born, and `run` would wait for them."""
    killed = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(kill=True)],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert killed.returncode < 0
    assert killed.stdout == "2 processes\n"


@pytest.mark.slow
def test_a_script_without_a_guard_is_run_once_and_draws_by_itself(tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT.format(kill=False))
    assert run_python("script.py", folder=tmp_path) == "0 processes\n"
    assert (tmp_path / "starts").read_text() == "started\n"
    assert len(list((tmp_path / "figures").iterdir())) == 36


@pytest.mark.parametrize(
    "started", ["-m package", "gradest", "-c", "script.py", "-m package.module"]
)
def test_where_a_fresh_process_would_run_a_script_again_there_is_none(tmp_path, started):
    code = textwrap.dedent(
        """
        import os
        from gradest.benchmarks.drawing.saving import may_start_processes
        os.cpu_count = lambda: {cores}
        print(may_start_processes())
        """
    )
    package = tmp_path / "package"
    package.mkdir()
    (package / "__init__.py").write_text("")
    for cores in (1, 2):
        for file in ("gradest", "script.py", "package/__main__.py", "package/module.py"):
            (tmp_path / file).write_text(code.format(cores=cores))
        words = ["-c", code.format(cores=cores)] if started == "-c" else started.split()
        safe = cores > 1 and not started.endswith(("script.py", "module"))
        assert run_python(*words, folder=tmp_path) == f"{safe}\n", (started, cores)


@pytest.mark.slow
def test_the_command_draws_from_another_folder_whatever_lies_in_it(tmp_path):
    exactly = np.zeros(BATCHES)
    cells = [
        cell(jackknifed(v / n, exactly), each, (SQUARE[0], SQUARE[1] | {"k": k}), samples=n)
        | {"bias_relative": 0.1, "bias_relative_low": 0.0, "bias_relative_high": 0.2}
        | {"bias_finding": "biased"}
        for each, v in ((PATHWISE, 1.0), (("score_function", {}), 9.0))
        for k in (1.0, 2.0, 3.0)
        for n in (1, 4, 16)
    ]
    write(tmp_path / "run", cells)
    command = tmp_path / "bin" / "gradest"
    command.parent.mkdir()
    command.write_text(
        "import os\n"
        "from gradest.benchmarks.cli.main import main\n"
        "os.cpu_count = lambda: 2\n"
        "if __name__ == '__main__':\n    main()\n"
    )
    decoys = tmp_path / "decoys"
    decoys.mkdir()
    for name in ("signal", "socket", "matplotlib", "problems", "benchmarks", "gradest"):
        (decoys / f"{name}.py").write_text("raise RuntimeError('what lies in the working folder')")
    run_python(command, "report", "-o", tmp_path / "run", folder=decoys)
    assert len(list((tmp_path / "run" / "figures").iterdir())) >= 9


def test_what_a_drawing_process_imports():
    """It is to be there before the second figure is made."""
    slow = "{'jax', 'pandas', 'scipy', 'gradest.estimators', 'gradest.problems'} & set(sys.modules)"
    run_python(
        "-c",
        f"import sys, gradest.benchmarks.drawing.saving; assert not {slow}, {slow}",
        folder=".",
    )
