"""A part of a sweep keeps the numbers of its cells, and forgets the others."""

from gradest.benchmarks.cli.plans import load_plan
from gradest.benchmarks.sweeps.plan import resolve
from gradest.benchmarks.sweeps.schema import Sweep, parse_sweep
from tests.support.papers import PAPER


def values(plan):
    return [match.number.value for match in plan.published]


def test_of_a_part_the_other_numbers_are_left_out(tmp_path):
    """What it records is a sweep that stands by itself."""
    path = tmp_path / "paper.toml"
    path.write_text(PAPER)
    whole = load_plan(str(path))
    assert values(whole) == [2.5e-5, 9.0e-5, 0.003]
    for asked, kept in (
        ({"estimators": ["arm"]}, [0.003]),
        ({"settings": ["samples=4"]}, [9.0e-5, 0.003]),
        ({"problems": ["bernoulli_square[logit=1]"]}, []),
        ({"seed": 3}, [2.5e-5, 9.0e-5, 0.003]),
    ):
        plan = load_plan(str(path), **asked)
        assert values(plan) == kept
        recorded = plan.sweep.model_dump_json(by_alias=True, exclude_none=True)
        assert values(resolve(Sweep.model_validate_json(recorded))) == kept


def test_an_estimator_has_its_own_levels():
    plan = resolve(parse_sweep(PAPER, "here"))
    levels = {(c.estimator.name, c.num_samples) for c in plan.cells}
    assert levels == {("score_function", 2), ("score_function", 4), ("arm", 2)}


def test_a_number_changes_no_cell():
    bare = PAPER[: PAPER.index("[[published]]")]
    named = {cell.id for cell in resolve(parse_sweep(PAPER, "here")).cells}
    assert named == {cell.id for cell in resolve(parse_sweep(bare, "here")).cells}
