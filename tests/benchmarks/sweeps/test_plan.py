"""The cells that a sweep file stands for."""

import json

import equinox as eqx
import jax
import pytest

from gradest.benchmarks.errors import BadInput
from gradest.benchmarks.sweeps.plan import plan_of, resolve
from gradest.benchmarks.sweeps.schema import (
    checked,
    load_sweep,
    override,
    parse_sweep,
    preset_names,
)
from gradest.estimators import ESTIMATORS, estimator
from gradest.estimators.pathwise.pathwise import Pathwise
from gradest.estimators.score_function.baselines import NoBaseline
from gradest.estimators.score_function.score_function import ScoreFunction
from gradest.problems import PROBLEMS, problem
from gradest.problems.arguments import arguments
from gradest.problems.registry.instances import Choice
from gradest.problems.toys.gaussian import GaussianSquare
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


def test_names_are_swept_as_any_argument():
    """The cells are those of an entry for each; other names may be among them."""
    text = """
schema = 1
name = "named"
samples = [2]
[[problem]]
name = ["bernoulli_square", "bernoulli_shared"]
logit = [0.0, 1.0]
[[estimator]]
"""
    names = 'name = ["score_function", "RLOO", "score_function[baseline=mean]"]\ncoupling = '
    listed = text + names + '["independent", "antithetic"]\n'
    apart = text.replace(
        'name = ["bernoulli_square", "bernoulli_shared"]\nlogit = [0.0, 1.0]',
        'name = "bernoulli_square"\nlogit = [0.0, 1.0]\n'
        '[[problem]]\nname = "bernoulli_shared"\nlogit = [0.0, 1.0]',
    ).removesuffix("[[estimator]]\n")
    for baseline in ("none", "leave_one_out", "mean"):
        apart += f'[[estimator]]\nname = "score_function"\nbaseline = "{baseline}"\n'
        apart += 'coupling = ["independent", "antithetic"]\n'
    found = [cell.id for cell in resolve(parse_sweep(listed, "here")).cells]
    assert found == [cell.id for cell in resolve(parse_sweep(apart, "here")).cells]
    assert len(set(found)) == 4 * 6


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
    with pytest.raises(BadInput, match="measure: pathwise on bernoulli_square: Bernoulli has no"):
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


def fixed(cells):
    return [(cell.id, cell.series, cell.problem.label, cell.estimator.label) for cell in cells]


def test_instances_give_the_cells_of_a_file_that_names_them():
    """Cell by cell: the id, and what its random numbers are made from."""
    written = resolve(parse_sweep(GOOD_SWEEP, "here"))
    toys = [problem("gaussian_square", k=-3.0), problem("gaussian_square", k=3)]
    candidates = [
        estimator("score_function"),
        estimator("score_function", baseline="leave_one_out"),
        Pathwise(),
    ]
    made = plan_of(toys, candidates, samples=(1, 4), replicates=4_000)
    gaussian = [cell for cell in written.cells if cell.problem.name == "gaussian_square"]
    assert fixed(made.cells) == fixed(gaussian)
    assert made.reasons == {
        c.id: written.reasons[c.id] for c in gaussian if c.id in written.reasons
    }
    for one, other in zip(made.cells, gaussian, strict=True):
        assert str(one.key) == str(other.key)
    assert made.problems[made.cells[0].problem] is toys[0]
    assert [choice.name for choice in made.estimators] == [
        "score_function",
        "score_function",
        "pathwise",
    ]
    # and the sweep that it records is such a file
    assert fixed(resolve(made.sweep).cells) == fixed(made.cells)


@pytest.mark.parametrize("name", [*PROBLEMS, *ESTIMATORS])
def test_every_instance_says_what_it_was_made_with(name):
    registry = PROBLEMS if name in PROBLEMS else ESTIMATORS
    assert Choice.of_instance(registry, registry[name]()) == Choice.of(registry, name, {})
    for argument, declared in arguments(registry[name]).items():
        for value in set(declared.choices) - {"mnist"}:  # which needs a network
            chosen = {argument: value}
            thing = registry[name](**chosen)
            assert Choice.of_instance(registry, thing) == Choice.of(registry, name, chosen)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_number_is_what_was_written_in_either_precision(dtype):
    toy, candidate = (
        problem("bernoulli_square", t=0.1),
        estimator("gumbel_softmax", temperature=0.3),
    )
    plan = plan_of([toy], [candidate], samples=[1], dtype=dtype)
    written = {"name": "bernoulli_square", "t": 0.1}
    sweep = plan.sweep.model_dump(by_alias=True) | {
        "problem": [written],
        "estimator": [{"name": "gumbel_softmax", "temperature": 0.3}],
    }
    other = resolve(checked(sweep, "here"))
    assert fixed(plan.cells) == fixed(other.cells)
    for ours, theirs in zip(plan.parts(plan.cells[0]), other.parts(other.cells[0]), strict=True):
        assert eqx.tree_equal(ours, theirs)
        assert {leaf.dtype.name for leaf in jax.tree.leaves(ours)} == {dtype}


class Mine(Pathwise):
    """Pathwise under another name."""


class Own(GaussianSquare):
    """The square under another name."""


def test_classes_of_ones_own_are_named_by_module():
    plan = plan_of([Own(k=2.0)], [Mine(), estimator("pathwise")], samples=[1], precision=0.1)
    assert [choice.name for choice in plan.problems] == [f"{__name__}:Own"]
    assert [choice.name for choice in plan.estimators] == [f"{__name__}:Mine", "pathwise"]
    assert fixed(resolve(plan.sweep).cells) == fixed(plan.cells)


class Halved(NoBaseline):
    """A baseline that is in no table."""

    share: float = 0.5


def test_an_object_that_has_no_name_is_told_from_those_that_have():
    subjects = [
        estimator("score_function"),
        ScoreFunction(baseline=Halved()),
        ScoreFunction(baseline=Halved(0.25)),
    ]
    plan = plan_of([problem("gaussian_square")], subjects, samples=[1])
    assert len({cell.id for cell in plan.cells}) == 3
    assert f"baseline={__name__}:Halved[share=0.25]" in plan.cells[2].estimator.label


def test_what_a_plan_of_instances_refuses():
    toy, pathwise = problem("gaussian_square"), estimator("pathwise")
    with pytest.raises(BadInput, match="problem: expected an instance of Problem; got 'square'"):
        plan_of(["square"], [pathwise], samples=[1])
    with pytest.raises(BadInput, match="estimator: expected an instance of Estimator"):
        plan_of([toy], [toy], samples=[1])
    with pytest.raises(
        BadInput, match=r"unknown key 'replicate': expected .* did you mean replicates"
    ):
        plan_of([toy], [pathwise], samples=[1], replicate=400)
    with pytest.raises(BadInput, match="replicates = 41: expected a number that splits"):
        plan_of([toy], [pathwise], samples=[1], replicates=41)
    with pytest.raises(BadInput, match="measure: pathwise on bernoulli_square: Bernoulli has no"):
        plan_of([problem("bernoulli_square")], [pathwise], samples=[1])
    few = problem("vae_bernoulli", num_images=4)
    other = eqx.tree_at(lambda vae: vae.images, few, 1 - few.images)
    with pytest.raises(BadInput, match="got two that differ in what is no argument"):
        plan_of([few, other], [estimator("score_function")], samples=[1])
    plan_of([few, few], [estimator("score_function")], samples=[1])


def test_a_hundred_thousand_bits_are_planned_and_what_enumerates_them_says_why_not():
    kinds = [estimator(name) for name in ("score_function", "enumeration", "unordered_set")]
    plan = plan_of([problem("bernoulli_square", dim=100_000)], kinds, samples=[2], replicates=64)
    assert len(plan.measurable) == 1
    reasons = {*plan.reasons.values()}
    assert reasons == {"Bernoulli has more than 1e15 joint values here, above 4,096"}
