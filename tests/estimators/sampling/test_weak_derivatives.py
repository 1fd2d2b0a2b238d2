"""A parameter of a distribution that is one number is that number in every coordinate."""

import jax
import numpy as np
import pytest

from gradest.estimators import ESTIMATORS
from tests.support.scalar_parameters import FAMILIES, Written

FITTING = ("score_function", "pathwise", "measure_valued", "spsa")


def estimate(name: str, family: str, *, is_scalar: bool) -> np.ndarray:
    problem, made = Written(family=family, is_scalar=is_scalar), ESTIMATORS[name]()
    params = problem.init_params(None)
    state = made.init(problem, params, jax.random.key(0))
    grads, _ = made.estimate(problem, params, state, jax.random.key(1), 4)
    return np.asarray(grads["w"])


def expect_equal(name: str, family: str) -> None:
    scalar, whole = (estimate(name, family, is_scalar=is_scalar) for is_scalar in (True, False))
    np.testing.assert_allclose(scalar, whole, rtol=1e-5)
    assert np.ptp(scalar) > 0


@pytest.mark.parametrize("name", FITTING)
def test_a_scalar_scale(name):
    expect_equal(name, "normal")


def test_a_scalar_mean():
    expect_equal("measure_valued", "normal_of_loc")


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_with_every_estimator(family):
    problems = [Written(family=family, is_scalar=is_scalar) for is_scalar in (True, False)]
    for name, cls in ESTIMATORS.items():
        refusals = {cls().refuses(problem) for problem in problems}
        assert len(refusals) == 1, name
        if refusals == {None}:
            expect_equal(name, family)
