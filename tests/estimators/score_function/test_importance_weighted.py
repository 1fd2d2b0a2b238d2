"""Draws from a wider distribution, weighted."""

from scipy import stats
from scipy.integrate import quad

from gradest.estimators import estimator
from gradest.problems import problem
from tests.support.statistical import assert_variance, moments_of, variance_of


def test_variance_on_a_rare_step():
    """E[w² f² s²] under r is E[w f² s²] under q, by quadrature over the line; and there it wins."""
    k, share, widening, n = 2.5, 0.4, 2.0, 2
    narrow = stats.norm(0, 1)
    wide = stats.norm(0, widening)

    def integrand(x):
        mixture = (1 - share) * narrow.pdf(x) + share * wide.pdf(x)
        return narrow.pdf(x) ** 2 / mixture * x**2

    gradient = stats.norm.pdf(k)
    expected = (quad(integrand, k, 40)[0] - gradient**2) / n
    step = problem("gaussian_step", mean=0.0, k=k)
    weighted = estimator("importance_weighted", share=share, widening=widening)
    moments = moments_of(step, weighted, n, "step", replicates=40_000)
    assert_variance(moments["mean"], expected)
    plain = moments_of(step, estimator("score_function"), n, "step")
    assert variance_of(plain["mean"]).low > 1.5 * expected
