"""The pathwise gradient: its variance in closed form, and where it is wrong."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import special
from scipy.integrate import quad

from gradest.benchmarks.checks.trials import small_problem
from gradest.benchmarks.measurement.replicates import cell_key
from gradest.estimators.pathwise.pathwise import Pathwise
from gradest.problems import problem
from tests.support.statistical import assert_variance, initial, moments_of


@pytest.mark.slow
def test_variance_on_the_gamma():
    """At α = λ = 1, f = x: π²/3 − 3, and so by −∂F/∂α / p, from differences of the upper tail."""

    def slope(x):
        by_alpha = (special.gammaincc(1 + 1e-4, x) - special.gammaincc(1 - 1e-4, x)) / 2e-4
        return np.exp(x) * by_alpha

    def moment(power):
        return quad(lambda x: slope(x) ** power * np.exp(-x), 0, 30, limit=200)[0]

    variance = np.pi**2 / 3 - 3
    assert moment(2) - moment(1) ** 2 == pytest.approx(variance, rel=1e-4)
    toy = problem("gamma_toy", concentration=1.0, rate=1.0, f="linear", k=0.0)
    moments = moments_of(toy, Pathwise(), 2, "gamma", replicates=100_000)
    assert_variance(moments["concentration"], variance / 2, widest=1.5)


def test_on_the_step():
    """f is flat on both sides: the estimate is 0, the gradient is not, and no claim is made."""
    step = small_problem("gaussian_step")
    estimate, _ = Pathwise().estimate(step, initial(step), (), jax.random.key(0), 1000)
    assert not Pathwise().claims_unbiased(step)
    assert float(jnp.abs(estimate["mean"]).max()) == 0
    assert float(step.exact_gradient(initial(step))["mean"][0]) > 0.1


def test_replicates_differ():
    """A key used twice would show as too little variance."""
    square = small_problem("gaussian_square")
    key = cell_key(0, "square", "init", 1)

    def estimate(i):
        replicate_key = jax.random.fold_in(key, i)
        grads, _ = Pathwise().estimate(square, initial(square), (), replicate_key, 1)
        return grads["mean"][0]

    estimates = jax.vmap(estimate)(jnp.arange(10_000))
    assert len(np.unique(np.asarray(estimates))) > 9_990
