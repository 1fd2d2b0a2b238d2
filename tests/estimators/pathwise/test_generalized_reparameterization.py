"""Reparameterizations whose noise still depends on θ: variances by quadrature of their formulas."""

import numpy as np
import pytest
from scipy import special, stats
from scipy.integrate import quad

from gradest.estimators import estimator
from gradest.problems import problem
from tests.support.statistical import assert_variance, moments_of


def gamma_moments(name, alpha):
    """Of the gradient by α of E[x], x ~ Gamma(α, 1), at L = 2."""
    toy = problem("gamma_toy", concentration=alpha, rate=1.0, f="linear", k=0.0)
    return moments_of(toy, estimator(name), 2, "gamma_toy", replicates=40_000)["concentration"]


def test_standardised_noise():
    """x = exp(m + s ε): ∂x/∂α = x (m' + s' ε).

    The score of ε is that of log x, moved along, plus s'/s.
    """
    alpha = 4.0
    q = stats.gamma(alpha)
    center = special.digamma(alpha)
    spread = np.sqrt(special.polygamma(1, alpha))
    center_slope = special.polygamma(1, alpha)
    spread_slope = special.polygamma(2, alpha) / (2 * spread)

    def term(x):
        moved = center_slope + spread_slope * (np.log(x) - center) / spread  # ∂ log x / ∂α
        score = np.log(x) - special.digamma(alpha) + (alpha - x) * moved + spread_slope / spread
        return x * moved + x * score

    def moment(power):
        def integrand(x):
            return term(x) ** power * q.pdf(x)

        return quad(integrand, 0, 1, limit=400)[0] + quad(integrand, 1, 80, limit=400)[0]

    assert moment(1) == pytest.approx(1, rel=1e-6), "∂E[x]/∂α"
    variance = moment(2) - moment(1) ** 2
    assert_variance(gamma_moments("generalized_reparameterization", alpha), variance / 2)


def test_rejection_sampling():
    r"""With B = 1: y ~ Gamma(α + 1), x = y u^{1/α}, and the expectation over u by hand.

    x' + x score = u^{1/α} (A − y log u / α²), with −log u exponential: E[w^j e^{−c w}] = j! / (1 +
    c)^{j+1}.
    """
    alpha = 1.5
    a = alpha + 1
    shift = a - 1 / 3
    root9 = np.sqrt(9 * a - 3)
    q = stats.gamma(a)

    def first(y):
        """A."""
        root = (y / shift) ** (1 / 3)
        epsilon = root9 * (root - 1)
        root_slope = -epsilon * 9 / (2 * root9**3)
        moved = root**3 + shift * 3 * root**2 * root_slope  # ∂y/∂α
        score = np.log(y) - special.digamma(a) + ((a - 1) / y - 1) * moved
        score += 1 / shift - 9 / (2 * root9**2) + 2 * root_slope / root  # ∂ log |∂y/∂ε|
        return moved + y * score

    def given_y(y, power):
        weights = [special.factorial(j) / (1 + power / alpha) ** (j + 1) for j in range(3)]
        constant = first(y)
        by_log = y / alpha**2
        if power == 1:
            return constant * weights[0] + by_log * weights[1]
        cross = 2 * constant * by_log
        return constant**2 * weights[0] + cross * weights[1] + by_log**2 * weights[2]

    def moment(power):
        return quad(lambda y: given_y(y, power) * q.pdf(y), 0, 80, limit=400)[0]

    assert moment(1) == pytest.approx(1, rel=1e-6)
    variance = moment(2) - moment(1) ** 2
    assert_variance(gamma_moments("rejection_reparameterization", alpha), variance / 2)
