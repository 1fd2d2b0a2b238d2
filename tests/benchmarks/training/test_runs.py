"""Trainings of a sweep: kept seed by seed, gone on with, told, and never made twice."""

import itertools
import json
import os
import signal
import sqlite3
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

import gradest
from gradest.benchmarks.analysis.results import read_run
from gradest.benchmarks.analysis.verification import verify
from gradest.benchmarks.distributing.merging import merge
from gradest.benchmarks.distributing.shards import Shard, part_of
from gradest.benchmarks.errors import ExitStatus
from gradest.benchmarks.folders.training_columns import TRAINING_COLUMNS, TRAJECTORY_COLUMNS
from gradest.benchmarks.sweeps.executors import Local, Untimed
from gradest.benchmarks.sweeps.plan import resolve
from gradest.benchmarks.sweeps.run import origins_of, run_sweep
from gradest.benchmarks.sweeps.schema import parse_sweep
from gradest.benchmarks.sweeps.store import FILE, open_store, read_store
from gradest.benchmarks.training.runs import TRAINS, seeds_in, valid_trainings
from tests.support.house import ROOT
from tests.support.sweeps import Quiet
from tests.support.workers import assert_same_trainings

SWEEP = """
name = "trained"
samples = [2]
replicates = 400
[[problem]]
name = "gaussian_square"
[[estimator]]
name = ["pathwise", "rloo"]
[training]
steps = 20
optimizer = "sgd"
learning_rate = 0.05
seeds = 2
checkpoints = [0, 20]
curve_points = 4
"""

TIMES = r"second|work_normalised"


@pytest.fixture(scope="module")
def plan():
    return resolve(parse_sweep(SWEEP, "f"))


@pytest.fixture(scope="module")
def whole(plan, tmp_path_factory):
    """The folder of a run, and who was told of it."""
    folder = tmp_path_factory.mktemp("run") / "whole"
    told = Quiet()
    run_sweep(plan, folder, told)
    return folder, told


def without_times(table):
    return table.drop(columns=table.filter(regex=TIMES).columns)


def test_both_tables_are_written(plan, whole):
    folder, told = whole
    run = read_run(folder)
    assert told.missing == 2 + 4
    assert 10**9 - told.left == 2 + 4
    assert tuple(run.training.columns) == TRAINING_COLUMNS
    assert tuple(run.trajectory.columns) == TRAJECTORY_COLUMNS
    by_seed = run.training.groupby(["estimator", "seed"])
    assert by_seed.step.apply(list).tolist() == [[0, 5, 10, 15, 20]] * 4
    assert run.trajectory.groupby("group").size().to_dict() == {"mean": 8, "scale": 8}
    assert set(run.trajectory.cell) == {cell.id for cell in plan.measurable}
    assert set(run.trajectory.status) <= {"ok", "unreliable"}
    assert run.trajectory.bias_finding.notna().any()
    assert run.manifest["trainings"] == {"ok": 4, "diverged": 0, "failed": 0, "pending": 0}
    assert run.manifest["sweep"]["training"]["steps"] == 20
    assert {"training.csv", "trajectory.csv"} <= run.manifest["files"].keys()


def test_a_run_that_was_killed_goes_on(plan, whole, tmp_path):
    """After the third training: what is there is kept, the rest is the same numbers."""
    with pytest.raises(KeyboardInterrupt):
        run_sweep(plan, tmp_path, Quiet(interrupt_after=2 + 3))
    assert len(read_store(tmp_path).trainings) == 3
    told = Quiet()
    run_sweep(plan, tmp_path, told)
    assert told.missing == 1
    ours, theirs = read_run(tmp_path), read_run(whole[0])
    pd.testing.assert_frame_equal(without_times(ours.training), without_times(theirs.training))
    pd.testing.assert_frame_equal(without_times(ours.trajectory), without_times(theirs.trajectory))
    again = Quiet()
    run_sweep(plan, tmp_path, again)
    assert again.missing == 0


def test_what_was_made_with_other_code_is_made_again(plan, whole):
    kept = read_store(whole[0]).trainings
    seeds = seeds_in(plan)
    here = origins_of(plan, through=TRAINS)
    assert valid_trainings(seeds, kept, here) == kept
    first = seeds[0].cell.id
    changed = here | {first: here[first]._replace(code="other")}
    assert len(valid_trainings(seeds, kept, changed)) == 2
    failed = {name: each._replace(status="failed") for name, each in kept.items()}
    assert valid_trainings(seeds, failed, here) == {}


def test_damage_is_said_and_made_again(plan, whole, tmp_path):
    run_sweep(plan, tmp_path, Quiet())
    connection = sqlite3.connect(tmp_path / FILE)
    with connection:
        connection.execute("update trainings set rows = '[]' where id = 1")
    connection.close()
    assert len(read_store(tmp_path).trainings) == 3
    (said,) = [d.what for d in verify(tmp_path).differences if d.file == FILE]
    assert said.startswith("is damaged: training ")
    told = Quiet()
    ended = run_sweep(plan, tmp_path, told)
    assert told.missing == 1
    assert "it is made again" in ended.remarks[0]
    assert verify(tmp_path).differences == []


def test_verify_compares_them_with_the_store(whole, tmp_path):
    folder, _ = whole
    assert verify(folder).differences == []
    table = (folder / "training.csv").read_text()
    try:
        (folder / "training.csv").write_text(table.replace(",ok,", ",ok ,", 1))
        texts = [each.text for each in verify(folder).differences]
        assert "training.csv was changed after it was written" in texts
        assert "training.csv differs from the store, first in line 2" in texts
    finally:
        (folder / "training.csv").write_text(table)


def test_a_run_that_trains_no_more_has_no_tables_of_it(plan, tmp_path):
    run_sweep(plan, tmp_path, Quiet())
    measured = resolve(parse_sweep(SWEEP.partition("[training]")[0], "f"))
    run_sweep(measured, tmp_path, Quiet())
    assert read_run(tmp_path).training is None
    assert not (tmp_path / "training.csv").exists()
    assert verify(tmp_path).differences == []


def test_an_older_store_gets_the_table(plan, whole, tmp_path):
    """Cells of version 3 stay as they are."""
    run_sweep(resolve(parse_sweep(SWEEP.partition("[training]")[0], "f")), tmp_path, Quiet())
    connection = sqlite3.connect(tmp_path / FILE)
    with connection:
        connection.execute("drop table trainings")
        connection.execute("pragma user_version = 3")
    connection.close()
    before = read_store(tmp_path)
    assert len(before.outcomes) == 2
    assert before.trainings == {}
    with open_store(tmp_path) as store:
        assert store.outcomes() == before.outcomes
        assert store.trainings.outcomes() == {}
    told = Quiet()
    run_sweep(plan, tmp_path, told)
    assert told.missing == 4


def test_merged_runs_have_all_trainings(plan, whole, tmp_path):
    for number in (1, 2):
        folder = tmp_path / str(number)
        run_sweep(plan, folder, Quiet(), Untimed(Local()), part_of(plan, Shard(number, 2)))
        assert len(read_store(folder).trainings) == 2
    merge([str(tmp_path / "1"), str(tmp_path / "2")], tmp_path / "all")
    merged, theirs = read_run(tmp_path / "all").training, read_run(whole[0]).training
    pd.testing.assert_frame_equal(without_times(merged), without_times(theirs))
    assert merged.seconds.isna().all(), "each is of another machine"


def test_commands_tell_of_them(whole, tmp_path, run_command):
    sweep = tmp_path / "trained.toml"
    sweep.write_text(SWEEP)
    _, planned, _ = run_command("plan", str(sweep), "--json")
    assert len(json.loads(planned)["trainings"]) == 4
    _, words, _ = run_command("plan", str(sweep))
    assert "4 trainings of 20 steps of sgd, 2 checkpoints each; 160 evaluations of f" in words
    _, status, _ = run_command("status", str(sweep), "-o", str(whole[0]))
    assert "trainings: 4 ok" in status
    _, pending, _ = run_command("status", str(sweep), "-o", str(tmp_path / "none"), "--json")
    assert json.loads(pending)["trainings"]["pending"] == 4


FAULTY = """
import inspect

from gradest.estimators.pathwise.pathwise import Pathwise


class Late(Pathwise):
    def surrogate(self, problem, params, state, key, num_samples):
        if any(frame.function == "followed" for frame in inspect.stack()):
            raise KeyError("in training")
        return super().surrogate(problem, params, state, key, num_samples)
"""


def test_one_that_fails_is_told_and_the_others_go_on(tmp_path, run_command):
    """With file and line; the exit status says that some failed."""
    (tmp_path / "late_in_training.py").write_text(FAULTY)
    sweep = tmp_path / "trained.toml"
    sweep.write_text(SWEEP.replace('["pathwise", "rloo"]', '["pathwise", "late_in_training:Late"]'))
    status, _, err = run_command("run", str(sweep), "-o", str(tmp_path / "out"))
    assert status == ExitStatus.CELLS_FAILED
    assert "failed 2 trainings: late_in_training:Late on gaussian_square: " in err
    assert "late_in_training.py:" in err
    table = read_run(tmp_path / "out").training
    failed = table[table.status == "failed"]
    assert len(failed) == 2
    assert failed.step.isna().all()
    assert (table.status == "ok").sum() == 10


def test_a_sweep_from_python():
    """Kept nowhere: the run has both frames."""
    keys = {
        "name": "small",
        "samples": [1],
        "replicates": 400,
        "problem": [{"name": "gaussian_square"}],
        "estimator": [{"name": "pathwise"}],
        "training": {"steps": 10, "checkpoints": [10], "curve_points": 2},
    }
    run = gradest.sweep(keys)
    assert run.training.step.tolist() == [0, 5, 10]
    assert run.trajectory.step.tolist() == [10, 10]
    assert np.isfinite(run.trajectory.variance).all()
    assert gradest.sweep({**keys, "training": None}).training is None


KILLED = """
name = "killed"
samples = [2]
replicates = 400
[[problem]]
name = "bernoulli_square"
dim = 10
[[estimator]]
name = ["rloo", "disarm"]
[training]
steps = 20_000
optimizer = "rmsprop"
learning_rate = 0.001
seeds = 2
checkpoints = [0, 20_000]
curve_points = 200
"""


INTERRUPTED = """
import runpy, signal

# tests that run in a shell's background ignore it, and so does what they start
signal.signal(signal.SIGINT, signal.default_int_handler)
runpy.run_module("gradest", run_name="__main__")
"""


@pytest.mark.slow
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGKILL])
def test_a_command_that_is_killed_in_training_goes_on(tmp_path, sent):
    """In the middle of the second training: what ended before is kept, the rest is the same."""
    (tmp_path / "killed.toml").write_text(KILLED)
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    words = ["run", "killed.toml", "-o", "again"]
    command = subprocess.Popen(
        [sys.executable, "-P", "-c", INTERRUPTED, *words],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": path},
        stderr=subprocess.PIPE,
        text=True,
    )
    with command:
        assert command.stderr is not None
        said = itertools.takewhile(lambda line: "trained, seed 0" not in line, command.stderr)
        assert list(said)
        command.send_signal(sent)
        command.communicate(timeout=120)
    assert command.returncode == (130 if sent == signal.SIGINT else -signal.SIGKILL)
    assert len(read_store(tmp_path / "again").trainings) == 1
    plan = resolve(parse_sweep(KILLED, "f"))
    told = Quiet()
    run_sweep(plan, tmp_path / "again", told)
    assert told.missing == 3
    run_sweep(plan, tmp_path / "whole", Quiet())
    assert_same_trainings(tmp_path / "again", tmp_path / "whole")
