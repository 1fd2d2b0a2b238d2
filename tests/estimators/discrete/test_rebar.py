"""REBAR and RELAX: moments by quadrature, and that what they learn lowers the variance."""

import numpy as np
import pytest

from gradest.benchmarks.checks.comparisons import Failed
from gradest.estimators import estimator
from gradest.estimators.discrete.rebar import REBAR, RELAX
from gradest.problems import problem
from tests.support.bits import LOGIT, TRUTH, P, T
from tests.support.estimates import one_estimate
from tests.support.half_trained import check_training
from tests.support.statistical import (
    assert_mean,
    assert_variance,
    initial,
    moments_of,
    variance_of,
)

SLOW = pytest.mark.slow  # they compile for long


def given_the_bit(bit, u, v, eta, tau):
    """The estimate from the levels u of z and v of z̃, z = φ + logit(u)."""

    def soft(level):
        z = LOGIT + np.log(level) - np.log1p(-level)
        return 1 / (1 + np.exp(-z / tau))

    relaxed = soft(u)
    again = soft(v)
    # dz̃/dφ with the place within (low, high) fixed: 1 + (d level/dφ) / (level (1 − level)), where
    # d low/dφ = −p(1 − p)
    place = (1 - v) / P if bit else v / (1 - P)
    moved = 1 - P * (1 - P) * place / (v * (1 - v))
    c = eta * (again - T) ** 2
    c_slope = eta * 2 * (again - T) * again * (1 - again) / tau
    path = eta * 2 * (relaxed - T) * relaxed * (1 - relaxed) / tau
    return ((bit - T) ** 2 - c) * (bit - P) + path - c_slope * moved


def moments_by_quadrature(eta, tau, coupled=False):
    """Mean and variance of one draw.

    By Gauss–Legendre in u, cut at 1 − p where the bit turns, and in v on the same side, or u = v.
    """
    nodes, weights = np.polynomial.legendre.leggauss(200)
    unit = ((nodes + 1) / 2)[:, None]
    half = (weights / 2)[:, None]
    parts = []
    for bit, low, high in ((0.0, 0.0, 1 - P), (1.0, 1 - P, 1.0)):
        u = low + (high - low) * unit
        v = u if coupled else u.T
        weight = (high - low) * (half if coupled else half * half.T)
        parts.append((given_the_bit(bit, u, v, eta, tau), weight))
    mean = sum((w * g).sum() for g, w in parts)
    return mean, sum((w * (g - mean) ** 2).sum() for g, w in parts)


@pytest.mark.parametrize("coupled", [False, True])
@pytest.mark.parametrize(("eta", "tau"), [(1.0, 0.5), (0.7, 0.3), (-0.4, 1.5)])
def test_moments_by_quadrature(eta, tau, coupled):
    mean, variance = moments_by_quadrature(eta, tau, coupled)
    assert mean == pytest.approx(TRUTH, rel=1e-6)
    toy = problem("bernoulli_square", t=T, logit=LOGIT)
    rebar = estimator("rebar", coefficient=eta, temperature=tau, coupled=coupled)
    moments = moments_of(toy, rebar, 1, "rebar")["logits"]
    assert_mean(moments, TRUTH)
    assert_variance(moments, variance)


def test_without_its_control_variate():
    """It is the score function."""
    with_it = moments_by_quadrature(1.0, 0.5)[1]
    without = moments_by_quadrature(0.0, 0.5)[1]
    assert with_it > without == pytest.approx(0.0135649, rel=1e-5)
    toy = problem("bernoulli_square", t=T, logit=LOGIT, dim=3)
    ours = one_estimate(toy, estimator("rebar", coefficient=0.0), initial(toy), 6)
    theirs = one_estimate(toy, estimator("score_function"), initial(toy), 6)
    np.testing.assert_allclose(ours["logits"], theirs["logits"], rtol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("rebar", {"learned": True}),
        pytest.param("relax", {}, marks=SLOW),
        pytest.param("relax", {"relaxed_f": False}, marks=SLOW),
    ],
)
def test_learning_lowers_the_variance(name, given):
    """Below that of where it starts, REBAR at η = 1 and τ = ½, by more than chance."""
    toy = problem("bernoulli_square", t=T, logit=LOGIT, dim=3)
    start = moments_of(toy, estimator("rebar"), 2, "learned")["logits"]
    learning = estimator(name, learning_rate=0.02, **given)
    moments = moments_of(toy, learning, 2, f"learned{name}{given}")["logits"]
    assert variance_of(moments).high < variance_of(start).low
    assert_mean(moments, [TRUTH] * 3)


@pytest.mark.slow
def test_half_trained_rebar_is_caught():
    with pytest.raises(Failed, match="expected the gradient that trains the state"):
        check_training(REBAR, learned=True)


@pytest.mark.slow
def test_half_trained_relax_is_caught():
    with pytest.raises(Failed, match="expected the gradient that trains the state"):
        check_training(RELAX)
