"""What a notebook asks of a sweep before and while it runs, without the command."""

import pytest

from gradest.benchmarks.plans.staleness import compared
from gradest.benchmarks.plans.status import (
    first_of,
    points_of,
    skipped_lines,
    status_of,
    totals_of,
)
from gradest.benchmarks.sweeps.plan import resolve
from gradest.benchmarks.sweeps.run import run_sweep
from gradest.benchmarks.sweeps.schema import load_sweep, parse_sweep
from gradest.benchmarks.sweeps.store import read_outcomes, read_store
from tests.support.sweeps import GOOD_SWEEP, Quiet


def plan_of(text: str = GOOD_SWEEP):
    return resolve(parse_sweep(text, "here"))


def test_the_totals_of_a_plan():
    totals = totals_of(plan_of())
    # two k, L = 1 and 4: leave-one-out needs two samples; on bits nothing is pathwise
    assert (totals.cells, totals.skipped) == (2 * (3 + 2) + 2, 2 + 1)
    draws = 2 * 4000 * (2 * 1 + 3 * 4) + 2 * 800 * 2
    grads = 2 * 4000 * (1 + 4)
    assert totals.as_json == {"draws": draws, "f_evals": draws, "grad_evals": grads}
    assert totals.text.startswith("12 cells to measure, 3 skipped\n3 problems × 3 estimators; ")


def test_a_skipped_cell_is_named():
    too_few = "num_samples = 1: expected at least 2 with this estimator"
    assert skipped_lines(plan_of()) == [
        f"skipped 2 cells: score_function[baseline=leave_one_out] on gaussian_square: {too_few}",
        "skipped 1 cell: pathwise on bernoulli_square: "
        "Bernoulli has no differentiable draw (rsample)",
    ]


@pytest.mark.parametrize(
    ("names", "text"),
    [("a", "a"), ("aba", "a, b"), ("abc", "a, b, c"), ("abcd", "a, b, c and 1 more")],
)
def test_a_few_names_stand_for_many(names, text):
    assert first_of(names) == text


def test_the_status_of_a_run(tmp_path):
    plan = plan_of(GOOD_SWEEP.replace("4000", "400").replace("800", "80"))
    before = status_of(plan, read_outcomes(tmp_path))
    assert before.counts == {"ok": 0, "unreliable": 0, "failed": 0, "pending": 12, "skipped": 3}
    with pytest.raises(KeyboardInterrupt):
        run_sweep(plan, tmp_path, Quiet(interrupt_after=5))
    status = status_of(plan, read_outcomes(tmp_path))
    assert status.counts["ok"] + status.counts["unreliable"] == 5
    assert status.counts["pending"] == 7
    assert status.failures == []
    assert compared(plan, read_store(tmp_path)) == (5, 0, [])


NOWHERE = """
schema = 1
name = "nowhere"
replicates = 40
samples = [1]
[[problem]]
name = "picky:Mine"
[[problem]]
name = "gaussian_square"
[[estimator]]
name = "picky:Never"
[[estimator]]
name = "picky:NotOnMine"
[[estimator]]
name = "pathwise"
"""
PICKY = """
from gradest.estimators.pathwise.pathwise import Pathwise
from gradest.problems.toys.gaussian import GaussianSquare

class Mine(GaussianSquare):
    pass

class Never(Pathwise):
    def refuses(self, problem):
        return "it is never used"

class NotOnMine(Pathwise):
    def refuses(self, problem):
        return "it is not this one" if isinstance(problem, Mine) else None
"""


def test_a_class_that_is_measured_nowhere_is_warned_of(run_command, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "picky.py").write_text(PICKY)
    (tmp_path / "nowhere.toml").write_text(NOWHERE)
    status, _, err = run_command("plan", "nowhere.toml", "--json")
    assert status == 0
    assert err.splitlines() == [
        "warning: picky:Never is measured nowhere: it is never used",
        "warning: picky:NotOnMine is measured nowhere on picky:Mine: it is not this one",
    ]
    (skipped,) = [
        line for line in skipped_lines(resolve(load_sweep("nowhere.toml"))) if "Never" in line
    ]
    assert skipped.endswith(" on picky:Mine, gaussian_square: it is never used")


TRAINED_SWEEP = """
schema = 1
name = "small"
samples = [2]

[[problem]]
name = ["vae_bernoulli", "vae_gaussian"]
train_steps = [0, 1000]

[[problem]]
name = "vae_gaussian"
train_steps = 7

[[problem]]
name = "gaussian_square"

[[estimator]]
name = "score_function"
"""


def test_a_plan_says_where_each_trained_point_is_from():
    assert points_of(plan_of(TRAINED_SWEEP)) == {
        "vae_bernoulli[train_steps=1000]": "shipped",
        "vae_gaussian[train_steps=1000]": "shipped",
        "vae_gaussian[train_steps=7]": "trained here",
    }
