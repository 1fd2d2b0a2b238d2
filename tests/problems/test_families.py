"""The toys of single families: exact gradients and pathwise derivatives, by scipy's distributions and quadrature."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import special, stats
from scipy.integrate import quad

from gradest.benchmarks.measurement.exact_gradient import exact_gradient
from gradest.benchmarks.measurement.replicates import cell_key, measure
from gradest.benchmarks.statistics import intervals
from gradest.estimators import estimator
from gradest.estimators.sampling.angles import angle_derivative
from gradest.estimators.sampling.draws import rsample, sample
from gradest.problems import problem

SCIPY = {
    "exponential_toy": lambda rate: stats.expon(scale=1 / rate),
    "weibull_toy": lambda scale, concentration: stats.weibull_min(concentration, scale=scale),
    "logistic_toy": stats.logistic,
    "laplace_toy": stats.laplace,
    "gumbel_toy": stats.gumbel_r,
    "student_t_toy": lambda df, loc, scale: stats.t(df, loc, scale),
    "gamma_toy": lambda concentration, rate: stats.gamma(concentration, scale=1 / rate),
    "beta_toy": lambda concentration1, concentration0: stats.beta(concentration1, concentration0),
    "von_mises_toy": lambda loc, concentration: stats.vonmises(concentration, loc=loc),
    "poisson_toy": lambda rate: stats.poisson(rate),
}
"""Each family's distribution as scipy writes it."""

PARAMETERS = {
    "exponential_toy": {"rate": 1.3},
    "weibull_toy": {"scale": 0.8, "concentration": 1.7},
    "logistic_toy": {"loc": 0.4, "scale": 0.7},
    "laplace_toy": {"loc": 0.4, "scale": 0.7},
    "gumbel_toy": {"loc": 0.4, "scale": 0.7},
    "student_t_toy": {"df": 6.0, "loc": 0.4, "scale": 0.7},
    "gamma_toy": {"concentration": 1.6, "rate": 1.2},
    "beta_toy": {"concentration1": 1.4, "concentration0": 2.3},
    "von_mises_toy": {"loc": 0.4, "concentration": 1.6},
    "poisson_toy": {"rate": 1.9},
}

CONTINUOUS = [name for name in SCIPY if name != "poisson_toy"]


def h(name: str, integrand: str, k: float):
    if name == "von_mises_toy":
        return lambda x: 1 - np.cos(x - k)
    return {
        "linear": lambda x: x - k,
        "square": lambda x: (x - k) ** 2,
        "cosine": lambda x: np.cos(k * x),
    }[integrand]


def expectation(name: str, integrand: str, k: float, parameters: dict[str, float]) -> float:
    """E[h] by scipy's adaptive quadrature, from the median to both ends of the support."""
    q, function = SCIPY[name](**parameters), h(name, integrand, k)
    if name == "poisson_toy":
        counts = np.arange(200)
        return float(q.pmf(counts) @ function(counts))
    if name == "von_mises_toy":
        ends = (parameters["loc"] - np.pi, parameters["loc"], parameters["loc"] + np.pi)
    else:
        low, high = q.support()
        reach = q.ppf([1e-15, 1 - 1e-15])
        ends = (max(low, reach[0]), q.median(), min(high, reach[1]))
    return sum(
        quad(lambda x: function(x) * q.pdf(x), *pair, limit=500, epsabs=1e-12, epsrel=1e-11)[0]
        for pair in itertools.pairwise(ends)
    )


CASES = [(name, "cosine") for name in SCIPY] + [
    (name, "square") for name in SCIPY if name not in ("student_t_toy", "von_mises_toy")
]


@pytest.mark.parametrize(("name", "integrand"), CASES)
def test_exact_gradients_are_differences_of_scipys_expectations(name: str, integrand: str):
    given, k, step = PARAMETERS[name], 0.8, 1e-3
    toy = problem(
        name, k=k, dim=2, **given, **({} if name == "von_mises_toy" else {"f": integrand})
    )
    truth = exact_gradient(toy, toy.init_params(jax.random.key(0)))
    assert set(truth) == set(given)
    for group, value in given.items():
        up, down, far_up, far_down = (
            expectation(name, integrand, k, given | {group: value + distance * step})
            for distance in (1, -1, 2, -2)
        )
        slope = (8 * (up - down) - (far_up - far_down)) / (12 * step)
        np.testing.assert_allclose(truth[group], [slope] * 2, rtol=2e-6, atol=2e-8)


def test_closed_forms():
    """E[(x − k)²] for the exponential, the Poisson and the gamma; 1 − cos(μ − k) I₁/I₀; the Dirichlet by its beta."""
    rate, k = 1.7, 0.6
    toy = problem("exponential_toy", rate=rate, k=k, f="square")
    truth = exact_gradient(toy, toy.init_params(jax.random.key(0)))
    assert truth["rate"][0] == pytest.approx(-4 / rate**3 + 2 * k / rate**2, rel=1e-6)
    toy = problem("poisson_toy", rate=rate, k=k, f="square")
    truth = exact_gradient(toy, toy.init_params(jax.random.key(0)))
    assert truth["rate"][0] == pytest.approx(2 * (rate - k) + 1, rel=1e-6)
    toy = problem("gamma_toy", concentration=1.0, rate=1.0, f="linear", k=0.0)
    truth = exact_gradient(toy, toy.init_params(jax.random.key(0)))
    assert truth["concentration"][0] == pytest.approx(1, rel=1e-9)
    assert truth["rate"][0] == pytest.approx(-1, rel=1e-9)
    toy = problem("von_mises_toy", loc=0.4, concentration=2.5, k=k)
    truth = exact_gradient(toy, toy.init_params(jax.random.key(0)))
    ratio = special.ive(1, 2.5) / special.ive(0, 2.5)
    assert truth["loc"][0] == pytest.approx(np.sin(0.4 - k) * ratio, rel=1e-6)
    assert truth["concentration"][0] == pytest.approx(
        -np.cos(0.4 - k) * (1 - ratio / 2.5 - ratio**2), rel=1e-6
    )


def test_the_dirichlet_by_its_marginals():
    """Each proportion is a beta variable, whose second moment scipy knows."""
    toy = problem("dirichlet_toy")
    alpha = np.array([0.7, 1.9, 2.4])
    truth = exact_gradient(toy, {"concentration": jnp.asarray(alpha)})

    def value(alpha):
        total = alpha.sum()
        return sum(stats.beta(a, total - a).moment(2) for a in alpha) - 2 * alpha[0] / total + 1

    slope = [(value(alpha + e) - value(alpha - e)) / 2e-5 for e in 1e-5 * np.eye(3)]
    np.testing.assert_allclose(truth["concentration"], slope, rtol=1e-5)


@pytest.mark.parametrize("name", SCIPY)
def test_draws_are_scipys(name: str):
    given = PARAMETERS[name]
    toy = problem(name, **given)
    q = toy.distribution(toy.init_params(jax.random.key(0)))
    x = np.asarray(sample(q, jax.random.key(2), 20_000), float)[:, 0]
    theirs = SCIPY[name](**given)
    if name == "poisson_toy":
        counts = np.bincount(x.astype(int), minlength=9)
        observed, expected = (
            [*counts[:8], counts[8:].sum()],
            [*theirs.pmf(np.arange(8)), theirs.sf(7)],
        )
        assert stats.chisquare(observed, 20_000 * np.array(expected)).pvalue > 1e-3
    elif name == "von_mises_toy":
        around = (x - given["loc"] + np.pi) % (2 * np.pi) - np.pi + given["loc"]
        assert (np.abs(x) <= np.pi + 1e-6).all()
        assert stats.kstest(around, theirs.cdf).pvalue > 1e-3
    else:
        assert stats.kstest(x, theirs.cdf).pvalue > 1e-3


@pytest.mark.parametrize(
    "name", [name for name in CONTINUOUS if name not in ("student_t_toy", "beta_toy")]
)
def test_derivatives_of_draws_keep_their_probability(name: str):
    """x moves with θ so that F(x; θ) stays: ∂x/∂θ = −∂F/∂θ / p, which holds draw by draw for one number."""
    given = PARAMETERS[name]
    with jax.enable_x64(True):
        toy = problem(name, **given)
        params = toy.init_params(jax.random.key(0))
        slopes = jax.jacrev(
            lambda params: rsample(toy.distribution(params), jax.random.key(1), 20)[:, 0]
        )(params)
        x = np.asarray(sample(toy.distribution(params), jax.random.key(1), 20))[:, 0]
    if name == "von_mises_toy":
        x = (x - given["loc"] + np.pi) % (2 * np.pi) - np.pi + given["loc"]
    for group, value in given.items():
        step = 1e-4 * value
        up, down = (SCIPY[name](**given | {group: value + side * step}).cdf(x) for side in (1, -1))
        expected = -(up - down) / (2 * step) / SCIPY[name](**given).pdf(x)
        np.testing.assert_allclose(slopes[group][:, 0], expected, rtol=2e-5, atol=1e-7)


@pytest.mark.parametrize("concentration", [0.01, 1.0, 30.0, 1000.0])
def test_the_von_mises_slope_at_other_concentrations(concentration: float):
    with jax.enable_x64(True):
        angle = stats.vonmises(concentration).ppf([1e-3, 0.2, 0.4, 0.7, 0.99])
        slope = np.asarray(angle_derivative(jnp.asarray(angle), jnp.full(5, concentration)))
    step = 1e-4 * concentration
    up, down = (
        stats.vonmises(concentration + side * step).ppf([1e-3, 0.2, 0.4, 0.7, 0.99])
        for side in (1, -1)
    )
    np.testing.assert_allclose(slope, (up - down) / (2 * step), rtol=1e-4)


def test_gamma_variances_are_those_known():
    """At α = λ = 1, f = x: π²/3 − 3 for the implicit gradient in α, Var[x (log x − ψ(1))] = 4.29 for the score."""
    toy = problem("gamma_toy", concentration=1.0, rate=1.0, f="linear", k=0.0)
    params = toy.init_params(jax.random.key(0))

    def moment(power: int) -> float:
        return quad(
            lambda x: (x * (np.log(x) - special.digamma(1))) ** power * np.exp(-x), 0, 60, limit=200
        )[0]

    def implicit(power: int) -> float:
        """By differences in α of the upper tail: −∂F/∂α / p."""

        def slope(x: float) -> float:
            return (
                np.exp(x) * (special.gammaincc(1 + 1e-4, x) - special.gammaincc(1 - 1e-4, x)) / 2e-4
            )

        return quad(lambda x: slope(x) ** power * np.exp(-x), 0, 30, limit=200)[0]

    score = moment(2) - moment(1) ** 2
    assert score == pytest.approx(4.29, abs=0.005)
    assert implicit(2) - implicit(1) ** 2 == pytest.approx(np.pi**2 / 3 - 3, rel=1e-4)
    for name, expected in (("pathwise", np.pi**2 / 3 - 3), ("score_function", score)):
        moments = measure(
            toy,
            estimator(name),
            params,
            num_samples=2,
            replicates=20_000,
            key=cell_key(0, "gamma", "init", 2),
        ).moments
        found = intervals.variance(moments["concentration"])
        assert found.low < expected / 2 < found.high
        assert found.high / found.low < 1.5
