"""Fresh minibatches in a sweep: which cells they make, what is measured, and what is refused."""

import json

import numpy as np
import pytest

from gradest.benchmarks.errors import BadInput
from gradest.benchmarks.sweeps.plan import resolve
from gradest.benchmarks.sweeps.run import run_sweep
from gradest.benchmarks.sweeps.schema import parse_sweep
from gradest.benchmarks.sweeps.selection import selected
from gradest.estimators.minibatched import Minibatched
from tests.support.folders import read_measurements
from tests.support.sweeps import Quiet

FRESH = "minibatch = 2"
TINY = f"""
schema = 1
name = "tiny"
replicates = 1000
samples = [1]
{FRESH}
[[problem]]
name = "linear_gaussian_vae"
num_points = 6
[[problem]]
name = "gaussian_square"
[[problem]]
name = "vae_bernoulli"
num_images = 5
hidden_dim = 2
latent_dim = 2
minibatch = 4
[[estimator]]
name = ["pathwise", "straight_through", "score_function"]
"""


def plan_of(before="", after=""):
    assert before in TINY
    return resolve(parse_sweep(TINY.replace(before, after, 1) if before else TINY, "here"))


def test_a_cell_has_it_in_its_name_where_there_is_one():
    plan, without = plan_of(), plan_of(FRESH, "")
    sizes = {cell.problem.name: cell.minibatch for cell in plan.cells}
    assert sizes == {"linear_gaussian_vae": 2, "gaussian_square": None, "vae_bernoulli": 4}
    same = {cell.id for cell in plan.cells} & {cell.id for cell in without.cells}
    names = {cell.problem.name for cell in plan.cells if cell.id in same}
    assert names == {"gaussian_square", "vae_bernoulli"}
    for here, there in zip(plan.cells, without.cells, strict=True):
        assert str(here.key) == str(there.key)  # the draws' keys are common
    for cell in plan.measurable:
        assert isinstance(plan.parts(cell)[1], Minibatched) == (cell.minibatch is not None)


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        (
            FRESH,
            "minibatch = 7",
            "problem linear_gaussian_vae.*: minibatch = 7: "
            "expected a whole number from 1 to 6, its data points",
        ),
        (FRESH, "minibatch = 0", "minibatch = 0: expected it to be greater"),
        (FRESH, "minibatches = 2", "did you mean minibatch"),
        (
            '"gaussian_square"',
            '"gaussian_square"\nminibatch = 1',
            "problem gaussian_square.*minibatch = 1: expected none: it has no data points",
        ),
        (
            FRESH,
            "minibatch = 2\nminibatch_size = 3",
            "linear_gaussian_vae.*minibatch_size = 3: expected 2, as minibatch, or nothing",
        ),
    ],
)
def test_what_cannot_be_is_bad_input(before, after, message):
    with pytest.raises(BadInput, match=message):
        plan_of(before, after)


def test_a_sweep_without_data_has_no_minibatches():
    text = TINY.partition("[[problem]]")[0] + '[[problem]]\nname = "gaussian_square"\n'
    text += '[[estimator]]\nname = "pathwise"\n'
    message = "sweep tiny: minibatch = 2: expected none: no problem has data points"
    with pytest.raises(BadInput, match=message):
        resolve(parse_sweep(text, "here"))


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """The rows of the sweep, and of one of its estimators on all data points."""
    text = TINY.replace(FRESH, "minibatch_size = 2")
    whole = selected(parse_sweep(text, "here"), ["linear_gaussian_vae"], ["pathwise"])
    tables = []
    for plan in (plan_of(), resolve(whole)):
        folder = tmp_path_factory.mktemp("run")
        run_sweep(plan, folder, Quiet())
        tables.append(read_measurements(folder))
    return tables


def test_columns_have_both_kinds_of_noise_apart_and_together(runs):
    fresh, whole = runs
    toy = fresh[fresh.problem == "gaussian_square"]
    assert toy[["minibatch", "minibatch_size", "own_variance"]].isna().all(axis=None)
    measured = fresh[fresh.problem.isin(["linear_gaussian_vae", "vae_bernoulli"])]
    measured = measured[measured.status != "skipped"]
    assert (measured.minibatch == measured.minibatch_size).all()
    assert (measured.minibatch_variance > 0).all()
    known = measured[measured.unbiased.astype(bool)]
    for end in ("", "_low", "_high"):
        expected = known[f"variance{end}"] - known.minibatch_variance
        np.testing.assert_allclose(known[f"own_variance{end}"], expected, rtol=1e-9)
    assert measured[~measured.unbiased.astype(bool)].own_variance.isna().all()
    assert len(known) < len(measured)
    assert whole[["minibatch", "own_variance"]].isna().all(axis=None)


def test_the_estimators_own_part_is_that_on_all_data_over_their_share(runs):
    """Of a mean over points with noise of their own, of n of N points: N/n times that on all N.

    The error of a difference is at most that of both; five of them would be an accident.
    """
    fresh, whole = (
        table[(table.problem == "linear_gaussian_vae") & (table.status == "ok")].set_index(
            ["estimator", "estimator_args", "group"]
        )
        for table in runs
    )
    rows = [key for key in fresh.index if key[0] == "pathwise"]
    assert len(rows) == 2
    for key in rows:
        here, there = fresh.loc[key], whole.loc[key]
        widths = (
            here.own_variance_high - here.own_variance_low,
            3 * (there.variance_high - there.variance_low),
        )
        error = np.hypot(*widths) / 2 / 1.96
        assert abs(here.own_variance - 3 * there.variance) < 5 * error
        assert here.own_variance > 0


def test_no_bias_is_found_against_the_gradient_on_all_data(runs):
    fresh, _ = runs
    rows = fresh[(fresh.unbiased == True) & (fresh.status == "ok")]  # noqa: E712
    assert not (rows.bias_finding == "biased").any()
    assert rows.exact.all()


def test_plan_says_so(run_command, tmp_path):
    (tmp_path / "tiny.toml").write_text(TINY)
    status, out, _ = run_command("plan", "tiny.toml")
    assert status == 0
    assert "minibatches of 2, fresh in each estimate: linear_gaussian_vae" in out
    assert "minibatches of 4, fresh in each estimate: vae_bernoulli" in out
    sizes = json.loads(run_command("plan", "tiny.toml", "--json")[1])["minibatch_sizes"]
    assert sorted(sizes.values()) == [2, 4]
