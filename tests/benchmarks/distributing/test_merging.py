"""Shards of a run, and what joins them."""

import json

import pytest

from gradest.benchmarks.distributing.merging import NotAsWritten, merge
from gradest.benchmarks.distributing.shards import Shard, missing, part_of, shard_of
from gradest.benchmarks.errors import BadInput, StoreDamaged
from gradest.benchmarks.folders.manifest import read_manifest, write_manifest
from gradest.benchmarks.folders.ownership import copy_run
from gradest.benchmarks.sweeps import executors
from gradest.benchmarks.sweeps import run as running
from gradest.benchmarks.sweeps.executors import Local, Untimed
from gradest.benchmarks.sweeps.plan import resolve
from gradest.benchmarks.sweeps.run import run_sweep
from gradest.benchmarks.sweeps.schema import parse_sweep
from tests.support.folders import edited, read_measurements
from tests.support.sweeps import Quiet
from tests.support.workers import FEW, assert_same_numbers

COUNT = 8


def measured(folder, shard, text=FEW):
    plan = resolve(parse_sweep(text, "here"))
    run_sweep(plan, folder, Quiet(), Untimed(Local()), part_of(plan, shard))
    return folder


@pytest.fixture(scope="module")
def shards(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shards")
    return [measured(folder / str(i), Shard(i, COUNT)) for i in range(1, COUNT + 1)]


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    folder = tmp_path_factory.mktemp("alone")
    run_sweep(resolve(parse_sweep(FEW, "here")), folder, Quiet())
    return folder


def test_eight_shards_merged_are_the_run_of_one_process(shards, alone, tmp_path):
    merged = merge([str(folder) for folder in reversed(shards)], tmp_path / "all")
    assert merged.missing == []
    assert merged.counts["pending"] == 0
    assert_same_numbers(alone, tmp_path / "all")
    assert read_measurements(tmp_path / "all").seconds.isna().all()
    plan = resolve(parse_sweep(FEW, "here"))
    progress = Quiet()
    run_sweep(plan, tmp_path / "all", progress)
    assert progress.missing == 0, "a rerun takes what was merged"


def test_every_cell_is_in_one_shard_and_what_shares_a_program_is_in_the_same():
    plan = resolve(parse_sweep(FEW, "here"))
    parts = [part_of(plan, Shard(i, 5)).cells for i in range(1, 6)]
    assert sorted(cell for part in parts for cell in part) == sorted(c.id for c in plan.measurable)
    assert [len(part) for part in parts] == [4, 2, 2, 2, 2]


def test_a_missing_shard_is_said_and_can_be_added(shards, alone, tmp_path):
    names = [str(folder) for folder in shards]
    merged = merge([*names[:2], *names[3:]], tmp_path / "all")
    assert merged.missing == ["3/8"]
    assert merged.counts["pending"] == 2
    completed = merge([names[2]], tmp_path / "all")
    assert completed.missing == []
    assert_same_numbers(alone, tmp_path / "all")


def test_what_a_run_has_stays_with_its_times(shards, alone, tmp_path):
    copy_run(alone, tmp_path)
    times = read_measurements(tmp_path).seconds
    merged = merge([str(shards[0]), str(shards[0])], tmp_path)
    assert merged.runs == 1
    assert merged.missing == []
    assert times.notna().any()
    assert read_measurements(tmp_path).seconds.equals(times)


def test_a_finished_run_of_another_sweep_is_not_merged_into(shards, alone, tmp_path):
    copy_run(alone, tmp_path)
    other = measured(tmp_path / "other", Shard(2, COUNT), FEW.replace("= 1000", "= 2000"))
    with pytest.raises(BadInput, match="has replicates = 1000"):
        merge([str(other)], tmp_path)


def test_longer_runs_go_on_from_what_was_merged(shards, tmp_path):
    merge([str(folder) for folder in shards], tmp_path / "all")
    longer = FEW.replace("= 1000", "= 2000")
    plan = resolve(parse_sweep(longer, "here"))
    taken = []

    class Listens(Local):
        def tasks(self, jobs):
            for task in super().tasks(jobs):
                taken.append([run.replicates for run in task.earlier])
                yield task

    run_sweep(plan, tmp_path / "all", Quiet(), Listens())
    assert taken == [[1000]] * 12


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("replicates = 1000", "replicates = 2000", "replicates = 1000"),
        ('"moving_average"', '"leave_one_out"', "estimator = "),
    ],
)
def test_other_sweeps_are_refused(shards, tmp_path, old, new, said):
    other = measured(tmp_path / "other", Shard(2, COUNT), FEW.replace(old, new))
    with pytest.raises(BadInput, match=f"{shards[0]} has {said}.*{other} has"):
        merge([str(shards[0]), str(other)], tmp_path / "all")


def test_other_versions_are_refused_with_both(shards, tmp_path, monkeypatch):
    other = executors.environment() | {"jax": "0.1"}
    monkeypatch.setattr(executors, "environment", lambda generator: other)
    folder = measured(tmp_path / "other", Shard(2, COUNT))
    with pytest.raises(BadInput, match=f"{shards[0]} has jax [1-9.0]+, {folder} has jax 0.1"):
        merge([str(shards[0]), str(folder)], tmp_path / "all")


def test_other_code_is_refused_with_the_module(shards, tmp_path, monkeypatch):
    original = running.code_of

    def changed(*things):
        return original(*things) | {"gradest.estimators.base": "f" * 16}

    monkeypatch.setattr(running, "code_of", changed)
    folder = measured(tmp_path / "other", Shard(2, COUNT))
    with pytest.raises(BadInput, match=rf"{folder} has gradest\.estimators\.base f{{16}}"):
        merge([str(shards[0]), str(folder)], tmp_path / "all")


def test_other_threads_are_refused(shards, tmp_path):
    other = measured(tmp_path / "other", Shard(2, COUNT))
    manifest = read_manifest(other)
    write_manifest(other, manifest | {"xla_threads": 64})
    with pytest.raises(BadInput, match=f"{other} has XLA's threads 64.*PJRT_NPROC"):
        merge([str(shards[0]), str(other)], tmp_path / "all")


def test_a_run_that_was_changed_is_refused_as_a_gate_and_a_damaged_store_as_such(tmp_path):
    folder = measured(tmp_path / "one", Shard(1, COUNT))
    edited(folder / "measurements.csv", "gaussian_square", "gaussian_cube")
    with pytest.raises(NotAsWritten, match=r"measurements\.csv was changed"):
        merge([str(folder)], tmp_path / "all")
    assert NotAsWritten.status == 4
    (folder / "store.sqlite").write_bytes(b"no database, and long enough to be none" * 10)
    with pytest.raises(StoreDamaged):
        merge([str(folder)], tmp_path / "all")
    assert not (tmp_path / "all").exists()


def test_a_folder_cannot_be_merged_into_itself(shards):
    with pytest.raises(BadInput, match="expected a folder that is not among those merged"):
        merge([str(shards[0])], shards[0])


@pytest.mark.parametrize("text", ["0/4", "5/4", "1", "a/b", "1/0", "-1/4", "1/100001"])
def test_what_is_no_shard_is_bad_input(text):
    with pytest.raises(BadInput, match="expected i/n"):
        shard_of(text)


def test_what_is_missing_of_several_counts():
    assert missing([Shard(1, 2), Shard(2, 3)]) == ["2/2", "1/3", "3/3"]


def test_the_manifest_says_which_part_it_is(shards):
    manifest = json.loads((shards[2] / "manifest.json").read_text())
    assert manifest["part"] == "3/8"
    assert manifest["cells"]["pending"] == 10
