"""Times over several processes: what is kept, and where the numbers go."""

import json
import math
import sqlite3
from contextlib import closing

import numpy as np
import pytest
from scipy import stats

from gradest.benchmarks.analysis.verification import verified_run
from gradest.benchmarks.errors import BadInput, GradestError
from gradest.benchmarks.runtime.environment import environment
from gradest.benchmarks.statistics.times import median, over_processes
from gradest.benchmarks.sweeps import executors
from gradest.benchmarks.sweeps.output import timings_of
from gradest.benchmarks.sweeps.plan import resolve
from gradest.benchmarks.sweeps.run import run_sweep
from gradest.benchmarks.sweeps.schema import parse_sweep
from gradest.benchmarks.sweeps.store import FILE, open_store
from gradest.benchmarks.sweeps.timing import Asked, cells_alone, in_a_process, time_run
from tests.support.folders import read_left_out, read_measurements
from tests.support.sweeps import Quiet

TINY = """
schema = 1
name = "tiny"
replicates = 400
samples = [2, 4]
[[problem]]
name = "gaussian_square"
[[estimator]]
name = "score_function"
baseline = ["none", "moving_average"]
[[estimator]]
name = "pathwise"
"""
TIMES = ["seconds", "seconds_low", "seconds_high", "timing_processes"]
ALONE = ["seconds_alone", "seconds_alone_low", "seconds_alone_high"]
WORK = ["work_normalised_variance", "work_normalised_variance_low", "work_normalised_variance_high"]


@pytest.fixture(scope="module")
def plan():
    return resolve(parse_sweep(TINY, "here"))


@pytest.fixture(scope="module")
def run(plan, tmp_path_factory):
    folder = tmp_path_factory.mktemp("timed")
    run_sweep(plan, folder, Quiet())
    return folder


def times_of(folder):
    with open_store(folder) as store:
        return timings_of(store, store.outcomes())


@pytest.mark.slow
def test_two_processes_after_an_interruption_and_what_they_change(plan, run):
    before, batches = read_measurements(run), read_left_out(run)
    with pytest.raises(KeyboardInterrupt):
        time_run(plan, run, 2, Quiet(interrupt_after=1))
    kept = times_of(run)
    assert len(kept) == 6, "the group that was finished: three estimators at one L, in two ways"
    run_sweep(plan, run, Quiet())
    assert read_measurements(run).equals(before), "one process alone changes nothing"
    progress = Quiet()
    timed = time_run(plan, run, 2, progress)
    assert (timed.cells, timed.processes, timed.reused, progress.missing) == (6, 2, 6, 18)
    assert timed.taken == 18

    after = read_measurements(run)
    assert (before.timing_processes == 1).all()
    assert (after.timing_processes == 2).all()
    assert (after.seconds_low < after.seconds).all()
    assert (after.seconds < after.seconds_high).all()
    kept = times_of(run)
    for row in after.itertuples():
        values = kept[row.cell]
        assert row.seconds == pytest.approx(math.sqrt(values[0] * values[1]))
        alone = kept[f"{row.cell} alone"]
        assert row.seconds_alone == pytest.approx(math.sqrt(alone[0] * alone[1]))
        assert row.seconds_alone_low < row.seconds_alone < row.seconds_alone_high
        assert row.seconds_alone > row.seconds, "a call has a cost of its own"
        assert row.work_normalised_variance == pytest.approx(row.variance * row.seconds)
        down = math.hypot(
            math.log(row.variance / row.variance_low), math.log(row.seconds / row.seconds_low)
        )
        assert math.log(
            row.work_normalised_variance / row.work_normalised_variance_low
        ) == pytest.approx(down)
    changed = [*TIMES, *WORK, *ALONE]
    assert before[ALONE].isna().all(axis=None)
    assert before.drop(columns=changed).equals(after.drop(columns=changed))
    assert batches.equals(read_left_out(run))

    # a rerun of the sweep keeps the times, and a rerun of the timing has nothing to do
    run_sweep(plan, run, Quiet())
    assert read_measurements(run).equals(after)
    progress = Quiet()
    assert time_run(plan, run, 2, progress).reused == 24
    assert progress.missing == 0
    assert read_measurements(run).equals(after)


def forget_alone(folder):
    """The store as `time` left it before it timed gradients alone."""
    with closing(sqlite3.connect(folder / FILE)) as connection:
        connection.execute("delete from timings where cell like '% alone'")
        connection.commit()


@pytest.mark.slow
def test_a_rerun_adds_what_was_not_timed(plan, tmp_path):
    """A run that was timed in two processes before there was a time of one gradient alone."""
    run_sweep(plan, tmp_path, Quiet())
    time_run(plan, tmp_path, 2, Quiet())
    before = read_measurements(tmp_path)
    forget_alone(tmp_path)
    run_sweep(plan, tmp_path, Quiet())
    without = read_measurements(tmp_path)
    assert without[ALONE].isna().all(axis=None)
    assert without.drop(columns=ALONE).equals(before.drop(columns=ALONE))
    timed = time_run(plan, tmp_path, 2, Quiet())
    assert (timed.taken, timed.reused) == (12, 12)
    after = read_measurements(tmp_path)
    assert after[ALONE].notna().all(axis=None)
    assert after.drop(columns=ALONE).equals(before.drop(columns=ALONE))
    assert verified_run(tmp_path, unverified=False).changed == ()


def test_of_many_levels_the_least_and_the_largest_are_timed_alone():
    levels = {"[2, 4]": [2, 4], "[8, 1, 4]": [1, 4, 8], "[8, 2, 4, 16]": [2, 16], "[5]": [5]}
    for text, expected in levels.items():
        cells = resolve(parse_sweep(TINY.replace("[2, 4]", text), "here")).measurable
        found = {}
        for cell in cells_alone(cells):
            found.setdefault(cell.estimator, []).append(cell.num_samples)
        assert len(found) == 3
        assert all(each == expected for each in found.values())


def test_a_process_that_ends_early_is_said(plan):
    cell = plan.measurable[0]
    stranger = resolve(parse_sweep(TINY.replace("400", "800"), "here")).measurable[0]
    found = in_a_process(plan.sweep, [Asked(cell, 400), Asked(stranger, 800)])
    with pytest.raises(GradestError, match=r"timing process ended with status 1: KeyError"):
        list(found)


def test_nothing_measured_here_is_bad_input(plan, run, tmp_path, monkeypatch):
    with pytest.raises(BadInput, match="nothing was measured there"):
        time_run(plan, tmp_path, 2, Quiet())
    other = environment() | {"jax": "0"}
    monkeypatch.setattr(executors, "environment", lambda generator: other)
    with pytest.raises(BadInput, match="these versions"):
        time_run(plan, run, 2, Quiet())


def test_few_processes_have_students_interval_and_six_have_order_statistics():
    seconds = np.array([1.0, 1.1, 1.3, 0.9, 1.05])
    logs = np.log(seconds)
    half = stats.t.ppf(0.975, 4) * stats.sem(logs)
    expected = np.exp([logs.mean(), logs.mean() - half, logs.mean() + half])
    np.testing.assert_allclose(over_processes(list(seconds)), expected)
    six = [*seconds, 9.0]
    assert over_processes(six) == median(np.array(six)) == (pytest.approx(1.075), 0.9, 9.0)


@pytest.mark.parametrize("processes", [3, 5, 8])
def test_the_interval_over_processes_covers(processes):
    """400 studies of lognormal times: 95 % at least, to three standard errors."""
    rng = np.random.default_rng(processes)
    intervals = [over_processes(list(np.exp(rng.normal(0, 0.1, processes)))) for _ in range(400)]
    assert np.mean([found.low <= 1 <= found.high for found in intervals]) > 0.915


@pytest.mark.slow
def test_the_command(run_command, tmp_path):
    (tmp_path / "tiny.toml").write_text(TINY.replace('["none", "moving_average"]', '"none"'))
    status, _, err = run_command("time", "tiny")
    assert status == 2
    assert "run 'tiny': its measurements.csv is not there" in err
    assert run_command("run", "tiny.toml")[0] == 0
    for processes in ("1", "0", "-3"):
        status, out, err = run_command("time", "tiny", "--processes", processes)
        assert (status, out) == (2, "")
        assert f"--processes {processes}: expected at least 2" in err
    status, out, err = run_command("time", "tiny.toml", "--processes", "2", "--json")
    assert status == 0
    assert json.loads(out) == {
        "folder": "results/tiny",
        "cells": 4,
        "processes": 2,
        "timed": 16,
        "reused": 0,
    }
    assert "process 2 of 2" in err
    assert (
        "timed in 2 processes"
        in (tmp_path / "results" / "tiny" / "tables" / "times.md").read_text()
    )
    assert (
        "16 of these times were there already" in run_command("time", "tiny", "--processes", "2")[1]
    )
