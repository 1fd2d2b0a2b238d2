"""Straight-through: its formula, and its bias."""

import jax
import numpy as np
import pytest

from gradest.estimators import estimator
from gradest.problems import problem
from gradest.problems.distributions.fine_noise import logistic
from tests.support.bits import LOGIT, P, T
from tests.support.statistical import assert_mean, initial, moments_of
from tests.support.three_categories import (
    BOTH_TOYS,
    assert_mean_is,
    jacobian,
    mean_by_jacobians,
    relative_bias,
)
from tests.support.three_categories import P as PROBS


def mean_by_summing(toy):
    return mean_by_jacobians(lambda x: jacobian(PROBS), toy)


def test_written_out():
    toy = problem("bernoulli_square", t=0.3, logit=0.5)
    key = jax.random.key(5)
    p = 1 / (1 + np.exp(-0.5))
    z = 0.5 + np.asarray(logistic(key, (1, 6)), np.float64)[0]
    hard = (z > 0).astype(float)
    estimate, _ = estimator("straight_through").estimate(toy, initial(toy), (), key, 6)
    expected = (2 * (hard - 0.3)).mean() * p * (1 - p)
    assert float(estimate["logits"][0]) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("toy", BOTH_TOYS)
def test_mean_by_summing_over_x(toy):
    assert_mean_is(mean_by_summing(toy), toy, "straight_through")


@pytest.mark.parametrize(
    ("toy", "expected"), [("categorical_square", 1.0855), ("categorical_norm", 0.8090)]
)
def test_relative_bias(toy, expected):
    assert relative_bias(mean_by_summing(toy), toy) == pytest.approx(expected, abs=6e-5)


@pytest.mark.parametrize(
    ("side", "slope"),
    [("none", 2 * P - 2 * T), ("right", -2 * T), ("left", 2 - 2 * T), ("both", 1 - 2 * T)],
)
def test_smoothed(side, slope):
    """E[w f'(b)]: f' at 0, at 1, or the mean of both, which is the chord of a quadratic."""
    toy = problem("bernoulli_square", t=T, logit=LOGIT)
    smoothed = estimator("straight_through", smoothed=side)
    moments = moments_of(toy, smoothed, 2, f"smoothed{side}")["logits"]
    assert_mean(moments, slope * P * (1 - P))
