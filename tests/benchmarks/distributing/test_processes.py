"""Workers that are real processes: killed, interrupted, left alone by who started them."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from gradest.benchmarks.distributing import processes
from gradest.benchmarks.distributing.executor import Distributed
from gradest.benchmarks.distributing.processes import Processes, gpus_here, gpus_of
from gradest.benchmarks.errors import BadInput
from gradest.benchmarks.sweeps.executors import Untimed
from gradest.benchmarks.sweeps.plan import resolve
from gradest.benchmarks.sweeps.run import run_sweep
from gradest.benchmarks.sweeps.schema import load_sweep, parse_sweep
from gradest.benchmarks.sweeps.store import read_outcomes
from gradest.benchmarks.training.seeds import Seed
from tests.support.house import ROOT
from tests.support.sweeps import Quiet
from tests.support.workers import (
    FEW,
    KILLER,
    TRAINED,
    assert_same_numbers,
    assert_same_trainings,
)


class Kills(Quiet):
    """After the first result a worker is killed."""

    def __init__(self):
        super().__init__()
        self.killed = 0

    def __call__(self, cell, status, seconds):
        if not self.killed:
            self.killed = multiprocessing.active_children()[0].pid
            os.kill(self.killed, signal.SIGKILL)


def run_with(workers, plan, folder, progress=None):
    with Processes(workers) as pool:
        run_sweep(plan, folder, progress or Quiet(), Untimed(Distributed(pool)))


@pytest.mark.slow
def test_three_workers_of_which_one_is_killed_make_the_numbers_of_one_process(tmp_path):
    plan = resolve(parse_sweep(FEW, "here"))
    run_sweep(plan, tmp_path / "alone", Quiet())
    progress = Kills()
    run_with(3, plan, tmp_path / "three", progress)
    assert progress.killed
    assert multiprocessing.active_children() == []
    assert_same_numbers(tmp_path / "alone", tmp_path / "three")


class KillsWhileTraining(Kills):
    """After the first training a worker is killed."""

    def __call__(self, cell, status, seconds):
        if isinstance(cell, Seed):
            super().__call__(cell, status, seconds)


@pytest.mark.slow
def test_two_workers_of_which_one_is_killed_train_as_one_process_does(tmp_path):
    plan = resolve(parse_sweep(TRAINED, "here"))
    run_sweep(plan, tmp_path / "alone", Quiet())
    progress = KillsWhileTraining()
    run_with(2, plan, tmp_path / "two", progress)
    assert progress.killed
    assert multiprocessing.active_children() == []
    assert_same_numbers(tmp_path / "alone", tmp_path / "two")
    assert_same_trainings(tmp_path / "alone", tmp_path / "two")


@pytest.mark.slow
def test_a_cell_that_kills_its_worker_fails_with_the_signal_and_the_others_are_measured(tmp_path):
    """The class is in a file beside the sweep, which every worker imports."""
    (tmp_path / "killer.py").write_text(KILLER)
    text = FEW.replace('name = "pathwise"', 'name = "killer.py:Killer"').replace("-3.0, ", "")
    (tmp_path / "few.toml").write_text(text)
    plan = resolve(load_sweep(str(tmp_path / "few.toml")))
    run_with(2, plan, tmp_path / "run")
    for cell, outcome in read_outcomes(tmp_path / "run").items():
        found = next(each for each in plan.cells if each.id == cell)
        kills = found.estimator.name == "killer.py:Killer" and found.num_samples == 4
        assert (outcome.status == "failed") == kills, found.label
        if kills:
            assert outcome.reason.startswith("2 workers ended over it, the last worker ")
            assert outcome.reason.endswith(", killed by SIGKILL")


def children_of(pid: int) -> list[int]:
    """The processes that a process has started, by /proc."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid and fields[0] != "Z":
            found.append(int(stat.parent.name))
    return found


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def started(folder: Path) -> subprocess.Popen:
    """`gradest run` with two workers, once it has measured something."""
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    (folder / "few.toml").write_text(
        FEW.replace("= 1000", "= 100_000").replace("[2, 4]", "[2, 64]")
    )
    command = subprocess.Popen(
        [sys.executable, "-P", "-m", "gradest", "run", "few.toml", "-o", "run", "--workers", "2"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": path},
        stderr=subprocess.PIPE,
        text=True,
        # tests that run in a shell's background ignore it, and so would what they start
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    )
    assert command.stderr is not None
    lines = []
    for line in command.stderr:
        lines.append(line)
        if line.startswith("[1/12]"):
            return command
    raise AssertionError(lines)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_workers_end_with_the_command_and_what_is_finished_stays(tmp_path, sent):
    command = started(tmp_path)
    workers = children_of(command.pid)
    assert len(workers) >= 2
    command.send_signal(sent)
    with command:
        errors = command.communicate(timeout=60)[1]
    expected = -signal.SIGKILL if sent == signal.SIGKILL else 130
    assert command.returncode == expected, errors
    assert "Traceback" not in errors
    for _ in range(100):
        if not any(map(is_alive, workers)):
            break
        time.sleep(0.1)
    assert [pid for pid in workers if is_alive(pid)] == []
    kept = read_outcomes(tmp_path / "run")
    assert 1 <= len(kept) < 12


def test_a_gpu_is_one_workers_alone():
    assert gpus_of(2, ["0", "1", "2"]) == ["0", "1"]
    assert gpus_of(3, []) == [None, None, None]
    with pytest.raises(BadInput, match="--workers 3: expected at most 2, one for each GPU"):
        gpus_of(3, ["0", "1"])


def test_gpus_are_those_that_jax_would_use(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3, GPU-ab")
    monkeypatch.delenv("JAX_PLATFORMS", raising=False)
    assert gpus_here() == [], "JAX has no plugin for them"
    monkeypatch.setattr(processes, "PLUGINS", ("json",))
    assert gpus_here() == ["3", "GPU-ab"]
    monkeypatch.setenv("JAX_PLATFORMS", "cpu")
    assert gpus_here() == []
