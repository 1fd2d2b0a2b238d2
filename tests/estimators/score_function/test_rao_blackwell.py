"""Rao–Blackwellised scores, whose variance is linear in the dimension."""

from gradest.estimators import estimator
from gradest.problems import problem
from tests.support.quadrature import score_function
from tests.support.statistical import assert_variance, moments_of, variance_of


def test_variance_in_many_dimensions():
    """In D coordinates D times that of one, by the score function's formula in one dimension."""
    dim, n = 12, 2
    one = score_function("gaussian_cosine", 1.0, 1.0, 1.0, "mean", n)
    toy = problem("gaussian_cosine", dim=dim)
    moments = moments_of(toy, estimator("rao_blackwell"), n, "cosine", replicates=40_000)
    assert_variance(moments["mean"], dim * one)
    plain = moments_of(toy, estimator("score_function"), n, "cosine")
    assert variance_of(plain["mean"]).low > 3 * dim * one
