"""Minibatches in a sweep: what a size changes, and what it does not."""

import json

import numpy as np
import pytest

from gradest.benchmarks.analysis.verification import verified_run
from gradest.benchmarks.errors import BadInput
from gradest.benchmarks.sweeps.plan import resolve
from gradest.benchmarks.sweeps.run import run_sweep
from gradest.benchmarks.sweeps.schema import load_sweep, parse_sweep
from tests.support.folders import read_measurements
from tests.support.sweeps import Quiet

SIZE = "minibatch_size = 2"
TINY = f"""
schema = 1
name = "tiny"
replicates = 40
samples = [2]
{SIZE}
[[problem]]
name = "linear_gaussian_vae"
num_points = 3
[[problem]]
name = "gaussian_square"
[[problem]]
name = "vae_gaussian"
num_images = 5
hidden_dim = 2
latent_dim = 1
minibatch_size = 4
[[estimator]]
name = "pathwise"
"""


def plan_of(**changes):
    text = TINY
    for before, after in changes.values():
        assert before in text
        text = text.replace(before, after)
    return resolve(parse_sweep(text, "here"))


def test_it_is_of_the_problems_with_data_and_no_part_of_a_cell():
    plan = plan_of()
    sizes = {choice.name: size for choice, size in plan.minibatch_sizes.items()}
    assert sizes == {"linear_gaussian_vae": 2, "vae_gaussian": 4}
    others = (plan_of(size=(SIZE, "minibatch_size = 1")), plan_of(size=(SIZE, "")))
    assert {choice.name for choice in others[1].minibatch_sizes} == {"vae_gaussian"}
    for other in others:
        assert [cell.id for cell in other.cells] == [cell.id for cell in plan.cells]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            (SIZE, "minibatch_size = 4"),
            "problem linear_gaussian_vae.*num_points=3.*minibatch_size = 4: "
            "expected a whole number from 1 to 3, its data points",
        ),
        ((SIZE, "minibatch_size = 0"), "minibatch_size = 0: expected it to be greater"),
        ((SIZE, "minibatch_size = 1.5"), "minibatch_size = 1.5: expected it to be a valid integer"),
        ((SIZE, "minibatch_sise = 2"), "did you mean minibatch_size"),
        (
            ('"gaussian_square"', '"gaussian_square"\nminibatch_size = 1'),
            "problem gaussian_square.*minibatch_size = 1: expected none: it has no data points",
        ),
    ],
)
def test_a_size_that_cannot_be_is_bad_input(change, message):
    with pytest.raises(BadInput, match=message):
        plan_of(change=change)


def test_another_size_measures_nothing_again(tmp_path):
    """The variance is S² N²/n (1 − n/N): of 1 of 3 points four times that of 2."""
    run_sweep(plan_of(), tmp_path, Quiet())
    before = read_measurements(tmp_path)
    quiet = Quiet()
    run_sweep(plan_of(size=(SIZE, "minibatch_size = 1")), tmp_path, quiet)
    after = read_measurements(tmp_path)
    assert quiet.missing == 0
    columns = ["minibatch_size", "minibatch_variance"]
    assert before.drop(columns=columns).equals(after.drop(columns=columns))
    for table, size in ((before, 2), (after, 1)):
        by_problem = table.set_index("problem")
        assert (by_problem.minibatch_size["linear_gaussian_vae"] == size).all()
        assert by_problem.minibatch_size["gaussian_square"].isna().all()
        assert (by_problem.minibatch_size["vae_gaussian"] == 4).all()
        assert by_problem.minibatch_variance[["gaussian_square", "vae_gaussian"]].isna().all()
    ratio = after.minibatch_variance / before.minibatch_variance
    known = before.problem == "linear_gaussian_vae"
    assert (before.minibatch_variance[known] > 0).all()
    np.testing.assert_allclose(ratio[known], 4)
    assert verified_run(tmp_path, unverified=False).changed == ()
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert manifest["sweep"]["minibatch_size"] == 1


def test_plan_says_so(run_command, tmp_path):
    (tmp_path / "tiny.toml").write_text(TINY)
    status, out, _ = run_command("plan", "tiny.toml")
    assert status == 0
    assert "minibatches of 2: linear_gaussian_vae\nminibatches of 4: vae_gaussian\n" in out
    found = json.loads(run_command("plan", "tiny.toml", "--json")[1])["minibatch_sizes"]
    assert {name.split("[")[0]: size for name, size in found.items()} == {
        "linear_gaussian_vae": 2,
        "vae_gaussian": 4,
    }


def test_the_default_sweep_has_minibatches():
    plan = resolve(load_sweep("default"))
    assert {choice.name for choice in plan.minibatch_sizes} == {
        "logistic_regression",
        "vae_bernoulli",
        "vae_gaussian",
    }
