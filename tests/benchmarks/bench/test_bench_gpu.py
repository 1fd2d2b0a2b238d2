"""The bench on a GPU: what its steps are, that none costs another, and what is read of them."""

import json
import os

import pandas as pd
import pytest

from gradest.benchmarks.bench.gpu import __main__ as command
from gradest.benchmarks.bench.gpu.steps import FULL, SMALL, Ended, Step, steps, taken
from gradest.benchmarks.bench.gpu.table import FOUND, as_markdown, table
from gradest.benchmarks.sweeps.plan import resolve
from gradest.benchmarks.sweeps.schema import load_sweep
from tests.support.house import ROOT
from tests.support.made_runs import cell, jackknifed, write

OK = Step("fine", "platform", (), 60)
"""A module that prints a line, and ends."""


@pytest.mark.parametrize("size", [FULL, SMALL], ids=["full", "small"])
def test_the_sweeps_can_be_measured(size, tmp_path):
    made = {step.name: step for step in steps(size, tmp_path)}
    assert FOUND.keys() <= made.keys()
    for name in ("network", "here", "on_cpu"):
        plan = resolve(load_sweep(made[name].words[0]))
        assert plan.measurable
    assert made["here"].words[0] == made["on_cpu"].words[0]
    assert made["on_cpu"].settings["JAX_PLATFORMS"] == "cpu"
    assert made["cold"].settings == made["warm"].settings


def test_the_network_is_the_one_whose_gradient_looked_biased(tmp_path):
    network = steps(FULL, tmp_path)[0]
    cells = resolve(load_sweep(network.words[0])).measurable
    assert {cell.replicates for cell in cells} == {2_000}
    assert {json.loads(cell.problem.json)["num_images"] for cell in cells} == {64}
    assert 64 in {cell.num_samples for cell in cells}


def test_a_step_that_fails_or_is_late_is_a_line(tmp_path):
    assert taken(OK, tmp_path, 60).status == ""
    missing = taken(OK._replace(module="gradest.no_such_module"), tmp_path, 60)
    assert missing.status.startswith("status 1: ")
    late = taken(
        OK._replace(module="timeit", words=("-n", "1", "import time; time.sleep(60)"), seconds=1),
        tmp_path,
        60,
    )
    assert late.status == "stopped after 1 s"
    assert taken(OK, tmp_path, -1.0).status == "no time was left"


def test_the_whole_takes_no_longer_than_it_may(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(command, "steps", lambda size, folder: [OK, OK._replace(name="other")])
    command.bench(SMALL, 0.0, tmp_path)
    assert "| fine | no time was left |" in capsys.readouterr().out
    found = json.loads((tmp_path / "gpu.json").read_text())["steps"]
    assert {step["status"] for step in found.values()} == {"no time was left"}


def test_what_was_found_is_a_table(tmp_path):
    rows = [cell(jackknifed(2.0, pd.Series([0.1, -0.1] * 16).to_numpy()), bias_p=0.25)]
    write(tmp_path / "network", rows)
    (tmp_path / "warm").mkdir()
    (tmp_path / "warm" / "manifest.json").write_text('{"sweep": {"name": "default"}}')
    warning = "numbers differ between the devices by up to 2 of the standard deviation in 1 rows"
    compared = {"rows": [{"paired": True}, {"paired": False}], "warnings": ["x", warning]}
    (tmp_path / "agreement.out").write_text(json.dumps(compared))
    pd.DataFrame(
        {
            "estimator": ["a", "b"],
            "dim": 10,
            "num_samples": 16,
            "of_floor": [0.5, 0.125],
            "samples_per_second": [1e9, 2e9],
        }
    ).to_csv(tmp_path / "throughput.csv")
    pd.DataFrame(
        {
            "estimator": "a",
            "peer": ["p", "q"],
            "num_samples": 16,
            "status": ["timed", "failed"],
            "reason": ["", "it died"],
            "times_faster": 2.0,
            "times_faster_low": 1.5,
            "times_faster_high": 3.0,
        }
    ).to_csv(tmp_path / "peers.csv")
    ended = [Ended(name, 12.34, "") for name in FOUND if name != "cold"]
    text = as_markdown(table(tmp_path, [*ended, Ended("cold", 5.0, "stopped after 5 s")]), "On x.")
    for line in (
        "| network, score function, L = 16, R = 20000 | p = 0.25 (equivalent), 16 µs an estimate |",
        "| default, warm cache | 12.3 s |",
        "| cold | stopped after 5 s |",
        "| cells as on a processor | 1 of 2 rows paired |",
        f"|  | {warning} |",
        "| share of the generator's floor, D = 10, L = 16 | 0.25 in the mean, 0.12 to 0.50 |",
        "| b, D = 10, L = 16 | 20 billion x/s |",
        "| a beside p, D = 10, L = 16 | 2 times as fast [1.5, 3] |",
        "| a beside q, D = 10, L = 16 | failed: it died |",
    ):
        assert line in text.splitlines()


def test_the_script_can_be_run():
    script = ROOT / "benchmarks" / "bench" / "gpu.sh"
    assert os.access(script, os.X_OK)
    assert "gradest.benchmarks.bench.gpu" in script.read_text()
