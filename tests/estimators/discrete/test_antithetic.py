"""ARM, DisARM and ARMS: moments by enumeration, by quadrature, and by counting ones."""

import itertools
import math

import jax.numpy as jnp
import numpy as np
import pytest

from gradest.benchmarks.measurement.exact_variances import exact_variance
from gradest.estimators import estimator
from gradest.estimators.sampling.copulas import COPULAS
from gradest.problems import problem
from tests.support.bits import T, mean_and_variance
from tests.support.statistical import (
    assert_mean,
    assert_variance,
    initial,
    moments_of,
    variance_of,
)

ARM = estimator("arm")
ARMS = estimator("arms")
DISARM = estimator("disarm")


def probabilities(logits):
    return 1 / (1 + np.exp(-np.array(logits)))


def f(x):
    return ((x - T) ** 2).sum(-1)


def truth(p):
    return (1 - 2 * T) * p * (1 - p)


def square(logits):
    """The toy, and θ at these logits."""
    return problem("bernoulli_square", t=T, dim=len(logits)), {"logits": jnp.array(logits)}


def pair_outcomes(p):
    """All outcomes of an antithetic pair of D bits: their probabilities, and both vectors."""
    of_bits = []
    for p_i in p:
        apart = min(p_i, 1 - p_i)
        same = float(p_i > 0.5)
        of_bits.append([(apart, 1.0, 0.0), (apart, 0.0, 1.0), (1 - 2 * apart, same, same)])
    outcomes = np.array(list(itertools.product(*of_bits)))  # (outcomes, D, 3)
    return outcomes[..., 0].prod(-1), outcomes[..., 1], outcomes[..., 2]


def disarm_of_one_pair(logits):
    """Mean and variance, enumerated."""
    p = probabilities(logits)
    probability, b, other = pair_outcomes(p)
    estimates = 0.5 * (f(b) - f(other))[:, None] * (b - other) * np.maximum(p, 1 - p)
    return mean_and_variance(probability, estimates)


@pytest.mark.parametrize(
    ("logits", "known"),
    [([0.5], pytest.approx(1.7913e-4, rel=1e-4)), ([0.0], pytest.approx(0, abs=1e-20))],
)
def test_disarm_of_one_bit(logits, known):
    assert disarm_of_one_pair(logits)[1] == known


@pytest.mark.parametrize("logits", [[0.5], [0.0], [0.5, -1.0, 2.0]])
def test_exact_disarm(logits):
    mean, variance = disarm_of_one_pair(logits)
    np.testing.assert_allclose(mean, truth(probabilities(logits)))
    toy, params = square(logits)
    exact = exact_variance(toy, DISARM, params, 2)["logits"]
    assert exact == pytest.approx(variance, rel=1e-5, abs=1e-12)


@pytest.mark.parametrize("num_samples", [2, 6])
@pytest.mark.parametrize("logits", [[0.5], [0.5, -1.0, 2.0]])
def test_disarm(logits, num_samples):
    mean, variance = disarm_of_one_pair(logits)
    toy, params = square(logits)
    moments = moments_of(toy, DISARM, num_samples, str(logits), params=params)["logits"]
    assert_mean(moments, mean)
    assert_variance(moments, variance / (num_samples / 2))


@pytest.mark.parametrize("num_samples", [2, 6])
def test_disarm_at_logit_zero(num_samples):
    """It has no variance."""
    toy, params = square([0.0])
    moments = moments_of(toy, DISARM, num_samples, "zero", params=params)["logits"]
    assert variance_of(moments).value < 1e-15


def gauss_legendre(edges):
    """Nodes and weights of four to a piece between `edges`."""
    nodes, weights = np.polynomial.legendre.leggauss(4)
    pieces = list(itertools.pairwise(edges))
    u = np.concatenate([a + (b - a) * (nodes + 1) / 2 for a, b in pieces])
    return u, np.concatenate([(b - a) * weights / 2 for a, b in pieces])


def arm_of_one_pair(logits):
    """Mean and variance by quadrature over the uniforms, cut where a bit turns."""
    p = probabilities(logits)
    axes = [zip(*gauss_legendre(np.unique([0, 1 - p_i, p_i, 1])), strict=True) for p_i in p]
    outcomes = np.array(list(itertools.product(*axes)))  # (outcomes, D, 2)
    u = outcomes[..., 0]
    probability = outcomes[..., 1].prod(-1)
    difference = f((u > 1 - p) * 1.0) - f((u < p) * 1.0)
    return mean_and_variance(probability, difference[:, None] * (u - 0.5))


@pytest.mark.parametrize("logits", [[0.5], [0.5, -1.0]])
def test_arm(logits):
    mean, variance = arm_of_one_pair(logits)
    np.testing.assert_allclose(mean, truth(probabilities(logits)))
    toy, params = square(logits)
    assert exact_variance(toy, ARM, params, 2)["logits"] == pytest.approx(variance, rel=1e-5)
    assert exact_variance(toy, DISARM, params, 2)["logits"] < variance
    moments = moments_of(toy, ARM, 4, f"arm{logits}", params=params)["logits"]
    assert_mean(moments, mean)
    assert_variance(moments, variance / 2)


def number_of_ones(p, n):
    """P(S = s) of the ones among n draws by the Dirichlet copula, by inclusion and exclusion.

    P(u_i < m for all of k ones) = P(d_i > 1 − a for all of them) = max(1 − k(1 − a), 0)^{n−1}, with
    a = m^{1/(n−1)}.
    """
    a = min(p, 1 - p) ** (1 / (n - 1))
    at_least = [max(1 - k * (1 - a), 0) ** (n - 1) for k in range(n + 1)]

    def exactly(s):
        signed = [(-1) ** j * math.comb(n - s, j) * at_least[s + j] for j in range(n - s + 1)]
        return math.comb(n, s) * sum(signed)

    rare = np.array([exactly(s) for s in range(n + 1)])
    return rare if p < 0.5 else rare[::-1]


def arms_by_counting(logit, n):
    """Mean and variance of an estimate from n draws, and the correlation of two of them."""
    p = float(probabilities(logit))
    probability = number_of_ones(p, n)
    s = np.arange(n + 1)
    assert probability.sum() == pytest.approx(1)
    assert probability @ s == pytest.approx(n * p)
    both = probability @ (s * (s - 1)) / (n * (n - 1))
    rho = (both - p * p) / (p * (1 - p))
    # Σ_k (f_k − f̄)(b_k − p) = Δ s (n − s)/n
    estimates = (1 - 2 * T) * s * (n - s) / n / (n - 1) / (1 - rho)
    mean, variance = mean_and_variance(probability, estimates)
    assert mean == pytest.approx(truth(p))
    return mean, variance, rho


ARMS_CASES = list(itertools.product((0.5, -1.5, 0.0), (2, 4, 5)))


@pytest.mark.parametrize(("logit", "n"), ARMS_CASES)
def test_dirichlet_correlation(logit, n):
    _, _, rho = arms_by_counting(logit, n)
    correlation = COPULAS["dirichlet"].correlation(jnp.full(1, logit), n)
    assert float(correlation[0]) == pytest.approx(rho, abs=1e-6)


@pytest.mark.parametrize("logit", [0.5, -1.5, 0.0])
def test_arms_of_two_draws_is_disarm(logit):
    _, variance, _ = arms_by_counting(logit, 2)
    toy, params = square([logit])
    exact = exact_variance(toy, DISARM, params, 2)["logits"]
    assert variance == pytest.approx(exact, abs=1e-9)


def arms_moments(logit, n):
    toy = problem("bernoulli_square", t=T, logit=logit)
    return moments_of(toy, ARMS, n, f"arms{logit}", params=initial(toy))["logits"]


@pytest.mark.parametrize(("logit", "n"), [case for case in ARMS_CASES if case != (0.0, 2)])
def test_arms(logit, n):
    mean, variance, _ = arms_by_counting(logit, n)
    moments = arms_moments(logit, n)
    assert_mean(moments, mean)
    assert_variance(moments, variance)


def test_arms_of_two_draws_at_logit_zero():
    """It has no variance."""
    mean, _, _ = arms_by_counting(0.0, 2)
    moments = arms_moments(0.0, 2)
    assert_mean(moments, mean)
    assert variance_of(moments).value < 1e-12
