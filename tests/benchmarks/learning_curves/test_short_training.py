"""Short trainings: those of the one loop, with what they need to be compared."""

import numpy as np
import pytest

from gradest.benchmarks.learning_curves.confirming import Candidate, confirm
from gradest.benchmarks.learning_curves.short_training import LEARNING_RATE, short_training
from gradest.estimators import ESTIMATORS
from gradest.problems import problem
from gradest.problems.registry.instances import Choice

SQUARE = problem("gaussian_square", k=2.0)


def candidate(name, samples=4, **arguments):
    """A candidate by name."""
    text = name if not arguments else f"{name}[baseline={arguments['baseline']}]"
    return Candidate(text, name, Choice.of(ESTIMATORS, name, arguments).json, samples)


def test_it_is_adam_on_the_estimates():
    """On bits each step of Adam, whose gradients keep their sign and hardly change, is one learning
    rate: E[f] = p (1 − t)² + (1 − p) t² with the logit at ½ less 20 of them."""
    bits = problem("bernoulli_square", t=0.45)
    found = short_training(bits, steps=20)(candidate("enumeration"), seed=0)
    assert found.step.tolist()[0] == 0
    assert found.step.tolist()[-1] == 20
    assert set(found.objective_kind) == {"exact"}
    for row in (found.iloc[0], found.iloc[-1]):
        # t < 1/2: E[f] rises with p, which training lowers
        p = 1 / (1 + np.exp(-(0.5 - LEARNING_RATE * row.step)))
        expected = p * (1 - 0.45) ** 2 + (1 - p) * 0.45**2
        assert row.objective == pytest.approx(expected, rel=1e-4)


def test_a_seed_is_its_numbers():
    train = short_training(SQUARE, steps=10)
    one, other, again = (train(candidate("pathwise"), seed).objective for seed in (0, 1, 0))
    assert one.tolist() == again.tolist()
    assert one.iloc[0] == other.iloc[0]
    assert one.iloc[-1] != other.iloc[-1]


def test_the_noisier_of_two_is_confirmed_to_be_so():
    """The score function without a baseline at L = 1, against pathwise with 64 draws."""
    ranked = [candidate("pathwise", 64), candidate("score_function", 1)]
    found = confirm(ranked, short_training(SQUARE, steps=200))
    assert found.seeds == 5
    assert found.steps == 200
    assert found.holds is not False
    assert found.order[0] == "pathwise"


def test_what_fails_is_a_row_with_the_reason(monkeypatch):
    def broken(self, *args):
        raise RuntimeError("not today")

    # not `estimate`: what was compiled before does not look at the class again
    monkeypatch.setattr(ESTIMATORS["measure_valued"], "init", broken)
    found = short_training(SQUARE, steps=5)(candidate("measure_valued"), seed=0)
    assert found.status.tolist() == ["failed"]
    assert "not today" in found.reason.iloc[0]
