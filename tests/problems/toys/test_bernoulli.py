"""Bernoulli toys, by enumeration and in closed form."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gradest.benchmarks.measurement.exact_variances import exact_variance
from gradest.estimators import estimator
from gradest.problems import problem
from gradest.problems.distributions.enumeration import binary_vectors
from tests.support.statistical import initial, truth_of


@pytest.mark.parametrize(("reduce", "divisor"), [("sum", 1), ("mean", 3)])
def test_by_enumeration(reduce, divisor):
    toy = problem("bernoulli_square", t=0.45, logit=0.5, dim=3, reduce=reduce)
    b = binary_vectors(3)
    p = 1 / (1 + np.exp(-0.5))
    f = ((b - 0.45) ** 2).sum(1) / divisor
    probability = np.where(b == 1, p, 1 - p).prod(1)
    np.testing.assert_allclose(truth_of(toy)["logits"], (probability * f) @ (b - p), rtol=1e-5)


@pytest.mark.parametrize("logit", [0.0, -4.0, 1.3])
def test_three_bits_with_one_logit(logit):
    toy = problem("bernoulli_shared", logit=logit)
    p = 1 / (1 + np.exp(-logit))
    expected = p * (1 - p) * sum(1 - 2 * t for t in (0.6, 0.51, 0.48))
    truth = toy.exact_gradient(initial(toy))["logit"]
    assert float(truth) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("bit", [0.0, 1.0])
def test_score_at_logit_zero(bit):
    toy = problem("bernoulli_square", logit=0.0)

    def log_prob(logit):
        return toy.distribution({"logits": logit}).log_prob(jnp.array([bit]))

    assert float(jax.grad(log_prob)(jnp.zeros(1))[0]) == bit - 0.5


def test_two_hundred_dimensions():
    """Each gradient, and the variance of one antithetic pair.

    At logit 0 b and b̃ differ everywhere: ± the sum of the other coordinates' rises is left.
    """
    toy = problem("bernoulli_square", dim=200, t=0.499, logit=0.0, reduce="mean")
    rise = 0.002 / 200
    truth = toy.exact_gradient(initial(toy))["logits"]
    np.testing.assert_allclose(truth, np.full(200, 0.25 * rise), rtol=1e-4)
    disarm = exact_variance(toy, estimator("disarm"), initial(toy), 2)["logits"] / 200
    assert disarm == pytest.approx(199 * rise**2 / 16, rel=1e-3)
