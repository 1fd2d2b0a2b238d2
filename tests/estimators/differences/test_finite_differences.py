"""Smoothed gradients: what they are unbiased for, and how common random numbers keep them small."""

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest

from gradest._own_problem import own_problem
from gradest.estimators import estimator
from gradest.problems import problem
from tests.support.statistical import assert_mean, initial, moments_of, variance_of

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


@pytest.mark.parametrize("name", RULES)
def test_where_f_has_no_value_the_estimate_has_none(name):
    """f, not θ, is outside its domain: a 0 there would be half of the draws left out, unsaid."""

    def f(theta, x):
        return jnp.where(x > 0.5, jnp.nan, x).sum()

    def q(theta):
        return dist.Normal(theta["mean"], 1.0).to_event(1)

    toy = own_problem(f, q, {"mean": jnp.zeros(2)}, smooth=False)
    estimates = jax.vmap(lambda key: estimator(name).estimate(toy, initial(toy), (), key, 2)[0])
    found = estimates(jax.random.split(jax.random.key(0), 40))["mean"]
    assert np.isnan(found).any()
    assert np.isfinite(found).any()


@pytest.mark.parametrize("name", RULES)
def test_directions_out_of_the_domain_count_as_nothing(name):
    """A shape of 0.05, moved by 0.5: one side of almost every pair has no distribution."""
    toy = problem("gamma_toy", concentration=0.05)
    moments = moments_of(toy, estimator(name, radius=0.5), 2, "outside", replicates=40)
    assert np.isfinite(moments["concentration"].mean).all()
