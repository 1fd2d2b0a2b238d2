"""ReinMax and gapped straight-through: means and biases by summing over x."""

import numpy as np
import pytest

from gradest.estimators import estimator
from gradest.problems import problem
from tests.support.bits import p_of_same_means
from tests.support.distributions import softmax
from tests.support.statistical import assert_likely, assert_mean, moments_of, truth_of
from tests.support.three_categories import (
    BOTH_TOYS,
    GIVEN,
    PHI,
    TEMPERATURES,
    P,
    assert_mean_is,
    jacobian,
    mean_by_jacobians,
    relative_bias,
)


def reinmax(x, temperature):
    return 2 * jacobian((x + softmax(PHI / temperature)) / 2) - jacobian(P) / 2


def gapped_straight_through(x, temperature):
    k = int(np.argmax(x))
    moved = np.minimum(PHI, max(PHI) - 1.0)
    moved[k] = max(PHI)
    return jacobian(softmax(moved / temperature)) / temperature


JACOBIANS = {"reinmax": reinmax, "gapped_straight_through": gapped_straight_through}


def mean_by_summing(name, toy, temperature):
    return mean_by_jacobians(lambda x: JACOBIANS[name](x, temperature), toy)


@pytest.mark.parametrize("toy", BOTH_TOYS)
@pytest.mark.parametrize("temperature", [0.5, 1.0])
@pytest.mark.parametrize("name", JACOBIANS)
def test_mean_by_summing_over_x(name, temperature, toy):
    assert_mean_is(mean_by_summing(name, toy, temperature), toy, name, temperature=temperature)


GAPPED_ON_THE_SQUARE = (0.2003, 1.2489, 1.9373, 0.1699, 0.9923, 1.0)
GAPPED_ON_THE_NORM = (0.8020, 0.7778, 0.8351, 0.6140, 0.9969, 1.0)

RELATIVE_BIAS = {
    ("categorical_square", "reinmax"): (0.9913, 0.0, 1.7406, 3.8910, 5.2456, 5.3183),
    ("categorical_square", "gapped_straight_through"): GAPPED_ON_THE_SQUARE,
    ("categorical_norm", "reinmax"): (0.4169, 0.1536, 0.7872, 1.6204, 2.0872, 2.1105),
    ("categorical_norm", "gapped_straight_through"): GAPPED_ON_THE_NORM,
}
"""At each temperature."""


@pytest.mark.parametrize(("toy", "name"), RELATIVE_BIAS)
def test_relative_bias(toy, name):
    """ReinMax has none at τ = 1 where f is quadratic."""
    biases = [relative_bias(mean_by_summing(name, toy, t), toy) for t in TEMPERATURES]
    np.testing.assert_allclose(biases, RELATIVE_BIAS[toy, name], atol=6e-5)


def test_reinmax_on_a_quadratic():
    """f is quadratic in each coordinate given the others: no bias; straight-through has one."""
    toy = problem("categorical_square", dim=2, **GIVEN)
    truth = truth_of(toy)["logits"]
    assert_mean(moments_of(toy, estimator("reinmax"), 4, "coupled")["logits"], truth, 1e-6)
    through = moments_of(toy, estimator("straight_through"), 4, "coupled")["logits"]
    with pytest.raises(AssertionError, match=r"p = 0\.0e"):
        assert_mean(through, truth, 1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("name", JACOBIANS)
def test_bits_are_two_categories(name):
    assert_likely(p_of_same_means(estimator(name, temperature=0.8)))
