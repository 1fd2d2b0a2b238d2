"""Estimators for Bernoulli variables, against enumeration, quadrature and formulas written out here."""

import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.lax import stop_gradient
from scipy import stats

from gradest.benchmarks.checks.comparisons import Failed
from gradest.benchmarks.checks.statistical_checks import learned_gradients
from gradest.benchmarks.checks.trials import EstimatorTrial, ProblemTrial
from gradest.benchmarks.measurement.exact_variances import exact_variance
from gradest.benchmarks.measurement.replicates import cell_key, measure
from gradest.benchmarks.statistics import intervals
from gradest.benchmarks.statistics.bias import bias as bias_of
from gradest.estimators import estimator
from gradest.estimators.discrete.double_control_variate import RODEO, DoubleControlVariate
from gradest.estimators.discrete.rebar import REBAR, RELAX
from gradest.estimators.sampling.conditional_latents import (
    conditional_latent,
    coupled_latent,
    hard,
    latent,
)
from gradest.estimators.sampling.copulas import COPULAS
from gradest.estimators.sampling.draws import sample
from gradest.problems import problem
from gradest.problems.distributions.coordinates import base
from gradest.problems.distributions.enumeration import binary_vectors
from tests.support.statistical import REPLICATES, deviation, threshold

T, LOGIT = 0.45, 0.5
P = 1 / (1 + math.exp(-LOGIT))
TESTS = 40
"""At least as many statistical tests as there are here."""


def measured(toy, candidate, num_samples: int, label: str, adapt_steps: int = 200):
    params = toy.init_params(jax.random.key(0))
    key = cell_key(3, label, "init", num_samples)
    return measure(
        toy,
        candidate,
        params,
        num_samples=num_samples,
        replicates=REPLICATES,
        key=key,
        adapt_steps=adapt_steps,
    ).moments["logits"]


def one_estimate(toy, candidate, params, state, num_samples: int) -> np.ndarray:
    def estimate(params, state, key):
        return candidate.estimate(toy, params, state, key, num_samples)[0]["logits"]

    return np.asarray(jax.jit(estimate)(params, state, KEY))


KEY = jax.random.key(5)


def has_no_bias(moments, truth) -> bool:
    return bias_of(moments, np.ravel(truth), 1e-7).p > 0.01 / TESTS


def has_variance(moments, exact: float) -> bool:
    return abs(deviation(moments, exact)) < threshold(TESTS)


def moments_of(probability, estimates) -> tuple[np.ndarray, float]:
    """The mean and the total variance of an estimate, from all its outcomes."""
    mean = np.tensordot(probability, estimates, 1)
    return mean, float(np.sum(np.tensordot(probability, (estimates - mean) ** 2, 1)))


# The latent behind a bit, and given it


@pytest.mark.parametrize("logit", [-3.0, 0.5])
def test_the_conditional_latent_has_the_latents_law_and_reads_as_its_bit(logit: float):
    q = base(problem("bernoulli_square", logit=logit).distribution({"logits": jnp.full(1, logit)}))
    z = latent(q, jax.random.key(0), 20_000)
    x = hard(q, z)
    again = conditional_latent(q, x, jax.random.key(1))
    np.testing.assert_array_equal(hard(q, again), x)
    np.testing.assert_array_equal(sample(q, jax.random.key(0), 20_000), x)
    assert stats.kstest(np.ravel(again), stats.logistic(logit).cdf).pvalue > 1e-3
    assert stats.kstest(np.ravel(z), stats.logistic(logit).cdf).pvalue > 1e-3
    assert (
        abs(np.corrcoef(np.abs(np.ravel(z)), np.abs(np.ravel(again)))[0, 1]) < 0.5
    )  # not the same draw


@pytest.mark.parametrize("bit", [0.0, 1.0])
def test_the_conditional_latent_moves_as_the_quantile_of_the_logistic_cut_off_at_zero(bit: float):
    x, key, step = jnp.full((50, 1), bit), jax.random.key(2), 1e-5

    def z(logit):
        q = base(problem("bernoulli_square").distribution({"logits": jnp.full(1, logit)}))
        again = conditional_latent(q, x, key)
        np.testing.assert_allclose(
            *map(stop_gradient, (again, coupled_latent(q, x, again))), rtol=1e-10
        )
        return again[:, 0], coupled_latent(q, x, stop_gradient(again))[:, 0]

    with jax.enable_x64(True):
        x = x.astype(float)
        now, slopes = np.asarray(z(LOGIT)[0]), np.asarray(jax.jacfwd(z)(LOGIT))
    cut = {shift: stats.logistic(LOGIT + shift) for shift in (-step, 0.0, step)}

    def quantile(shift: float, level: np.ndarray) -> np.ndarray:
        below = cut[shift].cdf(0)
        return cut[shift].ppf(below + level * (1 - below) if bit else level * below)

    level = (
        (cut[0.0].cdf(now) - cut[0.0].cdf(0)) / cut[0.0].sf(0)
        if bit
        else cut[0.0].cdf(now) / cut[0.0].cdf(0)
    )
    numeric = (quantile(step, level) - quantile(-step, level)) / (2 * step)
    for slope in slopes:
        np.testing.assert_allclose(slope, numeric, rtol=1e-4, atol=1e-7)


# REBAR and RELAX


def rebar_moments(eta: float, tau: float, coupled: bool = False) -> tuple[float, float]:
    """Mean and variance of one draw, by Gauss–Legendre in u (cut at 1 − p, where the bit turns) and in v, or u = v."""
    nodes, weights = np.polynomial.legendre.leggauss(200)
    unit, half = (nodes + 1) / 2, weights / 2
    total = []
    for bit, low, high in ((0.0, 0.0, 1 - P), (1.0, 1 - P, 1.0)):
        u = (low + (high - low) * unit)[:, None]
        v = u if coupled else u.T  # the level of z̃ given the bit, on the same side

        def soft(level):
            z = LOGIT + np.log(level) - np.log1p(-level)  # z = φ + logit(u)
            return z, 1 / (1 + np.exp(-z / tau))

        (_, r), (_, r_again) = soft(u), soft(v)
        # dz̃/dφ with the place within (low, high) fixed: 1 + (d level/dφ) / (level (1 − level)), d
        # low/dφ = −p(1 − p)
        moved = -P * (1 - P) * ((high - v) / (high - low) if bit else v / (high - low))
        slope = 1 + moved / (v * (1 - v))
        c, dc = eta * (r_again - T) ** 2, eta * 2 * (r_again - T) * r_again * (1 - r_again) / tau
        path = eta * 2 * (r - T) * r * (1 - r) / tau
        g = ((bit - T) ** 2 - c) * (bit - P) + path - dc * slope
        total.append((g, (high - low) * (half[:, None] if coupled else half[:, None] * half)))
    mean = sum((w * g).sum() for g, w in total)
    return mean, sum((w * (g - mean) ** 2).sum() for g, w in total)


TRUTH = (1 - 2 * T) * P * (1 - P)


@pytest.mark.parametrize("coupled", [False, True])
@pytest.mark.parametrize(("eta", "tau"), [(1.0, 0.5), (0.7, 0.3), (-0.4, 1.5)])
def test_rebar_has_the_moments_of_quadrature(eta: float, tau: float, coupled: bool):
    mean, variance = rebar_moments(eta, tau, coupled)
    assert mean == pytest.approx(TRUTH, rel=1e-6)
    toy = problem("bernoulli_square", t=T, logit=LOGIT)
    moments = measured(
        toy, estimator("rebar", coefficient=eta, temperature=tau, coupled=coupled), 1, "rebar"
    )
    assert has_no_bias(moments, TRUTH)
    assert has_variance(moments, variance)


def test_rebar_without_its_control_variate_is_the_score_function():
    assert (
        rebar_moments(1.0, 0.5)[1]
        > rebar_moments(0.0, 0.5)[1]
        == pytest.approx(0.0135649, rel=1e-5)
    )
    toy = problem("bernoulli_square", t=T, logit=LOGIT, dim=3)
    params = toy.init_params(jax.random.key(0))
    ours = one_estimate(toy, estimator("rebar", coefficient=0.0), params, (), 6)
    theirs = one_estimate(toy, estimator("score_function"), params, (), 6)
    np.testing.assert_allclose(ours, theirs, rtol=1e-5)


SLOW = pytest.mark.slow  # they compile for long


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("rebar", {"learned": True}),
        pytest.param("relax", {}, marks=SLOW),
        pytest.param("relax", {"relaxed_f": False}, marks=SLOW),
        ("double_control_variate", {"coefficient": 0.0}),
        pytest.param("rodeo", {}, marks=SLOW),
    ],
)
def test_what_is_learned_lowers_the_variance(name: str, given: dict):
    """Below that of where it starts, REBAR at η = 1 and τ = ½ or leave-one-out, by more than chance."""
    toy = problem("bernoulli_square", t=T, logit=LOGIT, dim=3)
    start = exact_variance(
        toy,
        estimator("score_function", baseline="leave_one_out"),
        toy.init_params(jax.random.key(0)),
        2,
    )["logits"]
    if name in ("rebar", "relax"):
        start = intervals.variance(measured(toy, estimator("rebar"), 2, "learned")).low
    moments = measured(
        toy, estimator(name, learning_rate=0.02, **given), 2, f"learned{name}{given}"
    )
    assert intervals.variance(moments).high < start
    assert has_no_bias(moments, [TRUTH] * 3)


def half_trained(cls: type) -> type:
    """The same estimates, but half of what is learned from them passes a stop_gradient."""

    class HalfTrained(cls):
        def surrogate(self, problem, params, state, key, num_samples):
            loss, _ = super().surrogate(problem, params, state, key, num_samples)
            stopped, _ = super().surrogate(problem, params, stop_gradient(state), key, num_samples)
            return (loss + stopped) / 2, state

    return HalfTrained


@pytest.mark.parametrize(
    "cls", [DoubleControlVariate, *(pytest.param(cls, marks=SLOW) for cls in (REBAR, RELAX, RODEO))]
)
def test_a_control_variate_that_is_trained_wrongly_is_caught(cls: type):
    toy, broken = problem("bernoulli_square", t=T, logit=LOGIT, dim=2), half_trained(cls)
    given = {"learned": True} if cls is REBAR else {}
    with pytest.raises(Failed, match="expected the gradient that trains the state"):
        learned_gradients(EstimatorTrial(broken(**given), ProblemTrial("toy", toy, 1e-4)))


# Antithetic pairs, and more than two


def pair_outcomes(p: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """All outcomes of an antithetic pair of D bits: their probabilities, and both vectors."""
    m = np.minimum(p, 1 - p)
    alike = (p > 0.5).astype(float)
    each = [
        [(m_i, 1.0, 0.0), (m_i, 0.0, 1.0), (1 - 2 * m_i, same, same)]
        for m_i, same in zip(m, alike, strict=True)
    ]
    made = [tuple(zip(*outcome, strict=True)) for outcome in itertools.product(*each)]
    return (
        np.array([np.prod(probability) for probability, _, _ in made]),
        np.array([b for _, b, _ in made]),
        np.array([b for _, _, b in made]),
    )


@pytest.mark.parametrize("logits", [[0.5], [0.0], [0.5, -1.0, 2.0]])
def test_disarm_by_enumerating_every_pair(logits: list[float]):
    p = 1 / (1 + np.exp(-np.array(logits)))
    probability, b, other = pair_outcomes(p)
    f, f_other = (((x - T) ** 2).sum(-1) for x in (b, other))
    estimates = 0.5 * (f - f_other)[:, None] * (b - other) * np.maximum(p, 1 - p)
    mean, variance = moments_of(probability, estimates)
    np.testing.assert_allclose(mean, (1 - 2 * T) * p * (1 - p))
    toy, disarm = problem("bernoulli_square", t=T, dim=len(logits)), estimator("disarm")
    params = {"logits": jnp.array(logits)}
    assert exact_variance(toy, disarm, params, 2)["logits"] == pytest.approx(
        variance, rel=1e-5, abs=1e-12
    )
    if logits == [0.5]:
        assert variance == pytest.approx(1.7913e-4, rel=1e-4)
    if logits == [0.0]:
        assert variance == pytest.approx(0, abs=1e-20)
    for num_samples in (2, 6):
        key = cell_key(4, str(logits), "init", num_samples)
        moments = measure(
            toy, disarm, params, num_samples=num_samples, replicates=REPLICATES, key=key
        ).moments["logits"]
        if logits == [0.0]:
            assert intervals.variance(moments).value < 1e-15
        else:
            assert has_variance(moments, variance / (num_samples / 2))
            assert has_no_bias(moments, mean)


@pytest.mark.parametrize("logits", [[0.5], [0.5, -1.0]])
def test_arm_by_quadrature_over_the_uniforms(logits: list[float]):
    p = 1 / (1 + np.exp(-np.array(logits)))
    nodes, weights = np.polynomial.legendre.leggauss(4)
    axes = []
    for p_i in p:  # broken where a bit turns
        edges = np.unique([0, 1 - p_i, p_i, 1])
        u = np.concatenate([a + (b - a) * (nodes + 1) / 2 for a, b in itertools.pairwise(edges)])
        w = np.concatenate([(b - a) * weights / 2 for a, b in itertools.pairwise(edges)])
        axes.append(list(zip(u, w, strict=True)))
    outcomes = np.array(list(itertools.product(*axes)))  # (outcomes, D, 2)
    u, probability = outcomes[..., 0], outcomes[..., 1].prod(-1)
    f, f_other = (((x - T) ** 2).sum(-1) for x in ((u > 1 - p) * 1.0, (u < p) * 1.0))
    mean, variance = moments_of(probability, (f - f_other)[:, None] * (u - 0.5))
    np.testing.assert_allclose(mean, (1 - 2 * T) * p * (1 - p))
    toy, arm = problem("bernoulli_square", t=T, dim=len(logits)), estimator("arm")
    params = {"logits": jnp.array(logits)}
    assert exact_variance(toy, arm, params, 2)["logits"] == pytest.approx(variance, rel=1e-5)
    assert exact_variance(toy, estimator("disarm"), params, 2)["logits"] < variance
    key = cell_key(4, f"arm{logits}", "init", 4)
    moments = measure(toy, arm, params, num_samples=4, replicates=REPLICATES, key=key).moments[
        "logits"
    ]
    assert has_variance(moments, variance / 2)
    assert has_no_bias(moments, mean)


@pytest.mark.parametrize("logit", [0.0, 0.5, -2.0])
def test_leave_one_out_falls_as_samples_times_their_peers_at_logit_zero_alone(logit: float):
    """At logit 0 (f − E f) s is constant, so that only the error of the baseline is left: 1/(K(K − 1)), slope −2."""
    toy, baseline = (
        problem("bernoulli_square", t=T, logit=logit),
        estimator("score_function", baseline="leave_one_out"),
    )
    params = toy.init_params(jax.random.key(0))
    scaled = [exact_variance(toy, baseline, params, k)["logits"] * k * (k - 1) for k in (2, 8, 64)]
    assert (np.ptp(scaled) < 1e-6 * scaled[0]) == (logit == 0.0)
    if logit == 0.0:
        # Δ S (K − S) / (K (K − 1)) with S ~ Binomial(K, ½), and Var S (K − S) = K (K − 1)/8
        assert scaled[0] == pytest.approx((1 - 2 * T) ** 2 / 8, rel=1e-5)
        assert has_variance(measured(toy, baseline, 8, "loo"), scaled[0] / 56)


def dirichlet_counts(p: float, n: int) -> np.ndarray:
    """P(S = s) of the number of ones among n draws by the Dirichlet copula, by inclusion and
    exclusion.

    P(u_i < m for all of k given ones) = P(d_i > 1 − a for all of them) = max(1 − k(1 − a),
    0)^{n−1}, a = m^{1/(n−1)}.
    """
    m = min(p, 1 - p)
    a = m ** (1 / (n - 1))
    at_least = [max(1 - k * (1 - a), 0) ** (n - 1) for k in range(n + 1)]
    rare = np.array(
        [
            math.comb(n, s)
            * sum((-1) ** j * math.comb(n - s, j) * at_least[s + j] for j in range(n - s + 1))
            for s in range(n + 1)
        ]
    )
    return rare if p < 0.5 else rare[::-1]


@pytest.mark.parametrize("n", [2, 4, 5])
@pytest.mark.parametrize("logit", [0.5, -1.5, 0.0])
def test_arms_by_counting_ones(logit: float, n: int):
    p = 1 / (1 + math.exp(-logit))
    probability, s = dirichlet_counts(p, n), np.arange(n + 1)
    assert probability.sum() == pytest.approx(1)
    assert probability @ s == pytest.approx(n * p)
    rho = ((probability @ (s * (s - 1))) / (n * (n - 1)) - p * p) / (p * (1 - p))
    # Σ_k (f_k − f̄)(b_k − p) = Δ s (n − s)/n
    estimates = (1 - 2 * T) * s * (n - s) / n / (n - 1) / (1 - rho)
    mean, variance = moments_of(probability, estimates)
    assert mean == pytest.approx((1 - 2 * T) * p * (1 - p))
    toy = problem("bernoulli_square", t=T, logit=logit)
    params = toy.init_params(jax.random.key(0))
    assert float(COPULAS["dirichlet"].correlation(params["logits"], n)[0]) == pytest.approx(
        rho, abs=1e-6
    )
    if n == 2:
        assert variance == pytest.approx(
            exact_variance(toy, estimator("disarm"), params, 2)["logits"], abs=1e-9
        )
    moments = measured(toy, estimator("arms"), n, f"arms{logit}")
    assert has_no_bias(moments, mean)
    if variance > 1e-12:
        assert has_variance(moments, variance)
    else:
        assert intervals.variance(moments).value < 1e-12


@pytest.mark.parametrize("n", [2, 3, 6])
@pytest.mark.parametrize("logit", [-4.0, 0.0, 0.5, 3.0])
def test_the_gaussian_copulas_correlation_is_the_bivariate_normals(logit: float, n: int):
    p, r = 1 / (1 + math.exp(-logit)), -1 / (n - 1)
    height = stats.norm.ppf(p)
    coupled = stats.multivariate_normal([0, 0], [[1, r], [r, 1]], allow_singular=True)
    both = coupled.cdf([height, height]) if n > 2 else max(2 * p - 1, 0)
    expected = (both - p * p) / (p * (1 - p))
    ours = float(COPULAS["gaussian"].correlation(jnp.full(1, logit), n)[0])
    assert ours == pytest.approx(expected, abs=2e-5)


@pytest.mark.parametrize("name", COPULAS)
def test_draws_by_a_copula_have_its_margins_and_its_correlation(name: str):
    logits, n = jnp.array([-2.0, 0.5]), 3
    draws = jax.vmap(lambda key: COPULAS[name].draw(logits, key, n))(
        jax.random.split(jax.random.key(0), 20_000)
    )
    b, p = np.asarray(draws, float), 1 / (1 + np.exp(-np.asarray(logits, float)))
    assert np.abs((b.mean(0) - p) / np.sqrt(p * (1 - p) / len(b))).max() < 4.5
    products = ((b - p)[:, :, None] * (b - p)[:, None]).reshape(len(b), n, n, 2)
    rho = np.asarray(COPULAS[name].correlation(logits, n)) * p * (1 - p)
    for i, j in itertools.combinations(range(n), 2):
        z = (products[:, i, j] - rho).mean(0) / (products[:, i, j].std(0) / math.sqrt(len(b)))
        assert np.abs(z).max() < 4.5
    across = (b[:, 0] - p)[:, 0] * (b[:, 0] - p)[:, 1]
    assert abs(across.mean() / across.std()) * math.sqrt(len(b)) < 4.5


# Double control variates


def coupled(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """f and its slope for an f with interactions of all orders, which no expansion about a point makes exact."""
    f = np.exp(0.7 * x[..., 0] - 0.4 * x[..., 1]) + 0.3 * x[..., 0] * x[..., 1] - 2 * x[..., 1]
    e = np.exp(0.7 * x[..., 0] - 0.4 * x[..., 1])
    return f, np.stack([0.7 * e + 0.3 * x[..., 1], -0.4 * e + 0.3 * x[..., 0] - 2], -1)


class Interacting(type(problem("bernoulli_square"))):
    """The toy's q with that f."""

    def objective(self, params, x):
        return (
            jnp.exp(0.7 * x[..., 0] - 0.4 * x[..., 1]) + 0.3 * x[..., 0] * x[..., 1] - 2 * x[..., 1]
        )


def double_control_variate(x: np.ndarray, p: np.ndarray, alpha: float) -> np.ndarray:
    """The estimate from samples (…, L, D), sample by sample, with f above."""
    n = x.shape[-2]
    f, slope = coupled(x)
    total = 0
    for k in range(n):
        others = [j for j in range(n) if j != k]

        def with_h(j):
            rest = slope[..., [i for i in range(n) if i != j], :].mean(-2)
            return f[..., j] + alpha * ((x[..., j, :] - p) * rest).sum(-1)

        baseline = sum(with_h(j) for j in others) / (n - 1)
        total = (
            total
            + (with_h(k) - baseline)[..., None] * (x[..., k, :] - p)
            - alpha * slope[..., k, :] * p * (1 - p)
        )
    return total / n


LOGITS = np.array([0.5, -1.0])


def all_samples(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Every outcome of n draws of two bits with those logits, and its probability."""
    p = 1 / (1 + np.exp(-LOGITS))
    x = binary_vectors(2 * n).reshape(-1, n, 2)
    return x, np.where(x == 1, p, 1 - p).prod((1, 2))


def interacting_truth() -> np.ndarray:
    x, probability = all_samples(1)
    return probability @ (coupled(x[:, 0])[0][:, None] * (x[:, 0] - 1 / (1 + np.exp(-LOGITS))))


@pytest.mark.parametrize(("n", "alpha"), [(2, -1.0), (3, -0.6)])
def test_double_control_variate_by_enumerating_every_draw(n: int, alpha: float):
    p = 1 / (1 + np.exp(-LOGITS))
    x, probability = all_samples(n)
    mean, variance = moments_of(probability, double_control_variate(x, p, alpha))
    np.testing.assert_allclose(mean, interacting_truth())
    toy, params = Interacting(dim=2), {"logits": jnp.array(LOGITS, jnp.float32)}
    fixed = estimator("double_control_variate", coefficient=alpha, learned=False)
    key = cell_key(5, f"{alpha}", "init", n)
    moments = measure(toy, fixed, params, num_samples=n, replicates=REPLICATES, key=key).moments[
        "logits"
    ]
    assert has_no_bias(moments, mean)
    assert has_variance(moments, variance)


@pytest.mark.parametrize("name", ["double_control_variate", "rodeo"])
def test_with_coefficients_of_zero_it_is_leave_one_out(name: str):
    toy, params = Interacting(dim=2), {"logits": jnp.array(LOGITS, jnp.float32)}
    ours = estimator(name, **({"coefficient": 0.0} if name == "double_control_variate" else {}))
    state = ours.init(toy, params, jax.random.key(0))
    leave_one_out = one_estimate(
        toy, estimator("score_function", baseline="leave_one_out"), params, (), 5
    )
    np.testing.assert_allclose(
        one_estimate(toy, ours, params, state, 5), leave_one_out, rtol=1e-4, atol=1e-6
    )


def test_double_control_variate_of_a_linear_f_leaves_no_variance_to_the_baseline():
    """f + h is constant there: what is left is nothing at all."""

    class Linear(Interacting):
        def objective(self, params, x):
            return 3 * x[..., 0] - 2 * x[..., 1]

    fixed = estimator("double_control_variate", coefficient=-1.0, learned=False)
    moments = measured(Linear(dim=2, logit=LOGIT), fixed, 3, "linear")
    assert intervals.variance(moments).value < 1e-10
    np.testing.assert_allclose(moments.mean.mean(0), np.array([3, -2]) * P * (1 - P), rtol=1e-4)


def test_rodeo_is_the_formula_written_out():
    toy, params, n = Interacting(dim=2), {"logits": jnp.array(LOGITS, jnp.float32)}, 4
    rodeo = estimator("rodeo", hidden_dim=3)
    state = rodeo.init(toy, params, jax.random.key(0))
    _, _, first, second = state.learned
    alpha, beta = 0.8, -1.3
    learned = state.learned._replace(alpha=jnp.float32(alpha), beta=jnp.float32(beta))
    state = state._replace(learned=learned)
    estimate = one_estimate(toy, rodeo, params, state, n)

    p = 1 / (1 + np.exp(-LOGITS))
    x = np.asarray(sample(toy.distribution(params), KEY, n), float)
    f, slope = coupled(x)

    def network(layers, along, value):
        w, b = (np.asarray(a, float) for a in (layers.hidden.weight, layers.hidden.bias))
        out, c = (np.ravel(np.asarray(a, float)) for a in (layers.out.weight, layers.out.bias))
        return out @ np.tanh(w @ np.array([along, value]) + b) + c[0]

    def h(layers, k, y):
        others = [m for m in range(n) if m != k]
        return np.mean([network(layers, slope[m] @ (y - x[m]), f[m]) for m in others])

    def stein(function, at):
        turned = [np.where(np.arange(2) == i, 1 - at, at) for i in range(2)]
        rates = [np.where(y[i] == 1, p[i], 1 - p[i]) for i, y in enumerate(turned)]
        return np.mean(
            [r * (function(y) - function(at)) for r, y in zip(rates, turned, strict=True)], 0
        )

    baseline = [f[m] + alpha * stein(lambda y, m=m: h(first, m, y), x[m]) for m in range(n)]
    expected = [
        (f[k] - np.mean([baseline[m] for m in range(n) if m != k])) * (x[k] - p)
        + beta * stein(lambda y, k=k: h(second, k, y) * (y - p), x[k])
        for k in range(n)
    ]
    np.testing.assert_allclose(estimate, np.mean(expected, 0), rtol=1e-4)


# Stochastic triples


@pytest.mark.parametrize("side", ["right", "left", "both"])
@pytest.mark.parametrize("pruned", [True, False])
def test_stochastic_triples_by_enumeration(side: str, pruned: bool):
    p = 1 / (1 + np.exp(-LOGITS))
    outcomes, estimates = [], []
    for bits, weight in zip(*all_samples(1), strict=True):
        x = bits[0]
        rate = {"right": (1 - x) * p, "left": x * (1 - p)}
        rate["both"] = (rate["right"] + rate["left"]) / 2
        change = []
        for i in range(2):
            up, down = (np.where(np.arange(2) == i, value, x) for value in (1.0, 0.0))
            change.append(coupled(up)[0] - coupled(down)[0])
        w = rate[side]
        if not pruned:
            outcomes.append(weight)
            estimates.append(w * change)
        for i in range(2 * pruned):  # i with probability w_i / Σw, at the rate Σw
            kept = w[i] / w.sum() if w.sum() else 0.5
            outcomes.append(weight * kept)
            estimates.append(w.sum() * np.array(change) * (np.arange(2) == i))
    mean, variance = moments_of(np.array(outcomes), np.array(estimates))
    np.testing.assert_allclose(mean, interacting_truth())
    toy, params = Interacting(dim=2), {"logits": jnp.array(LOGITS, jnp.float32)}
    triple = estimator("stochastic_triple", side=side, pruned=pruned)
    key = cell_key(6, f"{side}{pruned}", "init", 2)
    moments = measure(toy, triple, params, num_samples=2, replicates=REPLICATES, key=key).moments[
        "logits"
    ]
    assert has_no_bias(moments, mean)
    assert has_variance(moments, variance / 2)


@pytest.mark.parametrize(
    ("side", "expected"),
    [("none", 2 * P - 2 * T), ("right", -2 * T), ("left", 2 - 2 * T), ("both", 1 - 2 * T)],
)
def test_smoothed_triples_have_their_bias(side: str, expected: float):
    """E[w f'(b)]: the slope at 0 alone, at 1 alone, or the mean of both, which is the chord of a quadratic."""
    toy = problem("bernoulli_square", t=T, logit=LOGIT)
    moments = measured(toy, estimator("straight_through", smoothed=side), 2, f"smoothed{side}")
    assert has_no_bias(moments, [expected * P * (1 - P)])


# Problems


@pytest.mark.parametrize("eta", [0.0, -4.0, 1.3])
def test_three_bits_with_one_logit_in_closed_form(eta: float):
    toy = problem("bernoulli_shared", logit=eta)
    truth = toy.exact_gradient(toy.init_params(jax.random.key(0)))["logit"]
    p = 1 / (1 + math.exp(-eta))
    assert float(truth) == pytest.approx(
        p * (1 - p) * sum(1 - 2 * t for t in (0.6, 0.51, 0.48)), rel=1e-5
    )


@pytest.mark.parametrize("bit", [0.0, 1.0])
def test_the_score_at_a_logit_of_exactly_zero(bit: float):
    q = problem("bernoulli_square", logit=0.0)

    def log_prob(logit):
        return q.distribution({"logits": logit}).log_prob(jnp.array([bit]))

    assert float(jax.grad(log_prob)(jnp.zeros(1))[0]) == bit - 0.5


def test_the_quadratic_in_two_hundred_dimensions():
    toy = problem("bernoulli_square", dim=200, t=0.499, logit=0.0, reduce="mean")
    truth = toy.exact_gradient(toy.init_params(jax.random.key(0)))["logits"]
    np.testing.assert_allclose(truth, np.full(200, 0.25 * 0.002 / 200), rtol=1e-4)
    # of one antithetic pair at logit 0, b and b̃ differ everywhere: ± the sum of the other
    # coordinates' rises
    delta, params = 0.002 / 200, toy.init_params(jax.random.key(0))
    disarm = exact_variance(toy, estimator("disarm"), params, 2)["logits"] / 200
    assert disarm == pytest.approx(199 * delta**2 / 16, rel=1e-3)
