"""ARSM: its formula, and that merging lowers its variance."""

import numpy as np
import pytest

from gradest.estimators import estimator
from gradest.problems import problem
from gradest.problems.distributions.fine_noise import gumbel
from tests.support.estimates import KEY, one_estimate
from tests.support.statistical import assert_mean, initial, moments_of, truth_of, variance_of
from tests.support.three_categories import GIVEN, PHI, TARGET

N = 3
CATEGORIES = 3


def f_after_swap(dirichlet, c, j):
    """f where the c-th and the j-th of each coordinate's Dirichlet variables change places."""
    swapped = dirichlet.copy()
    swapped[:, [c, j]] = swapped[:, [j, c]]
    chosen = np.argmin(swapped * np.exp(-PHI), axis=1)
    return ((np.eye(3)[chosen].mean(0) - TARGET) ** 2).sum()


def of_one_reference(dirichlet, j):
    """The estimate from one draw, swapping with the j-th category."""
    values = np.array([f_after_swap(dirichlet, c, j) for c in range(CATEGORIES)])
    return np.outer(1 - CATEGORIES * dirichlet[:, j], values - values.mean())


@pytest.mark.parametrize(("merge", "references"), [(True, range(CATEGORIES)), (False, [0])])
def test_written_out(merge, references):
    toy = problem("categorical_square", dim=2, **GIVEN)
    drawn = np.moveaxis(np.asarray(gumbel(KEY, (2, 3, N)), float), -1, 0)
    exponential = np.exp(-drawn)
    dirichlet = exponential / exponential.sum(-1, keepdims=True)
    expected = np.mean([[of_one_reference(d, j) for j in references] for d in dirichlet], (0, 1))
    arsm = estimator("arsm", merge=merge)
    estimate = one_estimate(toy, arsm, initial(toy), N)
    np.testing.assert_allclose(estimate["logits"], expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(("merge", "evaluations"), [(True, 4), (False, 3)])
def test_evaluations(merge, evaluations):
    toy = problem("categorical_square", dim=2, **GIVEN)
    assert estimator("arsm", merge=merge).evaluations(toy, N).f == N * evaluations


@pytest.mark.parametrize("num_samples", [pytest.param(2, marks=pytest.mark.slow), 5])
@pytest.mark.parametrize("merge", [True, False])
def test_unbiased_where_coordinates_meet(merge, num_samples):
    toy = problem("categorical_square", dim=2, exponent=2.0, **GIVEN)
    moments = moments_of(toy, estimator("arsm", merge=merge), num_samples, "meet")["logits"]
    assert_mean(moments, truth_of(toy)["logits"], resolution=1e-6)


@pytest.mark.slow
def test_merging_lowers_the_variance():
    """For the same noise; and below the score function with as many evaluations of f."""
    toy = problem("categorical_square", dim=2, **GIVEN)
    merged, unmerged, reinforce = (
        variance_of(moments_of(toy, subject, num_samples, "arsm")["logits"])
        for subject, num_samples in (
            (estimator("arsm"), 1),
            (estimator("arsm", merge=False), 1),
            (estimator("score_function"), 4),
        )
    )
    assert merged.high < unmerged.low
    assert merged.high < reinforce.low
