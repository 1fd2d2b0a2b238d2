"""Calls ahead of their results: their order, how many are under way, and what is lost of them."""

import numpy as np
import pytest

from gradest.benchmarks.runtime.calls import Calls, OutOfMemory
from tests.support.short_of_memory import Unreadable, exhausted

PLACES = [np.arange(start, start + 8) for start in range(0, 80, 8)]


class Device:
    """Doubles numbers, with memory for so many at a time, and knows what is not yet read."""

    def __init__(self, memory: int = 100, *, late: bool = False):
        self.memory, self.late = memory, late
        self.waiting = self.most_waiting = 0
        self.calls: list[int] = []

    def __call__(self, places, factor):
        self.calls.append(len(places))
        if len(places) > self.memory:
            if not self.late:
                raise exhausted()
            return Unreadable()
        self.waiting += 1
        self.most_waiting = max(self.most_waiting, self.waiting)
        return Result(self, places * factor)


class Result:
    """What the device gives: it can be read at any time."""

    def __init__(self, device: Device, numbers: np.ndarray):
        self.device, self.numbers = device, numbers

    def __array__(self, *given, **named):
        self.device.waiting -= 1
        return self.numbers


def results(calls: Calls) -> list[np.ndarray]:
    return [made.result for made in calls.in_order(PLACES, 2)]


@pytest.mark.parametrize("ahead", [0, 1, 3, 20])
def test_results_come_in_order_and_so_many_calls_are_under_way(ahead):
    device = Device()
    np.testing.assert_array_equal(results(Calls(device, 8, ahead)), 2 * np.array(PLACES))
    assert device.most_waiting == min(ahead + 1, len(PLACES))
    assert device.waiting == 0


@pytest.mark.parametrize("ahead", [0, 3])
def test_only_a_call_that_was_waited_for_has_a_time(ahead):
    times = [made.seconds for made in Calls(Device(), 8, ahead).in_order(PLACES, 2)]
    assert all((seconds is None) == (ahead > 0) for seconds in times)


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("ahead", [0, 1, 3, 20])
@pytest.mark.parametrize(("memory", "rows"), [(7, 4), (4, 4), (3, 2), (1, 1)])
def test_lost_calls_are_made_again_with_as_many_rows_as_memory_allows(memory, rows, ahead, late):
    """Those that were lost at one size halve it once."""
    device = Device(memory, late=late)
    calls = Calls(device, 8, ahead)
    np.testing.assert_array_equal(results(calls), 2 * np.array(PLACES))
    assert calls.rows == rows
    assert device.waiting == 0
    assert device.calls == sorted(device.calls, reverse=True), "no more are tried again"


def test_little_is_lost_where_memory_is_short_at_once():
    device = Device(4)
    results(Calls(device, 8, 3))
    assert device.calls.count(8) == 1


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("ahead", [0, 3])
def test_memory_for_no_row_is_an_error(ahead, late):
    with pytest.raises(OutOfMemory):
        results(Calls(Device(0, late=late), 8, ahead))


@pytest.mark.parametrize("ahead", [0, 3])
def test_another_error_is_no_shortage_of_memory(ahead):
    def broken(places, factor):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        results(Calls(broken, 8, ahead))


def test_the_last_call_is_filled_up():
    device = Device()
    calls = Calls(device, 8, 3)
    (made,) = calls.in_order([np.arange(11)], 2)
    np.testing.assert_array_equal(made.result, 2 * np.arange(11))
    assert device.calls == [8, 8]
    assert calls.made(np.arange(11)) == 16
