"""The harness: keys, chunks, state, slopes, memory."""

import subprocess
import sys
from functools import partial

import jax
import numpy as np
import pytest

from gradest.benchmarks.measurement import batching
from gradest.benchmarks.measurement.batching import (
    block_length,
    extends,
    largest_divisor,
    number_of_batches,
)
from gradest.benchmarks.measurement.programs import estimates
from gradest.benchmarks.measurement.replicates import cell_key, measure
from gradest.benchmarks.runtime.calls import Calls
from gradest.benchmarks.runtime.environment import GENERATORS
from gradest.benchmarks.statistics import intervals
from gradest.benchmarks.statistics.bias import bias
from gradest.benchmarks.statistics.moments import Moments, leave_out, pool
from gradest.benchmarks.statistics.tails import kurtosis
from gradest.benchmarks.statistics.trends import log_log_slope
from gradest.estimators import estimator
from gradest.problems import problem
from tests.support.short_of_memory import short_of_memory
from tests.support.variants import small_problem


def measured(toy, candidate, num_samples=2, replicates=400, **given):
    params = toy.init_params(jax.random.key(0))
    key = cell_key(0, "toy", "init", num_samples)
    return measure(
        toy, candidate, params, num_samples=num_samples, replicates=replicates, key=key, **given
    )


def test_moments_are_those_of_the_replicates_made_one_by_one():
    toy = problem("gaussian_square", dim=2)
    params, key = toy.init_params(jax.random.key(0)), cell_key(0, "toy", "init", 2)
    pathwise = estimator("pathwise")
    each = jax.jit(
        lambda i: pathwise.estimate(toy, params, (), jax.random.fold_in(key, i), 2)[0]["mean"]
    )
    raw = np.array([each(np.uint32(i)) for i in range(400)], np.float64)
    moments = measured(toy, pathwise).moments["mean"]
    whole = pool(moments)
    np.testing.assert_allclose(whole.mean[0], raw.mean(0), rtol=1e-5)
    np.testing.assert_allclose(whole.second[0], 400 * raw.var(0), rtol=1e-5)
    np.testing.assert_allclose(whole.third[0], ((raw - raw.mean(0)) ** 3).sum(0), rtol=1e-3)
    apart = ((raw - moments.center) ** 2).sum(1)
    np.testing.assert_allclose(whole.fourth[0], (apart**2).sum(), rtol=1e-5)
    np.testing.assert_allclose(
        whole.largest[0], np.sort(apart)[::-1][: whole.largest.shape[1]], rtol=1e-5
    )
    assert kurtosis(moments) == pytest.approx(
        200 * (apart**2).sum() * 2 / (apart.sum()) ** 2, rel=0.1
    )
    # replicate i is in batch i mod B
    np.testing.assert_allclose(moments.mean[3], raw[3 :: len(moments.mean)].mean(0), rtol=1e-5)


@pytest.mark.parametrize("name", ["gaussian_square", "vae_bernoulli"])
def test_no_number_depends_on_how_much_a_call_takes(name, monkeypatch):
    toy, candidate = small_problem(name), estimator("score_function", baseline="leave_one_out")
    whole = measured(toy, candidate)
    monkeypatch.setattr(batching, "CALL_ELEMENTS", 1)
    single = measured(toy, candidate, replicates=400)
    for group in whole.moments:
        ours, theirs = (
            intervals.variance(whole.moments[group]),
            intervals.variance(single.moments[group]),
        )
        np.testing.assert_allclose(ours, theirs, rtol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("most", "shortage"), [(100, "4 × 25"), (99, "2 × 25"), (25, "1 × 25"), (7, "1 × 5")]
)
def test_calls_are_halved_where_memory_does_not_suffice_and_only_then_blocks(
    most, shortage, monkeypatch
):
    """Rows are independent: fewer at a time change nothing; other blocks round otherwise."""
    toy, candidate = problem("gaussian_square", dim=2), estimator("score_function", baseline="mean")
    whole = measured(toy, candidate, replicates=800)
    assert whole.shortage == ""

    short_of_memory(monkeypatch, most)
    less = measured(toy, candidate, replicates=800)
    assert less.shortage == f"out of memory: calls of {shortage} replicates instead of 32 × 25"
    for group in whole.moments:
        for field, ours, theirs in zip(
            Moments._fields, less.moments[group], whole.moments[group], strict=True
        ):
            if "× 25" in shortage:
                np.testing.assert_array_equal(ours, theirs, err_msg=field)
            elif field in (
                "mean",
                "second",
            ):  # the centre of the fourth powers is that of as many whole blocks
                np.testing.assert_allclose(ours, theirs, rtol=1e-4)


def test_another_error_is_no_shortage_of_memory():
    def broken(places):
        raise jax.errors.JaxRuntimeError("INVALID_ARGUMENT: no such thing")

    with pytest.raises(jax.errors.JaxRuntimeError, match="no such thing"):
        Calls(broken, 8)(np.arange(8))


def test_estimators_share_their_randomness():
    """On the square with the delta control variate's gradient known.

    Pathwise and score function see the same draws.
    """
    toy = problem("gaussian_square")
    means = {
        name: pool(measured(toy, estimator(name, **given), 1, 2000).moments["scale"]).mean[0, 0]
        for name, given in {"pathwise": {}, "score_function": {"baseline": "mean"}}.items()
    }
    errors = [means[name] - 2 for name in means]
    assert (
        errors[0] * errors[1] > 0
    )  # both are off to the same side: E over the same sample of ε² − 1
    assert str(cell_key(0, "a", "init", 1)) != str(cell_key(0, "b", "init", 1))


def test_keys_depend_on_seed_problem_point_and_samples_alone():
    keys = [
        cell_key(*spec)
        for spec in [
            (0, "a", "p", 1),
            (1, "a", "p", 1),
            (0, "b", "p", 1),
            (0, "a", "q", 1),
            (0, "a", "p", 2),
        ]
    ]
    assert len({tuple(np.asarray(jax.random.key_data(key))) for key in keys}) == len(keys)
    np.testing.assert_array_equal(
        jax.random.key_data(keys[0]), jax.random.key_data(cell_key(0, "a", "p", 1))
    )


@pytest.mark.parametrize(
    ("name", "candidate"),
    [
        ("gaussian_cosine", estimator("pathwise")),
        *(
            pytest.param(name, candidate, marks=pytest.mark.slow)
            for name, candidate in (
                ("bernoulli_square", estimator("score_function")),
                ("gaussian_step", estimator("measure_valued")),
                ("vae_gaussian", estimator("pathwise")),
            )
        ),
    ],
)
def test_variance_falls_as_one_over_L(name, candidate):  # noqa: N802
    levels = [1, 4, 16]
    toy = small_problem(name)
    for group in toy.init_params(jax.random.key(0)):
        samples = [leave_out(measured(toy, candidate, n, 10_000).moments[group]) for n in levels]
        cells = [intervals.jackknife(intervals.total_variance, each) for each in samples]
        slope = intervals.interval(log_log_slope(np.array(levels), cells), intervals.LINEAR)
        half = (slope.high - slope.low) / 2
        assert abs(slope.value + 1) < 2 * half  # four standard errors, for the seven slopes here
        assert half < 0.03


def test_adaptation_is_counted_and_frozen():
    toy = problem("gaussian_square")
    assert measured(toy, estimator("pathwise")).adapt_steps == 0
    learned = estimator("score_function", baseline="mean")
    assert measured(toy, learned, adapt_steps=30).adapt_steps == 30
    short, long = (
        intervals.variance(
            measured(toy, learned, 1, 20_000, adapt_steps=steps).moments["mean"]
        ).value
        for steps in (1, 1000)
    )
    assert short != long


@pytest.mark.parametrize(
    ("replicates", "batches"),
    [(20_000, 32), (1_000, 25), (750, 25), (64, 32), (40, 20), (4096, 32)],
)
def test_replicates_split_into_equal_batches(replicates, batches):
    assert number_of_batches(replicates) == batches


@pytest.mark.parametrize("replicates", [39, 41, 20_011])
def test_replicates_that_do_not_split_are_refused_with_a_number_that_does(replicates):
    with pytest.raises(
        ValueError, match=f"replicates = {replicates}: expected .*did you mean (\\d+)"
    ) as raised:
        number_of_batches(replicates)
    number_of_batches(int(str(raised.value).split()[-1].rstrip("?")))


def test_too_few_samples_are_refused():
    with pytest.raises(ValueError, match="num_samples = 1: expected at least 2"):
        measured(
            problem("gaussian_square"), estimator("score_function", baseline="leave_one_out"), 1
        )


def test_an_estimate_that_is_not_finite_is_reported():
    with pytest.raises(FloatingPointError, match="group mean: the estimate is not finite"):
        measured(
            problem("gaussian_exponential", k=-0.2, scale=1.0, mean=40.0),
            estimator("score_function"),
            64,
            400,
        )


def test_a_slope_needs_positive_variances():
    zero = intervals.Jackknifed(np.array(0.0), np.zeros(32))
    assert log_log_slope(np.array([1, 4]), [zero, zero]) is None


@pytest.mark.parametrize("generator", GENERATORS)
def test_a_replicate_has_the_draws_of_its_own_key(generator):
    """Made alone or among many, in longer or shorter runs; so it is shared by estimators.

    JAX's rbg fails here.
    """
    toy, pathwise = problem("gaussian_square"), estimator("pathwise")
    params, key = toy.init_params(jax.random.key(0)), cell_key(0, "toy", "init", 2, generator)

    def found(places):
        first = np.array(places, np.uint32)
        return estimates(
            toy, pathwise, params, (), key, first, np.uint32(1), num_samples=2, block=3
        )["mean"]

    at_once = np.asarray(found([0, 3, 6]))
    np.testing.assert_array_equal(at_once[1:2], found([3]))
    assert len(np.unique(at_once)) == 9
    run = partial(measure, toy, pathwise, params, num_samples=2, key=key)
    shorter, longer = run(replicates=1_000).moments, run(replicates=3_000).moments
    gone_on = run(replicates=3_000, earlier=shorter).moments
    for ours, theirs in zip(gone_on["mean"], longer["mean"], strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_the_generator_is_that_of_the_cell_whatever_jax_makes_keys_of_otherwise():
    spec = (0, "toy", "init", 2)
    kinds = {generator: jax.random.key_impl(cell_key(*spec, generator)) for generator in GENERATORS}
    assert len(set(map(str, kinds.values()))) == len(GENERATORS)
    with jax.default_prng_impl("rbg"):
        assert {
            generator: jax.random.key_impl(cell_key(*spec, generator)) for generator in GENERATORS
        } == kinds


@pytest.mark.parametrize(
    ("name", "candidate", "shorter", "longer"),
    [
        ("gaussian_square", estimator("pathwise"), 20_000, 40_000),
        ("gaussian_square", estimator("score_function", baseline="mean"), 1_000, 4_000 - 1_000),
        ("bernoulli_square", estimator("gumbel_softmax"), 20_000, 60_000),
        ("vae_bernoulli", estimator("score_function", baseline="leave_one_out"), 250, 500),
        ("vae_gaussian", estimator("pathwise"), 250, 750),
    ],
)
def test_a_longer_run_goes_on_to_the_very_numbers_of_one_run_of_the_total(
    name, candidate, shorter, longer
):
    toy = small_problem(name)
    assert extends(shorter, longer)
    earlier = measured(toy, candidate, 2, shorter).moments
    gone_on = measured(toy, candidate, 2, longer, earlier=earlier).moments
    at_once = measured(toy, candidate, 2, longer).moments
    for group in at_once:
        for field, ours, theirs in zip(
            Moments._fields, gone_on[group], at_once[group], strict=True
        ):
            np.testing.assert_array_equal(ours, theirs, err_msg=f"{group} {field}")


def test_a_run_is_not_gone_on_with_where_its_sums_would_differ():
    assert extends(250, 500)
    assert not extends(500, 250)
    assert not extends(64, 128)  # batches of 2 and of 4, each summed at once
    assert not extends(1_000, 4_000)  # 25 batches, then 32
    assert not extends(250, 1_250)  # summed five at a time, then twenty-five


@pytest.mark.parametrize("size", [2, 10, 31, 40, 64, 625, 1_250, 31_250, 10_007])
def test_blocks_divide_their_batch(size):
    assert size % block_length(size) == 0
    assert block_length(size) <= 3_125
    assert largest_divisor(size, size) == size


def test_a_third_power_shows_skewness():
    """The gradient is skewed; Hall's correction needs its third moment to be right."""
    toy, candidate = problem("gaussian_square"), estimator("score_function")
    found = pool(measured(toy, candidate, 1, 20_000).moments["mean"])
    from tests.support.quadrature import NODES, expectation

    g = (NODES - 2) ** 2 * NODES  # (x − 3)² ε at N(1, 1)
    centred = g - expectation(g)
    exact = expectation(centred**3) / expectation(centred**2) ** 1.5
    measured_skewness = found.third[0, 0] / found.size / (found.second[0, 0] / found.size) ** 1.5
    assert measured_skewness == pytest.approx(exact, rel=0.15)
    assert abs(exact) > 1
    assert (
        bias(measured(toy, candidate, 1, 20_000).moments["mean"], np.array([-4.0]), 1e-7).p > 1e-3
    )


PEAK = """
import sys, jax
from gradest.benchmarks.measurement.replicates import cell_key, measure
from gradest.benchmarks.bench.speed.whole_runs import peak_mib
from gradest.estimators import estimator
from gradest.problems import problem
toy = problem("gaussian_square", dim=10)
measure(toy, estimator(sys.argv[1]), toy.init_params(jax.random.key(0)), num_samples=1,
        replicates=int(sys.argv[2]), key=cell_key(0, "toy", "init", 1))
print(peak_mib())
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", ["score_function", "pathwise"])
def test_memory_is_flat_in_the_number_of_replicates(name):
    few, many = (
        float(
            subprocess.run(
                [sys.executable, "-c", PEAK, name, r], capture_output=True, text=True, check=True
            ).stdout
        )
        for r in ("100000", "10000000")
    )
    assert many < few + 60  # MiB: the ten million gradients alone would be 800
    assert many < 1024
