"""How much a call takes: by the device's memory where it says so, and never by R."""

import jax
import numpy as np
import pytest

from gradest.benchmarks.measurement.batching import (
    elements_per_evaluation,
    layout,
    number_of_batches,
)
from gradest.estimators import estimator
from gradest.problems import problem
from tests.support.made_devices import with_memory

H200 = int(0.75 * 139.8 * 2**30)


def found(name, candidate, num_samples, replicates, **given):
    toy = problem(name, **given)
    params = jax.eval_shape(toy.init_params, jax.random.key(0))
    batches = number_of_batches(replicates)
    given = (toy, estimator(candidate), params, num_samples)
    return layout(*given, batches, replicates // batches)


VAE = {"num_images": 64}


@pytest.mark.parametrize(
    ("cell", "calls"),
    [
        (("gaussian_square", "pathwise", 1, 1_000_000), (32, 3125)),
        (("gaussian_square", "pathwise", 64, 20_000), (16, 625)),
        (("vae_bernoulli", "gumbel_softmax", 1, 2_000), (1, 5)),
        (("vae_bernoulli", "gumbel_softmax", 64, 2_000), (1, 1)),
    ],
)
def test_a_processor_takes_a_block_of_each_batch_at_most(cell, calls):
    """The layouts of version 0.3: its numbers stand."""
    given = VAE if "vae" in cell[0] else {}
    assert found(*cell, **given) == calls


@pytest.mark.parametrize(
    ("cell", "calls"),
    [
        (("gaussian_square", "pathwise", 1, 1_000_000), (512, 3125)),
        (("gaussian_square", "pathwise", 64, 20_000), (32, 625)),
        (("vae_bernoulli", "score_function", 1, 2_000), (400, 5)),
        (("vae_bernoulli", "score_function", 64, 2_000), (10, 5)),
    ],
)
def test_a_gpu_takes_several_blocks_of_every_batch(cell, calls, monkeypatch):
    with_memory(monkeypatch, H200)
    given = VAE if "vae" in cell[0] else {}
    assert found(*cell, **given) == calls


@pytest.mark.parametrize("limit", [2**28, 2**32, H200])
@pytest.mark.parametrize("num_samples", [1, 64])
@pytest.mark.parametrize("name", ["gaussian_square", "vae_bernoulli"])
def test_a_call_stays_within_the_share_of_memory(name, num_samples, limit, monkeypatch):
    with_memory(monkeypatch, limit)
    toy = problem(name)
    params = jax.eval_shape(toy.init_params, jax.random.key(0))
    estimate = num_samples * elements_per_evaluation(toy, params)
    rows, block = found(name, "score_function", num_samples, 10_000_000)
    assert rows == 1 or 4 * rows * block * estimate <= limit / 32


@pytest.mark.parametrize("memory", [None, 2**28, H200])
@pytest.mark.parametrize("name", ["gaussian_square", "vae_bernoulli"])
def test_a_longer_run_makes_the_same_calls(name, memory, monkeypatch):
    """Other shapes round otherwise, and the longer run goes on from the shorter one."""
    if memory:
        with_memory(monkeypatch, memory)
    for shorter, longer in ((1_000, 3_000), (20_000, 60_000), (100_000, 12_800_000)):
        calls = [found(name, "score_function", 4, replicates) for replicates in (shorter, longer)]
        assert calls[0] == calls[1]


def test_how_long_blocks_are_does_not_depend_on_who_else_has_memory(monkeypatch):
    """How long they are decides how their sums round; how many ride in a call does not."""
    made = []
    for used in (0, int(0.4 * H200), int(0.9 * H200)):
        with_memory(monkeypatch, H200, used)
        made.append(found("gaussian_square", "pathwise", 4096, 1_000_000, dim=100))
    assert made[0] == made[1]
    assert {block for _, block in made} == {made[0].block}
    assert 1 < made[0].block < 3125
    assert made[2].rows < made[0].rows


def test_several_devices_take_as_much_each(monkeypatch):
    with_memory(monkeypatch, H200)
    one = found("vae_bernoulli", "score_function", 64, 2_000, num_images=64)
    monkeypatch.setattr(jax, "device_count", lambda: 4)
    four = found("vae_bernoulli", "score_function", 64, 2_000, num_images=64)
    assert four == (4 * one.rows, one.block)
    assert np.prod(found("gaussian_square", "pathwise", 1, 1_000_000)) == 512 * 3125
