"""A run of version 0.3, which was called gradvar: read, measured again, and not extended."""

import json
import shutil

import pytest

from gradest.benchmarks.runtime.environment import environment
from gradest.benchmarks.sweeps.plan import resolve
from gradest.benchmarks.sweeps.run import run_sweep
from gradest.benchmarks.sweeps.schema import parse_sweep
from gradest.benchmarks.sweeps.store import FILE, read_outcomes
from tests.support.older_stores import older_store
from tests.support.sweeps import GOOD_SWEEP, Quiet

TINY = GOOD_SWEEP.replace("4000", "400").replace("800", "80").replace("[1, 4]", "[4]")
WHY = "measured with gradvar 0.3.0"
SAID = f"8 cells there, {WHY}: to be measured again by `gradest run`"


@pytest.fixture(scope="module")
def now(tmp_path_factory):
    """A run of this version."""
    folder = tmp_path_factory.mktemp("now")
    run_sweep(resolve(parse_sweep(TINY, "here")), folder, Quiet())
    return folder


@pytest.fixture
def then(now, tmp_path):
    """The same run as version 0.3 left it, in results/small: its store has the keys of then."""
    folder = tmp_path / "results" / "small"
    shutil.copytree(now, folder)
    here = environment()
    assert here.pop("gradest")
    old = {"gradvar": "0.3.0", **here}
    outcomes = read_outcomes(folder)
    then = {cell: outcome._replace(environment=old) for cell, outcome in outcomes.items()}
    older_store(folder / FILE, 2, then)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["environments"] = [old]
    del manifest["checksum"]
    manifest["checksums"] = manifest.pop("files")
    (folder / "manifest.json").write_text(json.dumps(manifest))
    (tmp_path / "tiny.toml").write_text(TINY)
    return folder


def test_it_is_read(then, now, run_command):
    assert run_command("report", "small")[0] == 0
    assert (then / "summary.md").exists()
    status, out, err = run_command("compare", "small", str(now), "--metric", "variance")
    assert status == 0
    assert "identical" in out
    assert "gradvar 0.3.0 in A" in err


def test_its_status_says_what_will_be_measured_again(then, run_command):
    status, out, err = run_command("status", "tiny.toml")
    assert status == 0
    assert "8 ok" in out
    assert err.splitlines() == [SAID]
    assert len(read_outcomes(then)) == 8
    status, out, err = run_command("plan", "tiny.toml", "--json")
    assert json.loads(out)["stale"] == [{"why": WHY, "cells": 8}]


@pytest.mark.slow
def test_a_run_says_so_and_measures_it_again(then, run_command):
    status, out, err = run_command("run", "tiny.toml", "--json")
    assert status == 0
    assert SAID in err.splitlines()
    assert json.loads(out)["reused"] == 0
    assert json.loads(out)["stale"] == [{"why": WHY, "cells": 8}]
    kept = read_outcomes(then).values()
    assert {outcome.environment["gradest"] for outcome in kept} == {environment()["gradest"]}
    status, out, err = run_command("run", "tiny.toml", "--json")
    assert json.loads(out)["reused"] == 8
    assert json.loads(out)["stale"] == []
    assert "gradvar" not in err


@pytest.mark.slow
def test_it_is_not_extended_and_the_way_on_is_said(then, run_command):
    before = (then / FILE).read_bytes()
    status, out, err = run_command("extend", "small", "--replicates", "400")
    assert (status, out) == (2, "")
    assert err == (
        "gradest: run results/small: its cells were measured with gradvar 0.3.0, and no replicates "
        "can be added to those here: `gradest run SWEEP -o results/small` measures them again, "
        "and then they can be extended\n"
    )
    assert (then / FILE).read_bytes() == before
    assert run_command("run", "tiny.toml", "-o", "results/small")[0] == 0
    assert run_command("extend", "small", "--replicates", "400")[0] == 0


def test_it_is_not_timed(then, run_command):
    status, _, err = run_command("time", "small", "--processes", "2")
    assert status == 2
    assert "nothing was measured there with these versions on this hardware" in err
