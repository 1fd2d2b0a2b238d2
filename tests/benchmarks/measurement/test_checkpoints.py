"""θ after training: the same wherever it is trained, and one that is shipped where there is one."""

import subprocess
import sys

import jax
import numpy as np
import pytest

from gradest.benchmarks.measurement import checkpoints
from gradest.benchmarks.measurement.checkpoints import (
    is_shipped,
    params_at,
    recipe_of,
    trained,
    training_code,
    unflattened,
)
from gradest.benchmarks.runtime.arrays import checksum
from gradest.problems import problem
from gradest.problems.trained_points import shipped_points

SMALL = {"latent_dim": 3, "hidden_dim": 8, "num_images": 4}

SHIPPED = {name: problem(name, train_steps=1000) for name in ("vae_bernoulli", "vae_gaussian")}


def test_all_that_are_shipped_are_trained_anew_below():
    assert {recipe_of(made, 0) for made in SHIPPED.values()} == set(shipped_points())


def differences(theta, other):
    """How far each number is from another's, relative to the length of all, by their root mean
    square.
    """
    return np.abs(theta - other) / np.sqrt((other**2).mean())


@pytest.mark.parametrize(
    "name", ["vae_bernoulli", pytest.param("vae_gaussian", marks=pytest.mark.slow)]
)
def test_a_shipped_point_is_what_training_makes(name):
    """Where this fails, training makes another θ than it did: whoever means that raises
    `training_revision`, and runs `make points`.
    """
    made = SHIPPED[name]
    point = shipped_points()[recipe_of(made, 0)]
    assert differences(trained(made, 0), point.theta).max() < 1e-4
    params = params_at(made, 0)
    flat = np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(params)])
    np.testing.assert_array_equal(flat, point.theta)


@pytest.mark.parametrize(
    ("module", "trains"),
    [
        ("gradest.benchmarks.measurement.checkpoints", True),
        ("gradest.problems.variational.vae", True),
        ("gradest.estimators.score_function.baselines", True),
        ("mine", True),
        ("gradest.benchmarks.statistics.moments", False),
    ],
)
def test_a_change_of_the_code_that_trains_is_another_digest(module, trains, monkeypatch):
    made = problem("vae_bernoulli")
    before = training_code(made)
    known = checkpoints.code_of(checkpoints.__name__, made, *checkpoints.standard_estimators())
    assert module in known or module == "mine"
    monkeypatch.setattr(checkpoints, "code_of", lambda *things: known | {module: "other"})
    assert (training_code(made) != before) == trains


@pytest.mark.parametrize(
    ("given", "seed", "shipped"),
    [
        ({}, 0, True),
        ({"num_images": 16}, 0, True),  # of which training sees nothing
        ({"train_steps": 999}, 0, False),
        ({"hidden_dim": 31}, 0, False),
        ({"latent_dim": 9}, 0, False),
        ({"kl": "sampled"}, 0, False),
        ({}, 1, False),
    ],
)
def test_a_shipped_point_is_used_only_where_all_arguments_agree(given, seed, shipped, monkeypatch):
    made = problem("vae_bernoulli", **({"train_steps": 1000} | given))
    calls = []
    monkeypatch.setattr(checkpoints, "trained", lambda *args: calls.append(args))
    monkeypatch.setattr(checkpoints, "remembered", lambda kind, spec, like, make: make() or like)
    params_at(made, seed)
    assert is_shipped(made, seed) == shipped
    assert bool(calls) != shipped


def test_a_start_is_no_trained_point():
    assert not is_shipped(problem("vae_bernoulli"), 0)
    assert not is_shipped(problem("gaussian_square"), 0)


def test_training_is_the_same_under_every_setting_of_jax():
    """Double precision, products of few digits, other random bits; and of more images."""
    expected = trained(problem("vae_bernoulli", train_steps=3, **SMALL), 0)
    assert expected.dtype == np.float32
    with (
        jax.enable_x64(True),
        jax.default_matmul_precision("bfloat16"),
        jax.threefry_partitionable(False),
        jax.default_prng_impl("rbg"),
    ):
        again = trained(problem("vae_bernoulli", train_steps=3, **SMALL | {"num_images": 9}), 0)
    np.testing.assert_array_equal(again, expected)


def test_a_trained_point_has_the_precision_in_force_and_the_same_numbers():
    points = []
    for on in (False, True):
        with jax.enable_x64(on):
            params = params_at(problem("vae_gaussian", train_steps=1000), 0)
            leaves = jax.tree.leaves(params)
            assert {leaf.dtype for leaf in leaves} == {np.dtype("float64" if on else "float32")}
            points.append([np.float64(leaf) for leaf in leaves])
    for single, double in zip(*points, strict=True):
        np.testing.assert_array_equal(single, double)


def test_the_numbers_of_a_point_are_its_arrays_in_jaxs_order():
    like = {"b": jax.ShapeDtypeStruct((2, 2), "float32"), "a": jax.ShapeDtypeStruct((), "float32")}
    params = unflattened(np.arange(5, dtype=np.float32), like)
    np.testing.assert_array_equal(params["a"], 0)
    np.testing.assert_array_equal(params["b"], [[1, 2], [3, 4]])


TRAINS = """
import sys
import numpy as np
from gradest.benchmarks.measurement.checkpoints import trained
from gradest.problems import problem

made = problem("vae_bernoulli", train_steps=1000, num_images=8)
np.save(sys.argv[1], trained(made, 0))
"""

FLAGS = (
    "--xla_cpu_enable_fast_math=true",
    "--xla_cpu_max_isa=SSE4_2 --xla_cpu_multi_thread_eigen=false",
)


@pytest.mark.slow
def test_two_processors_train_to_the_same_point(tmp_path, monkeypatch):
    """As two sets of the compiler's flags have it: other instructions, sums in another order."""
    points = []
    for number, flags in enumerate(FLAGS):
        monkeypatch.setenv("XLA_FLAGS", flags)
        file = tmp_path / f"{number}.npy"
        subprocess.run([sys.executable, "-W", "ignore", "-c", TRAINS, str(file)], check=True)
        points.append(np.load(file))
    assert differences(*points).max() < 1e-4


@pytest.mark.slow
def test_training_lowers_the_loss_and_is_deterministic_with_and_without_its_checkpoint(
    tmp_path, monkeypatch
):
    for name in ("vae_gaussian", "vae_bernoulli"):
        made = problem(name, latent_dim=4, hidden_dim=16, train_steps=200)
        start = params_at(problem(name, latent_dim=4, hidden_dim=16), 0)
        first = params_at(made, 0)
        again = params_at(made, 0)  # from the checkpoint
        monkeypatch.setenv("GRADEST_CACHE", str(tmp_path / name))
        anew = params_at(made, 0)  # trained again
        assert checksum(first) == checksum(again) == checksum(anew) != checksum(start)

        def loss(params, vae=made):
            x = vae.distribution(params).sample(jax.random.key(0), (50,)).astype(float)
            return float(vae.objectives(params, x).mean(0).sum())

        assert loss(first) < loss(start) - 5  # nats per image
