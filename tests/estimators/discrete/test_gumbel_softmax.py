"""Gumbel-softmax and its relatives: formulas, and means and biases by quadrature."""

import jax
import numpy as np
import pytest

from gradest.estimators import estimator
from gradest.problems import problem
from gradest.problems.distributions.fine_noise import logistic
from tests.support.bits import p_of_same_means
from tests.support.statistical import assert_likely, initial, moments_of, variance_of
from tests.support.three_categories import (
    BOTH_TOYS,
    GIVEN,
    TEMPERATURES,
    assert_mean_is,
    mean_by_relaxation,
    relative_bias,
)

SOFT = {"gumbel_softmax": True, "straight_through_gumbel": False, "gumbel_rao": False}
"""Whether f's gradient is taken at the relaxed draw."""


@pytest.mark.parametrize("name", ["gumbel_softmax", "straight_through_gumbel"])
def test_written_out(name):
    t, temperature, n = 0.3, 0.7, 6
    toy = problem("bernoulli_square", t=t, logit=0.5)
    key = jax.random.key(5)
    z = 0.5 + np.asarray(logistic(key, (1, n)), np.float64)[0]
    relaxed = 1 / (1 + np.exp(-z / temperature))
    at = relaxed if SOFT[name] else (z > 0).astype(float)
    expected = (2 * (at - t) * relaxed * (1 - relaxed) / temperature).mean()
    subject = estimator(name, temperature=temperature)
    estimate, _ = subject.estimate(toy, initial(toy), (), key, n)
    assert float(estimate["logits"][0]) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("toy", BOTH_TOYS)
@pytest.mark.parametrize("temperature", [0.3, pytest.param(1.0, marks=pytest.mark.slow), 2.0])
@pytest.mark.parametrize("name", SOFT)
def test_mean_by_quadrature(name, temperature, toy):
    expected = mean_by_relaxation(toy, temperature, SOFT[name])
    assert_mean_is(expected, toy, name, temperature=temperature)
    assert relative_bias(expected, toy) > 0.01, "biased"


STRAIGHT_ON_THE_SQUARE = (0.0431, 0.3841, 0.4663, 0.3228, 0.1452, 0.0742)
STRAIGHT_ON_THE_NORM = (0.7451, 0.5728, 0.3917, 0.2523, 0.1730, 0.1580)

RELATIVE_BIAS = {
    ("categorical_square", "gumbel_softmax"): (0.3109, 0.0889, 0.2665, 0.2151, 0.1023, 0.0530),
    ("categorical_square", "straight_through_gumbel"): STRAIGHT_ON_THE_SQUARE,
    ("categorical_norm", "gumbel_softmax"): (0.7893, 0.6003, 0.3844, 0.2115, 0.0868, 0.0436),
    ("categorical_norm", "straight_through_gumbel"): STRAIGHT_ON_THE_NORM,
}
"""At each temperature."""


@pytest.mark.parametrize(("toy", "name"), RELATIVE_BIAS)
def test_relative_bias(toy, name):
    """Straight-through Gumbel keeps a bias as τ falls, except where f is quadratic."""
    biases = [relative_bias(mean_by_relaxation(toy, t, SOFT[name]), toy) for t in TEMPERATURES]
    np.testing.assert_allclose(biases, RELATIVE_BIAS[toy, name], atol=6e-5)


def variance_at(name, **arguments):
    toy = problem("categorical_square", **GIVEN)
    subject = estimator(name, temperature=0.3, **arguments)
    return variance_of(moments_of(toy, subject, 1, "rao")["logits"])


@pytest.mark.slow
def test_gumbel_rao_lowers_the_variance():
    """Of straight-through Gumbel, which it is with a single draw given x."""
    plain = variance_at("straight_through_gumbel")
    one, ten, hundred = (variance_at("gumbel_rao", conditional_draws=m) for m in (1, 10, 100))
    assert one.low < plain.value < one.high
    assert hundred.high < ten.low < ten.high < one.low
    # given x the variance is Var / M, so that V(1) and V(100) determine V(10)
    rest = (100 * hundred.value - one.value) / 99
    assert ten.low < rest + (one.value - rest) / 10 < ten.high


@pytest.mark.slow
@pytest.mark.parametrize("name", ["gumbel_rao", "straight_through_gumbel"])
def test_bits_are_two_categories(name):
    assert_likely(p_of_same_means(estimator(name, temperature=0.8)))
