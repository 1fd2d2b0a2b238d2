"""Measure-valued gradients: variances by hand."""

import pytest
from scipy import special

from gradest.benchmarks.checks.comparisons import Skipped
from gradest.benchmarks.checks.estimator_checks import ESTIMATOR_CHECKS
from gradest.benchmarks.checks.trials import EstimatorTrial, ProblemTrial
from gradest.estimators import estimator
from gradest.problems import problem
from tests.support.statistical import assert_variance, moments_of

RATE = 1.3
K = 0.8
N = 2


def moments_by_rate(name, f, **arguments):
    toy = problem(name, rate=RATE, k=K, f=f)
    subject = estimator("measure_valued", **arguments)
    return moments_of(toy, subject, N, name, replicates=40_000)["rate"]


def test_poisson():
    """f(x + 1) − f(x) = 2 (x − k) + 1, whose variance is 4λ."""
    assert_variance(moments_by_rate("poisson_toy", "square"), 4 * RATE / N)


@pytest.mark.slow
def test_uncoupled_poisson():
    """Of a linear f, the difference of two independent x."""
    assert_variance(moments_by_rate("poisson_toy", "linear", coupled=False), 2 * RATE / N)


def test_exponential():
    """c (f(x) − f(x + y)): −2 (x − k) y − y², x and y exponential, by their moments j!/λʲ."""
    m = [special.factorial(j) / RATE**j for j in range(5)]
    square = m[2] - 2 * K * m[1] + K**2
    mean = -2 * (m[1] - K) * m[1] - m[2]
    second = 4 * square * m[2] + 4 * (m[1] - K) * m[3] + m[4]
    expected = (second - mean**2) / RATE**2 / N
    assert_variance(moments_by_rate("exponential_toy", "square"), expected, widest=2)


@pytest.mark.slow
@pytest.mark.parametrize("coupled", [True, False])
def test_a_gammas_rate(coupled):
    """None is known for its concentration, so that no registered problem has it by default."""
    assert "Gamma's concentration" in estimator("measure_valued").refuses(problem("gamma_toy"))
    toy = problem("gamma_toy", learn="rate", concentration=1.7, rate=1.2)
    subject = estimator("measure_valued", coupled=coupled)
    trial = EstimatorTrial(subject, ProblemTrial("gamma_toy", toy, 1e-3))
    for name in ("shapes", "evaluations", "unbiasedness"):
        ESTIMATOR_CHECKS[name](trial)
    with pytest.raises(Skipped, match="in a while loop"):
        ESTIMATOR_CHECKS["draws"](trial)
