"""One compiled program serves all numbers, in the precision in force."""

import jax
import numpy as np
import pytest

from gradest.benchmarks.bench.speed import compile_times
from gradest.benchmarks.measurement.programs import estimates, sums
from gradest.benchmarks.measurement.replicates import cell_key, measure
from gradest.benchmarks.statistics import intervals
from gradest.estimators import estimator
from gradest.problems import problem


@pytest.fixture
def compilations():
    """How many programs the backend has compiled, of ours or of JAX's own."""
    with compile_times.compilations() as counted:
        yield counted


CELLS = {
    "k and θ": (
        ("gaussian_square", "pathwise"),
        ({"k": 1.0, "mean": 0.5}, {}),
        ({"k": 2.0, "mean": -1.0}, {}),
    ),
    "t, logit and temperature": (
        ("bernoulli_square", "gumbel_softmax"),
        ({"t": 0.1, "logit": 1.0}, {"temperature": 0.5}),
        ({"t": 0.2, "logit": -3.0}, {"temperature": 0.9}),
    ),
    "a learned baseline": (
        ("gaussian_cosine", "score_function"),
        ({"k": 1.0}, {"baseline": "mean"}),
        ({"k": -3.0}, {"baseline": "mean"}),
    ),
}
"""Names of a problem and an estimator, their arguments, and others with other numbers."""


NUM_SAMPLES = 7
"""No other test measures at it, so that the programs are not compiled before."""


@pytest.mark.parametrize("name", CELLS)
def test_a_new_number_seed_or_length_compiles_nothing(name, compilations):
    names, first, other = CELLS[name]

    def run(given, seed, replicates):
        toy = problem(names[0], **given[0])
        candidate = estimator(names[1], **given[1])
        params = toy.init_params(jax.random.key(seed))
        key = cell_key(seed, "t", "init", NUM_SAMPLES)
        sizes = {"num_samples": NUM_SAMPLES, "replicates": replicates, "adapt_steps": 5}
        measure(toy, candidate, params, key=key, **sizes)

    run(first, seed=0, replicates=20_000)
    assert compilations
    compiled = len(compilations), len(estimates.kept), len(sums.kept)
    run(other, seed=0, replicates=20_000)
    run(first, seed=1, replicates=20_000)
    run(first, seed=0, replicates=40_000)
    assert (len(compilations), len(estimates.kept), len(sums.kept)) == compiled


def test_a_longer_training_compiles_nothing_where_it_is_measured(compilations):
    """θ after other steps: other numbers, the same program."""
    small = {"latent_dim": 3, "num_images": 4, "hidden_dim": 8}
    leave_one_out = estimator("score_function", baseline="leave_one_out")
    start = problem("vae_bernoulli", **small).init_params(jax.random.key(0))

    def run(steps):
        vae = problem("vae_bernoulli", train_steps=steps, **small)
        params = jax.tree.map(lambda leaf: leaf * np.float32(1 + steps), start)
        key = cell_key(0, "t", f"step_{steps}", 2)
        measure(vae, leave_one_out, params, num_samples=2, replicates=40, key=key)

    run(1)
    compiled = len(compilations)
    run(2)
    assert len(compilations) == compiled


def test_float64_is_measured_in_float64():
    with jax.enable_x64(True):
        square = problem("gaussian_square")
        params = square.init_params(jax.random.key(0))
        delta = estimator("score_function", control_variate="delta")
        key = jax.random.key(0)
        measurement = measure(square, delta, params, num_samples=4, replicates=40, key=key)
        assert intervals.variance(measurement.moments["mean"]).value < 1e-25
