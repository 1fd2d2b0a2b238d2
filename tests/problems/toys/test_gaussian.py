"""Gaussian toys: gradients by Gauss–Hermite, and of the step by differences of the normal tail."""

import numpy as np
import pytest
from scipy.stats import norm

from gradest.problems import problem
from tests.support.quadrature import INTEGRANDS, exact_gradient
from tests.support.statistical import truth_of


@pytest.mark.parametrize("name", INTEGRANDS)
@pytest.mark.parametrize(
    ("k", "mean", "scale"), [(0.7, 0.4, 1.2), (-0.1, 1.0, 0.5), (1.5, -2.0, 1.0)]
)
def test_by_gauss_hermite(name, k, mean, scale):
    truth = truth_of(problem(name, k=k, mean=mean, scale=scale, dim=2))
    for group in ("mean", "scale"):
        expected = exact_gradient(name, k, mean, scale, group)
        np.testing.assert_allclose(truth[group], [expected] * 2, rtol=1e-5, atol=1e-9)


def test_step_by_the_normal_tail():
    truth = truth_of(problem("gaussian_step", k=0.3, mean=1.0, scale=0.8))
    h = 1e-5
    by_mean = (norm.sf(0.3, 1 + h, 0.8) - norm.sf(0.3, 1 - h, 0.8)) / (2 * h)
    by_scale = (norm.sf(0.3, 1, 0.8 + h) - norm.sf(0.3, 1, 0.8 - h)) / (2 * h)
    np.testing.assert_allclose(truth["mean"], [by_mean], rtol=1e-5)
    np.testing.assert_allclose(truth["scale"], [by_scale], rtol=1e-5)
