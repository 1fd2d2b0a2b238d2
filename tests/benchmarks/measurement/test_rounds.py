"""Calls in turn: in which order, and what their times are."""

import itertools
import time

from gradest.benchmarks.measurement.rounds import Call, interleaved


def test_the_estimators_are_called_in_turn_and_each_round_begins_with_the_next():
    order = []
    calls = {name: Call(lambda name=name: order.append(name), 10) for name in "abc"}
    found = interleaved(calls, rounds=4).medians()
    assert "".join(order) == "abc" + "bca" + "cab" + "abc"
    assert all(0 < seconds < 1 for seconds in found.values())


def test_a_time_is_the_median_of_the_calls_by_estimate(monkeypatch):
    clock = itertools.accumulate(
        itertools.cycle([0.0, 2.0, 0.0, 2.0, 0.0, 50.0])
    )  # calls of 2, 2 and 50 seconds
    monkeypatch.setattr(time, "perf_counter", lambda: next(clock))
    assert interleaved({"one": Call(lambda: None, 4)}, rounds=3).medians() == {"one": 0.5}
