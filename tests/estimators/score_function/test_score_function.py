"""The score function alone, against its variance by quadrature."""

import numpy as np
import pytest
from scipy import special
from scipy.integrate import quad

from gradest.estimators import estimator
from gradest.problems import problem
from tests.support.statistical import assert_variance, moments_of


@pytest.mark.slow
def test_variance_on_the_gamma():
    """At α = λ = 1, f = x: Var[x (log x − ψ(1))] = 4.29."""

    def moment(power):
        def integrand(x):
            return (x * (np.log(x) - special.digamma(1))) ** power * np.exp(-x)

        return quad(integrand, 0, 60, limit=200)[0]

    variance = moment(2) - moment(1) ** 2
    assert variance == pytest.approx(4.29, abs=0.005)
    toy = problem("gamma_toy", concentration=1.0, rate=1.0, f="linear", k=0.0)
    reinforce = estimator("score_function")
    moments = moments_of(toy, reinforce, 2, "gamma", replicates=100_000)
    assert_variance(moments["concentration"], variance / 2, widest=1.5)
