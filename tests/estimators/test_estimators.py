"""What single estimators do, against formulas written out here; what every one must do is in test_check.py."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gradest.benchmarks.bench.speed import compile_times
from gradest.benchmarks.measurement.programs import estimates, sums
from gradest.benchmarks.measurement.replicates import cell_key, measure
from gradest.benchmarks.statistics import intervals
from gradest.estimators import ESTIMATORS, estimator
from gradest.estimators.sampling.draws import rsample, sample
from gradest.problems import problem
from gradest.problems.arguments import arguments
from tests.support.variants import small_problem


@pytest.mark.parametrize("name", ESTIMATORS)
def test_docstring_states_formula_cost_and_bias(name: str):
    cls = ESTIMATORS[name]
    assert "$" in cls.__doc__
    assert "iased" in cls.__doc__
    assert cls.source
    assert any("Cost" in (parent.__doc__ or "") for parent in cls.__mro__)
    assert all(argument.help for argument in arguments(cls).values())


def test_delta_on_the_square_has_no_variance():
    square = problem("gaussian_square", dim=3)
    params = square.init_params(jax.random.key(0))
    delta = estimator("score_function", control_variate="delta")
    moments = measure(
        square, delta, params, num_samples=4, replicates=400, key=jax.random.key(0)
    ).moments
    for group, exact in square.exact_gradient(params).items():
        size = float(np.linalg.norm(exact))
        assert np.sqrt(intervals.variance(moments[group]).value) < 2e-6 * size


def test_leave_one_out_on_a_constant_is_exactly_zero():
    constant = problem("gaussian_cosine", k=0.0)  # cos(0) = 1
    tenth = problem("gaussian_exponential", k=0.0)
    for flat in (constant, tenth):
        params = flat.init_params(jax.random.key(0))
        estimate, _ = estimator("score_function", baseline="leave_one_out").estimate(
            flat, params, (), jax.random.key(0), 7
        )
        assert float(jnp.abs(estimate["mean"]).max()) == 0
        assert float(jnp.abs(estimate["scale"]).max()) == 0


def test_leave_one_out_is_the_formula_written_out():
    square = problem("gaussian_square", dim=2)
    params = square.init_params(jax.random.key(0))
    key, n = jax.random.key(5), 5
    x = np.asarray(sample(square.distribution(params), key, n), np.float64)
    f = ((x - 3) ** 2).sum(1)
    b = np.array([np.delete(f, i).mean() for i in range(n)])
    estimate, _ = estimator("score_function", baseline="leave_one_out").estimate(
        square, params, (), key, n
    )
    np.testing.assert_allclose(estimate["mean"], ((f - b)[:, None] * (x - 1)).mean(0), rtol=1e-4)
    np.testing.assert_allclose(
        estimate["scale"], ((f - b)[:, None] * ((x - 1) ** 2 - 1)).mean(0), rtol=1e-4
    )


def test_gumbel_and_straight_through_are_the_formulas_written_out():
    toy = problem("bernoulli_square", t=0.3, logit=0.5)
    params = toy.init_params(jax.random.key(0))
    key, n, t, temperature = jax.random.key(5), 6, 0.3, 0.7
    p = 1 / (1 + np.exp(-0.5))
    z = 0.5 + np.asarray(jax.random.logistic(key, (1, n)), np.float64)[0]
    relaxed, hard = 1 / (1 + np.exp(-z / temperature)), (z > 0).astype(float)
    slope = relaxed * (1 - relaxed) / temperature
    expected = {
        "gumbel_softmax": (2 * (relaxed - t) * slope).mean(),
        "straight_through_gumbel": (2 * (hard - t) * slope).mean(),
        "straight_through": (2 * (hard - t)).mean() * p * (1 - p),
    }
    for name, value in expected.items():
        given = {} if name == "straight_through" else {"temperature": temperature}
        estimate, _ = estimator(name, **given).estimate(toy, params, (), key, n)
        assert float(estimate["logits"][0]) == pytest.approx(value, rel=1e-4)


@pytest.mark.parametrize("name", ["gaussian_square", "vae_gaussian"])
def test_the_same_key_gives_the_same_draws_with_and_without_gradient(name: str):
    q = small_problem(name).distribution(small_problem(name).init_params(jax.random.key(0)))
    np.testing.assert_array_equal(sample(q, jax.random.key(1), 5), rsample(q, jax.random.key(1), 5))


def test_draws_have_the_distribution_they_should():
    """Kolmogorov–Smirnov for the Gaussian, a z-test for the Bernoulli."""
    from scipy import stats

    q = problem("gaussian_square", mean=2.0, scale=0.5, dim=2)
    x = np.asarray(
        sample(q.distribution(q.init_params(jax.random.key(0))), jax.random.key(0), 20_000)
    )
    assert x.shape == (20_000, 2)
    assert all(stats.kstest(column, stats.norm(2, 0.5).cdf).pvalue > 1e-3 for column in x.T)
    toy = problem("bernoulli_square", logit=0.5)
    b = np.asarray(
        sample(toy.distribution(toy.init_params(jax.random.key(0))), jax.random.key(0), 20_000)
    )
    p = 1 / (1 + np.exp(-0.5))
    assert abs(b.mean() - p) < 4 * np.sqrt(p * (1 - p) / 20_000)


def test_the_optimal_baseline_is_below_the_mean_and_the_mean_below_none():
    """On the square f and ‖s‖² are correlated, so that E[f] is not the best constant."""
    square = problem("gaussian_square")
    params = square.init_params(jax.random.key(0))
    totals = {}
    for baseline in ("none", "mean", "optimal"):
        reinforce = estimator("score_function", baseline=baseline)
        moments = measure(
            square,
            reinforce,
            params,
            num_samples=4,
            replicates=20_000,
            key=cell_key(0, "square", "init", 4),
            adapt_steps=2000,
        ).moments
        totals[baseline] = [intervals.variance(moments[group]) for group in ("mean", "scale")]
    total = {name: sum(i.value for i in intervals) for name, intervals in totals.items()}
    # E‖s‖² = 3, E f = 5, E[f‖s‖²] = 5·3 + cov; by hand (k = 3, N(1, 1)): E[f (u⁴ − u² + 1)] = 23,
    # so b* = 23/3
    best = gauss_total(23 / 3)
    assert total["optimal"] == pytest.approx(best / 4, rel=0.1)
    assert total["mean"] == pytest.approx(gauss_total(5.0) / 4, rel=0.1)
    assert best < gauss_total(5.0) < gauss_total(0.0)
    assert total["optimal"] < total["mean"] < total["none"]


def gauss_total(b: float) -> float:
    """Var((f − b) s) over both groups on the square at N(1, 1), k = 3."""
    from tests.support.quadrature import NODES, expectation

    f = (NODES - 2) ** 2 - b
    return sum(expectation((f * s) ** 2) - expectation(f * s) ** 2 for s in (NODES, NODES**2 - 1))


@pytest.fixture
def compilations():
    """How many programs the backend has compiled, of ours or of JAX's own."""
    with compile_times.compilations() as counted:
        yield counted


CELLS = {
    "k and θ": ("gaussian_square", "pathwise", {"k": 1.0, "mean": 0.5}, {}),
    "t, logit and temperature": (
        "bernoulli_square",
        "gumbel_softmax",
        {"t": 0.1, "logit": 1.0},
        {"temperature": 0.5},
    ),
    "a learned baseline": ("gaussian_cosine", "score_function", {"k": 1.0}, {"baseline": "mean"}),
}
OTHERS = {
    "k and θ": ({"k": 2.0, "mean": -1.0}, {}),
    "t, logit and temperature": ({"t": 0.2, "logit": -3.0}, {"temperature": 0.9}),
    "a learned baseline": ({"k": -3.0}, {"baseline": "mean"}),
}


@pytest.mark.parametrize("name", CELLS)
def test_a_new_number_seed_or_length_compiles_nothing(name: str, compilations):
    def run(given: dict, arguments: dict, seed: int, replicates: int) -> None:
        toy, candidate = problem(toy_name, **given), estimator(label, **arguments)
        params = toy.init_params(jax.random.key(seed))
        key = cell_key(seed, "t", "init", 2)
        measure(
            toy, candidate, params, num_samples=2, replicates=replicates, key=key, adapt_steps=5
        )

    toy_name, label, *first = CELLS[name]
    run(*first, seed=0, replicates=20_000)
    assert compilations
    compiled = len(compilations), len(estimates.kept), len(sums.kept)
    run(*OTHERS[name], seed=0, replicates=20_000)
    run(*first, seed=1, replicates=20_000)
    run(*first, seed=0, replicates=40_000)
    assert (len(compilations), len(estimates.kept), len(sums.kept)) == compiled


def test_a_longer_training_compiles_nothing_where_it_is_measured(compilations):
    """θ after other steps: other numbers, the same program."""

    def run(steps: int) -> None:
        vae = problem("vae_bernoulli", latent_dim=3, num_images=4, hidden_dim=8, train_steps=steps)
        params = jax.tree.map(lambda leaf: leaf * np.float32(1 + steps), start)
        key = cell_key(0, "t", f"step_{steps}", 2)
        measure(vae, leave_one_out, params, num_samples=2, replicates=40, key=key)

    leave_one_out = estimator("score_function", baseline="leave_one_out")
    start = problem("vae_bernoulli", latent_dim=3, num_images=4, hidden_dim=8).init_params(
        jax.random.key(0)
    )
    run(1)
    compiled = len(compilations)
    run(2)
    assert len(compilations) == compiled


def test_float64_is_measured_in_float64():
    with jax.enable_x64(True):
        square = problem("gaussian_square")
        params = square.init_params(jax.random.key(0))
        delta = estimator("score_function", control_variate="delta")
        moments = measure(
            square, delta, params, num_samples=4, replicates=40, key=jax.random.key(0)
        ).moments
        assert intervals.variance(moments["mean"]).value < 1e-25
