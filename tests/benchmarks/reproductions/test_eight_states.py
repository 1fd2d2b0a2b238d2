"""The variances that presets of papers measure are those of sums over the toy's eight values."""

import pytest

from gradest.estimators import estimator
from gradest.problems import problem
from tests.support.eight_states import Toy
from tests.support.statistical import assert_variance, moments_of

ETAS = (0.0, -4.0)

CASES = {
    ("score_function", 1): lambda toy: toy.plain(1),
    ("score_function", 4): lambda toy: toy.plain(4),
    ("rloo", 2): lambda toy: toy.leave_one_out(2),
    ("rloo", 4): lambda toy: toy.leave_one_out(4),
    ("unordered_set[with_baseline=false]", 2): lambda toy: toy.unordered_set(
        2, with_baseline=False
    ),
    ("unordered_set[with_baseline=false]", 4): lambda toy: toy.unordered_set(
        4, with_baseline=False
    ),
    ("unordered_set", 2): lambda toy: toy.unordered_set(2, with_baseline=True),
    ("unordered_set", 4): lambda toy: toy.unordered_set(4, with_baseline=True),
}


@pytest.mark.parametrize("eta", ETAS)
@pytest.mark.parametrize(("name", "samples"), CASES)
def test_a_variance_is_that_of_the_eight_values(name, samples, eta):
    toy = problem("bernoulli_shared", logit=eta)
    replicates = 400_000 if eta else 40_000  # at η = −4 events are rare
    found = moments_of(toy, estimator(name), samples, f"{name} {eta}", replicates=replicates)
    assert_variance(found["logit"], CASES[name, samples](Toy(eta)), widest=3.0)


@pytest.mark.parametrize("summed", [1, 4, 7])
def test_sum_and_sample_without_ties(summed):
    """At η = −4 one value is the likeliest, then three are as likely as one another, then three."""
    toy = problem("bernoulli_shared", logit=-4.0)
    chosen = estimator("sum_and_sample", summed=summed)
    found = moments_of(toy, chosen, summed + 1, f"summed {summed}", replicates=40_000)
    exact = Toy(-4.0).sum_and_sample(summed)
    if summed == 7:  # one value is left: nothing is drawn
        assert exact == pytest.approx(0, abs=1e-20)
        assert found["logit"].second.max() < 1e-9
    else:
        assert_variance(found["logit"], exact)
