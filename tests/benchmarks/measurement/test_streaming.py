"""Calls of any size, ahead of their results or not: the numbers are the same."""

import jax
import numpy as np
import pytest

from gradest.benchmarks.measurement.batching import extends
from gradest.benchmarks.measurement.programs import sums
from gradest.benchmarks.measurement.replicates import Maker, cell_key, measure
from gradest.benchmarks.measurement.streaming import by_group, whole_rounds
from gradest.benchmarks.statistics.moments import Moments
from gradest.estimators import estimator
from tests.support.made_devices import with_memory
from tests.support.short_of_memory import Failing, FailingLater, short_of_memory
from tests.support.variants import small_problem

CELLS = {
    "toy": ("gaussian_square", estimator("pathwise"), 2_000),
    "learned state": ("gaussian_square", estimator("score_function", baseline="mean"), 2_000),
    "network": ("vae_bernoulli", estimator("score_function", baseline="leave_one_out"), 500),
}

MEMORIES = {
    "toy": (2**15, 2**18, 2**31),
    "learned state": (2**15, 2**18, 2**31),
    "network": (2**25, 2**27, 2**31),
}
"""Bytes of a device: a call then takes few blocks, or not all, or sixteen of every batch."""


def measured(name, replicates=0, **given):
    toy, candidate, usual = CELLS[name]
    problem_ = small_problem(toy)
    return measure(
        problem_,
        candidate,
        problem_.init_params(jax.random.key(0)),
        num_samples=2,
        replicates=replicates or usual,
        key=cell_key(0, name, "init", 2),
        adapt_steps=20,
        **given,
    )


def expect_close(found: dict[str, Moments], expected: dict[str, Moments]) -> None:
    """To rounding."""
    assert list(found) == list(expected)
    for group, moments in expected.items():
        for field, theirs in zip(Moments._fields, moments, strict=True):
            size = np.abs(theirs).max()
            ours = getattr(found[group], field)
            np.testing.assert_allclose(ours, theirs, rtol=2e-4, atol=2e-5 * size, err_msg=field)


def expect_same(found: dict[str, Moments], expected: dict[str, Moments]) -> None:
    """To the last bit."""
    for group, moments in expected.items():
        for field, ours, theirs in zip(Moments._fields, found[group], moments, strict=True):
            np.testing.assert_array_equal(ours, theirs, err_msg=f"{group} {field}")


@pytest.mark.parametrize("name", CELLS)
def test_numbers_are_those_of_calls_that_are_waited_for(name, monkeypatch):
    waited = measured(name)
    for memory in MEMORIES[name]:
        with_memory(monkeypatch, memory)
        expect_close(measured(name).moments, waited.moments)


@pytest.mark.parametrize("name", CELLS)
def test_a_longer_run_goes_on_to_the_very_numbers(name, monkeypatch):
    with_memory(monkeypatch, MEMORIES[name][1])
    usual = CELLS[name][2]
    assert extends(usual // 2, usual)
    shorter = measured(name, usual // 2)
    at_once, gone_on = measured(name), measured(name, earlier=shorter.moments)
    expect_same(gone_on.moments, at_once.moments)


@pytest.mark.parametrize("failing", [Failing, FailingLater])
def test_blocks_that_are_lost_for_want_of_memory_are_made_again(failing, monkeypatch):
    """Said when it is dispatched or when it is read: no block is missing, and none is there twice.

    Which were summed together is as before, so that bits differ by how many rows are summed side by
    side alone.
    """
    with_memory(monkeypatch, MEMORIES["toy"][2])
    whole = measured("toy")
    assert whole.shortage == ""
    short_of_memory(monkeypatch, 300, failing=failing)
    less = measured("toy")
    assert less.shortage == "out of memory: calls of 50 × 5 replicates instead of 400 × 5"
    expect_close(less.moments, whole.moments)
    assert less.moments["mean"].replicates == 2_000


def test_the_time_is_that_of_calls_that_were_timed_on_purpose(monkeypatch):
    """A pilot, the measurement, and nine that are timed, four of which show rounding too."""
    with_memory(monkeypatch, MEMORIES["toy"][2])
    prepared = Maker.prepared
    made = []
    monkeypatch.setattr(Maker, "prepared", lambda *args: made.append(args) or prepared(*args))
    found = measured("toy")
    assert len(made) == 1 + 1 + 9
    assert 0 < found.seconds.low <= found.seconds.value <= found.seconds.high


def test_where_no_call_is_timed_no_time_is_known(monkeypatch):
    """As in a run that stands for the exact gradient: its moments are all that is asked for."""
    with_memory(monkeypatch, MEMORIES["toy"][2])
    found = measured("toy", least_timed=0)
    assert np.isnan(found.seconds).all()
    assert found.moments["mean"].replicates == 2_000


def test_packed_sums_are_the_same_numbers():
    key = jax.random.key(0)
    grads = {
        group: jax.random.normal(jax.random.fold_in(key, number), (4, size, 50))
        for number, (group, size) in enumerate({"scale": 3, "mean": 2}.items())
    }
    center = {"scale": jax.numpy.zeros(3), "mean": jax.numpy.ones(2)}
    apart = jax.device_get(sums(grads, center, block=50, packed=False))
    packed = jax.device_get(sums(grads, center, block=50, packed=True))
    assert isinstance(packed, np.ndarray)
    found = by_group(packed, center, 50)
    assert by_group(apart, center, 50) is apart
    for group in center:
        for ours, theirs in zip(found[group], apart[group], strict=True):
            assert ours.shape == theirs.shape
            np.testing.assert_allclose(ours, theirs, rtol=1e-6)


@pytest.mark.parametrize("lengths", [[4, 4, 4], [6, 6], [1] * 12, [5, 5, 2], [12], [3, 8, 1]])
def test_rounds_are_cut_whole_and_in_order(lengths):
    ends = np.cumsum(lengths)
    number = np.arange(12)
    results = [
        {"mean": (number[end - length : end],)} for length, end in zip(lengths, ends, strict=True)
    ]
    cut = [part["mean"][0] for part in whole_rounds(results, 4)]
    assert all(len(part) % 4 == 0 and len(part) for part in cut)
    np.testing.assert_array_equal(np.concatenate(cut), number)
