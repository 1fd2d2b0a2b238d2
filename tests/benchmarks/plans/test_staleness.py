"""What of a store is to be made again: cells and trainings, each with the reason."""

import json
import sqlite3

import pytest

from gradest.benchmarks.outcomes import Kept, Outcome
from gradest.benchmarks.plans.staleness import reason_against, stale_in
from gradest.benchmarks.runtime.environment import digest_of
from gradest.benchmarks.sweeps import run as running
from gradest.benchmarks.sweeps.plan import resolve
from gradest.benchmarks.sweeps.run import run_sweep
from gradest.benchmarks.sweeps.schema import parse_sweep
from gradest.benchmarks.sweeps.store import FILE
from gradest.benchmarks.training.runs import TRAINS
from tests.support.sweeps import Quiet

NOW = {"gradest": "1", "jax": "2"}
CODE = {"gradest.a": "1", "mine": "2"}


@pytest.mark.parametrize(
    ("outcome", "then", "why"),
    [
        (Outcome("ok", "", [], NOW, "", digest_of(CODE)), CODE, ""),
        (Outcome("ok", "", [], NOW | {"jax": "1"}, "", "x"), CODE, "measured with jax 1"),
        (Outcome("ok", "", [], {"jax": "2"}, "", "x"), CODE, "measured with gradest unknown"),
        (
            Outcome("ok", "", [], NOW, ""),
            {},
            "measured by a version that did not keep with which code",
        ),
        (
            Outcome("ok", "", [], NOW, "", "x", "0123456789"),
            {},
            "measured with other code (commit 0123456)",
        ),
        (
            Outcome("ok", "", [], NOW, "", "x"),
            {"gradest.a": "1", "mine": "3", "other": "4"},
            "measured with other code (mine, other)",
        ),
    ],
)
def test_why_a_cell_is_stale(outcome, then, why):
    kept = Kept({}, [], {outcome.code: then}, {}, [])
    assert reason_against("cell", outcome, CODE, NOW, kept) == why
    made = why.replace("measured", "made")
    assert reason_against("training", outcome, CODE, NOW, kept) == made


SWEEP = """
name = "trained"
samples = [2]
replicates = 400
[[problem]]
name = "gaussian_square"
[[estimator]]
name = ["pathwise", "rloo"]
[training]
steps = 4
seeds = 2
checkpoints = [4]
curve_points = 2
"""


@pytest.fixture
def plan():
    return resolve(parse_sweep(SWEEP, "f"))


def test_stale_trainings_are_named(plan, tmp_path, monkeypatch, run_command):
    """With the module, by `plan` and `status`; cells whose code is the same stay."""
    run_sweep(plan, tmp_path / "run", Quiet())
    assert stale_in(plan, tmp_path / "run") == []
    code_of = running.code_of

    def edited(through, *things):
        is_other = through == TRAINS and "Pathwise" in {type(thing).__name__ for thing in things}
        more = {"gradest.benchmarks.training.loop": "edited"} if is_other else {}
        return code_of(through, *things) | more

    monkeypatch.setattr(running, "code_of", edited)
    why = "made with other code (gradest.benchmarks.training.loop)"
    assert stale_in(plan, tmp_path / "run") == [(why, 2, "training")]
    (tmp_path / "trained.toml").write_text(SWEEP)
    where = [str(tmp_path / "trained.toml"), "-o", str(tmp_path / "run")]
    _, out, err = run_command("plan", *where)
    line = f"2 trainings there, {why}: to be made again by `gradest run`"
    assert line in err.splitlines()
    assert "2 of the cells are there already\n2 of the trainings are there already" in out
    _, out, err = run_command("status", *where, "--json")
    assert line in err.splitlines()
    assert json.loads(out)["stale"] == [{"why": why, "trainings": 2}]
    told = Quiet()
    run_sweep(plan, tmp_path / "run", told)
    assert told.missing == 2
    assert stale_in(plan, tmp_path / "run") == []


def test_trainings_of_other_settings_are_counted(plan, tmp_path, run_command):
    run_sweep(plan, tmp_path / "run", Quiet())
    (tmp_path / "trained.toml").write_text(SWEEP.replace("steps = 4", "steps = 4\nb1 = 0.8"))
    where = [str(tmp_path / "trained.toml"), "-o", str(tmp_path / "run")]
    _, out, _ = run_command("status", *where)
    assert "4 trainings of other settings there\ntrainings: 4 pending" in out


def test_a_damaged_training_is_stale(plan, tmp_path):
    run_sweep(plan, tmp_path, Quiet())
    connection = sqlite3.connect(tmp_path / FILE)
    with connection:
        connection.execute("update trainings set rows = '[]' where id = 1")
        ((name,),) = connection.execute("select training from trainings where id = 1")
    connection.close()
    assert stale_in(plan, tmp_path) == [(f"damaged ('{name}')", 1, "training")]
