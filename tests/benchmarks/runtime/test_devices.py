"""Replicates spread over several devices: the same numbers as on one.

On any machine, by four made of one processor.
"""

import json
import os
import subprocess
import sys

import jax
import numpy as np
import pytest

from gradest.benchmarks.errors import BadInput
from gradest.benchmarks.runtime import devices
from gradest.benchmarks.runtime.devices import fewer_rows, most_rows, sharing
from gradest.benchmarks.runtime.environment import environment
from tests.support.made_devices import MadeDevice, with_memory

MEASURE = """
import json, sys, jax
from gradest.benchmarks.runtime.environment import environment
from gradest.benchmarks.measurement.batching import layout
from gradest.benchmarks.measurement.replicates import cell_key, measure
from gradest.estimators import estimator
from gradest.problems import problem

def cell(name, label, replicates, given, **arguments):
    toy, candidate = problem(name, **arguments), estimator(label, **given)
    params, key = toy.init_params(jax.random.key(0)), cell_key(0, name, "init", 2)
    earlier = None
    for total in replicates:
        earlier = measure(
            toy, candidate, params, num_samples=2, replicates=total, key=key, adapt_steps=20,
            earlier=earlier, least_timed=0,
        ).moments
    return {group: [field.tolist() for field in moments[1:]] for group, moments in earlier.items()}

networks = {"latent_dim": 2, "num_images": 4, "hidden_dim": 8}
found = {
    "plain": cell("gaussian_square", "score_function", [4_000], {}, dim=3),
    "pathwise": cell("gaussian_cosine", "pathwise", [4_000], {}),
    "measure-valued": cell("gaussian_step", "measure_valued", [4_000], {}),
    "state": cell("gaussian_square", "score_function", [1_000], {"baseline": "mean"}),
    "gone on with": cell("gaussian_square", "pathwise", [1_000, 3_000], {}),
    "Gumbel": cell("bernoulli_square", "gumbel_softmax", [4_000], {}),
    "Gaussian network": cell("vae_gaussian", "pathwise", [250], {}, **networks),
    "Bernoulli network": cell(
        "vae_bernoulli", "score_function", [250], {"baseline": "mean"}, **networks
    ),
}
json.dump({"device": environment()["device"], "found": found}, sys.stdout)
"""


WITH_MEMORY = """
from gradest.benchmarks.runtime import devices
from tests.support.made_devices import MadeDevice

devices.jax.local_devices = lambda: [MadeDevice({{"bytes_limit": {limit}}})]
"""
"""Put before, so that calls go ahead of their results, and take several blocks of every batch."""


def on_devices(count: int, limit: int | None = None) -> dict:
    environ = os.environ | {
        "JAX_PLATFORMS": "cpu",
        "XLA_FLAGS": f"--xla_force_host_platform_device_count={count}",
    }
    done = subprocess.run(
        [sys.executable, "-c", (WITH_MEMORY.format(limit=limit) if limit else "") + MEASURE],
        capture_output=True,
        text=True,
        env=environ,
        check=True,
    )
    return json.loads(done.stdout)


@pytest.mark.slow
def test_four_devices_give_the_numbers_of_one_and_are_on_record():
    one, four = on_devices(1), on_devices(4)
    assert (one["device"], four["device"]) == ("cpu: cpu", "cpu: cpu × 4")
    for name, groups in one["found"].items():
        if "network" not in name:
            assert four["found"][name] == groups, name
        for (
            group,
            fields,
        ) in groups.items():  # XLA may fuse a network otherwise, and so round otherwise
            for ours, theirs in zip(fields, four["found"][name][group], strict=True):
                size = np.abs(np.asarray(ours, float)).max()
                np.testing.assert_allclose(theirs, ours, rtol=1e-4, atol=1e-5 * size, err_msg=name)


@pytest.mark.slow
@pytest.mark.parametrize("limit", [2**20, 2**31])
def test_four_devices_ahead_of_their_results_give_the_numbers_of_one_that_is_waited_for(limit):
    """To rounding, means and variances: how long the blocks of sums are depends on the device."""
    waited, ahead = on_devices(1)["found"], on_devices(4, limit)["found"]
    for name, groups in waited.items():
        for group, fields in groups.items():
            for ours, theirs in list(zip(fields, ahead[name][group], strict=True))[:2]:
                size = np.abs(np.asarray(ours, float)).max()
                np.testing.assert_allclose(theirs, ours, rtol=1e-3, atol=1e-5 * size, err_msg=name)


@pytest.fixture
def eight(monkeypatch):
    monkeypatch.setattr(devices.jax, "device_count", lambda: 8)


@pytest.mark.parametrize(
    ("single", "batches", "rows", "used"),
    [(8, 32, 32, 8), (1, 32, 8, 8), (1, 25, 8, 8), (5, 25, 28, 7), (2, 20, 16, 8), (1, 1, 1, 1)],
)
def test_a_call_uses_as_many_devices_as_it_can_without_more_memory_on_any(
    single, batches, rows, used, eight
):
    assert most_rows(single, batches) == rows
    assert sharing(rows) == used
    assert rows // used <= single


def test_rows_are_halved_on_every_device_before_devices_are_given_up(eight):
    assert [fewer_rows(rows) for rows in (32, 24, 16, 8, 4, 2, 1)] == [16, 8, 8, 4, 2, 1, 0]


GIB = 2**30


@pytest.mark.parametrize(
    ("limit", "used", "itemsize", "steady", "now"),
    [
        (int(0.75 * 139.8 * GIB), 0, 4, 2**29, 2**29),  # an H200, as JAX takes it
        (int(0.75 * 139.8 * GIB), 40 * GIB, 4, 2**29, 2**29),
        (int(0.75 * 139.8 * GIB), 100 * GIB, 4, 2**29, 2**26),
        (int(0.75 * 139.8 * GIB), 0, 8, 2**28, 2**28),
        (int(0.75 * 16 * GIB), 0, 4, 2**26, 2**26),
        (8 * GIB, 8 * GIB, 4, 2**26, 1),
    ],
)
def test_a_call_takes_a_share_of_the_memory_that_a_device_has(
    limit, used, itemsize, steady, now, monkeypatch
):
    with_memory(monkeypatch, limit, used)
    assert devices.capacity(itemsize) == (steady, now)
    assert now * itemsize * (devices.calls_ahead() + 1) <= max(16, (limit - used) / 4)


@pytest.mark.parametrize("stats", [None, {}, {"bytes_in_use": 5}])
def test_a_device_that_does_not_say_is_not_asked_for_more(stats, monkeypatch):
    monkeypatch.setattr(devices.jax, "local_devices", lambda: [MadeDevice(stats)])
    assert devices.capacity(4) is None
    assert devices.calls_ahead() == 0


def test_one_device_is_not_counted():
    assert ("×" in environment()["device"]) == (jax.device_count() > 1)


def test_a_generator_that_cannot_be_compiled_for_several_devices_is_refused(eight):
    devices.refuse_devices("threefry")
    with pytest.raises(
        BadInput, match="generator philox: expected one device, because XLA cannot compile it for 8"
    ):
        devices.refuse_devices("philox")
