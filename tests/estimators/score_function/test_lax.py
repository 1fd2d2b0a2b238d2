"""LAX: a learned control variate."""

import pytest

from gradest.estimators import estimator
from gradest.problems import problem
from tests.support.statistical import assert_mean, moments_of, truth_of, variance_of

REPLICATES = 20_000


@pytest.mark.slow
@pytest.mark.parametrize("group", ["mean", "scale"])
def test_variance_is_halved(group):
    toy = problem("gaussian_square", dim=1)
    plain = moments_of(toy, estimator("score_function"), 4, "square", replicates=REPLICATES)
    lax = estimator("lax")
    learned = moments_of(toy, lax, 4, "lax", replicates=REPLICATES, adapt_steps=1_000)
    assert variance_of(learned[group]).high < 0.5 * variance_of(plain[group]).low
    assert_mean(learned[group], truth_of(toy)[group])
