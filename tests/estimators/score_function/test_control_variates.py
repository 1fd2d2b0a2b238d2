"""Control variates where they leave no variance at all."""

import numpy as np
import pytest

from gradest.estimators import estimator
from gradest.problems import problem
from tests.support.statistical import moments_of, truth_of, variance_of


def test_delta_on_the_square():
    square = problem("gaussian_square", dim=3)
    delta = estimator("score_function", control_variate="delta")
    moments = moments_of(square, delta, 4, "delta", replicates=400)
    for group, exact in truth_of(square).items():
        deviation = np.sqrt(variance_of(moments[group]).value)
        assert deviation < 2e-6 * np.linalg.norm(exact)


@pytest.mark.parametrize(
    ("name", "given", "baseline"),
    [
        ("gamma_toy", {"f": "linear"}, "none"),
        ("poisson_toy", {"f": "linear"}, "none"),
        # (b − t)²: the tangent at ½ is as steep as the line from f(0) to f(1)
        ("bernoulli_square", {"logit": 0.0}, "leave_one_out"),
    ],
)
def test_first_order_on_a_linear_f(name, given, baseline):
    toy = problem(name, **given)
    first_order = estimator("score_function", control_variate="first_order", baseline=baseline)
    moments = moments_of(toy, first_order, 2, name, replicates=400)
    for group, exact in truth_of(toy).items():
        assert np.sqrt(variance_of(moments[group]).value) < 1e-5
        np.testing.assert_allclose(moments[group].mean.mean(0), exact, rtol=1e-4, atol=1e-5)


def test_angles_are_refused():
    """They have no mean to expand about."""
    first_order = estimator("score_function", control_variate="first_order")
    assert "known mean" in first_order.refuses(problem("von_mises_toy"))
