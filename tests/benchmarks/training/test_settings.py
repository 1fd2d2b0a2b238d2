"""[training]: what it says, and one clear error for whatever it cannot say."""

import re

import pytest

from gradest.benchmarks.errors import BadInput
from gradest.benchmarks.sweeps.plan import resolve
from gradest.benchmarks.sweeps.schema import parse_sweep
from gradest.benchmarks.sweeps.selection import lengthened, reset
from gradest.benchmarks.training.settings import Training, evenly
from tests.support.house import ROOT
from tests.support.sweeps import GOOD_SWEEP

TRAINED = GOOD_SWEEP + "\n[training]\nsteps = 100\n"


def refusal(lines, before=GOOD_SWEEP):
    with pytest.raises(BadInput) as caught:
        parse_sweep(f"{before}\n[training]\n{lines}\n", "f")
    return str(caught.value)


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ("", "f: training.steps is missing"),
        ("steps = 0", "f: training.steps = 0: expected it to be greater than or equal to 1"),
        ("steps = 1.5", "training.steps = 1.5: expected"),
        ('steps = 9\noptimizer = "adamm"', "optimizer 'adamm': expected one of optax's; did you"),
        ("steps = 9\nlerning_rate = 0.1", "unexpected keyword lerning_rate: expected steps, "),
        ("steps = 9\nlerning_rate = 0.1", "did you mean learning_rate?"),
        ("steps = 9\nlearning_rate = -1", "training.learning_rate = -1: expected"),
        ("steps = 9\nlearning_rate = true", "training.learning_rate = "),
        ('steps = 9\nschedule = "cosin"', "did you mean cosine"),
        ("steps = 9\nexponent = 0.5", "exponent = 0.5: expected only with"),
        ("steps = 9\nseeds = 0", "training.seeds = 0"),
        ("steps = 9\ncheckpoints = [10]", "checkpoints: 10: expected at most steps = 9"),
        ("steps = 9\ncheckpoints = 11", "checkpoints = 11: expected at most 10, the steps from 0"),
        ("steps = 9\nevaluate_samples = 1", "training.evaluate_samples = 1"),
        ("steps = 9\nreplicates = 39", "training.replicates = 39"),
        ('steps = 9\noptimizer = "sgd"\nmomentum = "much"\nbeta = 1', "unexpected keyword beta"),
    ],
)
def test_what_cannot_be_is_refused(lines, words):
    assert words in refusal(lines)
    assert len(refusal(lines).splitlines()) == 1


def test_a_precision_needs_replicates_at_checkpoints():
    by_precision = GOOD_SWEEP.replace("replicates = 4000", "precision = 0.1").replace(
        "replicates = 800", ""
    )
    assert "training: replicates is missing" in refusal("steps = 9", by_precision)
    parse_sweep(f"{by_precision}\n[training]\nsteps = 9\nreplicates = 800", "f")
    parse_sweep(f"{by_precision}\n[training]\nsteps = 9\ncheckpoints = []", "f")


def test_too_many_trainings_are_refused():
    assert "trainings: expected at most" in refusal("steps = 9\nseeds = 1000", many_cells())


def many_cells():
    return GOOD_SWEEP.replace("k = [-3.0, 3.0]", f"k = {[float(k) for k in range(40)]}")


def test_steps_that_are_looked_at():
    how = Training(steps=1000)
    assert how.measured == [0, 1, 10, 100, 1000]
    assert how.recorded[:4] == [0, 1, 10, 20]
    assert how.recorded[-1] == 1000
    assert Training(steps=1000, checkpoints=2).measured == [0, 1000]
    assert Training(steps=1000, checkpoints=3).measured == [0, 1, 1000]
    assert Training(steps=300, checkpoints=301).measured == [*range(301)]
    for count in (2, 3, 50, 270, 300):
        steps = Training(steps=300, checkpoints=count).measured
        assert len({*steps}) == count
        assert (steps[0], steps[-1]) == (0, 300)
    assert Training(steps=1000, checkpoints=[7, 3, 7]).measured == [3, 7]
    assert Training(steps=1000, checkpoints=[]).measured == []
    assert Training(steps=2).measured == [0, 1, 2]
    assert evenly(105, 50) == [*range(0, 105, 2), 105]
    assert evenly(3, 50) == [0, 1, 2, 3]


def test_its_arguments_are_the_optimizer_s():
    how = Training(steps=10, optimizer="adam", b2=0.99, schedule="cosine", exponent=0.5)
    recipe = how.recipe
    assert recipe.arguments == (("b2", 0.99),)
    assert (recipe.decay_steps, recipe.exponent) == (10, 0.5)
    again = Training.model_validate(how.model_dump(exclude_none=True))
    assert again.recipe == recipe


def test_the_command_line_sets_its_keys():
    sweep = parse_sweep(TRAINED, "f")
    changed = reset(sweep, ["training.steps=7", "training.b1=0.5", "training.checkpoints=0,7"])
    assert changed.training.steps == 7
    assert changed.training.arguments == {"b1": 0.5}
    assert changed.training.measured == [0, 7]
    assert changed.replicates == sweep.replicates
    begun = reset(parse_sweep(GOOD_SWEEP, "f"), ["training.steps=7"])
    assert begun.training.steps == 7
    with pytest.raises(BadInput, match=r"--set training\.steps = 0: expected"):
        reset(sweep, ["training.steps=0"])
    with pytest.raises(BadInput, match=r"unknown key .training..*training\.steps"):
        reset(sweep, ["training=7"])


def test_an_extended_sweep_trains_the_same():
    """R of checkpoints stays, so that no training is made again."""
    sweep = parse_sweep(TRAINED, "f")
    assert sweep.training.replicates is None
    assert lengthened(sweep, 4000).training.replicates == 4000


def test_the_page_says_what_there_is():
    """docs/training.md: its sweep can be planned, and its table has every key."""
    text = (ROOT / "docs" / "training.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    plan = resolve(parse_sweep(block, "docs/training.md"))
    assert len(plan.measurable) * plan.sweep.training.seeds == 20
    keys = re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)
    assert keys == [*Training.model_fields]
