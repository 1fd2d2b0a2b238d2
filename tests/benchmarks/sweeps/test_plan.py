"""The cells that a sweep file stands for."""

import json

import pytest

from gradest.benchmarks.errors import BadInput
from gradest.benchmarks.sweeps.plan import resolve
from gradest.benchmarks.sweeps.schema import load_sweep, override, parse_sweep, preset_names
from gradest.estimators import ESTIMATORS
from gradest.problems import PROBLEMS
from tests.support.sweeps import GOOD_SWEEP


def test_lists_are_swept_as_a_product():
    plan = resolve(parse_sweep(GOOD_SWEEP, "here"))
    assert len(plan.cells) == 2 * 2 * 3 + 1 * 1 * 3
    assert len({cell.id for cell in plan.cells}) == len(plan.cells)
    bernoulli = [cell for cell in plan.cells if cell.problem.name == "bernoulli_square"]
    assert {(cell.num_samples, cell.replicates) for cell in bernoulli} == {(2, 800)}
    assert json.loads(plan.cells[0].problem.json) == {
        "dim": 1,
        "k": -3.0,
        "mean": 1.0,
        "scale": 1.0,
    }


def test_what_cannot_be_measured_is_skipped_with_its_reason():
    plan = resolve(parse_sweep(GOOD_SWEEP, "here"))
    reasons = set(plan.reasons.values())
    assert reasons == {
        "num_samples = 1: expected at least 2 with this estimator",
        "Bernoulli has no differentiable draw (rsample)",
    }


def test_a_cells_name_depends_on_what_its_result_depends_on():
    first = resolve(parse_sweep(GOOD_SWEEP, "here")).cells[0]
    assert (
        first.id == resolve(parse_sweep(GOOD_SWEEP.replace("small", "other"), "here")).cells[0].id
    )
    for change in (
        ("replicates = 4000", "replicates = 4400"),
        ("schema = 1", "schema = 1\nseed = 1"),
        ("-3.0", "-2.0"),
    ):
        assert resolve(parse_sweep(GOOD_SWEEP.replace(*change), "here")).cells[0].id != first.id
    assert (
        resolve(parse_sweep(GOOD_SWEEP.replace("[-3.0, 3.0]", "[-3, 3.0]"), "here")).cells[0].id
        == first.id
    )


def test_the_generator_is_part_of_a_cells_name_but_where_it_is_the_first_one():
    """Committed runs are named without it."""
    plain = resolve(parse_sweep(GOOD_SWEEP, "here"))
    named = resolve(override(parse_sweep(GOOD_SWEEP, "here"), generator="threefry"))
    other = resolve(override(parse_sweep(GOOD_SWEEP, "here"), generator="philox"))
    assert plain.cells[0].id == named.cells[0].id == "d531eb40e7f8"
    ids = [
        {name for cell in plan.cells for name in (cell.id, cell.series)} for plan in (plain, other)
    ]
    assert not ids[0] & ids[1]


def test_leave_one_out_without_any_l_of_two_or_more_is_an_error():
    with pytest.raises(BadInput, match=r"leave_one_out.*num_samples = 1: expected at least 2"):
        resolve(
            parse_sweep(
                GOOD_SWEEP.replace("[1, 4]", "[1]").replace("samples = [2]", "samples = [1]"),
                "here",
            )
        )


def test_nothing_to_measure_is_an_error():
    text = GOOD_SWEEP.replace("gaussian_square", "bernoulli_square").replace("k = [-3.0, 3.0]", "")
    text = text[: text.index("[[estimator]]")] + '[[estimator]]\nname = "pathwise"\n'
    with pytest.raises(BadInput, match="nothing to measure: Bernoulli has no differentiable draw"):
        resolve(parse_sweep(text, "here"))


@pytest.mark.parametrize("name", preset_names())
def test_presets_are_valid(name):
    assert resolve(load_sweep(name)).measurable


def test_every_problem_and_estimator_is_in_a_preset():
    plans = [resolve(load_sweep(name)) for name in preset_names()]
    assert {choice.name for plan in plans for choice in plan.problems} == set(PROBLEMS)
    assert {choice.name for plan in plans for choice in plan.estimators} == set(ESTIMATORS)


def test_a_new_revision_of_a_problem_is_measured_again_on_the_same_random_numbers(monkeypatch):
    """Else a resumed run would hold cells of both."""
    before = resolve(parse_sweep(GOOD_SWEEP, "here")).measurable
    for cls in set(map(type, resolve(parse_sweep(GOOD_SWEEP, "here")).problems.values())):
        monkeypatch.setattr(cls, "revision", 2)
    after = resolve(parse_sweep(GOOD_SWEEP, "here")).measurable
    assert len(before) == len(after) > 0
    assert not {cell.id for cell in before} & {cell.id for cell in after}
    assert not {cell.series for cell in before} & {cell.series for cell in after}
    assert [cell.problem.label for cell in before] == [cell.problem.label for cell in after]
