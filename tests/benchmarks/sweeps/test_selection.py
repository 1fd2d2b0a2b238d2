"""Parts of a sweep: the cells of the whole, chosen by name and arguments; keys set anew."""

import pytest

from gradest.benchmarks.errors import BadInput
from gradest.benchmarks.sweeps.plan import resolve
from gradest.benchmarks.sweeps.schema import parse_sweep
from gradest.benchmarks.sweeps.selection import assignment, reset, selected
from tests.support.sweeps import GOOD_SWEEP


@pytest.fixture
def sweep():
    return parse_sweep(GOOD_SWEEP, "here")


@pytest.mark.parametrize(
    ("problems", "estimators", "labels"),
    [
        ([], ["pathwise"], {("gaussian_square", -3.0), ("gaussian_square", 3.0)}),
        (["gaussian_square[k=3]"], [], {("gaussian_square", 3.0)}),
        # scale is not named in the file: its default is meant
        (["gaussian_square[scale=1.0,k=-3]"], ["reinforce"], {("gaussian_square", -3.0)}),
        (["bernoulli_square"], ["rloo"], {("bernoulli_square", None)}),
    ],
)
def test_cells_of_a_part_are_those_of_the_whole(sweep, problems, estimators, labels):
    """To the id, from which the random numbers are."""
    whole = {cell.id for cell in resolve(sweep).cells}
    plan = resolve(selected(sweep, problems, estimators))
    assert {cell.id for cell in plan.cells} < whole
    measured = {
        (cell.problem.name, dict(cell.problem.arguments).get("k")) for cell in plan.measurable
    }
    assert measured == labels


def test_the_problems_own_samples_and_replicates_stay(sweep):
    part = selected(sweep, ["bernoulli_square"], [])
    assert part.problem[0].samples == [2]
    assert {cell.replicates for cell in resolve(part).cells} == {800}


def test_a_variant_that_arguments_tell_apart(sweep):
    plan = resolve(selected(sweep, [], ["score_function[baseline=none]"]))
    assert [choice.label for choice in plan.estimators] == [
        "score_function[baseline=none,control_variate=none,coupling=independent]"
    ]


@pytest.mark.parametrize(
    ("problems", "estimators", "message"),
    [
        (
            ["gaussian_cosine"],
            [],
            "-p 'gaussian_cosine': sweep small has no such problem: did you mean gaussian_square?",
        ),
        (["gaussian_sqare"], [], "did you mean gaussian_square"),
        (["gaussian_square[k=4]"], [], "sweep small has no such problem"),
        ([], ["rebar"], "-e 'rebar': sweep small has no such estimator: expected one of score"),
        ([], ["pathwise[couplin=independent]"], "did you mean coupling"),
        ([], ["pathwise["], "-e 'pathwise['"),
    ],
)
def test_what_is_not_in_the_sweep_is_named(sweep, problems, estimators, message):
    with pytest.raises(BadInput) as raised:
        selected(sweep, problems, estimators)
    assert message in str(raised.value)


def test_keys_are_set_as_a_file_has_them(sweep):
    found = reset(sweep, ["samples=1,8", "dtype=float64", "equivalence_margin=0.1", 'name="new"'])
    assert found.samples == [1, 8]
    assert (found.dtype, found.equivalence_margin, found.name) == ("float64", 0.1, "new")
    assert reset(sweep, ["samples = [2]"]).samples == [2]
    assert reset(sweep, []) == sweep


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("samples", "--set 'samples': expected key=value"),
        ("sample=3", "did you mean samples"),
        ("problem=3", "unknown key 'problem'"),
        ("samples=x", "--set samples = 'x': expected it to be a valid list"),
        ("seed=-1", "--set seed = -1: expected"),
    ],
)
def test_what_cannot_be_set_is_named(sweep, text, message):
    with pytest.raises(BadInput) as raised:
        reset(sweep, [text])
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_value_may_hold_an_equals_sign():
    assert assignment('name="a=b"') == ("name", "a=b")
