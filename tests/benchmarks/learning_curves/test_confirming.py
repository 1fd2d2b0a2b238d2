"""Whether a ranking's order is that of training, with a loop that makes it up."""

import json

import numpy as np
import pytest

from gradest.benchmarks.learning_curves.confirming import Candidate, confirm
from tests.support.made_runs import LEAVE_ONE_OUT, PATHWISE, PLAIN
from tests.support.made_training import MEASURE_VALUED, Made, falling, training

RATES = {"a": 0.04, "b": 0.03, "c": 0.02, "d": 0.01}

ESTIMATORS = dict(zip(RATES, (PATHWISE, LEAVE_ONE_OUT, PLAIN, MEASURE_VALUED), strict=True))

NOISE = (0.3, -0.1, 0.2, -0.4, 0.1)


def ranked(names: str) -> list[Candidate]:
    """In this order, each with an L of its own."""
    return [
        Candidate(name, kind, json.dumps(arguments, sort_keys=True), 2**i)
        for i, name in enumerate(names)
        for kind, arguments in [ESTIMATORS[name]]
    ]


def loop(made=None):
    """A loop that trains on straight lines, and counts what it was asked for."""
    asked: list[tuple[str, int]] = []

    def train(candidate: Candidate, seed: int):
        asked.append((candidate.text, seed))
        own = (made or {}).get(candidate.text) or falling(RATES[candidate.text])
        of = own if isinstance(own, Made) else Made(ESTIMATORS[candidate.text], own)
        table = training([of], samples=candidate.num_samples)
        return table[table.seed == seed]

    return train, asked


def test_the_best_three_train_with_the_same_seeds():
    train, asked = loop()
    found = confirm(ranked("abcd"), train)
    assert asked == [(name, seed) for name in "abc" for seed in range(5)]
    assert found.seeds == 5
    assert found.steps == 100


def test_an_order_that_holds():
    found = confirm(ranked("abc"), loop()[0])
    assert found.holds is True
    assert found.order == ("a", "b", "c")
    assert found.pairs[0].behind.value == pytest.approx(0.01 * 1.11 * 100)
    assert found.text.startswith("Trained for 100 steps with 5 seeds: the order holds: a ends ")
    assert "a ends 1.11 [0.40, 1.82] better than b" in found.text


def test_an_order_that_does_not():
    found = confirm(ranked("bac"), loop()[0])
    assert found.holds is False
    assert found.order == ("a", "b", "c")
    assert "the order does not hold: a ends 1.11 [0.40, 1.82] better than b" in found.text


def test_what_is_within_its_interval_is_left_open():
    def near(step, seed):
        return falling(0.04)(step, seed) + NOISE[seed] * step / 100

    found = confirm(ranked("ab"), loop({"b": near})[0])
    assert found.holds is None
    assert "no order is reversed: a and b may end alike" in found.text


def test_what_diverges_does_not_hold():
    broken = Made(PATHWISE, falling(0.04), diverges={3: 40})
    found = confirm(ranked("ab"), loop({"a": broken})[0])
    assert found.holds is False
    assert "a diverged, b did not" in found.text
    assert found.as_json["pairs"][0]["behind"] is None
    json.dumps(found.as_json, allow_nan=False)


def test_what_fails_is_named_and_the_others_are_compared():
    train, _ = loop()

    def failing(candidate, seed):
        table = train(candidate, seed)
        if candidate.text == "b":
            table = table.assign(status="failed", objective=np.nan, reason="mine.py, line 3")
        return table

    found = confirm(ranked("abc"), failing)
    assert found.failed == {"b": "mine.py, line 3"}
    assert found.holds is True
    assert found.order == ("a", "c")
    of_one = confirm(ranked("ab"), failing)
    assert of_one.holds is None
    assert "nothing is confirmed" in of_one.text


def test_json_has_the_verdict_and_what_makes_it():
    found = confirm(ranked("abc"), loop()[0]).as_json
    assert found["holds"] is True
    assert found["order"] == ["a", "b", "c"]
    assert [(pair["first"], pair["second"]) for pair in found["pairs"]] == [
        ("a", "b"),
        ("a", "c"),
        ("b", "c"),
    ]
    assert found["pairs"][0]["low"] > 0
