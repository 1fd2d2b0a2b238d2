"""What a check of a problem finds at the ends of its arguments' ranges, and nowhere else."""

from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gradest.benchmarks.checks import other_arguments
from gradest.benchmarks.checks.comparisons import Failed, Skipped
from gradest.benchmarks.checks.other_arguments import ends_of_range
from gradest.benchmarks.checks.problem_checks import PROBLEM_CHECKS
from gradest.benchmarks.checks.trials import ProblemTrial
from gradest.problems import problem
from gradest.problems.toys.bernoulli import BernoulliSquare
from gradest.problems.toys.gaussian import GaussianCosine
from gradest.problems.toys.implicit_families import GammaToy

LEVEL = 1e-4


def trial_of(checked):
    return ProblemTrial(type(checked).__name__, checked, LEVEL, 1_000)


class OldQuadrature(GammaToy):
    """Simpson's rule in x over a fixed grid, as it once was: blind to the pole at 0 for small α."""

    def exact_gradient(self, params):
        x = jnp.linspace(1e-6, 60.0, 2_001)
        weights = jnp.ones_like(x).at[1:-1:2].set(4.0).at[2:-1:2].set(2.0) * (x[1] - x[0]) / 3

        def expectation(params):
            density = jnp.exp(self.coordinates(params).log_prob(x[:, None]))
            return (weights[:, None] * density * self.integrand(x)[:, None]).sum()

        return jax.grad(expectation)(params)


@pytest.mark.slow
def test_an_old_quadrature_that_is_right_at_the_defaults_is_found():
    old = OldQuadrature(dim=1)
    params = old.init_params(jax.random.key(0))
    right = problem("gamma_toy").exact_gradient(params)
    for group, gradient in old.exact_gradient(params).items():
        np.testing.assert_allclose(gradient, right[group], rtol=1e-3)
    with pytest.raises(Failed, match=r"^at concentration = 0\.[012]+: expected exact_gradient"):
        ends_of_range(trial_of(old))


class NotANumber(GaussianCosine):
    """Overflows where σ is large."""

    def exact_gradient(self, params):
        far = jnp.where(params["scale"] > 50, jnp.nan, 0.0)
        return {name: leaf + far for name, leaf in super().exact_gradient(params).items()}


class NotClaimed(NotANumber):
    """The same by a quadrature, which says so where it does not agree with itself."""

    truth: ClassVar[str] = "closed form, or quadrature"


def test_no_number_is_found_and_its_argument_named():
    with pytest.raises(Failed, match=r"^at scale = 100: expected a finite exact gradient; found"):
        ends_of_range(trial_of(NotANumber()))


def test_what_is_not_claimed_passes():
    ends_of_range(trial_of(NotClaimed()))


class Refusing(NotANumber):
    """The same, refused."""

    def __check_init__(self):
        if not np.all(np.asarray(self.scale) < 50):
            raise ValueError(f"scale = {float(self.scale):g}: expected at most 50")


def test_what_is_refused_passes():
    ends_of_range(trial_of(Refusing()))


def test_a_negative_exact_variance_is_found(monkeypatch):
    """ARM's was negative at ±50, where ½ − m is ½."""

    def cancelled(problem, estimator, params, num_samples):
        if type(estimator).__name__ != "ARM":
            return None
        m = 1 / (1 + np.exp(np.abs(np.asarray(params["logits"]))))
        return {"logits": float((2 / 3 * (1 / 8 - (0.5 - m) ** 3) - m / 2 - 1e-9).sum())}

    monkeypatch.setattr(other_arguments, "exact_variance", cancelled)
    found = r"^at t = -20: expected an exact variance of ARM, zero or more; found -"
    with pytest.raises(Failed, match=found):
        ends_of_range(trial_of(BernoulliSquare()))


def test_it_is_one_of_the_checks():
    assert PROBLEM_CHECKS["ends_of_range"] is ends_of_range


def test_without_numbers_there_is_nothing_to_look_at():
    with pytest.raises(Skipped, match="has no number"):
        ends_of_range(trial_of(problem("logistic_regression")))
