"""One compiled program serves all numbers, in the precision in force."""

import jax
import numpy as np
import pytest

from gradest.benchmarks.bench.speed import compile_times
from gradest.benchmarks.measurement.exact_gradient import flat
from gradest.benchmarks.measurement.programs import (
    MOVES,
    by_last_digits,
    estimates,
    rounding,
    some_replicates,
    sums,
)
from gradest.benchmarks.measurement.replicates import Maker, cell_key, measure
from gradest.benchmarks.statistics import intervals
from gradest.benchmarks.statistics.bias import biases, exactly
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


@pytest.mark.parametrize(("rows", "block", "count"), [(32, 625, 64), (25, 10, 75), (4, 3, 12)])
def test_rounding_is_looked_at_in_some_replicates_of_each_row(rows, block, count):
    """However they are stored: along the longer axis."""
    number = np.arange(rows)[:, None] + rows * np.arange(block)
    stored = {"short": number[:, None, :], "long": np.repeat(number[:, :, None], 700, axis=2)}
    found = some_replicates(stored, block)
    assert found["short"].shape == (count, 1)
    assert found["long"].shape == (count, 700)
    for group in found.values():
        assert sorted(group[:, 0]) == list(range(count))


def test_rounding_is_the_change_of_most_replicates():
    """One in twenty that is another draw is no rounding."""
    here = {"logit": np.zeros((20, 2), np.float32)}
    change = np.full((20, 2), 1e-7)
    change[3] = 5.0
    there = {"logit": change.astype(np.float32)}
    np.testing.assert_allclose(rounding(here, [there])["logit"], 1e-7, rtol=1e-6, atol=0)


def test_rounding_is_the_largest_of_several_changes():
    """An estimate that is no draw may be rounded as before by one of them."""
    here = {"logit": np.zeros((20, 1))}
    others = [{"logit": np.full((20, 1), change)} for change in (1e-20, -3e-19, 0.0)]
    np.testing.assert_allclose(rounding(here, others)["logit"], 3e-19)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("move", MOVES)
def test_every_float_is_moved_by_last_digits_and_nothing_else_is(dtype, move):
    with jax.enable_x64(dtype == "float64"):
        tree = {"w": jax.numpy.array([1.0, -3.0, 0.0]), "k": 2.0, "steps": 7}
        moved = by_last_digits(tree, move)
        eps = np.finfo(dtype).eps
        change = move * eps
        assert moved["w"].dtype == moved["k"].dtype == dtype
        expected = np.array([1 + change, -3 * (1 + change), 0.0])
        np.testing.assert_allclose(moved["w"], expected, rtol=eps / 2, atol=0)
        assert moved["k"] == 2 * (1 + change)
        assert moved["steps"] == 7


@pytest.mark.parametrize(("given", "calls"), [({}, 1 + 9), ({"least_timed": 0}, 1 + 1)])
def test_rounding_adds_no_call_to_a_short_cell(given, calls, monkeypatch):
    """Its calls are of the nine that are timed; the pilot comes before."""
    prepared = Maker.prepared
    made = []
    monkeypatch.setattr(Maker, "prepared", lambda *args: made.append(args) or prepared(*args))
    square = problem("gaussian_square")
    params = square.init_params(jax.random.key(0))
    key = cell_key(0, "t", "init", 2)
    pathwise = estimator("pathwise")
    found = measure(square, pathwise, params, num_samples=2, replicates=400, key=key, **given)
    assert len(made) == calls
    assert set(found.rounding) == (set(params) if calls > 2 else set())
    assert all((size > 0).all() and (size < 1e-5).all() for size in found.rounding.values())


@pytest.mark.parametrize(
    ("name", "given", "candidate"),
    [
        ("bernoulli_square", {"dim": 200, "t": 0.499}, "measure_valued"),
        ("bernoulli_square", {"dim": 8}, "enumeration"),
        pytest.param(
            "normal_normal_bound",
            {"variance": 0.5, "offset": 0.0},
            "sticking_the_landing",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_what_rounding_explains_is_no_bias(name, given, candidate):
    """Where all replicates are nearly equal, and some coordinates of them are by chance."""
    subject = problem(name, **given)
    params = subject.init_params(jax.random.key(0))
    key = cell_key(0, "t", "init", 2)
    found = measure(subject, estimator(candidate), params, num_samples=2, replicates=400, key=key)
    truths = {
        group: exactly(np.asarray(flat(leaves), float))
        for group, leaves in subject.exact_gradient(params).items()
    }
    resolution = float(np.finfo(np.float32).eps)
    deviations = biases(found.moments, truths, resolution, rounded=found.rounding)
    assert min(each.p for each in deviations.values()) > 0.01
    assert all(each.relative.low < 0 < each.relative.high for each in deviations.values())
    assert all((size > 0).all() for size in found.rounding.values())
