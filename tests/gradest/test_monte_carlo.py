"""gradest.monte_carlo against closed forms, and against optax 0.2.5 in its own environment."""

import subprocess
from functools import cache
from inspect import signature
from statistics import NormalDist

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import optax
import pytest

from gradest import monte_carlo
from gradest.benchmarks.bench.peers.process import PEERS, PeerFailed, make_environment
from gradest.monte_carlo.distributions import as_numpyro
from tests.support import optax_cases

L = 20_000
MEAN, LOG_SCALE = jnp.array([1.0, -0.5]), jnp.array([0.2, -0.4])
THETA = (MEAN, LOG_SCALE)
TESTS = 100
"""At least as many statistical tests as there are here."""
THRESHOLD = NormalDist().inv_cdf(1 - 0.001 / (2 * TESTS))
ROUNDING = 1e-5
"""Of a mean of rows that do not vary."""

ESTIMATORS = {
    "score_function": monte_carlo.score_function_jacobians,
    "pathwise": monte_carlo.pathwise_jacobians,
    "measure_valued": monte_carlo.measure_valued_jacobians,
}


def square(x):
    return ((x - 3.0) ** 2).sum()


SQUARE_GRADIENT = (2 * (MEAN - 3), 2 * jnp.exp(2 * LOG_SCALE))
r"""Of $\sum_i (\mu_i - 3)^2 + e^{2 s_i}$."""


def compiled(jacobians, *given, key, num_samples=L, **options):
    """Rows, from one compiled program: op by op it takes seconds."""
    return jax.jit(lambda key: jacobians(*given, key, num_samples, **options))(jax.random.key(key))


def assert_mean_is(rows, exact):
    error = rows.std(0, ddof=1) / np.sqrt(len(rows)) + ROUNDING
    z = (rows.mean(0) - exact) / error
    assert np.all(np.abs(z) < THRESHOLD), z


@pytest.mark.parametrize("name", ESTIMATORS)
@pytest.mark.parametrize("builder", [monte_carlo.multi_normal, optax.multi_normal])
def test_the_mean_of_the_rows_is_the_gradient(name, builder):
    found = compiled(ESTIMATORS[name], square, THETA, builder, key=1)
    for rows, exact in zip(found, SQUARE_GRADIENT, strict=True):
        assert rows.shape == (L, 2)
        assert rows.dtype == jnp.float32
        assert_mean_is(rows, exact)


def test_the_variance_of_the_pathwise_rows_is_the_exact_one():
    mean, log_scale = compiled(
        monte_carlo.pathwise_jacobians, square, THETA, monte_carlo.multi_normal, key=2
    )
    variance = jnp.exp(2 * LOG_SCALE)
    np.testing.assert_allclose(mean.var(0), 4 * variance, rtol=0.05)
    # 2 (x − 3)(x − μ): 4 Var[(μ − 3) z + z²]
    np.testing.assert_allclose(
        log_scale.var(0), 4 * ((MEAN - 3) ** 2 * variance + 2 * variance**2), rtol=0.1
    )


@pytest.mark.parametrize("name", ["score_function", "measure_valued"])
def test_bits(name):
    """E[(w·x)²] with independent bits: by enumeration."""
    logits = jnp.array([0.3, -1.0, 0.5])

    def f(x):
        return (x * jnp.arange(1.0, 4)).sum() ** 2

    def expectation(logits):
        p = jax.nn.sigmoid(logits)
        bits = jnp.array(np.unravel_index(np.arange(8), (2, 2, 2))).T
        return (jnp.where(bits == 1, p, 1 - p).prod(1) * jax.vmap(f)(bits)).sum()

    (rows,) = compiled(ESTIMATORS[name], f, (logits,), dist.BernoulliLogits, key=3)
    assert_mean_is(rows, jax.grad(expectation)(logits))


def test_an_object_of_ones_own_is_a_distribution():
    logits = jnp.array([0.3, -1.0])
    (rows,) = compiled(
        monte_carlo.score_function_jacobians, jnp.sum, (logits,), optax_cases.Bernoulli, key=4
    )
    p = jax.nn.sigmoid(logits)
    assert_mean_is(rows, p * (1 - p))


def test_a_draw_by_rejection_has_pathwise_rows():
    """E[x] = α/λ."""
    theta = (jnp.array(2.0), jnp.array(3.0))
    alpha, rate = compiled(monte_carlo.pathwise_jacobians, lambda x: x, theta, dist.Gamma, key=5)
    assert alpha.shape == rate.shape == (L,)
    assert_mean_is(alpha, 1 / 3)
    assert_mean_is(rate, -2 / 9)


def test_parameters_may_have_any_shape_and_may_be_numpy():
    mean = np.ones((2, 3), np.float32)
    found = compiled(
        monte_carlo.measure_valued_jacobians,
        lambda x: (x**2).sum(),
        [mean, np.float32(0)],
        monte_carlo.multi_normal,
        key=6,
    )
    assert isinstance(found, list)
    assert [rows.shape for rows in found] == [(L, 2, 3), (L,)]
    assert_mean_is(found[0], 2)
    assert_mean_is(found[1], 12)  # the scale is shared by six coordinates


@pytest.mark.slow
def test_coupling_leaves_nothing_of_what_is_even_about_the_mean():
    def rows(coupling):
        return compiled(
            monte_carlo.measure_valued_jacobians,
            lambda x: ((x - MEAN) ** 2).sum(),
            THETA,
            monte_carlo.multi_normal,
            key=7,
            coupling=coupling,
        )[0]

    np.testing.assert_allclose(rows(coupling=True), 0, atol=1e-5)
    assert np.all(rows(coupling=False).var(0) > 0.1)
    assert_mean_is(rows(coupling=False), 0)


def test_a_key_of_the_old_kind_makes_the_same_rows_also_under_jit():
    def rows(key):
        return monte_carlo.score_function_jacobians(
            square, THETA, monte_carlo.multi_normal, key, 10
        )

    expected = rows(jax.random.key(8))
    for found in (rows(jax.random.PRNGKey(8)), jax.jit(rows)(jax.random.key(8))):
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5), expected, found)


def test_what_cannot_be_is_refused_with_the_reason():
    key = jax.random.key(0)
    with pytest.raises(ValueError, match="no weak derivative is known for Laplace"):
        monte_carlo.measure_valued_jacobians(jnp.sum, (MEAN, MEAN**2), dist.Laplace, key, 2)
    with pytest.raises(ValueError, match=r"Bernoulli.* has no differentiable draw"):
        monte_carlo.pathwise_jacobians(jnp.sum, (MEAN,), dist.BernoulliLogits, key, 2)
    with pytest.raises(TypeError, match="int: expected a distribution of numpyro"):
        as_numpyro(3)


@pytest.mark.parametrize("name", ["score_function", "pathwise"])
def test_the_delta_method_leaves_no_variance_of_a_quadratic(name):
    rows, state = compiled(
        monte_carlo.control_variates_jacobians,
        lambda x: (x @ jnp.array([[2.0, 0.5], [0.5, 1.0]]) * x).sum(),
        monte_carlo.control_delta_method,
        ESTIMATORS[name],
        THETA,
        monte_carlo.multi_normal,
        key=9,
        num_samples=100,
    )
    assert state is None
    np.testing.assert_allclose(rows[0], [[3.5, 0.0]] * 100, atol=1e-4)
    curvature = jnp.array([4.0, 2.0]) * jnp.exp(2 * LOG_SCALE)
    np.testing.assert_allclose(rows[1], [curvature.tolist()] * 100, rtol=1e-4)


@pytest.mark.parametrize("coefficients", [pytest.param(False, marks=pytest.mark.slow), True])
@pytest.mark.parametrize("name", ESTIMATORS)
def test_the_delta_method_keeps_the_mean(name, coefficients):
    """E[x³] = μ³ + 3 μ σ²."""
    rows, _ = compiled(
        monte_carlo.control_variates_jacobians,
        lambda x: (x**3).sum(),
        monte_carlo.control_delta_method,
        ESTIMATORS[name],
        THETA,
        monte_carlo.multi_normal,
        key=10,
        estimate_cv_coeffs=coefficients,
    )
    variance = jnp.exp(2 * LOG_SCALE)
    assert_mean_is(rows[0], 3 * MEAN**2 + 3 * variance)
    assert_mean_is(rows[1], 6 * MEAN * variance)


def test_the_coefficient_is_the_one_that_minimises_the_variance():
    """h = 2 f of known expectation: c = ½ leaves nothing."""

    def twice(function):
        def expectation(params, state):
            return 2 * ((params[0] - 3) ** 2 + jnp.exp(2 * params[1])).sum()

        return lambda params, x, state: 2 * function(x), expectation, lambda p, x, state: state

    rows, _ = compiled(
        monte_carlo.control_variates_jacobians,
        square,
        twice,
        monte_carlo.score_function_jacobians,
        THETA,
        monte_carlo.multi_normal,
        key=11,
        num_samples=200,
        estimate_cv_coeffs=True,
        estimate_cv_coeffs_num_samples=500,
    )
    for found, exact in zip(rows, SQUARE_GRADIENT, strict=True):
        np.testing.assert_allclose(found, jnp.broadcast_to(exact, found.shape), rtol=0.01)


@pytest.mark.parametrize("heuristic", [True, False])
@pytest.mark.parametrize("decay", [0.99, 0.5, 0.05])
@pytest.mark.parametrize("debias", [True, False])
def test_the_moving_average_is_the_weighted_mean_of_what_was_seen(heuristic, decay, debias):
    _, _, update = monte_carlo.moving_avg_baseline(
        lambda x: x,
        decay=decay,
        zero_debias=debias,
        use_decay_early_training_heuristic=heuristic,
    )
    seen = np.random.default_rng(0).normal(2, 1, (30, 4))
    state, weights = (0.0, 0), np.zeros(0)
    for call, samples in enumerate(seen):
        state = jax.jit(update)((), jnp.asarray(samples, jnp.float32), state)
        keep = min(decay, (1 + call) / (10 + call)) if heuristic else decay
        weights = np.append(weights * keep, 1 - keep)
        total = weights @ seen[: call + 1].mean(1)
        expected = total / weights.sum() if debias else total
        np.testing.assert_allclose(state[0], expected, rtol=1e-4)
    assert state[1] == 30


def test_the_heuristic_ends_where_the_decay_is_reached():
    _, _, update = monte_carlo.moving_avg_baseline(lambda x: x, decay=0.9)
    ones = jnp.ones(1)
    # 0.9 is reached at the 80th call; what is seen is constant, so that the average is, too
    for calls in (0, 79, 80, 81, 500):
        average, _ = update((), ones, (1.0 if calls else 0.0, calls))
        np.testing.assert_allclose(average, 1, rtol=1e-6)


@pytest.mark.slow
def test_the_moving_average_is_that_of_the_calls_before():
    """optax's first call takes the mean of its own draws: with one draw nothing would be left."""
    keys = jax.random.split(jax.random.key(12), L)

    def first(key):
        rows, _ = monte_carlo.control_variates_jacobians(
            square,
            monte_carlo.moving_avg_baseline,
            monte_carlo.score_function_jacobians,
            THETA,
            monte_carlo.multi_normal,
            key,
            1,
            control_variate_state=(0.0, 0),
        )
        return rows[0][0]

    assert_mean_is(jax.vmap(first)(keys), SQUARE_GRADIENT[0])


@pytest.mark.slow
def test_a_moving_average_needs_its_state():
    with pytest.raises(ValueError, match=r"control_variate_state = None: .* \(0.0, 0\)"):
        monte_carlo.control_variates_jacobians(
            square,
            monte_carlo.moving_avg_baseline,
            monte_carlo.score_function_jacobians,
            THETA,
            monte_carlo.multi_normal,
            jax.random.key(0),
            2,
        )


SIGNATURES = {
    "score_function_jacobians": "function params dist_builder rng num_samples",
    "pathwise_jacobians": "function params dist_builder rng num_samples",
    "measure_valued_jacobians": "function params dist_builder rng num_samples coupling=True",
    "control_delta_method": "function",
    "moving_avg_baseline": (
        "function decay=0.99 zero_debias=True use_decay_early_training_heuristic=True"
    ),
    "control_variates_jacobians": (
        "function control_variate_from_function grad_estimator params dist_builder rng num_samples "
        "control_variate_state=None estimate_cv_coeffs=False estimate_cv_coeffs_num_samples=20"
    ),
}
"""Of optax 0.2.5."""


@pytest.mark.parametrize("name", SIGNATURES)
def test_signatures_are_those_of_optax(name):
    parameters = signature(getattr(monte_carlo, name)).parameters.values()
    written = [p.name if p.default is p.empty else f"{p.name}={p.default}" for p in parameters]
    assert " ".join(written) == SIGNATURES[name]


@cache
def optax_answers(folder) -> dict[str, np.ndarray]:
    """What optax 0.2.5 answers, by the Python of the environment that the peers' bench makes."""
    try:
        python = make_environment(PEERS["optax_monte_carlo"].pins, folder / "optax")
    except PeerFailed as reason:
        pytest.skip(f"optax 0.2.5: {reason}")
    file = folder / "answers.npz"
    subprocess.run([python, optax_cases.__file__, file], check=True, capture_output=True)
    with np.load(file) as arrays:
        return dict(arrays)


@pytest.fixture(scope="session")
def theirs(tmp_path_factory):
    return optax_answers(tmp_path_factory.getbasetemp())


@pytest.fixture(scope="session")
def ours():
    return optax_cases.answers(monte_carlo, optax.multi_normal, seed=2)


OPTAX_BIAS = 1 - 0.01 / optax_cases.NUM_SAMPLES
"""optax's moving average, decay 0.99, holds a hundredth of the very draws that it multiplies."""


@pytest.mark.slow
def test_estimates_are_distributed_as_those_of_optax(ours, theirs):
    assert ours.keys() == theirs.keys()
    z = {}
    for case in (case for case in ours if not case.endswith("rows")):
        assert ours[f"{case}, rows"] == theirs[f"{case}, rows"]
        factor = OPTAX_BIAS if case.startswith("moving average, score") else 1.0
        mean, mean_error, variance, variance_error = moments(ours[case])
        expected, expected_error, spread, spread_error = moments(theirs[case] / factor)
        z[f"{case}, mean"] = (mean - expected) / np.hypot(mean_error, expected_error)
        z[f"{case}, variance"] = (variance - spread) / np.hypot(variance_error, spread_error)
    threshold = NormalDist().inv_cdf(1 - 0.01 / (2 * 3 * len(z)))
    assert {name: values for name, values in z.items() if np.abs(values).max() > threshold} == {}


def moments(replicates):
    """Mean and variance of each coordinate, each with its standard error."""
    values = replicates.astype(float)
    mean, variance = values.mean(0), values.var(0, ddof=1)
    fourth = ((values - mean) ** 4).mean(0)
    count = len(values)
    return mean, np.sqrt(variance / count), variance, np.sqrt((fourth - variance**2) / count)
