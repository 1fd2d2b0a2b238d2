"""The toys of single families: gradients by quadrature of scipy's densities, and in closed form."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import special, stats
from scipy.integrate import quad

from gradest.problems import problem
from tests.support.distributions import PARAMETERS, SCIPY
from tests.support.statistical import truth_of

K = 0.8

INTEGRANDS = {
    "square": lambda x: (x - K) ** 2,
    "cosine": lambda x: np.cos(K * x),
    "angle": lambda x: 1 - np.cos(x - K),
}


def over_counts(name, f, parameters):
    counts = np.arange(200)
    return float(SCIPY[name](**parameters).pmf(counts) @ f(counts))


def over_the_circle(name, f, parameters):
    loc = parameters["loc"]
    return between((loc - np.pi, loc, loc + np.pi), f, SCIPY[name](**parameters))


def over_the_line(name, f, parameters):
    """From the median to both ends of the support."""
    q = SCIPY[name](**parameters)
    low, high = q.support()
    least, most = q.ppf([1e-15, 1 - 1e-15])
    return between((max(low, least), q.median(), min(high, most)), f, q)


def between(ends, f, q):
    """E[f] by adaptive quadrature, piece by piece."""
    exact = {"limit": 500, "epsabs": 1e-12, "epsrel": 1e-11}
    pieces = itertools.pairwise(ends)
    return sum(quad(lambda x: f(x) * q.pdf(x), *piece, **exact)[0] for piece in pieces)


def numeric_gradient(expectation, name, f, parameters, group):
    """By differences of the fourth order."""
    step = 1e-3

    def at(steps):
        return expectation(name, f, parameters | {group: parameters[group] + steps * step})

    return (8 * (at(1) - at(-1)) - (at(2) - at(-2))) / (12 * step)


def assert_gradients(toy, name, integrand, expectation):
    parameters = PARAMETERS[name]
    truth = truth_of(toy)
    assert set(truth) == set(parameters)
    for group in parameters:
        slope = numeric_gradient(expectation, name, INTEGRANDS[integrand], parameters, group)
        np.testing.assert_allclose(truth[group], [slope] * 2, rtol=2e-6, atol=2e-8)


ON_A_LINE = [name for name in SCIPY if name not in ("poisson_toy", "von_mises_toy")]

CASES = [
    *((name, "cosine") for name in ON_A_LINE),
    *((name, "square") for name in ON_A_LINE if name != "student_t_toy"),
]


@pytest.mark.parametrize(("name", "integrand"), CASES)
def test_gradients(name, integrand):
    toy = problem(name, k=K, dim=2, f=integrand, **PARAMETERS[name])
    assert_gradients(toy, name, integrand, over_the_line)


@pytest.mark.parametrize("integrand", ["cosine", "square"])
def test_gradients_of_counts(integrand):
    toy = problem("poisson_toy", k=K, dim=2, f=integrand, **PARAMETERS["poisson_toy"])
    assert_gradients(toy, "poisson_toy", integrand, over_counts)


def test_gradients_of_angles():
    toy = problem("von_mises_toy", k=K, dim=2, **PARAMETERS["von_mises_toy"])
    assert_gradients(toy, "von_mises_toy", "angle", over_the_circle)


def test_exponential():
    """E[(x − k)²] in closed form."""
    rate, k = 1.7, 0.6
    truth = truth_of(problem("exponential_toy", rate=rate, k=k, f="square"))
    assert truth["rate"][0] == pytest.approx(-4 / rate**3 + 2 * k / rate**2, rel=1e-6)


def test_poisson():
    """E[(x − k)²] in closed form."""
    rate, k = 1.7, 0.6
    truth = truth_of(problem("poisson_toy", rate=rate, k=k, f="square"))
    assert truth["rate"][0] == pytest.approx(2 * (rate - k) + 1, rel=1e-6)


def test_gamma():
    """E[x] = α/λ."""
    truth = truth_of(problem("gamma_toy", concentration=1.0, rate=1.0, f="linear", k=0.0))
    assert truth["concentration"][0] == pytest.approx(1, rel=1e-9)
    assert truth["rate"][0] == pytest.approx(-1, rel=1e-9)


def test_student_t_out_of_range():
    """P(|x| > m) is about m^{−ν}: m is 10³⁸ in float32 and 10³⁰⁸ in float64."""
    with pytest.raises(ValueError, match=r"df = 0\.18: expected at least 0\.182 in float32"):
        problem("student_t_toy", df=0.18)
    problem("student_t_toy", df=0.182)
    with jax.enable_x64(True):
        problem("student_t_toy", df=0.1)


def test_von_mises():
    """1 − cos(μ − k) I₁(κ)/I₀(κ)."""
    k = 0.6
    truth = truth_of(problem("von_mises_toy", loc=0.4, concentration=2.5, k=k))
    ratio = special.ive(1, 2.5) / special.ive(0, 2.5)
    assert truth["loc"][0] == pytest.approx(np.sin(0.4 - k) * ratio, rel=1e-6)
    by_concentration = -np.cos(0.4 - k) * (1 - ratio / 2.5 - ratio**2)
    assert truth["concentration"][0] == pytest.approx(by_concentration, rel=1e-6)


def test_dirichlet_by_its_marginals():
    """Each proportion is a beta variable, whose second moment scipy has."""
    alpha = np.array([0.7, 1.9, 2.4])
    truth = truth_of(problem("dirichlet_toy"), {"concentration": jnp.asarray(alpha)})

    def expectation(alpha):
        total = alpha.sum()
        return sum(stats.beta(a, total - a).moment(2) for a in alpha) - 2 * alpha[0] / total + 1

    slope = [(expectation(alpha + e) - expectation(alpha - e)) / 2e-5 for e in 1e-5 * np.eye(3)]
    np.testing.assert_allclose(truth["concentration"], slope, rtol=1e-5)
