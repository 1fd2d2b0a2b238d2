"""Smoothed gradients: what they are unbiased for, and how common random numbers keep them small."""

import numpy as np
import pytest

from gradest.estimators import estimator
from gradest.problems import problem
from tests.support.statistical import assert_mean, moments_of, variance_of

RADIUS = 0.6
MEAN = 0.8
GAUSS_HERMITE = np.polynomial.hermite_e.hermegauss(60)

RULES = {
    "gaussian_smoothing": (GAUSS_HERMITE[0], GAUSS_HERMITE[1] / GAUSS_HERMITE[1].sum()),
    "spsa": (np.array([-1.0, 1.0]), np.array([0.5, 0.5])),
}
"""Of the direction in one coordinate: where it lies, and with which weights."""


def smoothed(name, group):
    """The gradient of F(μ, σ) = e^{−σ²/2} cos μ, averaged over the directions (a, b)."""
    u, weights = RULES[name]
    a = u[:, None]
    b = u[None, :]

    def f(side):
        mean = MEAN + side * RADIUS * a
        scale = 1 + side * RADIUS * b
        return np.exp(-(scale**2) / 2) * np.cos(mean)

    slope = (f(1) - f(-1)) / (2 * RADIUS) * (a if group == "mean" else b)
    return float(weights @ slope @ weights)


TRUTH = {"mean": -np.exp(-0.5) * np.sin(MEAN), "scale": -np.exp(-0.5) * np.cos(MEAN)}


@pytest.mark.parametrize("group", TRUTH)
@pytest.mark.parametrize("name", RULES)
def test_mean_of_the_smoothed_objective(name, group):
    toy = problem("gaussian_cosine", mean=MEAN)
    moments = moments_of(toy, estimator(name, radius=RADIUS), 4, "cosine")[group]
    assert_mean(moments, smoothed(name, group))
    error = np.sqrt(variance_of(moments).value / moments.replicates)
    assert abs(smoothed(name, group) - TRUTH[group]) > 8 * error, "the bias is seen"


def test_common_random_numbers():
    """As c falls the variance stays: what is drawn on the two sides differs by O(c)."""
    toy = problem("gaussian_cosine")
    wide, narrow = (
        moments_of(toy, estimator("spsa", radius=c), 2, "cosine", replicates=4_000)["mean"]
        for c in (0.1, 0.001)
    )
    assert variance_of(narrow).value == pytest.approx(variance_of(wide).value, rel=0.1)
