"""`gradest run --workers, --scheduler, --shard` and `gradest merge`, and runs without times."""

import json
from pathlib import Path

import pytest

from tests.support.folders import edited, read_measurements


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--workers", "2", "--shard", "1/2"), "--workers and --shard: expected one of them"),
        (("--scheduler", "tcp://a:1", "--shard", "1/2"), "--scheduler and --shard: expected one"),
        (("--shard", "3/2"), "--shard 3/2: expected i/n"),
        (("--workers", "0"), "0 is not in the range"),
    ],
)
def test_what_cannot_be_is_bad_input(run_command, words, said):
    status, out, err = run_command("run", "small.toml", *words)
    assert (status, out) == (2, "")
    assert said in err


@pytest.fixture
def shards(run_command):
    for number in (1, 2):
        status, out, _ = run_command("run", "small.toml", "--shard", f"{number}/2")
        assert status == 0
        assert out.startswith(f"results/small-{number}-of-2: ")
    return ["results/small-1-of-2", "results/small-2-of-2"]


def test_shards_are_merged_and_every_command_bears_that_nothing_was_timed(run_command, shards):
    status, out, err = run_command("merge", shards[0], "-o", "all", "--json")
    assert status == 3
    assert json.loads(out)["missing_shards"] == ["2/2"]
    assert "missing (shard 2/2)" in err
    status, out, _ = run_command("merge", *shards, "-o", "all")
    assert status == 0
    assert "all: " in out
    assert Path("all/report.html").is_file()
    assert read_measurements(Path("all")).seconds.isna().all()

    assert run_command("verify", "all")[0] == 0
    assert run_command("status", "all")[0] == 0
    assert run_command("plan", "small.toml", "-o", "all")[0] == 0
    assert run_command("cite", "all")[0] == 0
    assert run_command("compare", "all", "all", "--fail-above", "5%")[0] == 0
    status, out, err = run_command("compare", "all", "--reference", "pathwise", "--json")
    assert (status, err.count("internal")) == (0, 0)
    status, _, err = run_command("recommend", "gaussian_square", "--from", "all", "--budget", "1ms")
    assert status == 2
    assert "run `gradest time RUN`" in err
    asked = ("--from", "all", "--evaluations", "8")
    assert run_command("recommend", "gaussian_square", *asked)[0] == 0

    edited(Path(shards[1], "leave_one_out.csv"), ",0,", ",1,")
    status, _, err = run_command("merge", *shards, "-o", "other")
    assert status == 4
    assert f"run {shards[1]}: leave_one_out.csv was changed after it was written" in err
    assert not Path("other").exists()


@pytest.mark.slow
def test_two_workers_and_the_times_after_them(run_command):
    status, _, err = run_command("run", "small.toml", "--workers", "2", "-o", "two")
    assert status == 0, err
    assert "`gradest time two` takes them" in err
    assert read_measurements(Path("two")).seconds.isna().all()
    assert run_command("time", "two", "--processes", "2")[0] == 0
    table = read_measurements(Path("two"))
    measured = table[table.status.isin(["ok", "unreliable"])]
    assert measured.seconds.notna().all()
    assert measured.work_normalised_variance.notna().all()
    assert run_command("run", "small.toml", "--workers", "1", "-o", "one")[0] == 0
    assert read_measurements(Path("one")).seconds.notna().sum() == len(measured)
